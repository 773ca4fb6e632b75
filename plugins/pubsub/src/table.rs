//! Nodes and items on disk.

use crate::{
    bindings::sat::pubsub::types::Item,
    notification::Reason,
    place::{Place, believed},
};
use sat_sdk::{
    Error, datetime, random, settings,
    storage::{self, Migrations, Statement, Value, sql},
    xmpp,
};
use std::cell::Cell;

/// Most items of a node that are kept: the newest.
pub(crate) const NODE_ITEMS: i64 = 10_000;

/// The tables. Times are in milliseconds since 1970.
///
/// An item's row begins with the time when it was published first (see [`row`]), so the order of
/// rows is that of items, in every index, and in the full-text index too. That one holds words
/// only. A node's `version` counts its changes, an item's says with which one it came, and
/// `gone` with which one items went last: who has asked the service before that may have got
/// what isn't so any more. The guard's row makes a commit fail when a node has changed since it
/// was read.
static SCHEMA: Migrations = Migrations::new(
    "pubsub__schema",
    &[&[
        "CREATE TABLE pubsub__node (
            row INTEGER PRIMARY KEY,
            service TEXT NOT NULL,
            node TEXT NOT NULL,
            namespace TEXT NOT NULL,
            reason TEXT NOT NULL,
            version INTEGER NOT NULL DEFAULT 0,
            gone INTEGER NOT NULL DEFAULT 0,
            items INTEGER NOT NULL DEFAULT 0,
            complete INTEGER NOT NULL DEFAULT 0,
            fresh INTEGER NOT NULL DEFAULT 0,
            subscribed INTEGER NOT NULL DEFAULT 0,
            deleted INTEGER NOT NULL DEFAULT 0,
            synced INTEGER,
            error TEXT,
            UNIQUE (service, node)
        ) STRICT",
        "CREATE TABLE pubsub__item (
            row INTEGER PRIMARY KEY,
            node INTEGER NOT NULL,
            id TEXT NOT NULL,
            service TEXT NOT NULL,
            publisher TEXT,
            element TEXT NOT NULL,
            namespace TEXT NOT NULL,
            payload TEXT NOT NULL,
            hash INTEGER NOT NULL,
            size INTEGER NOT NULL,
            updated INTEGER NOT NULL,
            version INTEGER NOT NULL,
            UNIQUE (node, id)
        ) STRICT",
        "CREATE INDEX pubsub__item_node ON pubsub__item (node)",
        "CREATE INDEX pubsub__item_updated ON pubsub__item (node, updated)",
        "CREATE INDEX pubsub__item_service ON pubsub__item (service)",
        "CREATE INDEX pubsub__item_namespace ON pubsub__item (namespace)",
        "CREATE VIRTUAL TABLE pubsub__fts USING fts5(words, content='', contentless_delete=1,
            tokenize='unicode61 remove_diacritics 2')",
        "CREATE TRIGGER pubsub__item_insert AFTER INSERT ON pubsub__item BEGIN
            UPDATE pubsub__node SET items = items + 1 WHERE row = new.node;
        END",
        "CREATE TRIGGER pubsub__item_delete AFTER DELETE ON pubsub__item BEGIN
            UPDATE pubsub__node SET items = items - 1 WHERE row = old.node;
            DELETE FROM pubsub__fts WHERE rowid = old.row;
        END",
        "CREATE TABLE pubsub__guard (
            row INTEGER PRIMARY KEY,
            ok INTEGER NOT NULL CHECK (ok)
        ) STRICT",
    ]],
);

/// Makes the tables, the first time.
pub(crate) async fn ready() -> Result<(), Error> {
    SCHEMA.run().await
}

/// Bits of a row behind the time: items of one millisecond.
const BITS: u32 = 20;

thread_local! {
    static LAST_ROW: Cell<i64> = const { Cell::new(0) };
}

/// A row for a new item that was published at a time. Those that one instance gives for one
/// millisecond follow each other; the random beginning keeps those of two apart.
pub(crate) fn row(stamp: i64) -> i64 {
    let last = LAST_ROW.get();
    let next = last.wrapping_add(1);
    let row = if stamp_of(last) == stamp && stamp_of(next) == stamp {
        next
    } else {
        let random = i64::from(u32::from_ne_bytes(random::bytes()) >> (32 - BITS + 1));
        (stamp.max(0) << BITS) | random
    };
    LAST_ROW.set(row);
    row
}

/// When the item in a row was published first.
pub(crate) fn stamp_of(row: i64) -> i64 {
    row >> BITS
}

/// A node in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) row: i64,
    pub(crate) namespace: String,
    pub(crate) reason: Reason,
    pub(crate) version: i64,
    pub(crate) gone: i64,
    pub(crate) items: i64,
    pub(crate) complete: bool,
    /// Whether it was compared with the service since the last reconnection.
    pub(crate) fresh: bool,
    pub(crate) subscribed: bool,
    /// Whether the service said that it is no more.
    pub(crate) deleted: bool,
}

/// What [`Node::read`] reads, of a node `n`.
pub(crate) const NODE: &str =
    "n.row, n.namespace, n.reason, n.version, n.gone, n.items, n.complete,
    n.fresh, n.subscribed, n.deleted";

impl Node {
    /// Reads [`NODE`] at the beginning of a row.
    pub(crate) fn read(columns: &[Value]) -> Option<Self> {
        let number = |n: usize| columns.get(n)?.integer();
        let text = |n: usize| columns.get(n)?.text();
        Some(Self {
            row: number(0)?,
            namespace: text(1)?.to_owned(),
            reason: Reason::from_word(text(2)?),
            version: number(3)?,
            gone: number(4)?,
            items: number(5)?,
            complete: number(6)? == 1,
            fresh: number(7)? == 1,
            subscribed: number(8)? == 1,
            deleted: number(9)? == 1,
        })
    }
}

/// A node in the cache, if it is there.
pub(crate) async fn node(place: &Place) -> Result<Option<Node>, Error> {
    ready().await?;
    let select = format!("SELECT {NODE} FROM pubsub__node n WHERE n.service = ?1 AND n.node = ?2");
    let values = [place.service.as_str().into(), place.node.as_str().into()];
    let rows = storage::query(sql(&select, values)).await?.rows;
    Ok(rows.first().and_then(|row| Node::read(row)))
}

/// A statement that fails when the node has changed since it was read.
pub(crate) fn guard(node: &Node) -> Statement {
    let replace = "INSERT OR REPLACE INTO pubsub__guard (row, ok)
        VALUES (0, (SELECT version = ?2 FROM pubsub__node WHERE row = ?1))";
    sql(replace, [node.row.into(), node.version.into()])
}

/// What [`item`] reads, of an item `i` of a node `n`.
pub(crate) const ITEM: &str = "i.row, i.service, n.node, i.id, i.publisher, i.element,
    i.namespace, i.payload, i.updated";

/// What it takes to tell whether publishers are certain.
pub(crate) struct Judge {
    account: String,
    trusted: String,
}

impl Judge {
    /// With the account and the setting as they are now.
    pub(crate) fn now() -> Self {
        let trusted = settings::text("trusted").unwrap_or_default();
        Self {
            account: xmpp::account(),
            trusted: trusted.to_lowercase(),
        }
    }

    /// Without trusted services.
    #[cfg(test)]
    pub(crate) fn of(account: &str) -> Self {
        Self {
            account: account.into(),
            trusted: String::new(),
        }
    }

    /// Whether the service may be believed about the publisher.
    pub(crate) fn believes(&self, service: &str, publisher: Option<&str>) -> bool {
        publisher.is_some_and(|p| believed(service, p, &self.account, &self.trusted))
    }
}

/// Reads [`ITEM`]; what follows is left out.
pub(crate) fn item(mut columns: Vec<Value>, judge: &Judge) -> Option<(i64, i64, Item)> {
    columns.truncate(9);
    let [
        row,
        service,
        node,
        id,
        publisher,
        element,
        namespace,
        payload,
        updated,
    ] = columns.try_into().ok()?;
    let (row, updated) = (row.integer()?, updated.integer()?);
    let (service, publisher) = (service.into_text(), publisher.into_option());
    let item = Item {
        verified: judge.believes(&service, publisher.as_deref()),
        service,
        node: node.into_text(),
        id: id.into_text(),
        publisher,
        payload: payload.into_text(),
        element: element.into_text(),
        namespace: namespace.into_text(),
        stamp: datetime::format(stamp_of(row)),
        updated: datetime::format(updated),
        extra: Vec::new(),
    };
    Some((row, updated, item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_follow_time() {
        let first = row(1_700_000_000_000);
        let rows: Vec<_> = (0..1000).map(|_| row(1_700_000_000_000)).collect();
        assert!(rows.is_sorted() && rows.iter().all(|r| *r > first));
        assert!(rows.iter().all(|r| stamp_of(*r) == 1_700_000_000_000));
        assert!(row(1_700_000_000_001) > rows[999]);
        assert!(row(1_600_000_000_000) < first);
        assert_eq!(stamp_of(row(0)), 0);
        assert_eq!(stamp_of(row(-5)), 0);
    }
}
