//! Items of one node, from wherever they are.

use crate::{
    answer, ask,
    bindings::sat::pubsub::types::{Item, ItemsRequest, Page},
    cache,
    cursor::{self, Order, Part},
    fetch,
    notification::Reason,
    place::{self, Place},
    store::{self, Source},
    table::{self, Judge, Node},
};
use sat_sdk::{Error, datetime};

/// Most ids of one request.
const IDS: usize = 100;
/// What cursors of a service begin with: those of the cache have another form.
const SERVICE: &str = "s:";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Cache,
    Service,
    Auto,
}

/// A page of a node's items, or some of them by their ids.
pub(crate) async fn items(request: ItemsRequest) -> Result<Page, Error> {
    let place = Place::new(request.service.as_deref(), &request.node)?;
    let limit = cursor::limit(request.limit)?;
    let part = Part::of(request.before, request.after)?;
    let order = match request.order.as_deref() {
        None | Some("modification") => Order::Modification,
        Some("creation") => Order::Creation,
        Some(_) => return Err(bad("`order` is `creation` or `modification`")),
    };
    let mut from = match request.source.as_deref() {
        None | Some("auto") => From::Auto,
        Some("cache") => From::Cache,
        Some("service") => From::Service,
        Some(_) => return Err(bad("`source` is `cache`, `service` or `auto`")),
    };
    if request.ids.len() > IDS {
        return Err(Error::new(
            "limit-reached",
            format!("`ids` has at most {IDS} ids"),
        ));
    }
    for id in &request.ids {
        place::name("ids", id)?;
    }
    let node = table::node(&place).await?;
    let was_auto = from == From::Auto;
    if was_auto {
        // A page continues where it began.
        from = match &part {
            Part::Older(c) | Part::Newer(c) if c.starts_with(SERVICE) => From::Service,
            Part::Older(_) | Part::Newer(_) => From::Cache,
            Part::Newest if node.as_ref().is_some_and(is_current) => From::Cache,
            Part::Newest => From::Service,
        };
    }
    if from == From::Cache {
        return cached(&place, &request.ids, order, part, limit).await;
    }
    let fetched = if request.ids.is_empty() {
        let part = part.clone().map(|c| match c.strip_prefix(SERVICE) {
            Some(cursor) => Ok(cursor.to_owned()),
            None => Err(bad(
                "this cursor is of the cache: say `\"source\": \"cache\"`",
            )),
        })?;
        fetch::part(&place, part, limit, request.order.as_deref()).await
    } else {
        let ids: Vec<&str> = request.ids.iter().map(String::as_str).collect();
        let items = fetch::by_id(&place, &ids).await;
        items.map(|items| fetch::Page {
            items,
            complete: true,
            ..fetch::Page::default()
        })
    };
    match fetched {
        Ok(page) => dress(&place, node.as_ref(), page).await,
        Err(e) if was_auto && node.is_some() && ask::is_unreachable(&e) => {
            cached(&place, &request.ids, order, part, limit).await
        }
        Err(e) => Err(e),
    }
}

fn bad(message: &str) -> Error {
    Error::new("bad-request", message)
}

async fn cached(
    place: &Place,
    ids: &[String],
    order: Order,
    part: Part<String>,
    limit: u32,
) -> Result<Page, Error> {
    if ids.is_empty() {
        cache::items(place, order, part, limit).await
    } else {
        cache::by_id(place, ids).await
    }
}

/// Whether the cache has what the service has.
fn is_current(node: &Node) -> bool {
    let kept = matches!(node.reason, Reason::Follow | Reason::Own);
    kept && node.complete && node.fresh && !node.deleted
}

/// Makes items of what the service sent. What the cache knows of their times counts, and what is
/// news to it goes there.
async fn dress(place: &Place, node: Option<&Node>, page: fetch::Page) -> Result<Page, Error> {
    if let Some(node) = node
        && matches!(node.reason, Reason::Follow | Reason::Own)
    {
        let oldest_first: Vec<answer::Item> = page.items.iter().rev().cloned().collect();
        let source = Source {
            reason: node.reason,
            stamp: datetime::now_ms(),
            asked_at: Some(node.version),
        };
        store::take(place, &oldest_first, source).await?;
    }
    let times = store::times(place, &page.items).await?;
    let (judge, now) = (Judge::now(), datetime::now_ms());
    let item = |item: answer::Item| {
        let (stamp, updated) = times.get(&item.id).copied().unwrap_or((now, now));
        Item {
            service: place.service.clone(),
            node: place.node.clone(),
            id: item.id,
            verified: judge.believes(&place.service, item.publisher.as_deref()),
            publisher: item.publisher,
            payload: item.payload.text,
            element: item.payload.element,
            namespace: item.payload.namespace,
            stamp: datetime::format(stamp),
            updated: datetime::format(updated),
            extra: Vec::new(),
        }
    };
    let cursor = |cursor: Option<String>| cursor.map(|c| format!("{SERVICE}{c}"));
    Ok(Page {
        items: page.items.into_iter().map(item).collect(),
        first: cursor(page.first),
        last: cursor(page.last),
        complete: page.complete,
        count: page.count,
    })
}
