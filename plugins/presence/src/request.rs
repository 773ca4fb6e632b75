//! The table of those who ask to see our presence (RFC 6121 §3.1).
//!
//! Nothing is approved here: who may see us already, or was approved in advance, is answered by
//! the server (§3.1.3).

use crate::{
    SCHEMA,
    bindings::sat::presence::{events, types::SubscriptionRequest},
};
use sat_sdk::{
    Error, row,
    storage::{self, sql},
};

pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS presence__request (
    jid TEXT PRIMARY KEY,
    message TEXT,
    at TEXT NOT NULL
) STRICT";

/// Requests by age.
pub(crate) async fn all() -> Result<Vec<SubscriptionRequest>, Error> {
    SCHEMA.run().await?;
    storage::select(
        "SELECT jid, message, at FROM presence__request ORDER BY at, jid",
        (),
    )
    .await
}

row!(SubscriptionRequest { jid, message, at });

/// Keeps a request and tells of it. The server repeats it on every stream until it is answered
/// (§3.1.3): that is no news.
pub(crate) async fn add(jid: &str, message: Option<String>, at: String) -> Result<(), Error> {
    if get(jid)
        .await?
        .is_some_and(|known| known.message == message)
    {
        return Ok(());
    }
    let put = "INSERT OR REPLACE INTO presence__request (jid, message, at) VALUES (?1, ?2, ?3)";
    let put = sql(put, (jid, &message, &at));
    // Anybody can ask, so there is an end to it: the newest thousand.
    let old = "DELETE FROM presence__request
               WHERE rowid <= (SELECT max(rowid) FROM presence__request) - 1000";
    events::requested(SubscriptionRequest {
        jid: jid.into(),
        message,
        at,
    })
    .await;
    storage::run(vec![put, sql(old, ())]).await.map(drop)
}

/// Forgets a request: it is answered.
pub(crate) async fn delete(jid: &str) -> Result<(), Error> {
    if get(jid).await?.is_some() {
        storage::execute("DELETE FROM presence__request WHERE jid = ?1", (jid,)).await?;
    }
    Ok(())
}

async fn get(jid: &str) -> Result<Option<SubscriptionRequest>, Error> {
    SCHEMA.run().await?;
    let select = "SELECT jid, message, at FROM presence__request WHERE jid = ?1";
    storage::select_one(select, (jid,)).await
}
