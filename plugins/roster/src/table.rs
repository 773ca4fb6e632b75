//! The roster on disk.

use crate::bindings::sat::roster::types::Contact;
use sat_sdk::{
    Error,
    storage::{self, Migrations, Params, Statement, Value, sql},
};

static SCHEMA: Migrations = Migrations::new(
    "roster__schema",
    &[&["CREATE TABLE IF NOT EXISTS roster__contact (
            jid TEXT PRIMARY KEY,
            name TEXT,
            group_names TEXT NOT NULL,
            subscription TEXT NOT NULL,
            pending_out INTEGER NOT NULL,
            approved INTEGER NOT NULL
        ) STRICT"]],
);

/// Stands between the names of groups. XML can't contain it, so no name does.
const SEPARATOR: char = '\u{1f}';

const COLUMNS: &str = "jid, name, group_names, subscription, pending_out, approved";

/// Contacts in one statement. A commit has a limit of statements, which a first roster may pass.
const ROWS: usize = 1000;

/// The key of the roster's version.
const VERSION: &str = "version";

/// All contacts by JID.
pub(crate) async fn all() -> Result<Vec<Contact>, Error> {
    SCHEMA.run().await?;
    select("1 ORDER BY jid", ()).await
}

/// One contact, or `item-not-found`.
pub(crate) async fn get(jid: &str) -> Result<Contact, Error> {
    SCHEMA.run().await?;
    let found = select("jid = ?1", (jid,)).await?.pop();
    found.ok_or_else(|| Error::new("item-not-found", format!("{jid} is not in the roster")))
}

async fn select(condition: &str, params: impl Params) -> Result<Vec<Contact>, Error> {
    let select = format!("SELECT {COLUMNS} FROM roster__contact WHERE {condition}");
    let rows = storage::select(&select, params).await?;
    Ok(rows.into_iter().map(contact).collect())
}

/// Writes and deletes contacts, all or none.
pub(crate) async fn change(changed: &[Contact], removed: &[String]) -> Result<(), Error> {
    SCHEMA.run().await?;
    let statements: Vec<_> = put(changed).chain(delete(removed)).collect();
    if !statements.is_empty() {
        storage::run(statements).await?;
    }
    Ok(())
}

fn put(contacts: &[Contact]) -> impl Iterator<Item = Statement> {
    contacts.chunks(ROWS).map(|contacts| {
        let rows = vec!["(?, ?, ?, ?, ?, ?)"; contacts.len()].join(", ");
        let replace = format!("INSERT OR REPLACE INTO roster__contact ({COLUMNS}) VALUES {rows}");
        sql(&replace, contacts.iter().flat_map(row).collect::<Vec<_>>())
    })
}

fn delete(jids: &[String]) -> impl Iterator<Item = Statement> {
    jids.chunks(ROWS).map(|jids| {
        let places = vec!["?"; jids.len()].join(", ");
        let delete = format!("DELETE FROM roster__contact WHERE jid IN ({places})");
        sql(&delete, jids.iter().map(Value::from).collect::<Vec<_>>())
    })
}

/// The version of the roster, as the server named it.
pub(crate) async fn version() -> Result<Option<String>, Error> {
    storage::get_text(VERSION).await
}

/// Remembers the version. Comes after the change that it stands for: if it is lost, the server
/// says some things twice, where a version ahead of the table would hide them for ever.
pub(crate) async fn set_version(version: Option<String>) -> Result<(), Error> {
    match version {
        Some(version) => storage::set_text(VERSION, &version).await,
        None => storage::delete(VERSION.into()).await.map(drop),
    }
}

fn row(contact: &Contact) -> Vec<Value> {
    let Contact {
        jid,
        name,
        groups,
        subscription,
        pending_out,
        approved,
    } = contact;
    let groups = groups.join(&SEPARATOR.to_string());
    (jid, name, groups, subscription, *pending_out, *approved).values()
}

type Row = (String, Option<String>, String, String, bool, bool);

fn contact((jid, name, groups, subscription, pending_out, approved): Row) -> Contact {
    let groups = groups
        .split_terminator(SEPARATOR)
        .map(str::to_owned)
        .collect();
    Contact {
        jid,
        name,
        groups,
        subscription,
        pending_out,
        approved,
    }
}
