//! Where comments are.

use crate::bindings::sat::{
    blog::{blog, types::EntryRequest},
    pubsub::pubsub,
};
use sat_sdk::{Error, jid};
use std::cell::RefCell;

/// What their nodes begin with (XEP-0277 §4.1).
const PREFIX: &str = "urn:xmpp:microblog:0:comments/";

/// A node of comments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Absent for the account itself.
    pub(crate) service: Option<String>,
    pub(crate) node: String,
}

impl Place {
    /// What a request names: the node itself, or the first one that an entry links.
    pub(crate) async fn find(
        service: Option<String>,
        node: Option<String>,
        id: Option<String>,
    ) -> Result<Self, Error> {
        let Some(id) = id else {
            let node = node.ok_or_else(|| {
                let message = "give the `id` of an entry, or the `node` of its comments";
                Error::new("bad-request", message)
            })?;
            return Self::new(service, node);
        };
        let entry = EntryRequest {
            service,
            node,
            id,
            lang: None,
            extra: Vec::new(),
        };
        let entry = blog::get(entry).await?;
        let place = entry.comments.into_iter().next().ok_or_else(|| {
            let message = format!("the entry “{}” has no place for comments", entry.id);
            Error::new("comments-disabled", message)
        })?;
        Self::new(Some(place.service), place.node)
    }

    /// A node that is known.
    pub(crate) fn new(service: Option<String>, node: String) -> Result<Self, Error> {
        let service = service.map(|s| jid::normalize(&s)).transpose()?;
        Ok(Self { service, node })
    }
}

/// Whether a node is one of comments. One with another name is taken for a blog's: nothing else
/// tells them apart.
pub(crate) fn has_comments(node: &str) -> bool {
    node.starts_with(PREFIX)
}

thread_local! {
    static OWN: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The account's bare JID.
pub(crate) async fn own() -> Result<String, Error> {
    if let Some(jid) = OWN.with_borrow(Clone::clone) {
        return Ok(jid);
    }
    let jid = pubsub::service(None).await?.service;
    OWN.set(Some(jid.clone()));
    Ok(jid)
}
