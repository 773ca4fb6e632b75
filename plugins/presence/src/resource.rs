//! The table of who is there.
//!
//! A broken stream may be resumed, and then the server doesn't tell again who is there: rows are
//! suspended while there is no stream, and forgotten when a new one begins.

use crate::{
    SCHEMA,
    bindings::sat::presence::{events, types::Presence},
};
use sat_sdk::{
    Error, datetime,
    storage::{self, Value, sql},
    xmpp::bare,
};

pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS presence__resource (
    jid TEXT PRIMARY KEY,
    bare TEXT NOT NULL,
    show TEXT,
    status TEXT,
    priority INTEGER NOT NULL,
    since TEXT NOT NULL,
    suspended INTEGER NOT NULL DEFAULT 0
) STRICT";

pub(crate) const INDEX: &str =
    "CREATE INDEX IF NOT EXISTS presence__resource_bare ON presence__resource (bare)";

/// The available resources of a bare JID, or of everybody, best first.
pub(crate) async fn available(jid: Option<String>) -> Result<Vec<Presence>, Error> {
    select(
        "NOT suspended AND (?1 IS NULL OR bare = ?1)
         ORDER BY bare, priority DESC, CASE show
            WHEN 'chat' THEN 0 WHEN 'away' THEN 2 WHEN 'dnd' THEN 3 WHEN 'xa' THEN 4 ELSE 1
         END, since DESC",
        [jid.into()],
    )
    .await
}

/// Somebody came, changed or went: tells of it if it is news.
pub(crate) async fn change(now: Presence) -> Result<(), Error> {
    if !now.available {
        return gone(now).await;
    }
    let known = select("jid = ?1 AND NOT suspended", [now.jid.as_str().into()]).await?;
    if known.first().is_some_and(|known| same(known, &now)) {
        return Ok(());
    }
    events::changed(now.clone()).await;
    let put = "INSERT OR REPLACE INTO presence__resource (jid, bare, show, status, priority, since)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let bare = bare(&now.jid).into();
    let priority = i64::from(now.priority).into();
    let row = [
        now.jid.into(),
        bare,
        now.show.into(),
        now.status.into(),
        priority,
        now.since.into(),
    ];
    storage::run(vec![sql(put, row)]).await.map(drop)
}

/// Somebody went: a resource, or with a bare JID all of them.
async fn gone(now: Presence) -> Result<(), Error> {
    const WHICH: &str = "(jid = ?1 OR bare = ?1)";
    let known = select(WHICH, [now.jid.as_str().into()]).await?;
    if known.is_empty() {
        return Ok(());
    }
    for known in known {
        events::changed(Presence {
            jid: known.jid,
            ..now.clone()
        })
        .await;
    }
    let delete = format!("DELETE FROM presence__resource WHERE {WHICH}");
    storage::run(vec![sql(&delete, [now.jid.into()])])
        .await
        .map(drop)
}

/// The stream is gone: for us, everybody went.
pub(crate) async fn suspend() -> Result<(), Error> {
    tell_all(
        "NOT suspended",
        false,
        "UPDATE presence__resource SET suspended = 1",
    )
    .await
}

/// The stream is back as if nothing had happened.
pub(crate) async fn resume() -> Result<(), Error> {
    tell_all(
        "suspended",
        true,
        "UPDATE presence__resource SET suspended = 0",
    )
    .await
}

/// A new stream begins: who is there will tell. Rows that aren't suspended are left from a
/// backend that was killed.
pub(crate) async fn clear() -> Result<(), Error> {
    tell_all("NOT suspended", false, "DELETE FROM presence__resource").await
}

/// Tells that everybody of a condition came or went, together with the statement that says so.
async fn tell_all(condition: &str, available: bool, statement: &str) -> Result<(), Error> {
    let now = datetime::now();
    for known in select(condition, []).await? {
        let told = if available {
            known
        } else {
            let since = now.clone();
            Presence {
                available,
                show: None,
                status: None,
                priority: 0,
                since,
                ..known
            }
        };
        events::changed(told).await;
    }
    storage::run(vec![sql(statement, [])]).await.map(drop)
}

async fn select(condition: &str, params: impl Into<Vec<Value>>) -> Result<Vec<Presence>, Error> {
    SCHEMA.run().await?;
    let select = format!(
        "SELECT jid, show, status, priority, since FROM presence__resource WHERE {condition}"
    );
    Ok(storage::query(sql(&select, params))
        .await?
        .rows
        .into_iter()
        .filter_map(presence)
        .collect())
}

fn presence(row: Vec<Value>) -> Option<Presence> {
    let [jid, show, status, priority, since] = row.try_into().ok()?;
    Some(Presence {
        jid: jid.into_text(),
        available: true,
        show: show.into_option(),
        status: status.into_option(),
        priority: priority.integer()?.try_into().ok()?,
        since: since.into_text(),
    })
}

fn same(a: &Presence, b: &Presence) -> bool {
    (&a.show, &a.status, a.priority) == (&b.show, &b.status, b.priority)
}
