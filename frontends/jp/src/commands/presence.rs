//! `jp presence`: who is there, and who may see whom.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use crate::{
    failure::Failure,
    json::{list, text, time},
    session::Session,
    table::Table,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Presence {
    /// Show who is available
    Get {
        /// Bare JID; without it, everybody
        jid: Option<String>,
    },
    /// Set your own presence
    Set {
        /// How available you are
        show: Option<Show>,
        /// Some words about it
        #[arg(long)]
        status: Option<String>,
        /// Which of your clients gets messages: -128 to 127
        #[arg(long, allow_negative_numbers = true)]
        priority: Option<i8>,
    },
    /// Ask to see somebody's presence
    Subscribe {
        /// Bare JID
        jid: String,
    },
    /// Stop seeing somebody's presence
    Unsubscribe {
        /// Bare JID
        jid: String,
    },
    /// Let somebody see your presence
    Approve {
        /// Bare JID
        jid: String,
    },
    /// Refuse a request, or take an approval back
    Deny {
        /// Bare JID
        jid: String,
    },
    /// List the requests that wait for an answer
    Requests,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Show {
    /// Simply there
    Available,
    /// Glad to talk
    Chat,
    /// Away for a moment
    Away,
    /// Away for longer
    Xa,
    /// Not to be disturbed
    Dnd,
}

pub(crate) async fn run(session: &mut Session, command: Presence) -> Result<(), Failure> {
    match command {
        Presence::Get { jid } => {
            let result = session
                .call_profile("presence.get", json!({"jid": jid}))
                .await?;
            session.out.result(&result, |out, result| {
                let mut table = Table::new(&["JID", "SHOW", "PRIORITY", "SINCE", "STATUS"]);
                for one in list(result) {
                    let show = text(one, "show");
                    table.row([
                        text(one, "jid"),
                        if show.is_empty() {
                            "available".into()
                        } else {
                            show
                        },
                        text(one, "priority"),
                        time(one, "since"),
                        text(one, "status"),
                    ]);
                }
                out.table(&table, "Nobody is available")
            })
        }
        Presence::Set {
            show,
            status,
            priority,
        } => {
            let show = show.filter(|show| *show != Show::Available);
            let word = show.and_then(|show| show.to_possible_value());
            let show = word.as_ref().map(|word| word.get_name());
            let parameters = json!({"show": show, "status": status, "priority": priority});
            let result = session.call_profile("presence.set", parameters).await?;
            session.out.done(&result, "Your presence is set")
        }
        Presence::Subscribe { jid } => change(session, "subscribe", &jid, "is asked").await,
        Presence::Unsubscribe { jid } => change(session, "unsubscribe", &jid, "is left").await,
        Presence::Approve { jid } => change(session, "approve", &jid, "may see you").await,
        Presence::Deny { jid } => change(session, "deny", &jid, "may not see you").await,
        Presence::Requests => {
            let result = session.call_profile("presence.requests", json!({})).await?;
            session.out.result(&result, |out, result| {
                let mut table = Table::new(&["JID", "AT", "MESSAGE"]);
                for one in list(result) {
                    table.row([text(one, "jid"), time(one, "at"), text(one, "message")]);
                }
                out.table(&table, "No request waits")
            })
        }
    }
}

async fn change(
    session: &mut Session,
    function: &str,
    jid: &str,
    done: &str,
) -> Result<(), Failure> {
    let method = format!("presence.{function}");
    let result = session.call_profile(&method, json!({"jid": jid})).await?;
    session.out.done(&result, &format!("{jid} {done}"))
}
