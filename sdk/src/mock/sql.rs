//! SQL of a plugin, on SQLite in memory, with the host's rules for what it may touch.

use crate::{
    Error,
    storage::{Rows, Statement, Value},
};
use rusqlite::{
    Connection,
    hooks::{AuthAction, AuthContext, Authorization},
    types::{ToSqlOutput, ValueRef},
};
use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering::Relaxed},
};

/// Statements of a commit, and rows of a result.
const STATEMENTS: usize = 512;
const ROWS: usize = 10_000;

/// What may be compiled now: everything for the mock itself, of a plugin only data or only
/// tables and what belongs to them.
const HOST: u8 = 0;
const DATA: u8 = 1;
const SCHEMA: u8 = 2;

pub(super) struct Database {
    sql: Connection,
    mode: Arc<AtomicU8>,
}

impl Database {
    pub(super) fn new(plugin: &str) -> Self {
        let prefix = format!("{}__", plugin.replace('-', "_"));
        let mode = Arc::new(AtomicU8::new(HOST));
        let mut sql = Connection::open_in_memory().expect("SQLite in memory");
        let now = mode.clone();
        let allow = move |context: AuthContext<'_>| {
            if is_allowed(&context.action, &prefix, now.load(Relaxed)) {
                Authorization::Allow
            } else {
                Authorization::Deny
            }
        };
        sql.authorizer(Some(allow)).expect("a valid hook");
        Self { sql, mode }
    }

    pub(super) fn commit(&mut self, statements: Vec<Statement>) -> Result<Vec<Rows>, Error> {
        if statements.len() > STATEMENTS {
            return Err(limit(format!("{STATEMENTS} statements a commit")));
        }
        self.transaction("SAVEPOINT guest");
        let results: Result<Vec<_>, _> = statements.into_iter().map(|s| self.run(s)).collect();
        if results.is_err() {
            self.transaction("ROLLBACK TO guest");
        }
        self.transaction("RELEASE guest");
        results
    }

    pub(super) fn query(&mut self, statement: Statement) -> Result<Rows, Error> {
        let prepared = self.prepare(&statement.sql)?;
        if !prepared.readonly() {
            return Err(sql_error("query only reads: use commit"));
        }
        drop(prepared);
        self.run(statement)
    }

    fn prepare(&self, sql: &str) -> Result<rusqlite::Statement<'_>, Error> {
        let word = sql.split_whitespace().next().unwrap_or_default();
        let mode = match word.to_ascii_uppercase().as_str() {
            "SELECT" | "VALUES" | "WITH" | "EXPLAIN" | "INSERT" | "REPLACE" | "UPDATE"
            | "DELETE" => DATA,
            "CREATE" | "DROP" | "ALTER" => SCHEMA,
            _ => return Err(sql_error(format!("a statement can't begin with {word:?}"))),
        };
        self.mode.store(mode, Relaxed);
        let prepared = self.sql.prepare(sql);
        self.mode.store(HOST, Relaxed);
        prepared.map_err(refused)
    }

    fn run(&self, statement: Statement) -> Result<Rows, Error> {
        let mut prepared = self.prepare(&statement.sql)?;
        let (wanted, given) = (prepared.parameter_count(), statement.params.len());
        if wanted != given {
            let message = format!("the statement has {wanted} parameters, not {given}");
            return Err(sql_error(message));
        }
        let columns: Vec<String> = prepared.column_names().map(str::to_owned).collect();
        let before = self.sql.total_changes();
        let mut found = Vec::new();
        let mut rows = prepared
            .query(rusqlite::params_from_iter(statement.params))
            .map_err(refused)?;
        while let Some(row) = rows.next().map_err(refused)? {
            if found.len() == ROWS {
                return Err(limit(format!("{ROWS} rows a result")));
            }
            let values = (0..columns.len()).map(|n| row.get_ref(n).map(value));
            found.push(values.collect::<Result<_, _>>().map_err(refused)?);
        }
        drop(rows);
        let changed = if self.sql.total_changes() > before {
            self.sql.changes()
        } else {
            0
        };
        Ok(Rows {
            columns,
            rows: found,
            changed,
            last_row_id: self.sql.last_insert_rowid(),
        })
    }

    /// The host's own statement, which plugins can't run.
    fn transaction(&mut self, statement: &str) {
        self.sql.execute_batch(statement).expect("a savepoint");
    }
}

/// What a plugin's statements may do: all to its own tables, their indexes and triggers.
fn is_allowed(action: &AuthAction<'_>, prefix: &str, mode: u8) -> bool {
    use AuthAction as A;
    let own = |name: &str| name.starts_with(prefix);
    let is_schema = |name: &str| name.starts_with("sqlite_") && mode == SCHEMA;
    match *action {
        _ if mode == HOST => true,
        A::Select | A::Recursive => true,
        A::Function { function_name } => !matches!(function_name, "load_extension" | "fts5"),
        // Functions such as `json_each` and common table expressions are tables here too.
        A::Read { table_name, .. } => {
            own(table_name)
                || is_schema(table_name)
                || !table_name.contains("__") && !table_name.starts_with("sqlite_")
        }
        A::Insert { table_name } | A::Update { table_name, .. } | A::Delete { table_name } => {
            own(table_name) || is_schema(table_name)
        }
        A::CreateTable { table_name }
        | A::DropTable { table_name }
        | A::AlterTable { table_name, .. } => own(table_name),
        A::CreateIndex {
            index_name: name,
            table_name,
        } => own(table_name) && (own(name) || name.starts_with("sqlite_autoindex_")),
        A::DropIndex {
            index_name: name,
            table_name,
        }
        | A::CreateTrigger {
            trigger_name: name,
            table_name,
        }
        | A::DropTrigger {
            trigger_name: name,
            table_name,
        } => own(name) && own(table_name),
        A::CreateVtable {
            table_name,
            module_name,
        }
        | A::DropVtable {
            table_name,
            module_name,
        } => own(table_name) && module_name.eq_ignore_ascii_case("fts5"),
        A::Reindex { index_name } => own(index_name),
        A::Pragma { pragma_name, .. } => matches!(pragma_name, "data_version" | "quick_check"),
        // ATTACH, views, TEMP, transactions.
        _ => false,
    }
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(n) => Value::Integer(n),
        ValueRef::Real(n) => Value::Real(n),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(n) => ValueRef::Integer(*n),
            Self::Real(n) => ValueRef::Real(*n),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn refused(error: rusqlite::Error) -> Error {
    sql_error(error.to_string())
}

fn sql_error(message: impl Into<String>) -> Error {
    Error::new("sql-error", message)
}

fn limit(message: String) -> Error {
    Error::new("limit-reached", message)
}
