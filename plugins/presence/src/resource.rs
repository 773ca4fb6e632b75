//! The table of who is there.
//!
//! A broken stream may be resumed, and then the server doesn't tell again who is there: rows are
//! suspended while there is no stream, and forgotten when a new one begins.

use crate::{
    SCHEMA,
    bindings::sat::presence::{events, types::Presence},
};
use sat_sdk::{
    Error, datetime, row,
    storage::{self, Params},
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
        (jid,),
    )
    .await
}

/// Somebody came, changed or went: tells of it if it is news.
pub(crate) async fn change(now: Presence) -> Result<(), Error> {
    if !now.available {
        return gone(now).await;
    }
    let known = select("jid = ?1 AND NOT suspended", (&now.jid,)).await?;
    let since = now.since.clone();
    if known.first().is_some_and(|known| {
        Presence {
            since,
            ..known.clone()
        } == now
    }) {
        return Ok(());
    }
    events::changed(now.clone()).await;
    let put = "INSERT OR REPLACE INTO presence__resource (jid, bare, show, status, priority, since)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let row = (
        &now.jid,
        bare(&now.jid),
        &now.show,
        &now.status,
        now.priority,
        &now.since,
    );
    storage::execute(put, row).await.map(drop)
}

/// Somebody went: a resource, or with a bare JID all of them.
async fn gone(now: Presence) -> Result<(), Error> {
    const WHICH: &str = "(jid = ?1 OR bare = ?1)";
    let known = select(WHICH, (&now.jid,)).await?;
    if known.is_empty() {
        return Ok(());
    }
    for Presence { jid, .. } in known {
        events::changed(Presence { jid, ..now.clone() }).await;
    }
    let delete = format!("DELETE FROM presence__resource WHERE {WHICH}");
    storage::execute(&delete, (&now.jid,)).await.map(drop)
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
    for known in select(condition, ()).await? {
        let (jid, since) = (known.jid.clone(), now.clone());
        let gone = || Presence {
            jid,
            available,
            show: None,
            status: None,
            priority: 0,
            since,
        };
        events::changed(if available { known } else { gone() }).await;
    }
    storage::execute(statement, ()).await.map(drop)
}

async fn select(condition: &str, params: impl Params) -> Result<Vec<Presence>, Error> {
    SCHEMA.run().await?;
    let columns = "jid, true, show, status, priority, since";
    let select = format!("SELECT {columns} FROM presence__resource WHERE {condition}");
    storage::select(&select, params).await
}

row!(Presence {
    jid,
    available,
    show,
    status,
    priority,
    since
});
