//! Plugins' durable timers.

use rusqlite::OptionalExtension;

use super::{open::Conn, profile_db::ProfileDb};
use crate::error::{Error, Result, kind};

/// Timers of a plugin.
pub const TIMERS_LIMIT: i64 = 1_000;
/// Bytes of a timer's name.
pub const TIMER_NAME_LIMIT: usize = 256;
/// Bytes of a timer's payload.
pub const TIMER_PAYLOAD_LIMIT: usize = 16 << 10;
/// Timers that one listing returns at most.
pub const TIMERS_PAGE_LIMIT: u32 = 1_000;

/// A timer as a plugin sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// Unique among the plugin's timers.
    pub name: String,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// Handed back.
    pub payload: String,
}

/// A timer whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueTimer {
    /// The row's number, which a timer that replaces this one doesn't have.
    pub id: i64,
    /// The timer.
    pub timer: Timer,
    /// How often its handler failed.
    pub failures: u32,
    /// When it failed first, milliseconds since 1970.
    pub failed_at_ms: Option<i64>,
}

impl ProfileDb {
    /// Sets a plugin's timer, instead of an earlier one of its name.
    pub async fn timer_set(&self, plugin: &str, timer: Timer) -> Result<()> {
        if timer.name.len() > TIMER_NAME_LIMIT {
            return Err(limit("TIMER_NAME_LIMIT", TIMER_NAME_LIMIT, "bytes a name"));
        }
        if timer.payload.len() > TIMER_PAYLOAD_LIMIT {
            let what = "bytes a payload; keep more in storage, and its key here";
            return Err(limit("TIMER_PAYLOAD_LIMIT", TIMER_PAYLOAD_LIMIT, what));
        }
        let plugin = plugin.to_owned();
        self.db()
            .write(move |conn| {
                let Timer {
                    name,
                    at_ms,
                    payload,
                } = &timer;
                conn.prepare_cached(
                    "INSERT OR REPLACE INTO timer (plugin, name, payload, at_ms, due_ms, failures)
                     VALUES (?1, ?2, ?3, ?4, ?4, 0)",
                )?
                .execute((&plugin, name, payload, at_ms))?;
                check_count(conn, &plugin)
            })
            .await
    }

    /// Removes a plugin's timer; true when there was one.
    pub async fn timer_cancel(&self, plugin: &str, name: &str) -> Result<bool> {
        let (plugin, name) = (plugin.to_owned(), name.to_owned());
        self.db()
            .write(move |conn| {
                let sql = "DELETE FROM timer WHERE plugin = ?1 AND name = ?2";
                Ok(conn.prepare_cached(sql)?.execute((&plugin, &name))? > 0)
            })
            .await
    }

    /// A plugin's timers by their time, those behind the one named `after`; at most `limit` and
    /// [`TIMERS_PAGE_LIMIT`].
    pub async fn timers(
        &self,
        plugin: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Timer>> {
        let (plugin, after) = (plugin.to_owned(), after.map(str::to_owned));
        let limit = limit.min(TIMERS_PAGE_LIMIT);
        self.db()
            .read(move |conn| {
                let start = match &after {
                    Some(name) => place(conn, &plugin, name)?,
                    None => i64::MIN,
                };
                let mut statement = conn.prepare_cached(
                    "SELECT name, at_ms, payload FROM timer
                     WHERE plugin = ?1 AND (at_ms, name) > (?2, ?3)
                     ORDER BY at_ms, name LIMIT ?4",
                )?;
                let name = after.as_deref().unwrap_or("");
                let rows = statement.query_map((&plugin, start, name, limit), |row| {
                    Ok(Timer {
                        name: row.get(0)?,
                        at_ms: row.get(1)?,
                        payload: row.get(2)?,
                    })
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// When the next timer of each of these plugins is due, milliseconds since 1970. Plugins
    /// without timers are left out.
    pub async fn timers_next(&self, plugins: Vec<String>) -> Result<Vec<(String, i64)>> {
        self.db()
            .read(move |conn| {
                let mut statement =
                    conn.prepare_cached("SELECT min(due_ms) FROM timer WHERE plugin = ?1")?;
                let mut next = Vec::new();
                for plugin in plugins {
                    let due: Option<i64> = statement.query_row([&plugin], |row| row.get(0))?;
                    next.extend(due.map(|due| (plugin, due)));
                }
                Ok(next)
            })
            .await
    }

    /// The first of a plugin's timers that are due.
    pub async fn timer_due(&self, plugin: &str, now_ms: i64) -> Result<Option<DueTimer>> {
        let plugin = plugin.to_owned();
        self.db()
            .read(move |conn| {
                let mut statement = conn.prepare_cached(
                    "SELECT id, name, at_ms, payload, failures, failed_at_ms FROM timer
                     WHERE plugin = ?1 AND due_ms <= ?2 ORDER BY due_ms, id LIMIT 1",
                )?;
                let due = statement.query_row((&plugin, now_ms), |row| {
                    Ok(DueTimer {
                        id: row.get(0)?,
                        timer: Timer {
                            name: row.get(1)?,
                            at_ms: row.get(2)?,
                            payload: row.get(3)?,
                        },
                        failures: row.get(4)?,
                        failed_at_ms: row.get(5)?,
                    })
                });
                Ok(due.optional()?)
            })
            .await
    }

    /// Removes a timer whose handler is done with it, unless it was set again meanwhile.
    pub async fn timer_done(&self, id: i64) -> Result<()> {
        self.db()
            .write(move |conn| {
                conn.prepare_cached("DELETE FROM timer WHERE id = ?1")?
                    .execute([id])?;
                Ok(())
            })
            .await
    }

    /// Notes that a timer's handler failed now, and when it is due again.
    pub async fn timer_failed(&self, id: i64, now_ms: i64, due_ms: i64) -> Result<()> {
        self.db()
            .write(move |conn| {
                conn.prepare_cached(
                    "UPDATE timer SET due_ms = ?3, failures = failures + 1,
                                      failed_at_ms = coalesce(failed_at_ms, ?2)
                     WHERE id = ?1",
                )?
                .execute((id, now_ms, due_ms))?;
                Ok(())
            })
            .await
    }
}

/// The time of a timer, which is its place in the order.
fn place(conn: &Conn, plugin: &str, name: &str) -> Result<i64> {
    let mut statement =
        conn.prepare_cached("SELECT at_ms FROM timer WHERE plugin = ?1 AND name = ?2")?;
    let at = statement.query_row((plugin, name), |row| row.get(0));
    at.optional()?.ok_or_else(|| {
        let sentence = format!("There is no timer {name:?} any more; list from the start");
        Error::new(kind::NOT_FOUND, sentence)
    })
}

fn check_count(conn: &Conn, plugin: &str) -> Result<()> {
    let mut statement = conn.prepare_cached("SELECT count(*) FROM timer WHERE plugin = ?1")?;
    let count: i64 = statement.query_row([plugin], |row| row.get(0))?;
    if count > TIMERS_LIMIT {
        let what = "timers a plugin; cancel some, or keep one timer for the next of many things";
        return Err(limit("TIMERS_LIMIT", TIMERS_LIMIT, what));
    }
    Ok(())
}

fn limit(name: &str, value: impl std::fmt::Display, what: &str) -> Error {
    Error::new(
        kind::LIMIT,
        format!("Limit reached, {name}: {value} {what}"),
    )
}

#[cfg(test)]
mod tests;
