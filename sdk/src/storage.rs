//! Tables and keys of a profile.

use crate::Error;
pub use crate::bindings::sat::host::storage::{
    Committed, Rows, Statement, Transaction, Value, commit, delete, get, keys, query, set,
};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

mod row;
pub use row::{FromRow, FromValue};

/// A statement with its values: `sql("DELETE FROM chat__message WHERE id = ?1", [id.into()])`.
pub fn sql(sql: &str, params: impl Into<Vec<Value>>) -> Statement {
    Statement {
        sql: sql.into(),
        params: params.into(),
    }
}

/// Reads rows as tuples: `let all: Vec<(String, i64)> = select("SELECT …", []).await?`.
pub async fn select<T: FromRow>(
    text: &str,
    params: impl Into<Vec<Value>>,
) -> Result<Vec<T>, Error> {
    row::read(query(sql(text, params)).await?.rows)
}

/// Reads the first row, if there is one.
pub async fn select_one<T: FromRow>(
    text: &str,
    params: impl Into<Vec<Value>>,
) -> Result<Option<T>, Error> {
    Ok(select(text, params).await?.into_iter().next())
}

/// Runs one statement and returns how many rows it changed.
pub async fn execute(text: &str, params: impl Into<Vec<Value>>) -> Result<u64, Error> {
    let done = run(vec![sql(text, params)]).await?;
    Ok(done.results.first().map_or(0, |r| r.changed))
}

/// Runs statements in one transaction.
pub async fn run(statements: Vec<Statement>) -> Result<Committed, Error> {
    commit(Transaction {
        statements,
        send: Vec::new(),
    })
    .await
}

/// Numbered changes of a plugin's tables, each run once for each profile.
///
/// `steps` are append-only: released steps never change. `table` is a table of the plugin that
/// remembers what has run, such as `chat__schema`. Cheap to call before every use: after the
/// first time in an instance it does nothing.
pub struct Migrations {
    table: &'static str,
    steps: &'static [&'static [&'static str]],
    /// The instance in which they are done, from 1.
    done: AtomicU64,
}

/// A component is one instance for all of its life; natively, each test has its own.
fn instance() -> u64 {
    #[cfg(target_family = "wasm")]
    return 1;
    #[cfg(not(target_family = "wasm"))]
    crate::native::instance()
}

impl Migrations {
    /// Migrations remembered in `table`; each step is a list of statements.
    pub const fn new(table: &'static str, steps: &'static [&'static [&'static str]]) -> Self {
        Self {
            table,
            steps,
            done: AtomicU64::new(0),
        }
    }

    /// Brings the tables up to date.
    pub async fn run(&self) -> Result<(), Error> {
        if self.done.load(Relaxed) == instance() {
            return Ok(());
        }
        let table = self.table;
        let create =
            format!("CREATE TABLE IF NOT EXISTS {table} (version INTEGER PRIMARY KEY) STRICT");
        run(vec![sql(&create, [])]).await?;
        for (number, step) in (1i64..).zip(self.steps).skip(self.version().await?) {
            // The version comes first: when another call of this instance runs the same step at
            // the same time, one of both fails here and changes nothing.
            let note = format!("INSERT INTO {table} (version) VALUES (?1)");
            let mut statements = vec![sql(&note, [number.into()])];
            statements.extend(step.iter().map(|s| sql(s, [])));
            if let Err(e) = run(statements).await
                && (self.version().await? as i64) < number
            {
                return Err(e);
            }
        }
        self.done.store(instance(), Relaxed);
        Ok(())
    }

    /// How many steps have run.
    async fn version(&self) -> Result<usize, Error> {
        let select = format!("SELECT coalesce(max(version), 0) FROM {}", self.table);
        // Not by a query, which may not see yet what another call is just committing.
        let done = run(vec![sql(&select, [])]).await?;
        let row = done.results.first().and_then(|r| r.rows.first());
        let version = row.and_then(|r| r.first()).and_then(Value::integer);
        Ok(version.unwrap_or(0).max(0) as usize)
    }
}

impl Value {
    /// The integer, if it is one.
    pub fn integer(&self) -> Option<i64> {
        if let Self::Integer(n) = self {
            Some(*n)
        } else {
            None
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(t) = self {
            Some(t)
        } else {
            None
        }
    }

    /// The text, taken out, if it is one.
    pub fn into_option(self) -> Option<String> {
        if let Self::Text(t) = self {
            Some(t)
        } else {
            None
        }
    }

    /// The text, taken out; empty when it is none.
    pub fn into_text(self) -> String {
        if let Self::Text(t) = self {
            t
        } else {
            String::new()
        }
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Integer(value.into())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
