//! Polls in messages: “!poll Lunch? Pizza / Soup”, “!vote 1”, “!close”.

mod command;
#[cfg(test)]
mod tests;

use bindings::{
    acme::poll::{
        poll,
        types::{Ballot, Poll, Question},
    },
    exports::acme::poll::events,
};
use command::Command;
use sat_sdk::{
    Error, Header, MessageHandler, OrLog, PeerKind, Via, fail, payload,
    stanza::message,
    storage::{self, Migrations, Statement, Transaction, sql},
    xmpp::{Outgoing, bare},
};
use std::fmt::Write;

sat_sdk::plugin!(PollBot: MessageHandler);

struct PollBot;

static SCHEMA: Migrations = Migrations::new(
    "poll_bot__schema",
    &[&["CREATE TABLE poll_bot__asked (
            number INTEGER PRIMARY KEY,
            poll TEXT NOT NULL UNIQUE,
            jid TEXT NOT NULL
        ) STRICT"]],
);

impl MessageHandler for PollBot {
    async fn on_message(header: Header, payloads: Vec<String>) -> Result<(), Error> {
        let known = matches!(header.peer_kind, PeerKind::Contact | PeerKind::Account);
        let here = matches!(header.via, Via::Live | Via::Offline);
        let body = payloads.first().map(|body| payload::text(body));
        let command = body.as_deref().and_then(Command::parse);
        let (Some(from), Some(command), true) = (header.from, command, known && here) else {
            return Ok(());
        };
        let jid = bare(&from);
        // People are told what went wrong, whether they or a plugin did it.
        match obey(jid, command).await {
            Ok(()) => Ok(()),
            Err(error) => say(jid, error.message, Vec::new()).await,
        }
    }
}

/// Does what somebody wants.
async fn obey(jid: &str, command: Command) -> Result<(), Error> {
    SCHEMA.run().await?;
    match command {
        Command::Poll { text, choices } => {
            let poll = poll::create(Question {
                text,
                choices,
                extra: Vec::new(),
            })
            .await?;
            let mut body = poll.question;
            for (number, choice) in (1..).zip(&poll.choices) {
                write!(body, "\n{number}. {}", choice.text).ok();
            }
            body.push_str("\nAnswer with !vote and a number.");
            let insert = "INSERT INTO poll_bot__asked (poll, jid) VALUES (?1, ?2)";
            say(jid, body, vec![sql(insert, (poll.id, jid))]).await
        }
        Command::Vote(choice) => {
            let (poll, voter) = (newest(jid).await?, jid.to_owned());
            poll::vote(Ballot {
                poll,
                voter,
                choice,
            })
            .await?;
            say(jid, format!("Your vote is {choice}."), Vec::new()).await
        }
        // The event says the rest, whoever closes the poll.
        Command::Close => poll::close(newest(jid).await?).await.map(drop),
    }
}

/// The poll that was asked last in a conversation.
async fn newest(jid: &str) -> Result<String, Error> {
    let select = "SELECT poll FROM poll_bot__asked WHERE jid = ?1 ORDER BY number DESC LIMIT 1";
    let Some(poll) = storage::select_value(select, (jid,)).await? else {
        fail!(
            "item-not-found",
            "There is no poll here: !poll Question? A / B makes one."
        );
    };
    Ok(poll)
}

impl events::Guest for PollBot {
    async fn created(_: Poll) {}
    async fn voted(_: Ballot) {}

    async fn closed(poll: Poll) {
        tell(poll).await.or_error("the end of a poll can't be told");
    }
}

/// Tells where it was asked what came of a poll. An event may come twice, so the row says whether
/// that was done.
async fn tell(poll: Poll) -> Result<(), Error> {
    SCHEMA.run().await?;
    let select = "SELECT jid FROM poll_bot__asked WHERE poll = ?1";
    let Some(jid) = storage::select_value::<String>(select, (&poll.id,)).await? else {
        return Ok(());
    };
    let mut body = format!("{} It is closed:", poll.question);
    for choice in &poll.choices {
        write!(body, "\n{}: {}", choice.text, choice.votes).ok();
    }
    let done = sql("DELETE FROM poll_bot__asked WHERE poll = ?1", (poll.id,));
    say(&jid, body, vec![done]).await
}

/// Puts a message into the outbox, together with changes of the table.
async fn say(to: &str, body: String, statements: Vec<Statement>) -> Result<(), Error> {
    let send = vec![Outgoing::durable(message(to).body(&body))];
    storage::commit(Transaction { statements, send }).await?;
    Ok(())
}
