//! Settings of the host and of plugins, as JSON text, and how far plugins have read events.

use rusqlite::OptionalExtension;

use super::{Cursor, profile_db::ProfileDb};
use crate::error::Result;

impl ProfileDb {
    /// A setting's JSON text. `owner` is `host` or a plugin's id.
    pub async fn setting_get(&self, owner: &str, key: &str) -> Result<Option<String>> {
        let (owner, key) = (owner.to_owned(), key.to_owned());
        self.db()
            .read(move |conn| {
                let sql = "SELECT value FROM setting WHERE owner = ?1 AND key = ?2";
                let mut statement = conn.prepare_cached(sql)?;
                Ok(statement
                    .query_row((owner, key), |row| row.get(0))
                    .optional()?)
            })
            .await
    }

    /// Sets a setting to this JSON text.
    pub async fn setting_set(&self, owner: &str, key: &str, value: &str) -> Result<()> {
        let (owner, key, value) = (owner.to_owned(), key.to_owned(), value.to_owned());
        self.db()
            .write(move |conn| {
                let sql = "INSERT INTO setting (owner, key, value) VALUES (?1, ?2, ?3)
                           ON CONFLICT (owner, key) DO UPDATE SET value = excluded.value";
                conn.prepare_cached(sql)?.execute((&owner, &key, &value))?;
                Ok(())
            })
            .await
    }

    /// Deletes a setting, so that its default holds; true when there was one.
    pub async fn setting_delete(&self, owner: &str, key: &str) -> Result<bool> {
        let (owner, key) = (owner.to_owned(), key.to_owned());
        self.db()
            .write(move |conn| {
                let sql = "DELETE FROM setting WHERE owner = ?1 AND key = ?2";
                Ok(conn.prepare_cached(sql)?.execute((&owner, &key))? > 0)
            })
            .await
    }

    /// All settings of an owner, as (key, JSON text), in order.
    pub async fn settings(&self, owner: &str) -> Result<Vec<(String, String)>> {
        let owner = owner.to_owned();
        self.db()
            .read(move |conn| {
                let sql = "SELECT key, value FROM setting WHERE owner = ?1 ORDER BY key";
                let mut statement = conn.prepare_cached(sql)?;
                let rows = statement.query_map([owner], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// Who has settings.
    pub async fn setting_owners(&self) -> Result<Vec<String>> {
        self.db()
            .read(|conn| {
                let mut statement = conn.prepare_cached("SELECT DISTINCT owner FROM setting")?;
                let rows = statement.query_map([], |row| row.get(0))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// The cursor up to which a plugin has received an interface's events.
    pub async fn event_cursor(&self, plugin: &str, interface: &str) -> Result<Option<Cursor>> {
        let (plugin, interface) = (plugin.to_owned(), interface.to_owned());
        self.db()
            .read(move |conn| {
                let sql = "SELECT cursor FROM event_cursor WHERE plugin = ?1 AND interface = ?2";
                let mut statement = conn.prepare_cached(sql)?;
                Ok(statement
                    .query_row((plugin, interface), |row| row.get(0))
                    .optional()?)
            })
            .await
    }

    /// Notes how far a plugin has received an interface's events. It never goes back.
    pub async fn set_event_cursor(
        &self,
        plugin: &str,
        interface: &str,
        cursor: Cursor,
    ) -> Result<()> {
        let (plugin, interface) = (plugin.to_owned(), interface.to_owned());
        self.db()
            .write(move |conn| {
                let sql = "INSERT INTO event_cursor (plugin, interface, cursor) VALUES (?1, ?2, ?3)
                           ON CONFLICT (plugin, interface)
                           DO UPDATE SET cursor = max(cursor, excluded.cursor)";
                conn.prepare_cached(sql)?
                    .execute((&plugin, &interface, cursor))?;
                Ok(())
            })
            .await
    }
}
