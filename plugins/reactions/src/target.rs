//! Items, and the nodes that what is attached to them is in.

use crate::{
    attachments::{self, Tally},
    bindings::sat::{
        disco::disco,
        pubsub::{
            pubsub,
            types::{CreateRequest, ItemsRequest, Page},
        },
        reactions::types::Summary,
    },
};
use sat_sdk::{Error, jid, uri};
use std::cell::RefCell;

/// Attachments that are asked for at once, and pages that are counted.
const PAGE: u32 = 100;
const PAGES: usize = 10;

/// An item that people react to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) service: String,
    pub(crate) node: String,
    pub(crate) id: String,
}

impl Target {
    pub(crate) async fn new(
        service: Option<String>,
        node: String,
        id: String,
    ) -> Result<Self, Error> {
        let service = match service {
            Some(service) => jid::normalize(&service)?,
            None => own().await?,
        };
        Ok(Self { service, node, id })
    }

    /// The item whose attachments are in a node.
    pub(crate) fn of(node: &str) -> Option<Self> {
        let uri = node.strip_prefix(attachments::NS)?.strip_prefix('/')?;
        let place = uri::parse(uri)?;
        Some(Self {
            service: jid::normalize(&place.service).ok()?,
            node: place.node?,
            id: place.item?,
        })
    }

    /// The node of its attachments (XEP-0470 §4.1).
    pub(crate) fn attachments(&self) -> String {
        let uri = uri::item(&self.service, &self.node, &self.id);
        format!("{}/{uri}", attachments::NS)
    }

    /// A page of its attachments, or some of them.
    pub(crate) async fn page(
        &self,
        ids: Vec<String>,
        limit: u32,
        before: Option<String>,
        source: Option<&str>,
    ) -> Result<Page, Error> {
        let request = ItemsRequest {
            service: Some(self.service.clone()),
            node: self.attachments(),
            ids,
            limit: Some(limit),
            before,
            after: None,
            order: None,
            source: source.map(str::to_owned),
            extra: Vec::new(),
        };
        pubsub::items(request).await
    }

    /// What people say of it.
    pub(crate) async fn summary(&self, source: Option<&str>) -> Result<Summary, Error> {
        let mut tally = Tally::new(&self.service, &self.node, &self.id, &own().await?);
        let (mut before, mut complete) = (None, false);
        for _ in 0..PAGES {
            let page = self.page(Vec::new(), PAGE, before, source).await?;
            page.items.iter().for_each(|item| tally.add(item));
            complete = page.complete;
            before = page.last;
            if complete || before.is_none() {
                break;
            }
        }
        Ok(tally.finish(complete))
    }

    /// Creates the node of its attachments, which is read by whom the item is read by, unless the
    /// service does that itself.
    pub(crate) async fn open(&self) -> Result<(), Error> {
        let has = disco::has(Some(self.service.clone()), attachments::NS.into()).await;
        if has.unwrap_or(false) {
            return Ok(());
        }
        let (service, node) = (Some(self.service.clone()), Some(self.node.clone()));
        let form = pubsub::get_configuration(service, node).await?;
        let access = form.into_iter().find(|(field, _)| field == "access_model");
        let access = access.map_or_else(|| "presence".into(), |(_, value)| value);
        let options = [
            ("access_model", access.as_str()),
            ("publish_model", "open"),
            ("persist_items", "true"),
            ("max_items", "max"),
            ("notify_retract", "true"),
            ("send_last_published_item", "never"),
        ];
        let request = CreateRequest {
            service: Some(self.service.clone()),
            node: Some(self.attachments()),
            options: options.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            extra: Vec::new(),
        };
        match pubsub::create_node(request).await {
            Err(e) if e.code == "conflict" => Ok(()),
            done => done.map(drop),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// XEP-0470 §4.1.
    #[test]
    fn nodes_are_named_as_in_the_xep() {
        let target = Target {
            service: "juliet@capulet.lit".into(),
            node: "urn:xmpp:microblog:0".into(),
            id: "balcony-restoration-afd1".into(),
        };
        let node = "urn:xmpp:pubsub-attachments:1/xmpp:juliet@capulet.lit?;\
            node=urn%3Axmpp%3Amicroblog%3A0;item=balcony-restoration-afd1";
        assert_eq!(target.attachments(), node);
        assert_eq!(Target::of(node), Some(target));
        for other in [
            "",
            "urn:xmpp:pubsub-attachments:1/",
            "urn:xmpp:pubsub-attachments:1/xmpp:a@b",
        ] {
            assert_eq!(Target::of(other), None, "{other}");
        }
    }
}
