//! How much of the file is a plugin's: pages counted as its transactions grow and shrink it.
//!
//! Asking SQLite for the size of tables (`dbstat`) reads them all. The file's own counters are in
//! its first page, so a difference costs microseconds; what the host writes is not between the
//! two looks.

use super::open::Conn;
use crate::error::Result;

/// Bytes of a page: SQLite's default, which the host never changes.
pub(super) const PAGE: u64 = 4096;

/// Pages in use now.
pub(super) fn used(conn: &Conn) -> Result<i64> {
    let pages: i64 = conn
        .prepare_cached("PRAGMA page_count")?
        .query_row([], |row| row.get(0))?;
    let free: i64 = conn
        .prepare_cached("PRAGMA freelist_count")?
        .query_row([], |row| row.get(0))?;
    Ok(pages - free)
}

/// Notes that a plugin's tables have grown by so many pages; returns what it has now.
pub(super) fn grow(conn: &Conn, plugin: &str, pages: i64) -> Result<i64> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO plugin_use (plugin, pages) VALUES (?1, max(?2, 0))
         ON CONFLICT (plugin) DO UPDATE SET pages = max(pages + ?2, 0)
         RETURNING pages",
    )?;
    Ok(statement.query_row((plugin, pages), |row| row.get(0))?)
}
