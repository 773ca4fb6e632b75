//! `jp conversation`: with whom there are messages.

use clap::Subcommand;
use serde_json::json;

use crate::{
    failure::Failure,
    json::{list, text, time},
    session::Session,
    table::Table,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Conversation {
    /// List the conversations, the one with the newest message first
    List {
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// Those older than the conversation with this JID
        #[arg(long, value_name = "JID")]
        before: Option<String>,
    },
    /// Mark a conversation as read
    Read {
        /// Bare JID of the other side
        with: String,
        /// Up to the message with this id
        #[arg(long, value_name = "ID")]
        up_to: Option<String>,
    },
}

/// So much of the last message's text is shown, in characters.
const GLIMPSE: usize = 60;

pub(crate) async fn run(session: &mut Session, command: Conversation) -> Result<(), Failure> {
    match command {
        Conversation::List { limit, before } => {
            let parameters = json!({"limit": limit, "before": before});
            let result = session
                .call_profile("chat.conversations", parameters)
                .await?;
            session.out.result(&result, |out, result| {
                let mut table = Table::new(&["WITH", "UNREAD", "LAST", "MESSAGE"]);
                for conversation in list(result) {
                    let last = conversation.get("last").unwrap_or(&serde_json::Value::Null);
                    let body = text(last, "body");
                    table.row([
                        text(conversation, "with"),
                        text(conversation, "unread"),
                        time(last, "stamp"),
                        body.lines()
                            .next()
                            .unwrap_or_default()
                            .chars()
                            .take(GLIMPSE)
                            .collect(),
                    ]);
                }
                out.table(&table, "There is no conversation")
            })
        }
        Conversation::Read { with, up_to } => {
            let parameters = json!({"with": with, "up_to": up_to});
            let result = session.call_profile("chat.mark_read", parameters).await?;
            session
                .out
                .done(&result, &format!("Marked as read: {result}"))
        }
    }
}
