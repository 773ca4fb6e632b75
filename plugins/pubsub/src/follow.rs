//! Which nodes are kept in the cache.

use crate::{
    ask,
    bindings::sat::pubsub::types::{FollowRequest, FollowedNode, UnfollowRequest},
    cache,
    notification::Reason,
    place::Place,
    subscription, sync,
    table::{self, Node},
};
use sat_sdk::{
    Error, features,
    storage::{self, Value, sql},
    xmpp,
};
use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

thread_local! {
    /// The nodes that plugins want of contacts, until features change.
    static WANTED: RefCell<Option<Rc<BTreeSet<String>>>> = const { RefCell::new(None) };
}

/// Whether a plugin wants such nodes: one declares the feature `<node>+notify` (XEP-0163
/// §4.3.2).
pub(crate) fn is_wanted(node: &str) -> bool {
    let wanted = WANTED.with_borrow_mut(|wanted| {
        let all = || {
            let features = features::all().features.into_iter();
            let nodes = features.filter_map(|f| f.strip_suffix("+notify").map(str::to_owned));
            Rc::new(nodes.collect())
        };
        Rc::clone(wanted.get_or_insert_with(all))
    });
    wanted.contains(node)
}

/// Plugins may want other nodes now.
pub(crate) fn features_changed() {
    WANTED.set(None);
}

/// Follows a node and fetches its items.
pub(crate) async fn follow(request: FollowRequest) -> Result<FollowedNode, Error> {
    let place = Place::new(request.service.as_deref(), &request.node)?;
    let subscribed = subscribe(&place).await?;
    let insert = "INSERT INTO pubsub__node (row, service, node, namespace, reason, version,
            subscribed) VALUES (?1, ?2, ?3, '', ?4, 1, ?5)
        ON CONFLICT (service, node) DO UPDATE SET reason = ?4, subscribed = ?5, deleted = 0";
    let values: [Value; 5] = [
        table::row(sat_sdk::datetime::now_ms()).into(),
        place.service.as_str().into(),
        place.node.as_str().into(),
        Reason::Follow.word().into(),
        subscribed.into(),
    ];
    table::ready().await?;
    storage::run(vec![sql(insert, values)]).await?;
    match sync::one(&place).await {
        Err(e) if !ask::is_unreachable(&e) && e.code != "conflict" => {
            // It can't be read, so it isn't followed.
            forget(&place).await?;
            if subscribed {
                subscription::end(&place, None).await.ok();
            }
            return Err(e);
        }
        // What went wrong is noted, and the next comparison goes on.
        Err(_) | Ok(()) => {}
    }
    let followed = cache::followed_one(&place).await?;
    followed.ok_or_else(|| Error::new("conflict", "the node was unfollowed meanwhile"))
}

/// Subscribes to a node so that its notifications come here; says whether that was done. A
/// service that can't is compared with only.
pub(crate) async fn subscribe(place: &Place) -> Result<bool, Error> {
    if place.service == xmpp::account() && is_wanted(&place.node) {
        return Ok(false);
    }
    match subscription::ask_for(place, &[]).await {
        Ok(_) => Ok(true),
        Err(e) if matches!(&*e.code, "feature-not-implemented" | "not-allowed") => {
            sat_sdk::info!(
                "{} of {} is not subscribed to: {}",
                place.node,
                place.service,
                e.message
            );
            Ok(false)
        }
        Err(e) => Err(e),
    }
}

/// Stops following a node.
pub(crate) async fn unfollow(request: UnfollowRequest) -> Result<(), Error> {
    let place = Place::new(request.service.as_deref(), &request.node)?;
    let Some(node) = table::node(&place).await? else {
        return Ok(());
    };
    if node.subscribed
        && let Err(e) = subscription::end(&place, None).await
    {
        // A service that is gone for good must not keep its node here.
        if !ask::is_unreachable(&e) || e.code == "not-connected" {
            return Err(e);
        }
        sat_sdk::warn!(
            "{} may go on sending {}: {}",
            place.service,
            place.node,
            e.message
        );
    }
    if request.keep == Some(true) {
        keep(&node).await
    } else {
        forget(&place).await
    }
}

async fn keep(node: &Node) -> Result<(), Error> {
    let update = "UPDATE pubsub__node SET reason = ?2, subscribed = 0, fresh = 0, complete = 0
        WHERE row = ?1";
    let values = [node.row.into(), Reason::Kept.word().into()];
    storage::run(vec![sql(update, values)]).await.map(drop)
}

/// Takes a node and its items out of the cache.
async fn forget(place: &Place) -> Result<(), Error> {
    let items = "DELETE FROM pubsub__item WHERE node =
        (SELECT row FROM pubsub__node WHERE service = ?1 AND node = ?2)";
    let node = "DELETE FROM pubsub__node WHERE service = ?1 AND node = ?2";
    let values = || [place.service.as_str().into(), place.node.as_str().into()];
    storage::run(vec![sql(items, values()), sql(node, values())])
        .await
        .map(drop)
}
