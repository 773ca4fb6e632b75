//! Which blogs are in the feed.

use crate::{
    atom,
    bindings::sat::{
        blog::types::{FollowedBlog, FollowedPage, FollowedRequest, PlaceRequest},
        pubsub::{
            pubsub,
            types::{
                FollowRequest, FollowedNode, FollowedRequest as NodesRequest, UnfollowRequest,
            },
        },
    },
    place::Place,
};
use sat_sdk::Error;

pub(crate) async fn follow(request: PlaceRequest) -> Result<FollowedBlog, Error> {
    let at = Place::new(request.service, request.node)?;
    let request = FollowRequest {
        service: at.service,
        node: at.node,
        extra: Vec::new(),
    };
    pubsub::follow(request).await.map(FollowedBlog::from)
}

pub(crate) async fn unfollow(request: PlaceRequest) -> Result<(), Error> {
    let at = Place::new(request.service, request.node)?;
    let request = UnfollowRequest {
        service: at.service,
        node: at.node,
        keep: None,
        extra: Vec::new(),
    };
    pubsub::unfollow(request).await
}

/// A page of nodes, of which those stay that are blogs.
pub(crate) async fn followed(request: FollowedRequest) -> Result<FollowedPage, Error> {
    let request = NodesRequest {
        service: None,
        limit: request.limit,
        after: request.after,
        extra: Vec::new(),
    };
    let nodes = pubsub::followed(request).await?;
    let blogs = nodes.items.into_iter().filter(is_blog);
    Ok(FollowedPage {
        items: blogs.map(FollowedBlog::from).collect(),
        first: nodes.first,
        last: nodes.last,
        complete: nodes.complete,
    })
}

/// Whether it has entries, or is meant to.
fn is_blog(node: &FollowedNode) -> bool {
    let is_empty_one = node.namespace.is_empty() && node.node == atom::MICROBLOG;
    (node.namespace == atom::NS || is_empty_one) && !node.node.starts_with(atom::COMMENTS)
}

impl From<FollowedNode> for FollowedBlog {
    fn from(node: FollowedNode) -> Self {
        Self {
            service: node.service,
            node: node.node,
            reason: node.reason,
            items: node.items,
            complete: node.complete,
            error: node.error,
        }
    }
}
