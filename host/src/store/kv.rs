//! Plugins' key–value store.

use rusqlite::OptionalExtension;

use super::{open::Conn, profile_db::ProfileDb};
use crate::error::{Error, Result, kind};

/// Bytes of a plugin's keys and values together, 10 MiB.
pub const KV_BYTES_LIMIT: i64 = 10 << 20;
/// Keys of a plugin.
pub const KV_KEYS_LIMIT: i64 = 10_000;
/// Bytes of a key.
pub const KV_KEY_LIMIT: usize = 256;
/// Bytes of a value.
pub const KV_VALUE_LIMIT: usize = 256 << 10;
/// Keys that one listing returns at most.
pub const KV_PAGE_LIMIT: u32 = 1000;

impl ProfileDb {
    /// The value under a plugin's key.
    pub async fn kv_get(&self, plugin: &str, key: &str) -> Result<Option<Vec<u8>>> {
        let (plugin, key) = (plugin.to_owned(), key.to_owned());
        self.db()
            .read(move |conn| {
                let sql = "SELECT value FROM kv WHERE plugin = ?1 AND key = ?2";
                let mut statement = conn.prepare_cached(sql)?;
                Ok(statement
                    .query_row((plugin, key), |row| row.get(0))
                    .optional()?)
            })
            .await
    }

    /// Sets the value under a plugin's key.
    pub async fn kv_set(&self, plugin: &str, key: &str, value: Vec<u8>) -> Result<()> {
        if key.len() > KV_KEY_LIMIT {
            return Err(limit("KV_KEY_LIMIT", KV_KEY_LIMIT, "bytes a key"));
        }
        if value.len() > KV_VALUE_LIMIT {
            return Err(limit("KV_VALUE_LIMIT", KV_VALUE_LIMIT, "bytes a value"));
        }
        let (plugin, key) = (plugin.to_owned(), key.to_owned());
        self.db()
            .write(move |conn| {
                let sql = "INSERT INTO kv (plugin, key, value) VALUES (?1, ?2, ?3)
                           ON CONFLICT (plugin, key) DO UPDATE SET value = excluded.value";
                conn.prepare_cached(sql)?.execute((&plugin, &key, &value))?;
                check_quota(conn, &plugin)
            })
            .await
    }

    /// Deletes a plugin's key; true when there was one.
    pub async fn kv_delete(&self, plugin: &str, key: &str) -> Result<bool> {
        let (plugin, key) = (plugin.to_owned(), key.to_owned());
        self.db()
            .write(move |conn| {
                let sql = "DELETE FROM kv WHERE plugin = ?1 AND key = ?2";
                Ok(conn.prepare_cached(sql)?.execute((&plugin, &key))? > 0)
            })
            .await
    }

    /// A plugin's keys that begin with `prefix`, in the order of their bytes, those behind
    /// `after`; at most `limit` and [`KV_PAGE_LIMIT`].
    pub async fn kv_keys(
        &self,
        plugin: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>> {
        let (plugin, prefix) = (plugin.to_owned(), prefix.to_owned());
        let after = after.map(str::to_owned);
        let limit = usize::try_from(limit.min(KV_PAGE_LIMIT)).unwrap_or(0);
        self.db()
            .read(move |conn| {
                let mut statement = conn.prepare_cached(
                    "SELECT key FROM kv
                     WHERE plugin = ?1 AND key >= ?2 AND (?3 IS NULL OR key > ?3) AND key >= ?4
                     ORDER BY key",
                )?;
                // The second bound lets a late page begin at its place in the index.
                let start = after.as_deref().unwrap_or("").max(prefix.as_str());
                let mut rows = statement.query((&plugin, &prefix, &after, start))?;
                let mut keys = Vec::new();
                while keys.len() < limit
                    && let Some(row) = rows.next()?
                {
                    let key: String = row.get(0)?;
                    // In this order, the keys with a prefix stand together.
                    if !key.starts_with(&prefix) {
                        break;
                    }
                    keys.push(key);
                }
                Ok(keys)
            })
            .await
    }

    /// A plugin's number of keys, and bytes of keys and values.
    pub async fn kv_size(&self, plugin: &str) -> Result<(i64, i64)> {
        let plugin = plugin.to_owned();
        self.db().read(move |conn| size(conn, &plugin)).await
    }
}

fn size(conn: &Conn, plugin: &str) -> Result<(i64, i64)> {
    let mut statement = conn.prepare_cached("SELECT keys, bytes FROM kv_use WHERE plugin = ?1")?;
    let size = statement
        .query_row([plugin], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(size.unwrap_or((0, 0)))
}

fn check_quota(conn: &Conn, plugin: &str) -> Result<()> {
    let (keys, bytes) = size(conn, plugin)?;
    if keys > KV_KEYS_LIMIT {
        return Err(limit("KV_KEYS_LIMIT", KV_KEYS_LIMIT, "keys a plugin"));
    }
    if bytes > KV_BYTES_LIMIT {
        return Err(limit("KV_BYTES_LIMIT", KV_BYTES_LIMIT, "bytes a plugin"));
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
