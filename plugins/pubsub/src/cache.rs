//! Reading the cache.

use crate::{
    bindings::sat::pubsub::types::{
        CachedRequest, FollowedNode, FollowedPage, FollowedRequest, Item, Page, SearchRequest,
    },
    cursor::{self, Cursor, Order, Part},
    place::{self, Place},
    table::{self, ITEM, Judge, Node},
};
use sat_sdk::{
    Error, datetime, fts,
    storage::{self, Statement, Value, sql},
};

/// Bytes of payloads in one page: with a last long one, and as JSON, still within the limits for
/// a result of the host and an answer of the bridge.
const PAGE_BYTES: u32 = 1 << 20;

/// A list of items in the cache.
struct List {
    /// The joined tables, among them `i`.
    from: String,
    /// What selects from them, without the cursor.
    condition: String,
    values: Vec<Value>,
    /// The row, as the quickest table has it.
    key: &'static str,
    order: Order,
    part: Part<Cursor>,
}

/// A page of items over all nodes.
pub(crate) async fn cached(request: CachedRequest) -> Result<Page, Error> {
    let limit = cursor::limit(request.limit)?;
    let order = Order::Creation;
    let part = Part::of(request.before, request.after)?.map(|c| Cursor::read(order, &c))?;
    let service = request
        .service
        .as_deref()
        .map(|jid| place::service(Some(jid)))
        .transpose()?;
    let mut filter = Filter::default();
    filter.equals("namespace", request.namespace);
    filter.equals("element", request.element);
    let list = match (service, request.node) {
        (Some(service), node) => {
            match node {
                Some(node) => filter.node(&service, &node),
                None => filter.first("service", service),
            }
            filter.list(order, part)
        }
        (None, Some(node)) => filter.of_every(&node, part, limit),
        (None, None) => filter.list(order, part),
    };
    page(list, limit).await
}

/// A page of items of one node.
pub(crate) async fn items(
    place: &Place,
    order: Order,
    part: Part<String>,
    limit: u32,
) -> Result<Page, Error> {
    let part = part.map(|c| Cursor::read(order, &c))?;
    let mut filter = Filter::default();
    filter.node(&place.service, &place.node);
    page(filter.list(order, part), limit).await
}

/// These items of one node, as far as they are here.
pub(crate) async fn by_id(place: &Place, ids: &[String]) -> Result<Page, Error> {
    let mut filter = Filter::default();
    filter.node(&place.service, &place.node);
    let places = vec!["?"; ids.len()].join(", ");
    filter.conditions.push(format!("i.id IN ({places})"));
    filter
        .values
        .extend(ids.iter().map(|id| Value::from(id.as_str())));
    let limit = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    page(filter.list(Order::Creation, Part::Newest), limit.max(1)).await
}

/// A page of what was found.
pub(crate) async fn search(request: SearchRequest) -> Result<Page, Error> {
    let limit = cursor::limit(request.limit)?;
    let order = Order::Creation;
    let part = Part::of(request.before, None)?.map(|c| Cursor::read(order, &c))?;
    let mut filter = Filter::default();
    filter.conditions.push("pubsub__fts MATCH ?".into());
    filter.values.push(fts::query(&request.text)?.into());
    filter.equals("namespace", request.namespace);
    match (request.service, request.node) {
        (Some(service), Some(node)) => filter.node(&place::service(Some(&service))?, &node),
        (Some(service), None) => {
            filter.equals("service", Some(place::service(Some(&service))?));
        }
        (None, Some(node)) => {
            let rows = "+i.node IN (SELECT row FROM pubsub__node WHERE node = ?)";
            filter.conditions.push(rows.into());
            filter.values.push(node.into());
        }
        (None, None) => {}
    }
    let mut list = filter.list(order, part);
    // CROSS keeps this order: the index first, which has its rows in their order.
    list.from = "pubsub__fts CROSS JOIN pubsub__item i ON i.row = pubsub__fts.rowid".into();
    list.key = "pubsub__fts.rowid";
    page(list, limit).await
}

#[derive(Default)]
struct Filter {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Filter {
    /// Of a column; with a sign that keeps SQLite from using its index when there is a better
    /// one.
    fn equals(&mut self, column: &str, value: Option<String>) {
        if let Some(value) = value {
            let index = if self.conditions.is_empty() { "" } else { "+" };
            self.conditions.push(format!("{index}i.{column} = ?"));
            self.values.push(value.into());
        }
    }

    /// A condition whose index is the best: the others don't use theirs.
    fn first(&mut self, column: &str, value: String) {
        for condition in &mut self.conditions {
            if condition.starts_with("i.") {
                condition.insert(0, '+');
            }
        }
        self.conditions.push(format!("i.{column} = ?"));
        self.values.push(value.into());
    }

    fn node(&mut self, service: &str, node: &str) {
        for condition in &mut self.conditions {
            if condition.starts_with("i.") {
                condition.insert(0, '+');
            }
        }
        let row = "i.node = (SELECT row FROM pubsub__node WHERE service = ? AND node = ?)";
        self.conditions.push(row.into());
        self.values.extend([service.into(), node.into()]);
    }

    fn list(self, order: Order, part: Part<Cursor>) -> List {
        let mut conditions = self.conditions;
        if conditions.is_empty() {
            conditions.push("1".into());
        }
        List {
            from: "pubsub__item i".into(),
            condition: conditions.join(" AND "),
            values: self.values,
            key: "i.row",
            order,
            part,
        }
    }

    /// Of the nodes of this name at all services: the part of each, of which the list takes its
    /// own. So it costs the same however many items they have.
    fn of_every(self, node: &str, part: Part<Cursor>, limit: u32) -> List {
        let mut inside = self.list(Order::Creation, part.clone());
        inside.condition = format!("i.node = f.row AND +{}", inside.condition);
        let (condition, order) = inside.selection();
        let from = format!(
            "pubsub__node f CROSS JOIN pubsub__item i ON i.row IN (
                SELECT i.row FROM pubsub__item i WHERE {condition} ORDER BY {order} LIMIT {})",
            limit.saturating_add(1)
        );
        inside.values.push(node.into());
        List {
            from,
            condition: "f.node = ?".into(),
            values: inside.values,
            key: "i.row",
            order: Order::Creation,
            // Every part is that one already.
            part: match part {
                Part::Newer(_) => Part::Newer(Cursor {
                    row: i64::MIN,
                    updated: None,
                }),
                _ => Part::Newest,
            },
        }
    }
}

impl List {
    /// The condition with the cursor, and the order in which its part is read.
    fn selection(&mut self) -> (String, String) {
        let key = self.key;
        let columns = match self.order {
            Order::Creation => key.to_owned(),
            Order::Modification => format!("i.updated, {key}"),
        };
        let (side, direction, cursor) = match &self.part {
            Part::Newest => ("", "DESC", None),
            Part::Older(cursor) => ("<", "DESC", Some(*cursor)),
            Part::Newer(cursor) => (">", "ASC", Some(*cursor)),
        };
        let mut condition = self.condition.clone();
        if let Some(cursor) = cursor {
            match cursor.updated {
                Some(updated) => {
                    condition.push_str(&format!(" AND ({columns}) {side} (?, ?)"));
                    self.values.extend([updated.into(), cursor.row.into()]);
                }
                None => {
                    condition.push_str(&format!(" AND {columns} {side} ?"));
                    self.values.push(cursor.row.into());
                }
            }
        }
        let order = columns.replace(", ", &format!(" {direction}, "));
        (condition, format!("{order} {direction}"))
    }

    fn statement(mut self, limit: u32) -> Statement {
        let (condition, order) = self.selection();
        let (from, key) = (&self.from, self.key);
        let outer = order.replace(key, "p.r").replace("i.updated", "p.u");
        let more = limit.saturating_add(1);
        let select = format!(
            "SELECT {ITEM}, p.total FROM (
                SELECT r, u, size, count(*) OVER () AS total,
                    sum(size) OVER (ORDER BY {}) AS until
                FROM (SELECT {key} AS r, i.updated AS u, i.size AS size
                    FROM {from} WHERE {condition} ORDER BY {order} LIMIT {more}) p
            ) p JOIN pubsub__item i ON i.row = p.r JOIN pubsub__node n ON n.row = i.node
            WHERE p.until - p.size < {PAGE_BYTES} ORDER BY {outer}",
            outer.replace("p.", "")
        );
        sql(&select, self.values)
    }
}

async fn page(list: List, limit: u32) -> Result<Page, Error> {
    table::ready().await?;
    let (order, newer) = (list.order, matches!(list.part, Part::Newer(_)));
    let rows = storage::query(list.statement(limit)).await?.rows;
    let total = rows
        .first()
        .and_then(|row| row.last())
        .and_then(Value::integer)
        .unwrap_or(0);
    let limit = limit as usize;
    // One more than asked for tells that there is more.
    let complete = rows.len() <= limit && i64::try_from(rows.len()) == Ok(total);
    let judge = Judge::now();
    let mut items: Vec<(Cursor, Item)> = rows
        .into_iter()
        .take(limit)
        .filter_map(|row| table::item(row, &judge))
        .map(|(row, updated, item)| (Cursor::of(order, row, updated), item))
        .collect();
    if newer {
        items.reverse();
    }
    Ok(Page {
        first: items.first().map(|(cursor, _)| cursor.text()),
        last: items.last().map(|(cursor, _)| cursor.text()),
        items: items.into_iter().map(|(_, item)| item).collect(),
        complete,
        count: None,
    })
}

/// What [`followed_node`] reads, of a node `n`.
fn followed_columns() -> String {
    format!("{}, n.service, n.node, n.synced, n.error", table::NODE)
}

fn followed_node(mut columns: Vec<Value>) -> Option<(i64, FollowedNode)> {
    let node = Node::read(&columns)?;
    let [service, name, synced, error] = columns.split_off(10).try_into().ok()?;
    let followed = FollowedNode {
        service: service.into_text(),
        node: name.into_text(),
        namespace: node.namespace,
        reason: node.reason.word().into(),
        items: u64::try_from(node.items).unwrap_or(0),
        complete: node.complete && !node.deleted,
        synced: synced.integer().map(datetime::format),
        error: error.into_option(),
    };
    Some((node.row, followed))
}

/// One node of the cache.
pub(crate) async fn followed_one(place: &Place) -> Result<Option<FollowedNode>, Error> {
    table::ready().await?;
    let columns = followed_columns();
    let select =
        format!("SELECT {columns} FROM pubsub__node n WHERE n.service = ?1 AND n.node = ?2");
    let values = [place.service.as_str().into(), place.node.as_str().into()];
    let rows = storage::query(sql(&select, values)).await?.rows;
    Ok(rows
        .into_iter()
        .find_map(followed_node)
        .map(|(_, node)| node))
}

/// A page of the nodes in the cache, in the order in which they came there.
pub(crate) async fn followed(request: FollowedRequest) -> Result<FollowedPage, Error> {
    let limit = cursor::node_limit(request.limit)?;
    let after = match &request.after {
        Some(after) => Cursor::read(Order::Creation, after)?.row,
        None => i64::MIN,
    };
    let mut values: Vec<Value> = vec![after.into(), (limit as i64 + 1).into()];
    let mut condition = "n.row > ?1".to_owned();
    if let Some(service) = &request.service {
        condition.push_str(" AND n.service = ?3");
        values.push(place::service(Some(service))?.into());
    }
    table::ready().await?;
    let columns = followed_columns();
    let select =
        format!("SELECT {columns} FROM pubsub__node n WHERE {condition} ORDER BY n.row LIMIT ?2");
    let rows = storage::query(sql(&select, values)).await?.rows;
    let complete = rows.len() <= limit;
    let nodes: Vec<_> = rows
        .into_iter()
        .take(limit)
        .filter_map(followed_node)
        .collect();
    let cursor = |node: Option<&(i64, FollowedNode)>| node.map(|(row, _)| format!("{row:x}"));
    Ok(FollowedPage {
        first: cursor(nodes.first()),
        last: cursor(nodes.last()),
        items: nodes.into_iter().map(|(_, node)| node).collect(),
        complete,
    })
}
