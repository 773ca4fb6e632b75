//! The table of those who ask to see our presence (RFC 6121 §3.1).
//!
//! Nothing is approved here: who may see us already, or was approved in advance, is answered by
//! the server (§3.1.3).

use crate::{
    SCHEMA,
    bindings::sat::presence::{events, types::SubscriptionRequest},
};
use sat_sdk::{
    Error,
    storage::{self, Value, sql},
};

pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS presence__request (
    jid TEXT PRIMARY KEY,
    message TEXT,
    at TEXT NOT NULL
) STRICT";

/// Requests by age.
pub(crate) async fn all() -> Result<Vec<SubscriptionRequest>, Error> {
    SCHEMA.run().await?;
    let select = "SELECT jid, message, at FROM presence__request ORDER BY at, jid";
    Ok(storage::query(sql(select, []))
        .await?
        .rows
        .into_iter()
        .filter_map(request)
        .collect())
}

/// Keeps a request and tells of it. The server repeats it on every stream until it is answered
/// (§3.1.3): that is no news.
pub(crate) async fn add(jid: &str, message: Option<String>, at: String) -> Result<(), Error> {
    if get(jid)
        .await?
        .is_some_and(|known| known.message == message)
    {
        return Ok(());
    }
    let row = [jid.into(), message.clone().into(), at.clone().into()];
    events::requested(SubscriptionRequest {
        jid: jid.into(),
        message,
        at,
    })
    .await;
    storage::run(vec![
        sql(
            "INSERT OR REPLACE INTO presence__request (jid, message, at) VALUES (?1, ?2, ?3)",
            row,
        ),
        // Anybody can ask, so there is an end to it: the newest thousand.
        sql(
            "DELETE FROM presence__request
             WHERE rowid <= (SELECT max(rowid) FROM presence__request) - 1000",
            [],
        ),
    ])
    .await
    .map(drop)
}

/// Forgets a request: it is answered.
pub(crate) async fn delete(jid: &str) -> Result<(), Error> {
    if get(jid).await?.is_some() {
        storage::run(vec![sql(
            "DELETE FROM presence__request WHERE jid = ?1",
            [jid.into()],
        )])
        .await?;
    }
    Ok(())
}

async fn get(jid: &str) -> Result<Option<SubscriptionRequest>, Error> {
    SCHEMA.run().await?;
    let select = "SELECT jid, message, at FROM presence__request WHERE jid = ?1";
    Ok(storage::query(sql(select, [jid.into()]))
        .await?
        .rows
        .pop()
        .and_then(request))
}

fn request(row: Vec<Value>) -> Option<SubscriptionRequest> {
    let [jid, message, at] = row.try_into().ok()?;
    Some(SubscriptionRequest {
        jid: jid.into_text(),
        message: message.into_option(),
        at: at.into_text(),
    })
}
