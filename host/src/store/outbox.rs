//! The outbox: messages that must not be lost, from the call that composed them until the
//! server has them.

use super::{db::Db, open::Conn, profile_db::ProfileDb};
use crate::error::{Error, Result};

/// Rows that an outbox may have.
pub const OUTBOX_ROWS_LIMIT: i64 = 10_000;
/// Bytes of XML that an outbox may have, 100 MiB.
pub const OUTBOX_BYTES_LIMIT: i64 = 100 << 20;
/// The error kind when it has them.
pub const OUTBOX_FULL: &str = "outbox-full";

/// A row's number; grows, and is never used twice.
pub type OutboxId = i64;

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutbox {
    /// Bare JID of the receiver: messages to one receiver keep their order.
    pub to_bare: String,
    /// The stanza's `id`, the same with each try.
    pub stanza_id: String,
    /// The stanza as composed.
    pub xml: String,
    /// When it was composed, milliseconds since 1970.
    pub created_at_ms: i64,
    /// When it is no longer worth sending, milliseconds since 1970.
    pub expires_at_ms: Option<i64>,
}

/// What has become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboxState {
    /// It waits to be sent.
    Queued,
    /// It was written to the stream; the server hasn't acknowledged it.
    Sent,
    /// It will not be sent; the row stays until somebody was told.
    Failed,
}

/// A message in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// The row's number.
    pub id: OutboxId,
    /// The plugin that sent it.
    pub plugin: String,
    /// Bare JID of the receiver.
    pub to_bare: String,
    /// The stanza's `id`.
    pub stanza_id: String,
    /// What goes out: the sealed stanza, or the composed one before it is sealed.
    pub xml: String,
    /// Whether `xml` is sealed.
    pub sealed: bool,
    /// What has become of it.
    pub state: OutboxState,
    /// How often it was written to a stream.
    pub attempts: i64,
    /// When it was composed, milliseconds since 1970.
    pub created_at_ms: i64,
    /// When it is no longer worth sending.
    pub expires_at_ms: Option<i64>,
    /// Why it failed.
    pub error: Option<Error>,
}

const COLUMNS: &str = "id, plugin, to_bare, stanza_id, coalesce(sealed_xml, xml),
    sealed_xml NOT NULL, state, attempts, created_at_ms, expires_at_ms, error";

impl ProfileDb {
    /// Queued messages, oldest first, at most `limit`.
    pub async fn outbox_due(&self, limit: usize) -> Result<Vec<OutboxRow>> {
        self.outbox_in_state("queued", limit).await
    }

    /// Queued messages behind `after`, oldest first, at most `limit`.
    pub async fn outbox_due_after(&self, after: OutboxId, limit: usize) -> Result<Vec<OutboxRow>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox WHERE state = 'queued' AND id > ?1 ORDER BY id LIMIT ?2"
        );
        rows(self.db(), sql, (after, limit)).await
    }

    /// Failed messages that nobody has removed, oldest first, at most `limit`.
    pub async fn outbox_failed(&self, limit: usize) -> Result<Vec<OutboxRow>> {
        self.outbox_in_state("failed", limit).await
    }

    /// The message with that stanza id.
    pub async fn outbox_find(&self, stanza_id: String) -> Result<Option<OutboxRow>> {
        let sql = format!("SELECT {COLUMNS} FROM outbox WHERE stanza_id = ?1 ORDER BY id LIMIT 1");
        Ok(rows(self.db(), sql, (stanza_id,)).await?.pop())
    }

    /// Replaces what goes out by the sealed stanza.
    pub async fn outbox_replace_xml(&self, id: OutboxId, sealed: String) -> Result<()> {
        self.db()
            .write(move |conn| {
                let sql = "UPDATE outbox SET sealed_xml = ?2 WHERE id = ?1";
                conn.prepare_cached(sql)?.execute((id, &sealed))?;
                check_bounds(conn)
            })
            .await
    }

    /// Notes that a queued message was written to the stream.
    pub async fn outbox_mark_sent(&self, id: OutboxId) -> Result<()> {
        self.update(
            "UPDATE outbox SET state = 'sent', attempts = attempts + 1
             WHERE id = ?1 AND state = 'queued'",
            id,
        )
        .await
    }

    /// Removes messages that the server has. Ids without a row are passed over.
    pub async fn outbox_mark_acknowledged(&self, ids: Vec<OutboxId>) -> Result<()> {
        self.db()
            .write(move |conn| {
                let mut statement = conn.prepare_cached("DELETE FROM outbox WHERE id = ?1")?;
                for id in &ids {
                    statement.execute([id])?;
                }
                Ok(())
            })
            .await
    }

    /// Notes that a message will not be sent, and why. [`Self::outbox_remove`] it once somebody
    /// was told.
    pub async fn outbox_mark_failed(&self, id: OutboxId, error: Error) -> Result<()> {
        self.db()
            .write(move |conn| {
                let sql = "UPDATE outbox SET state = 'failed', error = ?2 WHERE id = ?1";
                conn.prepare_cached(sql)?.execute((id, pack(&error)))?;
                Ok(())
            })
            .await
    }

    /// Removes a message, whatever its state.
    pub async fn outbox_remove(&self, id: OutboxId) -> Result<()> {
        self.update("DELETE FROM outbox WHERE id = ?1", id).await
    }

    /// Queues again what was sent and never acknowledged: for a fresh session, where nobody
    /// knows what arrived. Returns how many there are.
    pub async fn outbox_requeue_sent(&self) -> Result<usize> {
        self.db()
            .write(|conn| {
                let sql = "UPDATE outbox SET state = 'queued' WHERE state = 'sent'";
                Ok(conn.prepare_cached(sql)?.execute([])?)
            })
            .await
    }

    /// Fails queued messages whose time is over, with this error; returns them. A sent one may
    /// have arrived, so it waits for its acknowledgement or for being queued again.
    pub async fn outbox_expire(&self, now_ms: i64, error: Error) -> Result<Vec<OutboxRow>> {
        self.db()
            .write(move |conn| {
                let sql = format!(
                    "UPDATE outbox SET state = 'failed', error = ?2
                     WHERE state = 'queued' AND expires_at_ms NOT NULL AND expires_at_ms <= ?1
                     RETURNING {COLUMNS}"
                );
                let mut statement = conn.prepare_cached(&sql)?;
                let rows = statement.query_map((now_ms, pack(&error)), row)?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// When the first queued message is no longer worth sending, milliseconds since 1970.
    pub async fn outbox_next_expiry(&self) -> Result<Option<i64>> {
        self.db()
            .read(|conn| {
                let mut statement = conn.prepare_cached(
                    "SELECT min(expires_at_ms) FROM outbox
                     WHERE state = 'queued' AND expires_at_ms NOT NULL",
                )?;
                Ok(statement.query_row([], |row| row.get(0))?)
            })
            .await
    }

    /// Rows and bytes of XML in the outbox.
    pub async fn outbox_size(&self) -> Result<(i64, i64)> {
        self.db().read(size).await
    }

    async fn outbox_in_state(&self, state: &'static str, limit: usize) -> Result<Vec<OutboxRow>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = format!("SELECT {COLUMNS} FROM outbox WHERE state = ?1 ORDER BY id LIMIT ?2");
        rows(self.db(), sql, (state, limit)).await
    }

    async fn update(&self, sql: &'static str, id: OutboxId) -> Result<()> {
        self.db()
            .write(move |conn| {
                conn.prepare_cached(sql)?.execute([id])?;
                Ok(())
            })
            .await
    }
}

async fn rows<P>(db: &Db, sql: String, params: P) -> Result<Vec<OutboxRow>>
where
    P: rusqlite::Params + Send + 'static,
{
    db.read(move |conn| {
        let mut statement = conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params, row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    })
    .await
}

/// Queues messages in the caller's transaction.
pub(super) fn insert(conn: &Conn, plugin: &str, messages: &[NewOutbox]) -> Result<Vec<OutboxId>> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = conn.prepare_cached(
        "INSERT INTO outbox (plugin, to_bare, stanza_id, xml, state, attempts, created_at_ms,
                             expires_at_ms)
         VALUES (?1, ?2, ?3, ?4, 'queued', 0, ?5, ?6)",
    )?;
    let mut ids = Vec::with_capacity(messages.len());
    for message in messages {
        let NewOutbox {
            to_bare,
            stanza_id,
            xml,
            created_at_ms,
            expires_at_ms,
        } = message;
        let row = (
            plugin,
            to_bare,
            stanza_id,
            xml,
            created_at_ms,
            expires_at_ms,
        );
        ids.push(statement.insert(row)?);
    }
    check_bounds(conn)?;
    Ok(ids)
}

fn check_bounds(conn: &Conn) -> Result<()> {
    let (rows, bytes) = size(conn)?;
    if rows <= OUTBOX_ROWS_LIMIT && bytes <= OUTBOX_BYTES_LIMIT {
        return Ok(());
    }
    Err(Error::new(
        OUTBOX_FULL,
        format!(
            "Too many messages wait to be sent (at most {OUTBOX_ROWS_LIMIT}, or \
             {OUTBOX_BYTES_LIMIT} bytes); connect the profile first"
        ),
    ))
}

fn size(conn: &Conn) -> Result<(i64, i64)> {
    let mut statement = conn.prepare_cached("SELECT rows, bytes FROM outbox_use")?;
    Ok(statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<OutboxRow> {
    Ok(OutboxRow {
        id: row.get(0)?,
        plugin: row.get(1)?,
        to_bare: row.get(2)?,
        stanza_id: row.get(3)?,
        xml: row.get(4)?,
        sealed: row.get(5)?,
        state: match row.get_ref(6)?.as_str()? {
            "queued" => OutboxState::Queued,
            "sent" => OutboxState::Sent,
            _ => OutboxState::Failed,
        },
        attempts: row.get(7)?,
        created_at_ms: row.get(8)?,
        expires_at_ms: row.get(9)?,
        error: row.get::<_, Option<String>>(10)?.map(|text| unpack(&text)),
    })
}

/// An error as one column; its kind has no space.
fn pack(error: &Error) -> String {
    format!("{} {}", error.kind, error.message)
}

fn unpack(text: &str) -> Error {
    let (kind, message) = text.split_once(' ').unwrap_or((text, ""));
    Error::new(kind.to_owned(), message)
}

#[cfg(test)]
mod tests;
