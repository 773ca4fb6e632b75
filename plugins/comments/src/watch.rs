//! Comments that are kept.

use crate::{
    bindings::sat::{
        comments::types::{Watched, WatchedPage, WatchedRequest},
        pubsub::{
            pubsub,
            types::{FollowRequest, FollowedNode, FollowedRequest, UnfollowRequest},
        },
    },
    place::{self, Place},
};
use sat_sdk::Error;

pub(crate) async fn watch(at: Place) -> Result<Watched, Error> {
    let request = FollowRequest {
        service: at.service,
        node: at.node,
        extra: Vec::new(),
    };
    pubsub::follow(request).await.map(Watched::from)
}

pub(crate) async fn unwatch(at: Place) -> Result<(), Error> {
    let request = UnfollowRequest {
        service: at.service,
        node: at.node,
        keep: None,
        extra: Vec::new(),
    };
    pubsub::unfollow(request).await
}

/// A page of nodes, of which those stay that have comments.
pub(crate) async fn watching(request: WatchedRequest) -> Result<WatchedPage, Error> {
    let wanted = request.node;
    let nodes = FollowedRequest {
        service: request.service,
        limit: request.limit,
        after: request.after,
        extra: Vec::new(),
    };
    let nodes = pubsub::followed(nodes).await?;
    let fits = |node: &FollowedNode| match &wanted {
        Some(wanted) => node.node == *wanted,
        None => place::has_comments(&node.node),
    };
    Ok(WatchedPage {
        items: nodes
            .items
            .into_iter()
            .filter(fits)
            .map(Watched::from)
            .collect(),
        first: nodes.first,
        last: nodes.last,
        complete: nodes.complete,
    })
}

impl From<FollowedNode> for Watched {
    fn from(node: FollowedNode) -> Self {
        Self {
            service: node.service,
            node: node.node,
            count: node.items,
            complete: node.complete,
        }
    }
}
