//! The roster on disk.

use crate::bindings::sat::roster::types::Contact;
use sat_sdk::{
    Error,
    storage::{self, Migrations, Statement, Value, sql},
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
    let select = format!("SELECT {COLUMNS} FROM roster__contact ORDER BY jid");
    Ok(storage::query(sql(&select, []))
        .await?
        .rows
        .into_iter()
        .filter_map(contact)
        .collect())
}

/// One contact, or `item-not-found`.
pub(crate) async fn get(jid: &str) -> Result<Contact, Error> {
    SCHEMA.run().await?;
    let select = format!("SELECT {COLUMNS} FROM roster__contact WHERE jid = ?1");
    let row = storage::query(sql(&select, [jid.into()])).await?.rows.pop();
    row.and_then(contact)
        .ok_or_else(|| Error::new("item-not-found", format!("{jid} is not in the roster")))
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
        sql(
            &delete,
            jids.iter()
                .map(|jid| jid.as_str().into())
                .collect::<Vec<_>>(),
        )
    })
}

/// The version of the roster, as the server named it.
pub(crate) async fn version() -> Result<Option<String>, Error> {
    Ok(storage::get(VERSION.into())
        .await?
        .and_then(|v| String::from_utf8(v).ok()))
}

/// Remembers the version. Comes after the change that it stands for: if it is lost, the server
/// says some things twice, where a version ahead of the table would hide them for ever.
pub(crate) async fn set_version(version: Option<String>) -> Result<(), Error> {
    match version {
        Some(version) => storage::set(VERSION.into(), version.into_bytes()).await,
        None => storage::delete(VERSION.into()).await.map(drop),
    }
}

fn row(contact: &Contact) -> [Value; 6] {
    [
        contact.jid.as_str().into(),
        contact.name.clone().into(),
        contact.groups.join(&SEPARATOR.to_string()).into(),
        contact.subscription.as_str().into(),
        contact.pending_out.into(),
        contact.approved.into(),
    ]
}

fn contact(row: Vec<Value>) -> Option<Contact> {
    let [jid, name, groups, subscription, pending_out, approved] = row.try_into().ok()?;
    let groups = groups.into_text();
    Some(Contact {
        jid: jid.into_text(),
        name: name.into_option(),
        groups: groups
            .split_terminator(SEPARATOR)
            .map(str::to_owned)
            .collect(),
        subscription: subscription.into_text(),
        pending_out: pending_out.integer() == Some(1),
        approved: approved.integer() == Some(1),
    })
}
