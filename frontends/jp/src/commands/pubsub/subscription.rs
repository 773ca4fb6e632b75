//! `jp pubsub subscription`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::{Options, Place, Service, with};
use crate::{
    failure::Failure,
    json::{list, text},
    session::Session,
    table::Table,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Subscription {
    /// List one's subscriptions at a service
    List {
        #[command(flatten)]
        at: Service,
        /// Only to this node
        #[arg(long)]
        node: Option<String>,
    },
    /// List who is subscribed to a node that one owns
    Of {
        #[command(flatten)]
        place: Place,
    },
    /// Subscribe to a node; `jp pubsub cache follow` keeps its items too
    Add {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        options: Options,
        /// Let everybody know of it
        #[arg(long)]
        public: bool,
    },
    /// End a subscription
    Remove {
        #[command(flatten)]
        place: Place,
        /// Which one, when there are several
        #[arg(long, value_name = "ID")]
        subid: Option<String>,
    },
}

pub(crate) async fn run(session: &mut Session, command: Subscription) -> Result<(), Failure> {
    match command {
        Subscription::List { at, node } => {
            let parameters = json!({"service": at.service, "node": node});
            let all = session
                .call_profile("pubsub.subscriptions", parameters)
                .await?;
            session.out.result(&all, |out, all| {
                out.table(&subscriptions(all), "There is no subscription")
            })
        }
        Subscription::Of { place } => {
            let all = session
                .call_profile("pubsub.subscribers", place.parameters())
                .await?;
            session.out.result(&all, |out, all| {
                out.table(&subscriptions(all), "Nobody is subscribed")
            })
        }
        Subscription::Add {
            place,
            options,
            public,
        } => {
            let how = json!({"options": options.options, "public": public});
            let done = session
                .call_profile("pubsub.subscribe", with(place.parameters(), how))
                .await?;
            session
                .out
                .result(&done, |out, done| out.line(&text(done, "subscription")))
        }
        Subscription::Remove { place, subid } => {
            let parameters = with(place.parameters(), json!({"subid": subid}));
            let done = session
                .call_profile("pubsub.unsubscribe", parameters)
                .await?;
            session.out.done(
                &done,
                &format!("The subscription to {} has ended", place.node),
            )
        }
    }
}

fn subscriptions(all: &Value) -> Table {
    let mut table = Table::new(&["NODE", "JID", "STATE", "ID"]);
    for one in list(all) {
        table.row(["node", "jid", "subscription", "subid"].map(|field| text(one, field)));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_in_one_row() {
        let all = json!([{"node": "n", "jid": "a@b", "subscription": "pending"}]);
        assert_eq!(
            subscriptions(&all).lines()[1].trim_end(),
            "n     a@b  pending"
        );
    }
}
