//! Tables and keys of a profile.

use crate::Error;
pub use crate::bindings::sat::host::storage::{
    Committed, Rows, Statement, Transaction, Value, commit, delete, get, keys, query, set,
};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

mod params;
mod row;
pub use params::{Params, named};
pub use row::{FromRow, FromValue};

/// A statement with its values: `sql("DELETE FROM chat__message WHERE id = ?1", (id,))`.
pub fn sql(sql: &str, params: impl Params) -> Statement {
    Statement {
        sql: sql.into(),
        params: params.values(),
    }
}

/// Reads rows as tuples, or as records named with [`crate::row!`]:
/// `let all: Vec<(String, i64)> = select("SELECT …", ()).await?`.
pub async fn select<T: FromRow>(text: &str, params: impl Params) -> Result<Vec<T>, Error> {
    row::read(query(sql(text, params)).await?.rows)
}

/// Reads the first row, if there is one.
pub async fn select_one<T: FromRow>(text: &str, params: impl Params) -> Result<Option<T>, Error> {
    Ok(select(text, params).await?.into_iter().next())
}

/// Reads the one column of the first row, if there is one.
pub async fn select_value<T: FromValue>(
    text: &str,
    params: impl Params,
) -> Result<Option<T>, Error> {
    Ok(select_one::<(T,)>(text, params).await?.map(|row| row.0))
}

/// Runs one statement and returns how many rows it changed.
pub async fn execute(text: &str, params: impl Params) -> Result<u64, Error> {
    let done = run(vec![sql(text, params)]).await?;
    Ok(done.results.first().map_or(0, |r| r.changed))
}

/// The text under a key; none when there is nothing, or no text.
pub async fn get_text(key: &str) -> Result<Option<String>, Error> {
    let value = get(key.to_owned()).await?;
    Ok(value.and_then(|bytes| String::from_utf8(bytes).ok()))
}

/// Sets the text under a key.
pub async fn set_text(key: &str, value: &str) -> Result<(), Error> {
    set(key.to_owned(), value.as_bytes().to_vec()).await
}

/// The value under a key, as [`store`] has written it. `bad-value` when it is of another type:
/// give new fields a default (`#[serde(default)]`), or migrate.
#[cfg(feature = "serde")]
pub async fn load<T: serde::de::DeserializeOwned>(key: &str) -> Result<Option<T>, Error> {
    let Some(bytes) = get(key.to_owned()).await? else {
        return Ok(None);
    };
    let fault = |e| {
        Error::new(
            "bad-value",
            format!("the value of {key} is another one: {e}"),
        )
    };
    serde_json::from_slice(&bytes).map(Some).map_err(fault)
}

/// Sets the value under a key, as JSON.
#[cfg(feature = "serde")]
pub async fn store<T: serde::Serialize>(key: &str, value: &T) -> Result<(), Error> {
    let fault = |e| Error::new("bad-value", format!("the value of {key} is no JSON: {e}"));
    set(key.to_owned(), serde_json::to_vec(value).map_err(fault)?).await
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
        run(vec![sql(&create, ())]).await?;
        for (number, step) in (1i64..).zip(self.steps).skip(self.version().await?) {
            // The version comes first: when another call of this instance runs the same step at
            // the same time, one of both fails here and changes nothing.
            let note = format!("INSERT INTO {table} (version) VALUES (?1)");
            let mut statements = vec![sql(&note, (number,))];
            statements.extend(step.iter().map(|s| sql(s, ())));
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
        let done = run(vec![sql(&select, ())]).await?;
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
