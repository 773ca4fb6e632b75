//! `jp message`: sends and reads messages.

use std::io::{self, IsTerminal, Read};

use clap::Subcommand;
use serde_json::{Value, json};

use crate::{
    failure::Failure,
    json::{list, text, time},
    output::{Output, more, note},
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Message {
    /// Send a message and print its id
    Send {
        /// JID of the receiver
        to: String,
        /// The text; without it, standard input. One that begins with - comes behind --
        body: Option<String>,
        /// Language of the text
        #[arg(long)]
        lang: Option<String>,
    },
    /// Show a conversation, newest message last
    History {
        /// Bare JID of the other side
        with: String,
        /// At most so many messages
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// Those before the message with this id
        #[arg(long, value_name = "ID", conflicts_with = "after")]
        before: Option<String>,
        /// Those after the message with this id
        #[arg(long, value_name = "ID")]
        after: Option<String>,
    },
    /// Find messages by their words, newest last
    Search {
        /// Words that must all occur; "…" is a phrase
        text: String,
        /// Only in this conversation
        #[arg(long, value_name = "JID")]
        with: Option<String>,
        /// At most so many messages
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        /// Those before the message with this id
        #[arg(long, value_name = "ID")]
        before: Option<String>,
    },
}

pub(crate) async fn run(session: &mut Session, command: Message) -> Result<(), Failure> {
    match command {
        Message::Send { to, body, lang } => {
            let body = match body {
                Some(body) => body,
                None => read_body()?,
            };
            let parameters = json!({"to": to, "body": body, "lang": lang, "extra": []});
            let result = session.call_profile("chat.send", parameters).await?;
            session
                .out
                .result(&result, |out, result| out.line(&text(result, "id")))
        }
        Message::History {
            with,
            limit,
            before,
            after,
        } => {
            let parameters =
                json!({"with": with, "limit": limit, "before": before, "after": after});
            let page = session.call_profile("chat.history", parameters).await?;
            session
                .out
                .result(&page, |out, page| show(out, page, false))?;
            if after.is_some() {
                more(&page, "last", "--after");
            } else {
                more(&page, "first", "--before");
            }
            Ok(())
        }
        Message::Search {
            text,
            with,
            limit,
            before,
        } => {
            let parameters = json!({"text": text, "with": with, "limit": limit, "before": before});
            let page = session.call_profile("chat.search", parameters).await?;
            session
                .out
                .result(&page, |out, page| show(out, page, with.is_none()))?;
            more(&page, "first", "--before");
            Ok(())
        }
    }
}

fn read_body() -> Result<String, Failure> {
    if io::stdin().is_terminal() {
        note("Type the message; Ctrl-D on a line of its own sends it");
    }
    let mut body = String::new();
    io::stdin()
        .read_to_string(&mut body)
        .map_err(|error| Failure::internal("Standard input", error))?;
    // The line end that `echo` and editors add isn't meant.
    if body.ends_with('\n') {
        body.pop();
    }
    if body.is_empty() {
        return Err(Failure::usage("The message is empty"));
    }
    Ok(body)
}

fn show(out: &Output, page: &Value, mixed: bool) -> Result<(), Failure> {
    let messages = list(page);
    if messages.is_empty() {
        note("There is no message");
    }
    for message in messages {
        let (head, body) = parts(message, mixed);
        out.entry(&head, &body)?;
    }
    Ok(())
}

/// The head and the text of a message; `mixed` names the conversation too.
fn parts(message: &Value, mixed: bool) -> (String, String) {
    let nick = text(message, "occupant");
    let sender = if nick.is_empty() {
        text(message, "sender")
    } else {
        nick
    };
    let arrow = if text(message, "direction") == "out" {
        ">"
    } else {
        "<"
    };
    let mut head = format!("{} {arrow} {sender}", time(message, "stamp"));
    if mixed {
        head.push_str(&format!(" [{}]", text(message, "with")));
    }
    let state = text(message, "state");
    // These two are what people expect; anything else is worth a word.
    if !matches!(state.as_str(), "" | "received" | "delivered" | "sent") {
        head.push_str(&format!(" ({state})"));
    }
    if !text(message, "edited_at").is_empty() {
        head.push_str(" (edited)");
    }
    head.push(':');
    let mut body = text(message, "body");
    if crate::json::is_true(message, "retracted") {
        body = "(taken back)".into();
    }
    let error = text(message, "error");
    if !error.is_empty() {
        body.push_str(&format!("\n! {error}"));
    }
    (head, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads() {
        let mut message = json!({
            "stamp": "2026-11-24T01:02:03.000Z", "direction": "in", "sender": "romeo@m.lit/o",
            "with": "romeo@m.lit", "state": "received", "body": "Hi", "retracted": false,
        });
        let (head, body) = parts(&message, false);
        assert_eq!(
            head + " " + &body,
            "2026-11-24 01:02:03Z < romeo@m.lit/o: Hi"
        );

        message["state"] = "failed".into();
        message["error"] = "gone".into();
        message["edited_at"] = "2026".into();
        message["direction"] = "out".into();
        let (head, body) = parts(&message, true);
        let expected = "2026-11-24 01:02:03Z > romeo@m.lit/o [romeo@m.lit] (failed) (edited):";
        assert_eq!(head, expected);
        assert_eq!(body, "Hi\n! gone");
    }
}
