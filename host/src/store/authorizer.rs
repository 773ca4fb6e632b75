//! What plugins' SQL may touch: the rules that SQLite asks while it compiles a statement, and
//! the clock that ends one.
//!
//! The authorizer stays installed and lets everything pass while no guest is confined; a
//! [`Guest`] switches it, and switches it back when dropped. Guests' statements live shorter
//! than their `Guest` and never enter the statement cache, or a guest could run a statement
//! that was compiled for the host by repeating its text.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use rusqlite::{
    Connection,
    hooks::{AuthAction, AuthContext, Authorization},
    limits::Limit,
};

use super::{confined::SQL_VALUE_LIMIT, db::lock, open::Conn};
use crate::error::Result;

/// Virtual machine steps between two looks at the clock, about 10 µs.
const STEPS: i32 = 1000;
/// Memory of all connections of the process at which a guest is ended. The connections' own
/// limit is twice that: so the host, and other profiles, go on while a guest gets too much.
pub(super) const MEMORY_LIMIT: i64 = 128 << 20;
/// Table-valued functions that read nothing but their arguments.
const TABLE_FUNCTIONS: [&str; 4] = ["json_each", "json_tree", "jsonb_each", "jsonb_tree"];
/// Functions that load code, hand out pointers or rename what others own.
const DENIED_FUNCTIONS: [&str; 6] = [
    "load_extension",
    "fts5",
    "fts3_tokenizer",
    "sqlite_log",
    "sqlite_rename_table",
    "sqlite_rename_column",
];

/// Where the clock of deadlines began: an atomic holds no `Instant`.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What a statement sets out to do, by its first word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    /// SELECT, VALUES, WITH, EXPLAIN, INSERT, REPLACE, UPDATE, DELETE.
    Data,
    /// CREATE.
    Create,
    /// DROP.
    Drop,
    /// ALTER.
    Alter,
}

/// A connection's switch between host and guest.
pub(super) struct Confinement {
    rules: Mutex<Option<Rules>>,
    /// Microseconds after [`START`]; 0 is none.
    deadline: AtomicU64,
    reserved: BTreeSet<String>,
}

struct Rules {
    prefix: String,
    intent: Intent,
}

/// While it lives, statements compiled on the connection are confined to a plugin's tables.
pub(super) struct Guest<'a> {
    conn: &'a Conn,
    length: i32,
}

impl Confinement {
    pub(super) fn new(reserved: BTreeSet<String>) -> Self {
        Self {
            rules: Mutex::default(),
            deadline: AtomicU64::new(0),
            reserved,
        }
    }

    pub(super) fn install(self: &Arc<Self>, sql: &mut Connection) -> Result<()> {
        let this = Arc::clone(self);
        sql.authorizer(Some(move |context: AuthContext<'_>| {
            let allowed = lock(&this.rules)
                .as_ref()
                .is_none_or(|rules| rules.allow(&context, &this.reserved));
            if allowed {
                Authorization::Allow
            } else {
                Authorization::Deny
            }
        }))?;
        let this = Arc::clone(self);
        sql.progress_handler(
            STEPS,
            Some(move || {
                let deadline = this.deadline.load(Ordering::Relaxed);
                deadline != 0 && (micros(Instant::now()) >= deadline || memory() > MEMORY_LIMIT)
            }),
        )?;
        Ok(())
    }
}

impl<'a> Guest<'a> {
    /// Confines the connection to tables whose names begin with `prefix`, until `deadline`.
    pub(super) fn enter(
        conn: &'a Conn,
        prefix: &str,
        intent: Intent,
        deadline: Instant,
    ) -> Result<Self> {
        // The clock can't end one long function (`instr` of two megabytes takes seconds), so
        // no value may be long.
        let length = conn.set_limit(Limit::SQLITE_LIMIT_LENGTH, SQL_VALUE_LIMIT)?;
        conn.confinement
            .deadline
            .store(micros(deadline).max(1), Ordering::Relaxed);
        *lock(&conn.confinement.rules) = Some(Rules {
            prefix: prefix.to_owned(),
            intent,
        });
        Ok(Self { conn, length })
    }
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        *lock(&self.conn.confinement.rules) = None;
        self.conn.confinement.deadline.store(0, Ordering::Relaxed);
        // Fails for an invalid limit only, and this one was valid before.
        let _ = self.conn.set_limit(Limit::SQLITE_LIMIT_LENGTH, self.length);
    }
}

/// Memory that SQLite uses in this process.
#[expect(
    unsafe_code,
    reason = "rusqlite has no door to this counter; it has no preconditions"
)]
fn memory() -> i64 {
    // SAFETY: takes nothing, and SQLite locks its own counter.
    unsafe { rusqlite::ffi::sqlite3_memory_used() }
}

fn micros(instant: Instant) -> u64 {
    u64::try_from(instant.saturating_duration_since(*START).as_micros()).unwrap_or(u64::MAX)
}

impl Rules {
    fn allow(&self, context: &AuthContext<'_>, reserved: &BTreeSet<String>) -> bool {
        // Names its database itself; DROP COLUMN puts the column where the database is said.
        if let AuthAction::AlterTable {
            database_name,
            table_name,
        } = context.action
        {
            return database_name == "main" && self.own(table_name);
        }
        match context.database_name {
            None | Some("main") => self.allow_main(&context.action, reserved),
            // ALTER looks there for triggers on the table; nothing can ever be there.
            Some("temp") => match context.action {
                AuthAction::Read { table_name, .. } | AuthAction::Update { table_name, .. } => {
                    self.intent == Intent::Alter && is_schema(table_name)
                }
                _ => false,
            },
            Some(_) => false,
        }
    }

    fn allow_main(&self, action: &AuthAction<'_>, reserved: &BTreeSet<String>) -> bool {
        use AuthAction as A;
        match *action {
            A::Select | A::Recursive => true,
            A::Function { function_name } => self.allow_function(function_name),
            A::Read {
                table_name,
                column_name,
            } => self.own(table_name) || self.allow_read(table_name, column_name, reserved),
            A::Insert { table_name } => {
                self.own(table_name) || is_schema(table_name) && self.intent == Intent::Create
            }
            A::Update { table_name, .. } => {
                self.own(table_name) || is_schema(table_name) && self.intent != Intent::Data
            }
            // Dropping a table with AUTOINCREMENT deletes its counter.
            A::Delete { table_name } => {
                self.own(table_name)
                    || self.intent == Intent::Drop
                        && (is_schema(table_name) || table_name == "sqlite_sequence")
            }
            A::CreateTable { table_name } | A::DropTable { table_name } => self.own(table_name),
            A::CreateIndex {
                index_name,
                table_name,
            } => {
                // The second: indexes that SQLite makes for UNIQUE. Nobody else may use the name.
                self.own(table_name)
                    && (self.own(index_name) || index_name.starts_with("sqlite_autoindex_"))
            }
            A::DropIndex {
                index_name,
                table_name,
            } => self.own(index_name) && self.own(table_name),
            A::CreateTrigger {
                trigger_name,
                table_name,
            }
            | A::DropTrigger {
                trigger_name,
                table_name,
            } => self.own(trigger_name) && self.own(table_name),
            A::CreateVtable {
                table_name,
                module_name,
            }
            | A::DropVtable {
                table_name,
                module_name,
            } => self.own(table_name) && module_name.eq_ignore_ascii_case("fts5"),
            // CREATE INDEX fills the index by this; REINDEX itself isn't for plugins.
            A::Reindex { index_name } => self.own(index_name) && self.intent == Intent::Create,
            // FTS5 asks whether somebody else changed its tables.
            A::Pragma {
                pragma_name: "data_version",
                pragma_value: None,
            } => true,
            // ALTER checks the rows against a new column's constraints.
            A::Pragma {
                pragma_name: "quick_check",
                pragma_value: Some(table),
            } => self.intent == Intent::Alter && self.own(table),
            // ATTACH, PRAGMA, views, TEMP, transactions, ANALYZE and what SQLite invents next.
            _ => false,
        }
    }

    fn own(&self, name: &str) -> bool {
        name.starts_with(&self.prefix)
    }

    fn allow_function(&self, name: &str) -> bool {
        !DENIED_FUNCTIONS.contains(&name)
            && (!name.starts_with("sqlite_") || self.intent == Intent::Alter)
    }

    /// Reads of what isn't a table of the plugin.
    fn allow_read(&self, table: &str, column: &str, reserved: &BTreeSet<String>) -> bool {
        if TABLE_FUNCTIONS.contains(&table) {
            return true;
        }
        if is_schema(table) {
            return match self.intent {
                Intent::Data => false,
                // No more, or `CREATE TABLE … AS SELECT name FROM sqlite_master` shows all names.
                Intent::Create => column == "ROWID",
                Intent::Drop => {
                    matches!(column, "ROWID" | "name" | "type" | "tbl_name" | "rootpage")
                }
                Intent::Alter => true,
            };
        }
        match table {
            "sqlite_sequence" => return self.intent == Intent::Drop,
            "pragma_quick_check" => return self.intent == Intent::Alter,
            _ => {}
        }
        // `count(*)` of a common table expression asks for the column ''. The same question is
        // asked for tables, so the name must be nobody's.
        column.is_empty()
            && !table.contains("__")
            && !table.starts_with("sqlite_")
            && !table.starts_with("pragma_")
            && !reserved.contains(table)
    }
}

fn is_schema(table: &str) -> bool {
    matches!(
        table,
        "sqlite_master" | "sqlite_schema" | "sqlite_temp_master" | "sqlite_temp_schema"
    )
}
