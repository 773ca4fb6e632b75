//! What others have announced, and what was proved to stand behind it.

use crate::{
    bindings::sat::disco::types::Info,
    caps::{Caps, HASH},
    info,
};
use sat_sdk::{
    Error, row,
    storage::{self, Migrations, Statement, sql},
    xml,
};

static SCHEMA: Migrations = Migrations::new(
    "disco__schema",
    &[&[
        // Who announces what, on this stream.
        "CREATE TABLE IF NOT EXISTS disco__entity (
            jid TEXT PRIMARY KEY,
            software TEXT NOT NULL,
            ver TEXT NOT NULL
        ) STRICT",
        // What a verification string stands for, for good: the `<query/>` as XML.
        "CREATE TABLE IF NOT EXISTS disco__caps (
            id INTEGER PRIMARY KEY,
            hash TEXT NOT NULL,
            ver TEXT NOT NULL,
            info TEXT NOT NULL,
            UNIQUE (hash, ver)
        ) STRICT",
    ]],
);

/// What an entity has announced.
pub(crate) async fn announced(jid: &str) -> Result<Option<Caps>, Error> {
    SCHEMA.run().await?;
    let select = "SELECT software, ver FROM disco__entity WHERE jid = ?1";
    storage::select_one(select, (jid,)).await
}

row!(Caps { software, ver });

/// An entity announces its capabilities.
pub(crate) async fn announce(jid: &str, caps: Caps) -> Result<(), Error> {
    // Presences repeat them, and reading is cheaper than writing.
    if announced(jid).await?.as_ref() == Some(&caps) {
        return Ok(());
    }
    let insert = "INSERT OR REPLACE INTO disco__entity (jid, software, ver) VALUES (?1, ?2, ?3)";
    let insert = sql(insert, (jid, caps.software, caps.ver));
    storage::run(vec![insert, newest("disco__entity", 20_000)])
        .await
        .map(drop)
}

/// An entity is gone.
pub(crate) async fn forget(jid: &str) -> Result<(), Error> {
    if announced(jid).await?.is_some() {
        storage::execute("DELETE FROM disco__entity WHERE jid = ?1", (jid,)).await?;
    }
    Ok(())
}

/// All entities are gone.
pub(crate) async fn forget_all() -> Result<(), Error> {
    SCHEMA.run().await?;
    storage::execute("DELETE FROM disco__entity", ())
        .await
        .map(drop)
}

/// What announced capabilities were proved to be.
pub(crate) async fn info(caps: &Caps) -> Result<Option<Info>, Error> {
    SCHEMA.run().await?;
    let select = "SELECT info FROM disco__caps WHERE hash = ?1 AND ver = ?2";
    let query: Option<String> = storage::select_value(select, (HASH, &caps.ver)).await?;
    query
        .map(|query| info::read(&xml::parse(&query)?))
        .transpose()
}

/// Keeps what was proved.
pub(crate) async fn put(caps: &Caps, info: &Info) -> Result<(), Error> {
    SCHEMA.run().await?;
    let query = String::from(info::write(None, info));
    let insert = "INSERT OR REPLACE INTO disco__caps (hash, ver, info) VALUES (?1, ?2, ?3)";
    let insert = sql(insert, (HASH, &caps.ver, query));
    storage::run(vec![insert, newest("disco__caps", 2_000)])
        .await
        .map(drop)
}

/// Keeps the newest rows only: strangers can add some too.
fn newest(table: &str, rows: u32) -> Statement {
    let last = format!("SELECT max(rowid) FROM {table}");
    sql(
        &format!("DELETE FROM {table} WHERE rowid <= ({last}) - {rows}"),
        (),
    )
}
