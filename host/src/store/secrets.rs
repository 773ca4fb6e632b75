//! Plugins' secrets, as bytes that the vault has sealed: nothing here can read them.

use rusqlite::OptionalExtension;

use super::{KV_KEY_LIMIT, KV_KEYS_LIMIT, profile_db::ProfileDb};
use crate::error::{Error, Result, kind};

/// Bytes of a sealed secret.
pub const SECRET_VALUE_LIMIT: usize = 64 << 10;
/// Secrets of a plugin.
const SECRETS_LIMIT: i64 = KV_KEYS_LIMIT / 10;

impl ProfileDb {
    /// The sealed bytes under a plugin's name.
    pub async fn secret_get(&self, plugin: &str, key: &str) -> Result<Option<Vec<u8>>> {
        let (plugin, key) = (plugin.to_owned(), key.to_owned());
        self.db()
            .read(move |conn| {
                let sql = "SELECT sealed FROM secret WHERE plugin = ?1 AND key = ?2";
                let mut statement = conn.prepare_cached(sql)?;
                Ok(statement
                    .query_row((plugin, key), |row| row.get(0))
                    .optional()?)
            })
            .await
    }

    /// Sets the sealed bytes under a plugin's name.
    pub async fn secret_set(&self, plugin: &str, key: &str, sealed: Vec<u8>) -> Result<()> {
        if key.len() > KV_KEY_LIMIT || sealed.len() > SECRET_VALUE_LIMIT {
            return Err(limit(format!(
                "SECRET_VALUE_LIMIT: {SECRET_VALUE_LIMIT} bytes sealed, {KV_KEY_LIMIT} a name"
            )));
        }
        let (plugin, key) = (plugin.to_owned(), key.to_owned());
        self.db()
            .write(move |conn| {
                let sql = "INSERT INTO secret (plugin, key, sealed) VALUES (?1, ?2, ?3)
                           ON CONFLICT (plugin, key) DO UPDATE SET sealed = excluded.sealed";
                conn.prepare_cached(sql)?
                    .execute((&plugin, &key, &sealed))?;
                let sql = "SELECT count(*) FROM secret WHERE plugin = ?1";
                let count: i64 = conn
                    .prepare_cached(sql)?
                    .query_row([&plugin], |row| row.get(0))?;
                if count > SECRETS_LIMIT {
                    return Err(limit(format!("SECRETS_LIMIT: {SECRETS_LIMIT} a plugin")));
                }
                Ok(())
            })
            .await
    }

    /// Deletes a plugin's secret; true when there was one.
    pub async fn secret_delete(&self, plugin: &str, key: &str) -> Result<bool> {
        let (plugin, key) = (plugin.to_owned(), key.to_owned());
        self.db()
            .write(move |conn| {
                let sql = "DELETE FROM secret WHERE plugin = ?1 AND key = ?2";
                Ok(conn.prepare_cached(sql)?.execute((&plugin, &key))? > 0)
            })
            .await
    }

    /// The names of a plugin's secrets, in order.
    pub async fn secret_names(&self, plugin: &str) -> Result<Vec<String>> {
        let plugin = plugin.to_owned();
        self.db()
            .read(move |conn| {
                let sql = "SELECT key FROM secret WHERE plugin = ?1 ORDER BY key";
                let mut statement = conn.prepare_cached(sql)?;
                let names = statement.query_map([plugin], |row| row.get(0))?;
                Ok(names.collect::<Result<_, _>>()?)
            })
            .await
    }
}

fn limit(what: String) -> Error {
    Error::new(kind::LIMIT, format!("Limit reached, {what}"))
}
