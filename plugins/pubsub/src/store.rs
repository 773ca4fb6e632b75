//! Taking in what is new, with the events that tell of it.

use crate::{
    answer::Item as Found,
    bindings::sat::pubsub::{
        events,
        types::{Change, Item, NodeEvent, Retraction},
    },
    notification::Reason,
    place::Place,
    table::{self, Judge, NODE, NODE_ITEMS, Node},
};
use sat_sdk::{
    Error, datetime,
    storage::{self, Statement, Value, sql},
};
use std::collections::{BTreeMap, BTreeSet};

/// Items and bytes of payloads that one commit takes in: with their events they stay within what
/// the host takes in one call.
const CHUNK: usize = 100;
const CHUNK_BYTES: usize = 1 << 20;
/// Ids that one statement looks for.
const IDS: usize = 500;
/// How often a commit is tried when the node changes meanwhile.
const TRIES: usize = 8;

/// An item that is there already.
#[derive(Debug, Clone)]
struct Known {
    row: i64,
    hash: i64,
    version: i64,
    publisher: Option<String>,
    namespace: String,
    updated: i64,
}

/// A node and some of its items, read at one moment.
struct Snapshot {
    node: Option<Node>,
    known: BTreeMap<String, Known>,
}

/// Where new items come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    /// Why a node that isn't in the cache is put there.
    pub(crate) reason: Reason,
    /// When items without a time of their own were published first, in milliseconds since 1970.
    pub(crate) stamp: i64,
    /// The version of the node when the service was asked: what has changed since then is newer
    /// than the answer.
    pub(crate) asked_at: Option<i64>,
}

/// What taking in did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Items that were new or had another payload.
    pub(crate) changed: u32,
    /// Whether items went since the service was asked: its answer can't be believed.
    pub(crate) outdated: bool,
}

async fn snapshot(place: &Place, ids: &[&str]) -> Result<Snapshot, Error> {
    table::ready().await?;
    let places = vec!["?"; ids.len()].join(", ");
    let select = format!(
        "SELECT {NODE}, i.id, i.row, i.hash, i.version, i.publisher, i.namespace,
            i.updated
        FROM pubsub__node n LEFT JOIN pubsub__item i ON i.node = n.row AND i.id IN ({places})
        WHERE n.service = ? AND n.node = ?"
    );
    let mut values: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    values.extend([place.service.as_str().into(), place.node.as_str().into()]);
    let rows = storage::query(sql(&select, values)).await?.rows;
    let node = rows.first().and_then(|row| Node::read(row));
    let known = rows.into_iter().filter_map(|mut row| {
        let [id, row, hash, version, publisher, namespace, updated] =
            row.split_off(10).try_into().ok()?;
        let known = Known {
            row: row.integer()?,
            hash: hash.integer()?,
            version: version.integer()?,
            publisher: publisher.into_option(),
            namespace: namespace.into_text(),
            updated: updated.integer()?,
        };
        Some((id.into_text(), known))
    });
    Ok(Snapshot {
        known: known.collect(),
        node,
    })
}

/// When items that are here were published first and last, by their ids.
pub(crate) async fn times(
    place: &Place,
    items: &[Found],
) -> Result<BTreeMap<String, (i64, i64)>, Error> {
    let ids: Vec<&str> = items.iter().map(|i| i.id.as_str()).collect();
    let known = snapshot(place, &ids).await?.known.into_iter();
    Ok(known
        .map(|(id, known)| (id, (table::stamp_of(known.row), known.updated)))
        .collect())
}

/// Takes in items of a node, the oldest first.
pub(crate) async fn take(place: &Place, items: &[Found], source: Source) -> Result<Taken, Error> {
    let mut taken = Taken::default();
    let mut rest = items;
    while !rest.is_empty() {
        let (mut count, mut bytes) = (0, 0);
        for item in rest.iter().take(CHUNK) {
            bytes += item.payload.text.len();
            if count > 0 && bytes > CHUNK_BYTES {
                break;
            }
            count += 1;
        }
        let (chunk, behind) = rest.split_at(count);
        let done = take_chunk(place, chunk, source).await?;
        taken.changed += done.changed;
        if done.outdated {
            taken.outdated = true;
            break;
        }
        rest = behind;
    }
    Ok(taken)
}

async fn take_chunk(place: &Place, items: &[Found], source: Source) -> Result<Taken, Error> {
    let ids: Vec<&str> = items.iter().map(|i| i.id.as_str()).collect();
    let judge = Judge::now();
    let mut tries = TRIES;
    loop {
        let snapshot = snapshot(place, &ids).await?;
        let gone = snapshot.node.as_ref().map_or(0, |n| n.gone);
        if source.asked_at.is_some_and(|asked| gone > asked) {
            return Ok(Taken {
                changed: 0,
                outdated: true,
            });
        }
        let plan = plan(place, snapshot, items, source, &judge);
        if plan.changes.is_empty() {
            return Ok(Taken::default());
        }
        let changed = u32::try_from(plan.changes.len()).unwrap_or(u32::MAX);
        for change in plan.changes {
            events::changed(change).await;
        }
        match storage::run(plan.statements).await {
            // Somebody else changed the node meanwhile: nothing is stored, nothing told.
            Err(e) if e.code == "sql-error" && tries > 1 => tries -= 1,
            done => {
                return done.map(|_| Taken {
                    changed,
                    outdated: false,
                });
            }
        }
    }
}

/// What is to be done, all of it in one commit.
struct Plan {
    statements: Vec<Statement>,
    changes: Vec<Change>,
}

/// Compares what came with what is there.
fn plan(place: &Place, snapshot: Snapshot, items: &[Found], source: Source, judge: &Judge) -> Plan {
    let Snapshot { node, known } = snapshot;
    let now = datetime::now_ms();
    let (row, version) = node
        .as_ref()
        .map_or_else(|| (table::row(now), 1), |n| (n.row, n.version + 1));
    let mut inserts: Vec<Value> = Vec::new();
    let mut words: Vec<Value> = Vec::new();
    let mut updates = Vec::new();
    let mut changes = Vec::new();
    // Of one id that comes twice, the last counts.
    let mut seen = BTreeSet::new();
    let mut last: Vec<&Found> = items.iter().rev().filter(|i| seen.insert(&i.id)).collect();
    last.reverse();
    for item in last {
        let old = known.get(&item.id);
        if old.is_some_and(|k| source.asked_at.is_some_and(|asked| k.version > asked)) {
            continue;
        }
        if old.is_some_and(|k| k.hash == item.payload.hash) {
            continue;
        }
        let item_row =
            old.map_or_else(|| table::row(item.stamp.unwrap_or(source.stamp)), |k| k.row);
        let stamp = table::stamp_of(item_row);
        let updated = if old.is_some() {
            item.stamp.unwrap_or(source.stamp).max(stamp)
        } else {
            stamp
        };
        let publisher = item
            .publisher
            .clone()
            .or_else(|| old.and_then(|k| k.publisher.clone()));
        let payload = &item.payload;
        let size = (payload.text.len() + item.id.len()) as i64;
        if old.is_some() {
            let update = "UPDATE pubsub__item SET publisher = ?2, element = ?3, namespace = ?4,
                payload = ?5, hash = ?6, size = ?7, updated = ?8, version = ?9 WHERE row = ?1";
            updates.push(sql(
                update,
                [
                    item_row.into(),
                    publisher.clone().into(),
                    payload.element.as_str().into(),
                    payload.namespace.as_str().into(),
                    payload.text.as_str().into(),
                    payload.hash.into(),
                    size.into(),
                    updated.into(),
                    version.into(),
                ],
            ));
            let delete = "DELETE FROM pubsub__fts WHERE rowid = ?1";
            updates.push(sql(delete, [item_row.into()]));
        } else {
            inserts.extend::<[Value; 12]>([
                item_row.into(),
                row.into(),
                item.id.as_str().into(),
                place.service.as_str().into(),
                publisher.clone().into(),
                payload.element.as_str().into(),
                payload.namespace.as_str().into(),
                payload.text.as_str().into(),
                payload.hash.into(),
                size.into(),
                updated.into(),
                version.into(),
            ]);
        }
        words.extend::<[Value; 2]>([item_row.into(), payload.words().into()]);
        changes.push(Change {
            service: place.service.clone(),
            node: place.node.clone(),
            namespace: payload.namespace.clone(),
            is_new: old.is_none(),
            item: Item {
                verified: judge.believes(&place.service, publisher.as_deref()),
                service: place.service.clone(),
                node: place.node.clone(),
                id: item.id.clone(),
                publisher,
                payload: payload.text.clone(),
                element: payload.element.clone(),
                namespace: payload.namespace.clone(),
                stamp: datetime::format(stamp),
                updated: datetime::format(updated),
                extra: Vec::new(),
            },
        });
    }
    let namespace = changes.last().map_or("", |c| c.namespace.as_str());
    let mut statements = vec![match &node {
        Some(node) => table::guard(node),
        // Another call that puts the same node there makes this one fail.
        None => {
            let insert = "INSERT INTO pubsub__node (row, service, node, namespace, reason)
                VALUES (?1, ?2, ?3, '', ?4)";
            sql(
                insert,
                [
                    row.into(),
                    place.service.as_str().into(),
                    place.node.as_str().into(),
                    source.reason.word().into(),
                ],
            )
        }
    }];
    let update = "UPDATE pubsub__node SET version = ?2, deleted = 0,
        namespace = iif(?3 = '', namespace, ?3) WHERE row = ?1";
    statements.push(sql(update, [row.into(), version.into(), namespace.into()]));
    statements.extend(updates);
    let insert = "INSERT INTO pubsub__item (row, node, id, service, publisher, element,
        namespace, payload, hash, size, updated, version) VALUES";
    statements.extend(rows(insert, inserts, 12));
    let insert = "INSERT INTO pubsub__fts (rowid, words) VALUES";
    statements.extend(rows(insert, words, 2));
    statements.push(trim(row));
    Plan {
        statements,
        changes,
    }
}

/// An INSERT of several rows, if there are any.
fn rows(insert: &str, values: Vec<Value>, width: usize) -> Option<Statement> {
    let place = format!("({})", vec!["?"; width].join(", "));
    let places = vec![place; values.len() / width].join(", ");
    (!values.is_empty()).then(|| sql(&format!("{insert} {places}"), values))
}

/// Deletes the oldest items of a node that has more than [`NODE_ITEMS`].
fn trim(node: i64) -> Statement {
    let delete = "DELETE FROM pubsub__item WHERE row IN (
        SELECT row FROM pubsub__item WHERE node = ?1 ORDER BY row
        LIMIT (SELECT max(0, items - ?2) FROM pubsub__node WHERE row = ?1))";
    sql(delete, [node.into(), NODE_ITEMS.into()])
}

/// Items of a node are gone. Returns how many of them were here.
pub(crate) async fn retract(place: &Place, ids: &[String]) -> Result<u32, Error> {
    let mut count = 0;
    for ids in ids.chunks(IDS) {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        count += retract_chunk(place, &ids).await?;
    }
    Ok(count)
}

async fn retract_chunk(place: &Place, ids: &[&str]) -> Result<u32, Error> {
    let mut tries = TRIES;
    loop {
        let Snapshot { node, known } = snapshot(place, ids).await?;
        let Some(node) = node else {
            return Ok(0);
        };
        let mut statements = vec![table::guard(&node), forget(&node)];
        let places = vec!["?"; known.len()].join(", ");
        let delete = format!("DELETE FROM pubsub__item WHERE row IN ({places})");
        let rows: Vec<Value> = known.values().map(|k| k.row.into()).collect();
        statements.push(sql(&delete, rows));
        let count = u32::try_from(known.len()).unwrap_or(u32::MAX);
        let mut by_namespace: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (id, known) in known {
            by_namespace.entry(known.namespace).or_default().push(id);
        }
        for (namespace, ids) in by_namespace {
            events::retracted(Retraction {
                service: place.service.clone(),
                node: place.node.clone(),
                namespace,
                ids,
            })
            .await;
        }
        match storage::run(statements).await {
            Err(e) if e.code == "sql-error" && tries > 1 => tries -= 1,
            done => return done.map(|_| count),
        }
    }
}

/// Items of the node went with a new version: what services were asked before is outdated.
fn forget(node: &Node) -> Statement {
    let update = "UPDATE pubsub__node SET version = ?2, gone = ?2 WHERE row = ?1";
    sql(update, [node.row.into(), (node.version + 1).into()])
}

/// What became of a whole node.
pub(crate) enum Fate {
    Purged,
    Deleted { redirect: Option<String> },
    Configured { options: Vec<(String, String)> },
}

/// Something became of a node. Of a node that is not in the cache nobody is told, and nobody
/// twice.
pub(crate) async fn node(place: &Place, fate: &Fate) -> Result<(), Error> {
    let mut tries = TRIES;
    loop {
        let Some(node) = table::node(place).await? else {
            return Ok(());
        };
        let mut event = NodeEvent {
            service: place.service.clone(),
            node: place.node.clone(),
            namespace: node.namespace.clone(),
            redirect: None,
            options: Vec::new(),
        };
        let delete = sql(
            "DELETE FROM pubsub__item WHERE node = ?1",
            [node.row.into()],
        );
        let mut statements = vec![table::guard(&node)];
        match fate {
            Fate::Purged if node.items == 0 => return Ok(()),
            Fate::Purged => {
                statements.extend([forget(&node), delete]);
                events::purged(event).await;
            }
            Fate::Deleted { .. } if node.deleted => return Ok(()),
            Fate::Deleted { redirect } => {
                event.redirect.clone_from(redirect);
                let update = "UPDATE pubsub__node SET deleted = 1, subscribed = 0,
                    complete = 0, fresh = 0 WHERE row = ?1";
                statements.extend([forget(&node), delete, sql(update, [node.row.into()])]);
                events::deleted(event).await;
            }
            Fate::Configured { options } => {
                event.options.clone_from(options);
                events::configured(event).await;
            }
        }
        match storage::run(statements).await {
            Err(e) if e.code == "sql-error" && tries > 1 => tries -= 1,
            done => return done.map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Payload;

    fn place() -> Place {
        Place {
            service: "pubsub.capulet.lit".into(),
            node: "n".into(),
        }
    }

    fn found(id: &str, text: &str) -> Found {
        Found {
            id: id.into(),
            payload: Payload::read(&format!("<a xmlns='urn:x'>{text}</a>")).unwrap(),
            ..Found::default()
        }
    }

    fn node() -> Node {
        Node {
            row: 7,
            namespace: String::new(),
            reason: Reason::Follow,
            version: 5,
            gone: 0,
            items: 1,
            complete: false,
            fresh: false,
            subscribed: false,
            deleted: false,
        }
    }

    fn known(text: &str, version: i64) -> (String, Known) {
        let known = Known {
            row: 1000 << 20,
            hash: found("", text).payload.hash,
            version,
            publisher: Some("juliet@capulet.lit".into()),
            namespace: "urn:x".into(),
            updated: 1000,
        };
        ("old".into(), known)
    }

    fn changes(snapshot: Snapshot, items: &[Found], asked_at: Option<i64>) -> Vec<Change> {
        let source = Source {
            reason: Reason::Follow,
            stamp: 2000,
            asked_at,
        };
        let judge = Judge::of("romeo@montague.lit");
        plan(&place(), snapshot, items, source, &judge).changes
    }

    #[test]
    fn tells_new_from_changed_from_same() {
        let snapshot = || Snapshot {
            node: Some(node()),
            known: [known("before", 3)].into(),
        };
        let [new, changed] = <[_; 2]>::try_from(changes(
            snapshot(),
            &[found("new", "x"), found("old", "after")],
            None,
        ))
        .unwrap();
        assert!(new.is_new && !changed.is_new);
        assert_eq!(new.item.stamp, "1970-01-01T00:00:02.000Z");
        assert_eq!(changed.item.stamp, "1970-01-01T00:00:01.000Z");
        assert_eq!(changed.item.updated, "1970-01-01T00:00:02.000Z");
        // Who published it stays known, and is believed.
        assert!(changed.item.verified && !new.item.verified);
        assert!(changes(snapshot(), &[found("old", "before")], None).is_empty());
    }

    #[test]
    fn an_old_answer_takes_nothing_back() {
        let snapshot = || Snapshot {
            node: Some(node()),
            known: [known("after", 5)].into(),
        };
        let before = [found("old", "before")];
        assert!(changes(snapshot(), &before, Some(4)).is_empty());
        assert_eq!(changes(snapshot(), &before, Some(5)).len(), 1);
    }

    #[test]
    fn the_last_of_an_id_counts() {
        let snapshot = Snapshot {
            node: None,
            known: BTreeMap::new(),
        };
        let twice = [found("a", "1"), found("b", "2"), found("a", "3")];
        let changes = changes(snapshot, &twice, None);
        let ids: Vec<_> = changes.iter().map(|c| c.item.id.as_str()).collect();
        assert_eq!(ids, ["b", "a"]);
        assert!(changes[1].item.payload.contains('3'));
    }
}
