//! The daemon's own file, `sat.db`: which profiles there are, what is switched off.

use std::path::Path;

use rusqlite::OptionalExtension;

use super::{
    db::Db,
    events::EventLog,
    open::{Conn, Schema},
};
use crate::{
    clock::Clock,
    error::{Error, Result, kind},
};

const SCHEMA: Schema = Schema {
    application_id: 0x5361_5468, // "SaTh"
    migrations: &[include_str!("sql/host/0001_start.sql")],
};

/// The host's database. Clones share it.
#[derive(Debug, Clone)]
pub struct HostDb {
    db: Db,
    events: EventLog,
}

/// A profile that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileRow {
    /// What people call it.
    pub name: String,
    /// Its folder below `profiles`, which doesn't follow the name.
    pub folder: String,
    /// When it was created, RFC 3339.
    pub created_at: String,
    /// Whether `@DEFAULT@` means it.
    pub is_default: bool,
}

/// A plugin that was switched off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisabledPlugin {
    /// The plugin's id.
    pub plugin: String,
    /// The profile's name; none for all profiles.
    pub profile: Option<String>,
}

impl HostDb {
    /// Opens `sat.db`, or creates it.
    pub async fn open(path: &Path, clock: &Clock) -> Result<Self> {
        let db = Db::open(path, SCHEMA, clock).await?;
        Ok(Self {
            events: EventLog::new(db.clone()),
            db,
        })
    }

    /// The file itself.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The host's own events.
    pub fn events(&self) -> &EventLog {
        &self.events
    }

    /// All profiles, by name.
    pub async fn profiles(&self) -> Result<Vec<ProfileRow>> {
        self.db
            .read(|conn| {
                let mut statement = conn.prepare_cached(
                    "SELECT name, folder, created_at, is_default FROM profile ORDER BY name",
                )?;
                let rows = statement.query_map([], |row| {
                    Ok(ProfileRow {
                        name: row.get(0)?,
                        folder: row.get(1)?,
                        created_at: row.get(2)?,
                        is_default: row.get(3)?,
                    })
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// Adds a profile; the first one becomes the default.
    pub async fn profile_insert(&self, name: &str, folder: &str) -> Result<ProfileRow> {
        let (name, folder) = (name.to_owned(), folder.to_owned());
        let created_at = self.db.clock().stamp();
        self.db
            .write(move |conn| {
                let mut known =
                    conn.prepare_cached("SELECT 1 FROM profile WHERE name = ?1 OR folder = ?2")?;
                if known.exists((&name, &folder))? {
                    let sentence = format!("There is a profile {name:?} already");
                    return Err(Error::new(kind::CONFLICT, sentence));
                }
                let mut insert = conn.prepare_cached(
                    "INSERT INTO profile (name, folder, created_at, is_default)
                     VALUES (?1, ?2, ?3, NOT EXISTS (SELECT 1 FROM profile))
                     RETURNING is_default",
                )?;
                let is_default =
                    insert.query_row((&name, &folder, &created_at), |row| row.get(0))?;
                Ok(ProfileRow {
                    name: name.clone(),
                    folder: folder.clone(),
                    created_at: created_at.clone(),
                    is_default,
                })
            })
            .await
    }

    /// Makes a profile the default one.
    pub async fn profile_set_default(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.db.write(move |conn| set_default(conn, &name)).await
    }

    /// Removes a profile with what was noted for it. When it was the default one, the oldest
    /// of the others takes its place.
    pub async fn profile_delete(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.db
            .write(move |conn| {
                let sql = "DELETE FROM profile WHERE name = ?1 RETURNING is_default";
                let deleted: Option<bool> = conn
                    .prepare_cached(sql)?
                    .query_row([&name], |row| row.get(0))
                    .optional()?;
                let was_default = deleted.ok_or_else(|| unknown(&name))?;
                conn.execute("DELETE FROM disabled_plugin WHERE profile = ?1", [&name])?;
                let sql = "SELECT name FROM profile ORDER BY created_at, name LIMIT 1";
                let oldest: Option<String> = conn
                    .prepare_cached(sql)?
                    .query_row([], |row| row.get(0))
                    .optional()?;
                match oldest {
                    Some(oldest) if was_default => set_default(conn, &oldest),
                    _ => Ok(()),
                }
            })
            .await
    }

    /// The plugins that are switched off.
    pub async fn disabled_plugins(&self) -> Result<Vec<DisabledPlugin>> {
        self.db
            .read(|conn| {
                let mut statement = conn.prepare_cached(
                    "SELECT plugin, nullif(profile, '') FROM disabled_plugin
                     ORDER BY plugin, profile",
                )?;
                let rows = statement.query_map([], |row| {
                    Ok(DisabledPlugin {
                        plugin: row.get(0)?,
                        profile: row.get(1)?,
                    })
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// Switches a plugin off, for one profile or for all.
    pub async fn plugin_disable(&self, plugin: &str, profile: Option<&str>) -> Result<()> {
        self.plugin_note(
            "INSERT OR IGNORE INTO disabled_plugin (plugin, profile) VALUES (?1, ?2)",
            plugin,
            profile,
        )
        .await
    }

    /// Takes back [`Self::plugin_disable`] with the same profile.
    pub async fn plugin_enable(&self, plugin: &str, profile: Option<&str>) -> Result<()> {
        self.plugin_note(
            "DELETE FROM disabled_plugin WHERE plugin = ?1 AND profile = ?2",
            plugin,
            profile,
        )
        .await
    }

    /// The key that authenticates the compile cache's files, made at random when first asked for.
    pub async fn cache_key(&self) -> Result<[u8; 32]> {
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).map_err(|error| Error::internal("Random numbers", error))?;
        self.db
            .write(move |conn| {
                conn.execute(
                    "INSERT OR IGNORE INTO host_key (name, key) VALUES ('compile-cache', ?1)",
                    [&fresh],
                )?;
                let sql = "SELECT key FROM host_key WHERE name = 'compile-cache'";
                Ok(conn.query_row(sql, [], |row| row.get(0))?)
            })
            .await
    }

    async fn plugin_note(
        &self,
        sql: &'static str,
        plugin: &str,
        profile: Option<&str>,
    ) -> Result<()> {
        let (plugin, profile) = (plugin.to_owned(), profile.unwrap_or_default().to_owned());
        self.db
            .write(move |conn| {
                conn.prepare_cached(sql)?.execute((&plugin, &profile))?;
                Ok(())
            })
            .await
    }
}

fn set_default(conn: &Conn, name: &str) -> Result<()> {
    // Two steps: the index allows one default at any moment.
    conn.execute("UPDATE profile SET is_default = 0 WHERE is_default = 1", [])?;
    if conn.execute("UPDATE profile SET is_default = 1 WHERE name = ?1", [name])? == 0 {
        return Err(unknown(name));
    }
    Ok(())
}

fn unknown(name: &str) -> Error {
    Error::new(kind::NOT_FOUND, format!("There is no profile {name:?}"))
}

#[cfg(test)]
mod tests;
