//! Comparing the cache with the services.

use crate::{
    answer::{self, Items},
    ask,
    bindings::sat::pubsub::types::{Progress, SyncRequest},
    cursor::Part,
    fetch, follow,
    join::join,
    notification::Reason,
    place::{self, Place},
    service,
    store::{self, Fate, Source, Taken},
    table::{self, NODE, NODE_ITEMS, Node},
};
use sat_sdk::{
    Error, datetime,
    storage::{self, Value, sql},
};
use std::{
    cell::Cell,
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// Items that a comparison begins with: of most nodes, there is nothing else.
const RECENT: u32 = 50;
/// Pages of one node, at most, and items of each.
const PAGES: i64 = 400;
const PAGE: u32 = 50;
/// Nodes whose services are asked at the same time.
const WIDTH: usize = 8;
/// How long comparing may go on, on a new stream and when asked for: a little less than the host
/// allows.
pub(crate) const CONNECTED: Duration = Duration::from_secs(540);
const ASKED: Duration = Duration::from_secs(20);
/// How often a node is compared anew when items go while it is.
const TRIES: usize = 3;
/// Ids of cached items that are read at once.
const IDS: i64 = 1000;

thread_local! {
    /// Whether all nodes are being compared.
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// What comparing a node found.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    changed: u32,
    retracted: u32,
    /// Whether the cache has all items now.
    complete: bool,
}

/// Compares one node now.
pub(crate) async fn one(place: &Place) -> Result<(), Error> {
    let node = table::node(place).await?.ok_or_else(|| {
        Error::new(
            "item-not-found",
            format!(
                "the node “{}” of {} isn't followed",
                place.node, place.service
            ),
        )
    })?;
    let recent = fetch::recent(place, RECENT).await;
    finish(place, node, recent, Instant::now() + ASKED)
        .await
        .map(drop)
}

/// Compares what a request names.
pub(crate) async fn sync(request: SyncRequest) -> Result<Progress, Error> {
    let Some(node) = request.node else {
        let service = request.service.as_deref();
        let service = service.map(|jid| place::service(Some(jid))).transpose()?;
        return all(service, ASKED).await;
    };
    let place = Place::new(request.service.as_deref(), &node)?;
    let node = table::node(&place).await?.ok_or_else(|| {
        Error::new(
            "item-not-found",
            format!(
                "the node “{}” of {} isn't followed",
                place.node, place.service
            ),
        )
    })?;
    let recent = fetch::recent(&place, RECENT).await;
    let found = finish(&place, node, recent, Instant::now() + ASKED).await?;
    Ok(Progress {
        nodes: 1,
        failed: 0,
        changed: found.changed,
        retracted: found.retracted,
    })
}

/// A new stream: nothing is known to be up to date.
pub(crate) async fn reconnected() -> Result<Progress, Error> {
    table::ready().await?;
    let update = "UPDATE pubsub__node SET fresh = 0 WHERE fresh";
    storage::run(vec![sql(update, [])]).await?;
    service::forget();
    fetch::forget();
    all(None, CONNECTED).await
}

/// Compares all nodes that are followed or the account's own, for so long at most.
pub(crate) async fn all(service: Option<String>, time: Duration) -> Result<Progress, Error> {
    if RUNNING.replace(true) {
        return Err(Error::new("conflict", "comparing is under way already"));
    }
    let progress = compare_all(service, Instant::now() + time).await;
    RUNNING.set(false);
    progress
}

async fn compare_all(service: Option<String>, deadline: Instant) -> Result<Progress, Error> {
    let mut progress = Progress {
        nodes: 0,
        failed: 0,
        changed: 0,
        retracted: 0,
    };
    // Those that can't be reached need not be asked again for each of their nodes.
    let mut unreachable: BTreeSet<String> = BTreeSet::new();
    let mut after = i64::MIN;
    loop {
        let nodes = followed(service.as_deref(), after).await?;
        let Some((_, last)) = nodes.last() else {
            return Ok(progress);
        };
        after = last.row;
        let asked = nodes.iter().map(|(place, _)| async {
            if unreachable.contains(&place.service) {
                return Err(Error::new("timeout", "the service can't be reached"));
            }
            fetch::recent(place, RECENT).await
        });
        // Asked together; stored one after the other, since events belong to the next commit.
        let answers = join(WIDTH, asked).await;
        for ((place, node), recent) in nodes.into_iter().zip(answers) {
            if recent.as_ref().is_err_and(ask::is_unreachable) {
                unreachable.insert(place.service.clone());
            }
            match finish(&place, node, recent, deadline).await {
                Ok(found) => {
                    progress.nodes += 1;
                    progress.changed += found.changed;
                    progress.retracted += found.retracted;
                }
                Err(e) if e.code == "not-connected" => return Err(e),
                Err(_) => progress.failed += 1,
            }
        }
        if Instant::now() > deadline {
            return Ok(progress);
        }
    }
}

/// The next nodes that are to be compared.
async fn followed(service: Option<&str>, after: i64) -> Result<Vec<(Place, Node)>, Error> {
    let mut values: Vec<Value> = vec![after.into(), (WIDTH as i64).into()];
    let mut condition = "n.row > ?1 AND n.reason IN ('follow', 'own')".to_owned();
    if let Some(service) = service {
        condition.push_str(" AND n.service = ?3");
        values.push(service.into());
    }
    table::ready().await?;
    let select = format!(
        "SELECT {NODE}, n.service, n.node FROM pubsub__node n WHERE {condition}
        ORDER BY n.row LIMIT ?2"
    );
    let rows = storage::query(sql(&select, values)).await?.rows;
    Ok(rows
        .into_iter()
        .filter_map(|mut row| {
            let node = Node::read(&row)?;
            let [service, name] = row.split_off(10).try_into().ok()?;
            let place = Place {
                service: service.into_text(),
                node: name.into_text(),
            };
            Some((place, node))
        })
        .collect())
}

/// Compares a node, begun with its most recent items, and notes how that went.
async fn finish(
    place: &Place,
    node: Node,
    recent: Result<Items, Error>,
    deadline: Instant,
) -> Result<Found, Error> {
    let row = node.row;
    let result = match recent {
        Ok(recent) => compare(place, node, recent, deadline).await,
        Err(e) => Err(e),
    };
    let note = match &result {
        Ok(found) => {
            let update = "UPDATE pubsub__node SET complete = ?2, fresh = 1, synced = ?3,
                error = NULL WHERE row = ?1";
            sql(
                update,
                [row.into(), found.complete.into(), datetime::now_ms().into()],
            )
        }
        Err(e) => {
            if e.code == "item-not-found" {
                let gone = Fate::Deleted { redirect: None };
                store::node(place, &gone).await?;
            }
            let update = "UPDATE pubsub__node SET fresh = 0, error = ?2 WHERE row = ?1";
            sql(
                update,
                [row.into(), format!("{}: {}", e.code, e.message).into()],
            )
        }
    };
    storage::run(vec![note]).await?;
    result
}

async fn compare(
    place: &Place,
    node: Node,
    recent: Items,
    deadline: Instant,
) -> Result<Found, Error> {
    if node.reason == Reason::Follow && !node.subscribed {
        // The node was deleted and is there again, or the service had no subscriptions.
        let subscribed = follow::subscribe(place).await.unwrap_or(false);
        let update = "UPDATE pubsub__node SET subscribed = ?2 WHERE row = ?1";
        storage::run(vec![sql(update, [node.row.into(), subscribed.into()])]).await?;
    }
    let (mut node, mut recent) = (node, recent);
    for _ in 0..TRIES {
        let mut round = Round {
            place,
            asked_at: node.version,
            start: datetime::now_ms(),
            found: Found::default(),
            outdated: false,
        };
        round.run(&node, recent, deadline).await?;
        if !round.outdated {
            return Ok(round.found);
        }
        let again = table::node(place).await?;
        node = again.ok_or_else(|| Error::new("conflict", "the node was unfollowed meanwhile"))?;
        recent = fetch::recent(place, RECENT).await?;
    }
    Err(Error::new(
        "conflict",
        "the node changes faster than it can be compared",
    ))
}

fn ids_of(items: &[answer::Item]) -> BTreeSet<String> {
    items.iter().map(|i| i.id.clone()).collect()
}

/// One comparison of a node.
struct Round<'a> {
    place: &'a Place,
    /// The node's version at its beginning.
    asked_at: i64,
    /// When it began.
    start: i64,
    found: Found,
    outdated: bool,
}

impl Round<'_> {
    async fn run(&mut self, node: &Node, recent: Items, deadline: Instant) -> Result<(), Error> {
        if !recent.cut {
            self.take(&recent.items, 0).await?;
            self.retract_others(&ids_of(&recent.items)).await?;
            self.found.complete = true;
            return Ok(());
        }
        if service::has(&self.place.service, "rsm").await {
            self.pages(node, &recent.items, deadline).await
        } else {
            self.ids(&recent.items, deadline).await
        }
    }

    /// Takes items in, the oldest first; those of later pages are older.
    async fn take(&mut self, items: &[answer::Item], page: i64) -> Result<(), Error> {
        let source = Source {
            reason: Reason::Follow,
            stamp: self.start - page,
            asked_at: Some(self.asked_at),
        };
        let Taken { changed, outdated } = store::take(self.place, items, source).await?;
        self.found.changed += changed;
        self.outdated |= outdated;
        Ok(())
    }

    /// By pages, from the newest back. When the recent items continue what is here, and there
    /// are as many as the service has, nothing else has changed.
    async fn pages(
        &mut self,
        node: &Node,
        recent: &[answer::Item],
        deadline: Instant,
    ) -> Result<(), Error> {
        if node.complete && self.continues(recent).await? {
            self.take(recent, 0).await?;
            let newest = fetch::part(self.place, Part::Newest, 1, None).await?;
            let here = table::node(self.place).await?.map_or(0, |n| n.items);
            if newest.count == u64::try_from(here).ok() {
                self.found.complete = true;
                return Ok(());
            }
        }
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut part = Part::Newest;
        for number in 0..PAGES {
            if self.outdated || Instant::now() > deadline {
                return Ok(());
            }
            let page = fetch::part(self.place, part, PAGE, None).await?;
            let before = seen.len();
            seen.extend(page.items.iter().map(|i| i.id.clone()));
            let oldest_first: Vec<_> = page.items.into_iter().rev().collect();
            self.take(&oldest_first, number).await?;
            if seen.len() as i64 >= NODE_ITEMS {
                self.found.complete = true;
                return Ok(());
            }
            match page.last {
                // A service that repeats itself would be asked for ever.
                Some(_) if seen.len() == before => return Ok(()),
                Some(last) if !page.complete => part = Part::Older(last),
                _ => {
                    self.retract_others(&seen).await?;
                    self.found.complete = true;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// By ids: what isn't here is fetched, and what isn't there is gone.
    async fn ids(&mut self, recent: &[answer::Item], deadline: Instant) -> Result<(), Error> {
        let Some(ids) = fetch::ids(self.place).await? else {
            let all = fetch::all(self.place).await?;
            self.take(&all.items, 0).await?;
            if !all.cut {
                self.retract_others(&ids_of(&all.items)).await?;
                self.found.complete = true;
            }
            return Ok(());
        };
        let here = self.cached().await?;
        let recent_ids: BTreeSet<&str> = recent.iter().map(|i| i.id.as_str()).collect();
        let missing: Vec<&str> = ids
            .iter()
            .take(NODE_ITEMS as usize)
            .map(String::as_str)
            .filter(|id| !here.contains(*id) && !recent_ids.contains(id))
            .collect();
        self.take(recent, 0).await?;
        for (number, ids) in (1..).zip(missing.chunks(fetch::BY_ID)) {
            if self.outdated || Instant::now() > deadline {
                return Ok(());
            }
            let mut items = fetch::by_id(self.place, ids).await?;
            items.sort_by_key(|item| ids.iter().rev().position(|id| *id == item.id));
            self.take(&items, number).await?;
        }
        if ids.len() as i64 <= NODE_ITEMS {
            self.retract_others(&ids.into_iter().collect()).await?;
        }
        self.found.complete = true;
        Ok(())
    }

    /// Whether one of these items is here already.
    async fn continues(&self, recent: &[answer::Item]) -> Result<bool, Error> {
        let here = self.cached().await?;
        Ok(recent.iter().any(|item| here.contains(&item.id)))
    }

    /// The ids of the items that are here and were when this comparison began.
    async fn cached(&self) -> Result<BTreeSet<String>, Error> {
        let select = "SELECT i.row, i.id FROM pubsub__item i JOIN pubsub__node n ON n.row = i.node
            WHERE n.service = ?1 AND n.node = ?2 AND i.version <= ?3 AND i.row > ?4
            ORDER BY i.row LIMIT ?5";
        let (mut all, mut after) = (BTreeSet::new(), i64::MIN);
        loop {
            let values: [Value; 5] = [
                self.place.service.as_str().into(),
                self.place.node.as_str().into(),
                self.asked_at.into(),
                after.into(),
                IDS.into(),
            ];
            let rows: Vec<(i64, String)> = storage::select(select, values).await?;
            let Some((last, _)) = rows.last() else {
                return Ok(all);
            };
            after = *last;
            all.extend(rows.into_iter().map(|(_, id)| id));
        }
    }

    /// Items that were here when this comparison began and are not there are gone.
    async fn retract_others(&mut self, there: &BTreeSet<String>) -> Result<(), Error> {
        if self.outdated {
            return Ok(());
        }
        let here = self.cached().await?;
        let gone: Vec<String> = here.into_iter().filter(|id| !there.contains(id)).collect();
        if !gone.is_empty() {
            self.found.retracted += store::retract(self.place, &gone).await?;
        }
        Ok(())
    }
}
