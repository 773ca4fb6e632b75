//! The event log: rows with a durable cursor, in the host's file and in each profile's.

use rusqlite::types::Value as Sql;

use super::{db::Db, open::Conn};
use crate::error::Result;

/// Where an event stands in its log; grows, and is never used twice.
pub type Cursor = i64;

/// An event to be written; it gets its cursor when it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// When it happened, RFC 3339.
    pub at: String,
    /// `<package>.<event>`, such as `chat.message_received`.
    pub topic: String,
    /// JSON text.
    pub data: String,
}

impl NewEvent {
    /// An event that happened at this time.
    pub fn new(at: impl Into<String>, topic: impl Into<String>, data: impl Into<String>) -> Self {
        Self {
            at: at.into(),
            topic: topic.into(),
            data: data.into(),
        }
    }
}

/// An event of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Where it stands.
    pub cursor: Cursor,
    /// When it was written, RFC 3339.
    pub at: String,
    /// `<package>.<event>`.
    pub topic: String,
    /// JSON text.
    pub data: String,
}

/// The event log of a file.
#[derive(Debug, Clone)]
pub struct EventLog {
    db: Db,
}

impl EventLog {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Writes events, all or none; returns their cursors.
    pub async fn append(&self, events: Vec<NewEvent>) -> Result<Vec<Cursor>> {
        self.db.write(move |conn| append(conn, &events)).await
    }

    /// Events behind `after`, oldest first, at most `limit`.
    ///
    /// A topic filter is a topic, `prefix.*` or `*`; without any filter there is no event.
    pub async fn read(
        &self,
        after: Cursor,
        topics: &[String],
        limit: usize,
    ) -> Result<Vec<EventRow>> {
        let (condition, mut values) = filter(topics);
        if values.len() > MAX_FILTER_VALUES {
            // SQLite's expressions nest once for each OR.
            return self.read_widely(after, topics.to_vec(), limit).await;
        }
        values.push(Sql::Integer(after));
        values.push(Sql::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
        let count = values.len();
        let sql = format!(
            "SELECT cursor, at, topic, data FROM event WHERE cursor > ?{} AND ({condition})
             ORDER BY cursor LIMIT ?{count}",
            count - 1,
        );
        self.db
            .read(move |conn| {
                let mut statement = conn.prepare_cached(&sql)?;
                let rows = statement.query_map(rusqlite::params_from_iter(values), row)?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// The cursor of the newest event, 0 before the first. It stands when events are removed.
    pub async fn last_cursor(&self) -> Result<Cursor> {
        self.db
            .read(|conn| {
                let mut statement = conn.prepare_cached(
                    "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0)",
                )?;
                Ok(statement.query_row([], |row| row.get(0))?)
            })
            .await
    }

    /// Removes events up to and including `cursor`; returns how many there were.
    pub async fn forget(&self, cursor: Cursor) -> Result<usize> {
        self.db
            .write(move |conn| Ok(conn.execute("DELETE FROM event WHERE cursor <= ?1", [cursor])?))
            .await
    }

    async fn read_widely(
        &self,
        after: Cursor,
        topics: Vec<String>,
        limit: usize,
    ) -> Result<Vec<EventRow>> {
        self.db
            .read(move |conn| {
                let mut statement = conn.prepare_cached(
                    "SELECT cursor, at, topic, data FROM event WHERE cursor > ?1 ORDER BY cursor",
                )?;
                let mut found = Vec::new();
                let mut rows = statement.query([after])?;
                while found.len() < limit
                    && let Some(next) = rows.next()?
                {
                    let event = row(next)?;
                    if topics.iter().any(|filter| matches(filter, &event.topic)) {
                        found.push(event);
                    }
                }
                Ok(found)
            })
            .await
    }
}

/// More filters than this are compared outside SQL.
const MAX_FILTER_VALUES: usize = 64;

/// Whether a topic is one that the filter means: itself, `prefix.*` or `*`.
fn matches(filter: &str, topic: &str) -> bool {
    filter == "*"
        || filter == topic
        || filter.strip_suffix('*').is_some_and(|stem| {
            stem.ends_with('.') && topic.len() > stem.len() && topic.starts_with(stem)
        })
}

/// The filters as a condition and its values. `prefix.*` is a range, because `/` follows `.`.
fn filter(topics: &[String]) -> (String, Vec<Sql>) {
    let mut terms = vec!["0".to_owned()];
    let mut values = Vec::new();
    for topic in topics {
        let next = values.len() + 1;
        match topic.strip_suffix('*') {
            Some("") => terms.push("1".to_owned()),
            Some(stem) if stem.ends_with('.') => {
                terms.push(format!("topic > ?{next} AND topic < ?{}", next + 1));
                let end = format!("{}/", stem.strip_suffix('.').unwrap_or(stem));
                values.extend([Sql::Text(stem.to_owned()), Sql::Text(end)]);
            }
            _ => {
                terms.push(format!("topic = ?{next}"));
                values.push(Sql::Text(topic.clone()));
            }
        }
    }
    (terms.join(" OR "), values)
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<EventRow> {
    Ok(EventRow {
        cursor: row.get(0)?,
        at: row.get(1)?,
        topic: row.get(2)?,
        data: row.get(3)?,
    })
}

/// Writes events in the caller's transaction.
pub(super) fn append(conn: &Conn, events: &[NewEvent]) -> Result<Vec<Cursor>> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement =
        conn.prepare_cached("INSERT INTO event (at, topic, data) VALUES (?1, ?2, ?3)")?;
    let mut cursors = Vec::with_capacity(events.len());
    for event in events {
        cursors.push(statement.insert((&event.at, &event.topic, &event.data))?);
    }
    Ok(cursors)
}

#[cfg(test)]
mod tests;
