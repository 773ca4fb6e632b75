//! One profile's file: account, keys, settings, plugins' data, events and outbox.

use std::path::Path;

use rusqlite::OptionalExtension;

use super::{
    confined::{self, Commit, CommitResult, Limits, Rows, Statement},
    db::Db,
    events::EventLog,
    open::Schema,
};
use crate::{
    clock::Clock,
    error::{Error, Result, kind},
};

const SCHEMA: Schema = Schema {
    application_id: 0x5361_5470, // "SaTp"
    migrations: &[
        include_str!("sql/profile/0001_start.sql"),
        include_str!("sql/profile/0002_timers.sql"),
    ],
};

/// A profile's database. Clones share it.
#[derive(Debug, Clone)]
pub struct ProfileDb {
    db: Db,
    events: EventLog,
}

/// The XMPP account of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Bare JID, or a component's domain.
    pub jid: String,
    /// Host to connect to, when it isn't found by the JID's domain.
    pub host: Option<String>,
    /// Port to connect to.
    pub port: Option<u16>,
    /// How the stream is secured, as the wire module names it.
    pub security: String,
    /// File with the certificate authority to trust besides the system's.
    pub ca_file: Option<String>,
    /// The XMPP password, sealed by the vault.
    pub sealed_password: Option<Vec<u8>>,
    /// The resource to bind, random and chosen once: servers then recognise a returning client.
    pub resource: String,
}

impl ProfileDb {
    /// Opens a profile's file, or creates it.
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

    /// The profile's events.
    pub fn events(&self) -> &EventLog {
        &self.events
    }

    /// The account.
    pub async fn account(&self) -> Result<Account> {
        self.db
            .read(|conn| {
                let mut statement = conn.prepare_cached(
                    "SELECT jid, host, port, security, ca_file, sealed_password, resource
                     FROM account",
                )?;
                let account = statement.query_row([], |row| {
                    Ok(Account {
                        jid: row.get(0)?,
                        host: row.get(1)?,
                        port: row.get(2)?,
                        security: row.get(3)?,
                        ca_file: row.get(4)?,
                        sealed_password: row.get(5)?,
                        resource: row.get(6)?,
                    })
                });
                account.optional()?.ok_or_else(|| {
                    Error::new(
                        kind::NOT_FOUND,
                        "The profile has no account yet; set its JID",
                    )
                })
            })
            .await
    }

    /// Sets the account.
    pub async fn set_account(&self, account: Account) -> Result<()> {
        self.db
            .write(move |conn| {
                let Account {
                    jid,
                    host,
                    port,
                    security,
                    ca_file,
                    sealed_password,
                    resource,
                } = &account;
                conn.execute(
                    "INSERT OR REPLACE INTO account
                         (id, jid, host, port, security, ca_file, sealed_password, resource)
                     VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    (
                        jid,
                        host,
                        port,
                        security,
                        ca_file,
                        sealed_password,
                        resource,
                    ),
                )?;
                Ok(())
            })
            .await
    }

    /// Runs a plugin's statements and writes its events and messages: all or nothing, on disk
    /// when this returns.
    pub async fn commit(&self, plugin: &str, commit: Commit) -> Result<CommitResult> {
        self.commit_within(plugin, commit, Limits::COMMIT).await
    }

    /// Runs one statement of a plugin that only reads.
    pub async fn query(&self, plugin: &str, statement: Statement, limits: Limits) -> Result<Rows> {
        let plugin = plugin.to_owned();
        self.db
            .read(move |conn| confined::query(conn, &plugin, &statement, limits))
            .await
    }

    pub(super) async fn commit_within(
        &self,
        plugin: &str,
        commit: Commit,
        limits: Limits,
    ) -> Result<CommitResult> {
        let plugin = plugin.to_owned();
        self.db
            .write(move |conn| confined::commit(conn, &plugin, &commit, limits))
            .await
    }
}

#[cfg(test)]
mod tests;
