//! Opening a database file: permissions, settings, migrations.

use std::{
    collections::BTreeSet,
    fs,
    io::ErrorKind,
    ops::Deref,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig, limits::Limit};

use super::authorizer::{Confinement, MEMORY_LIMIT};
use crate::error::{Error, Result, kind};

/// Memory that all connections of the process may use together. Without it one plugin could
/// sort gigabytes in its two seconds; a hundred profiles need a tenth of it.
const HEAP_LIMIT: i64 = 2 * MEMORY_LIMIT;
/// Largest file of a profile, in pages of 4 KiB: 4 GiB.
const PAGES_LIMIT: u32 = 1 << 20;
/// Statements kept prepared on a connection; the host has about fifty.
const PREPARED: usize = 32;

/// What a kind of file is: its migrations, in order, each once released never changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schema {
    /// Marks the file, so that one kind isn't opened as the other.
    pub application_id: i32,
    /// Migration n brings a file from version n to n + 1.
    pub migrations: &'static [&'static str],
}

/// A connection with the confinement that its authorizer enforces.
pub(super) struct Conn {
    sql: Connection,
    pub confinement: Arc<Confinement>,
}

impl Deref for Conn {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.sql
    }
}

#[cfg(test)]
impl Conn {
    /// The connection, for hooks.
    pub(super) fn sql_mut(&mut self) -> &mut Connection {
        &mut self.sql
    }
}

/// Creates the file and its folders where they don't exist, readable by their owner only.
pub(super) fn create(path: &Path) -> Result<()> {
    let failed = |error| Error::new(kind::STORAGE, format!("Can't create the database: {error}"));
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
    }
    // SQLite gives the -wal and -shm files the mode of the main file.
    match fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Opens the connection that writes, after bringing the file to the current version.
///
/// A file of a newer version is left untouched.
pub(super) fn writer(path: &Path, schema: Schema) -> Result<Conn> {
    let mut sql = connect(path)?;
    // Closing must not fold the log of a file that is refused.
    sql.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let version = check_version(&sql, schema)?;
    sql.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    sql.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA secure_delete = ON;
         PRAGMA wal_autocheckpoint = 1000;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    sql.pragma_update(None, "max_page_count", PAGES_LIMIT)?;
    migrate(&mut sql, schema, version)?;
    confine(sql)
}

/// Opens a connection that only reads.
pub(super) fn reader(path: &Path) -> Result<Conn> {
    let sql = connect(path)?;
    sql.execute_batch("PRAGMA query_only = ON;")?;
    confine(sql)
}

fn connect(path: &Path) -> Result<Connection> {
    // Never creates: a file deleted under us is an error, not a reason to start empty.
    let sql = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    sql.busy_timeout(Duration::from_secs(5))?;
    sql.set_prepared_statement_cache_capacity(PREPARED);
    for (config, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
    ] {
        sql.set_db_config(config, on)?;
    }
    sql.execute_batch(
        "PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cell_size_check = ON;
         PRAGMA mmap_size = 0;
         PRAGMA cache_size = -256;",
    )?;
    sql.pragma_update(None, "hard_heap_limit", HEAP_LIMIT)?;
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_COLUMN, 200),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 50),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 200),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1024),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 16),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        sql.set_limit(limit, value)?;
    }
    Ok(sql)
}

/// The file's version, when this program may use it.
fn check_version(sql: &Connection, schema: Schema) -> Result<usize> {
    let mark: i32 = sql.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = sql.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = sql.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    if mark != schema.application_id && (mark != 0 || version != 0 || tables != 0) {
        return Err(Error::new(
            kind::STORAGE,
            "The database file isn't one of this kind",
        ));
    }
    let known = schema.migrations.len();
    match usize::try_from(version) {
        Ok(version) if version <= known => Ok(version),
        _ => Err(Error::new(
            kind::STORAGE,
            format!(
                "The database file has version {version}, this program knows {known}: \
                 it was left untouched, use a newer program"
            ),
        )),
    }
}

/// Runs the migrations that the file lacks, each with its version number in one transaction.
fn migrate(sql: &mut Connection, schema: Schema, version: usize) -> Result<()> {
    for (number, migration) in schema.migrations.iter().enumerate().skip(version) {
        let transaction = sql.transaction()?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "application_id", schema.application_id)?;
        transaction.pragma_update(None, "user_version", number as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Installs the authorizer and the progress handler, once: SQLite throws all prepared
/// statements away when an authorizer changes, so a guest is confined by a switch in it.
fn confine(mut sql: Connection) -> Result<Conn> {
    let confinement = Arc::new(Confinement::new(reserved(&sql)?));
    confinement.install(&mut sql)?;
    Ok(Conn { sql, confinement })
}

/// Names of tables that are there for everybody but plugins.
fn reserved(sql: &Connection) -> Result<BTreeSet<String>> {
    let mut statement = sql.prepare(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND instr(name, '__') = 0
         UNION SELECT name FROM pragma_module_list",
    )?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests;
