//! Plugins' SQL: one host call is one transaction, confined to the plugin's own tables.

mod rows;
mod text;

use std::time::{Duration, Instant};

use rusqlite::{Error as Sql, ErrorCode};

use self::rows::Budget;
pub use self::text::is_plugin_id;
use super::{
    accounting,
    authorizer::{Guest, Intent, MEMORY_LIMIT},
    events::{self, Cursor, NewEvent},
    fault,
    open::Conn,
    outbox::{self, NewOutbox, OutboxId},
};
use crate::error::{Error, Result, kind};

/// Time of one query.
pub const SQL_READ_LIMIT: Duration = Duration::from_secs(2);
/// Time of all statements of one commit, during which no other writer of the profile gets on.
pub const SQL_WRITE_LIMIT: Duration = Duration::from_secs(1);
/// Rows of one result.
pub const SQL_ROWS_LIMIT: usize = 10_000;
/// Bytes of all results of one call.
pub const SQL_BYTES_LIMIT: usize = 4 << 20;
/// Bytes of a statement's text.
pub const SQL_TEXT_LIMIT: usize = 64 << 10;
/// Statements of one commit.
pub const SQL_STATEMENTS_LIMIT: usize = 512;
/// Bytes of one value, and of one row.
pub const SQL_VALUE_LIMIT: i32 = 256 << 10;
/// Bytes of the file that a plugin's tables may take.
pub const PLUGIN_BYTES_LIMIT: u64 = 512 << 20;
/// Tables, indexes and triggers of a plugin; an FTS5 table counts as six. Each costs memory on
/// every connection.
const OBJECTS_LIMIT: i64 = 256;

/// A value of SQLite.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// One SQL statement with the values of its `?1`, `?2`, ….
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// One statement.
    pub sql: String,
    /// As many values as the statement has parameters.
    pub params: Vec<Value>,
}

/// Things that happen together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// The plugin's own SQL, in order.
    pub statements: Vec<Statement>,
    /// Events for the profile's log.
    pub events: Vec<NewEvent>,
    /// Messages to be sent.
    pub outbox: Vec<NewOutbox>,
}

/// What a commit did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CommitResult {
    /// One for each statement.
    pub statements: Vec<StatementResult>,
    /// One for each event.
    pub cursors: Vec<Cursor>,
    /// One for each message.
    pub outbox_ids: Vec<OutboxId>,
}

/// What a statement of a commit returned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StatementResult {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows, each with a value for each column.
    pub rows: Vec<Vec<Value>>,
    /// Rows inserted, changed or deleted, without those by triggers.
    pub changed: u64,
    /// Number of the row inserted last; 0 when the statement inserts none.
    pub last_row_id: i64,
}

/// What a query returned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows, each with a value for each column.
    pub rows: Vec<Vec<Value>>,
}

/// How much a query may return and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows.
    pub rows: usize,
    /// Bytes of all values together.
    pub bytes: usize,
    /// Time on the database; waiting for it doesn't count.
    pub time: Duration,
}

impl Limits {
    /// The limits of plugins' queries.
    pub const QUERY: Self = Self {
        rows: SQL_ROWS_LIMIT,
        bytes: SQL_BYTES_LIMIT,
        time: SQL_READ_LIMIT,
    };
    /// The limits of plugins' commits.
    pub const COMMIT: Self = Self {
        rows: SQL_ROWS_LIMIT,
        bytes: SQL_BYTES_LIMIT,
        time: SQL_WRITE_LIMIT,
    };
}

/// Does everything of a commit in the caller's savepoint.
pub(super) fn commit(
    conn: &Conn,
    plugin: &str,
    commit: &Commit,
    limits: Limits,
) -> Result<CommitResult> {
    Ok(CommitResult {
        statements: statements(conn, plugin, &commit.statements, limits)?,
        cursors: events::append(conn, &commit.events)?,
        outbox_ids: outbox::insert(conn, plugin, &commit.outbox)?,
    })
}

/// Runs one statement that only reads.
pub(super) fn query(
    conn: &Conn,
    plugin: &str,
    statement: &Statement,
    limits: Limits,
) -> Result<Rows> {
    let prefix = text::prefix(plugin)?;
    let intent = text::intent(&statement.sql)?;
    if intent != Intent::Data {
        return Err(only_reads());
    }
    let deadline = Instant::now() + limits.time;
    let _guest = Guest::enter(conn, &prefix, intent, deadline)?;
    let mut budget = Budget::new(limits);
    let mut prepared = conn
        .prepare(&statement.sql)
        .map_err(|error| blame(&error, limits))?;
    if !prepared.readonly() {
        return Err(only_reads());
    }
    let (columns, rows) = rows::run(&mut prepared, &statement.params, &mut budget)
        .map_err(|error| error.into_error(limits))?;
    Ok(Rows { columns, rows })
}

fn only_reads() -> Error {
    Error::new(
        kind::SQL,
        "A query only reads; use commit to change something",
    )
}

fn statements(
    conn: &Conn,
    plugin: &str,
    statements: &[Statement],
    limits: Limits,
) -> Result<Vec<StatementResult>> {
    if statements.is_empty() {
        return Ok(Vec::new());
    }
    if statements.len() > SQL_STATEMENTS_LIMIT {
        return Err(limit(format!(
            "SQL_STATEMENTS_LIMIT: {SQL_STATEMENTS_LIMIT} a commit"
        )));
    }
    let prefix = text::prefix(plugin)?;
    let before = accounting::used(conn)?;
    let deadline = Instant::now() + limits.time;
    let mut budget = Budget::new(limits);
    let mut results = Vec::with_capacity(statements.len());
    for statement in statements {
        let intent = text::intent(&statement.sql)?;
        let guest = Guest::enter(conn, &prefix, intent, deadline)?;
        let outcome = change(conn, statement, intent, &mut budget, limits);
        drop(guest);
        // An interrupt and `ON CONFLICT ROLLBACK` end the whole transaction, and what followed
        // would be committed alone. The second reports a broken constraint only.
        if conn.is_autocommit() && outcome.is_ok() {
            return Err(Error::new(
                kind::SQL,
                "The statement rolled the transaction back",
            ));
        }
        results.push(outcome?);
        if matches!(intent, Intent::Create | Intent::Alter) {
            check_schema(conn, &prefix)?;
        }
    }
    let grown = accounting::used(conn)? - before;
    if grown != 0 {
        let pages = accounting::grow(conn, plugin, grown)?;
        let over = u64::try_from(pages).unwrap_or(0) * accounting::PAGE > PLUGIN_BYTES_LIMIT;
        // A full plugin must be able to delete, though that may grow an index a little.
        if over && grown > 0 && !statements.iter().all(|one| text::is_removal(&one.sql)) {
            return Err(limit(format!(
                "PLUGIN_BYTES_LIMIT: {PLUGIN_BYTES_LIMIT} bytes of tables"
            )));
        }
    }
    Ok(results)
}

fn change(
    conn: &Conn,
    statement: &Statement,
    intent: Intent,
    budget: &mut Budget,
    limits: Limits,
) -> Result<StatementResult> {
    let mut prepared = conn
        .prepare(&statement.sql)
        .map_err(|error| blame(&error, limits))?;
    let reads = prepared.readonly();
    let (columns, rows) = rows::run(&mut prepared, &statement.params, budget)
        .map_err(|error| error.into_error(limits))?;
    let (changed, last_row_id) = if reads || intent != Intent::Data {
        (0, 0)
    } else {
        (conn.changes(), conn.last_insert_rowid())
    };
    Ok(StatementResult {
        columns,
        rows,
        changed,
        last_row_id,
    })
}

/// What the authorizer isn't asked about. A foreign key names its parent unchecked, and one
/// that doesn't fit makes every DELETE on the parent fail: the host's, or another plugin's.
fn check_schema(conn: &Conn, prefix: &str) -> Result<()> {
    let length = i64::try_from(prefix.len()).unwrap_or(i64::MAX);
    let mut foreign = conn.prepare_cached(
        "SELECT 1 FROM sqlite_master AS t, pragma_foreign_key_list(t.name) AS f
         WHERE t.type = 'table' AND substr(t.name, 1, ?2) = ?1 AND substr(f.\"table\", 1, ?2) <> ?1",
    )?;
    if foreign.exists((prefix, length))? {
        let sentence = format!("A foreign key may only refer to tables named {prefix}…");
        return Err(Error::new(kind::SQL, sentence));
    }
    let mut count = conn
        .prepare_cached("SELECT count(*) FROM sqlite_master WHERE substr(tbl_name, 1, ?2) = ?1")?;
    let objects: i64 = count.query_row((prefix, length), |row| row.get(0))?;
    if objects > OBJECTS_LIMIT {
        return Err(limit(format!(
            "OBJECTS_LIMIT: {OBJECTS_LIMIT} tables, indexes and triggers"
        )));
    }
    Ok(())
}

/// A limit's name and value as an error.
fn limit(what: impl AsRef<str>) -> Error {
    Error::new(kind::LIMIT, format!("Limit reached, {}", what.as_ref()))
}

/// An error of a guest's statement: SQLite's own sentence, unless the disk is at fault.
fn blame(error: &Sql, limits: Limits) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => limit(format!(
            "{}: {} ms, or SQL_MEMORY_LIMIT: {MEMORY_LIMIT} bytes of all plugins together",
            if limits == Limits::COMMIT {
                "SQL_WRITE_LIMIT"
            } else {
                "SQL_READ_LIMIT"
            },
            limits.time.as_millis()
        )),
        Some(code) if fault::environment(code).is_some() => {
            Error::new(kind::STORAGE, fault::environment(code).unwrap_or_default())
        }
        _ => Error::new(kind::SQL, fault::sentence(error)),
    }
}

#[cfg(test)]
mod tests;
