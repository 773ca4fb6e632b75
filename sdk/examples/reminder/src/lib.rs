//! Reminds people of things: “remind me in 10 minutes: tea”.

mod request;
#[cfg(test)]
mod tests;

use bindings::{
    acme::reminder::{events, types::Reminder as Item},
    exports::acme::reminder::reminder,
};
use request::Request;
use sat_sdk::{
    Error, Header, MessageHandler, PeerKind, Timer, TimerHandler, Via, datetime, fail, payload,
    random,
    stanza::message,
    storage::{self, Migrations, Statement, Transaction, sql},
    timers,
    xmpp::{Outgoing, bare},
};

sat_sdk::plugin!(Reminder: MessageHandler, TimerHandler);

struct Reminder;

/// Most reminders that somebody may have.
const EACH: i64 = 50;

static SCHEMA: Migrations = Migrations::new(
    "reminder__schema",
    &[&["CREATE TABLE reminder__item (
            id TEXT NOT NULL PRIMARY KEY,
            jid TEXT NOT NULL,
            asked_by TEXT NOT NULL,
            message_id TEXT,
            text TEXT NOT NULL,
            at TEXT NOT NULL,
            UNIQUE (asked_by, message_id)
        ) STRICT"]],
);

const COLUMNS: &str = "SELECT id, jid, text, at FROM reminder__item";

sat_sdk::row!(Item { id, jid, text, at });

impl reminder::Guest for Reminder {
    async fn list(jid: Option<String>) -> Result<Vec<Item>, Error> {
        SCHEMA.run().await?;
        let select = format!("{COLUMNS} WHERE ?1 IS NULL OR asked_by = ?1 ORDER BY at");
        storage::select(&select, (jid,)).await
    }

    async fn cancel(id: String) -> Result<(), Error> {
        SCHEMA.run().await?;
        if storage::execute("DELETE FROM reminder__item WHERE id = ?1", (&id,)).await? == 0 {
            fail!("item-not-found", "There is no reminder {id}");
        }
        timers::cancel(id).await?;
        Ok(())
    }
}

impl MessageHandler for Reminder {
    async fn on_message(header: Header, payloads: Vec<String>) -> Result<(), Error> {
        // Strangers get no answer, and what other devices or the archive tell is old.
        let known = matches!(header.peer_kind, PeerKind::Contact | PeerKind::Account);
        let here = matches!(header.via, Via::Live | Via::Offline);
        let body = payloads.first().map(|body| payload::text(body));
        let request = body.and_then(|body| Request::parse(&body));
        match (header.from.clone(), request) {
            (Some(from), Some(request)) if known && here => remember(header, from, request).await,
            _ => Ok(()),
        }
    }
}

/// Keeps what somebody asked for, and says so.
async fn remember(header: Header, jid: String, request: Request) -> Result<(), Error> {
    SCHEMA.run().await?;
    let by = bare(&jid).to_owned();
    // A message may come twice; so `timers::set` comes first, and the row says what was done.
    let count = "SELECT count(*), count(*) FILTER (WHERE message_id = ?2)
                 FROM reminder__item WHERE asked_by = ?1";
    let (all, same): (i64, i64) = storage::select_one(count, (&by, &header.id))
        .await?
        .unwrap_or_default();
    if same > 0 {
        return Ok(());
    }
    if all >= EACH {
        return say(&jid, format!("You have {all} reminders already."), vec![]).await;
    }
    // From when it was written, which may be a while ago.
    let written = datetime::parse(&header.stamp).unwrap_or_else(datetime::now_ms);
    let at = datetime::format(written.saturating_add(request.delay_ms));
    let id = random::id();
    timers::set(Timer {
        name: id.clone(),
        at: at.clone(),
        payload: String::new(),
    })
    .await?;
    let insert = "INSERT INTO reminder__item (id, jid, asked_by, message_id, text, at)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let row = (id, &jid, by, &header.id, &request.text, at);
    say(
        &jid,
        format!("In {}: {}", request.when, request.text),
        vec![sql(insert, row)],
    )
    .await
}

impl TimerHandler for Reminder {
    async fn on_timer(timer: Timer) -> Result<(), Error> {
        SCHEMA.run().await?;
        let select = format!("{COLUMNS} WHERE id = ?1");
        let Some(item) = storage::select_one::<Item>(&select, (&timer.name,)).await? else {
            // Cancelled, or done before a crash.
            return Ok(());
        };
        // Part of the commit: nobody is told twice.
        events::due(item.clone()).await;
        let done = sql("DELETE FROM reminder__item WHERE id = ?1", (timer.name,));
        say(&item.jid, format!("Reminder: {}", item.text), vec![done]).await
    }
}

/// Puts a message into the outbox, together with changes of the table.
async fn say(to: &str, body: String, statements: Vec<Statement>) -> Result<(), Error> {
    let send = vec![Outgoing::durable(message(to).body(&body))];
    storage::commit(Transaction { statements, send }).await?;
    Ok(())
}
