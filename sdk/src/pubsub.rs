//! Payloads of XEP-0060: Publish-Subscribe, read and written as plain values. Nothing is sent
//! here: give the questions to [`crate::xmpp::get`] and [`crate::xmpp::set`].
//!
//! The same is PEP (XEP-0163), where the service is the account itself.

use crate::{
    Error,
    forms::Form,
    rsm,
    stanza::{Tag, tag},
    xml::{self, Element, children},
};

/// The namespace of questions and their answers.
pub const NS: &str = "http://jabber.org/protocol/pubsub";
/// The namespace of what a service tells by itself.
pub const EVENT: &str = "http://jabber.org/protocol/pubsub#event";
/// What the options of publishing are about.
pub const PUBLISH_OPTIONS: &str = "http://jabber.org/protocol/pubsub#publish-options";

/// An item of a node.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Item {
    /// Its id. Without one, the service makes one when it is published.
    pub id: Option<String>,
    /// Who published it, where the service says so.
    pub publisher: Option<String>,
    /// What is in it; nothing in events without payloads.
    pub payload: Option<Element>,
}

/// Items of a node.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Items {
    /// The node.
    pub node: String,
    /// Its items; of all, the newest last or first as the service likes.
    pub items: Vec<Item>,
    /// Which page of them this is (§6.5.4).
    pub page: rsm::Page,
}

/// What a service tells by itself (§7.1.2, §7.2.2, §8).
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Items were published, or retracted.
    Items {
        /// The node.
        node: String,
        /// What was published.
        items: Vec<Item>,
        /// Ids of what was retracted.
        retracted: Vec<String>,
    },
    /// All items of a node were retracted.
    Purge {
        /// The node.
        node: String,
    },
    /// A node was deleted.
    Delete {
        /// The node.
        node: String,
        /// Where it is now, an `xmpp:` URI.
        redirect: Option<String>,
    },
    /// A node was configured.
    Configuration {
        /// The node.
        node: String,
        /// How, where the service says so.
        form: Option<Form>,
    },
}

/// Asks for the items of a node (§6.5.2): all, the newest `max`, or with [`rsm::request`] a page.
pub fn items(node: &str, max: Option<u32>, set: Option<&str>) -> String {
    let max = max.map(|max| max.to_string());
    let items = tag("items")
        .attr("node", node)
        .maybe("max_items", max.as_deref());
    pubsub().child(items).raw(set.unwrap_or_default()).into()
}

/// Asks for items by their ids (§6.5.8).
pub fn items_by_id(node: &str, ids: &[&str]) -> String {
    let ids = ids.iter().map(|id| tag("item").id(id));
    pubsub()
        .child(tag("items").attr("node", node).children(ids))
        .into()
}

/// Publishes an item (§7.1.1). `options` are conditions on the node, which is made with them if
/// it isn't there (§7.1.5): begin with `Form::submit(pubsub::PUBLISH_OPTIONS)`.
pub fn publish(node: &str, item: &Item, options: Option<&Form>) -> String {
    let publish = pubsub().child(tag("publish").attr("node", node).child(item.tag()));
    let options = options.map(|form| tag("publish-options").child(form.tag()));
    publish.children(options).into()
}

/// Retracts an item (§7.2.1). With `notify`, subscribers are told also where the node isn't
/// configured so.
pub fn retract(node: &str, id: &str, notify: bool) -> String {
    let retract = tag("retract").attr("node", node);
    let retract = retract.maybe("notify", notify.then_some("true"));
    pubsub().child(retract.child(tag("item").id(id))).into()
}

/// Reads the answer to a question for items. A service with none may answer with an empty
/// `<pubsub/>`: then there is no node in the answer either.
pub fn read_items(answer: &str) -> Result<Items, Error> {
    let pubsub = xml::parse_as(answer, "pubsub", NS)?;
    let Some(items) = pubsub.get_child("items", NS) else {
        return Ok(Items::default());
    };
    Ok(Items {
        node: items.attr("node").unwrap_or_default().to_owned(),
        items: children(items, "item", NS).map(Item::read).collect(),
        page: rsm::page(&pubsub),
    })
}

/// The id of a published item, from the answer; none when the service doesn't say it, which then
/// has kept the one that was given.
pub fn published_id(answer: &str) -> Result<Option<String>, Error> {
    if answer.is_empty() {
        return Ok(None);
    }
    let pubsub = xml::parse_as(answer, "pubsub", NS)?;
    let item = pubsub
        .get_child("publish", NS)
        .and_then(|p| p.get_child("item", NS));
    Ok(item.and_then(|item| item.attr("id")).map(str::to_owned))
}

impl Item {
    /// An item to publish.
    pub fn new(id: Option<&str>, payload: Element) -> Self {
        Self {
            id: id.map(str::to_owned),
            publisher: None,
            payload: Some(payload),
        }
    }

    fn read(item: &Element) -> Self {
        Self {
            id: item.attr("id").map(str::to_owned),
            publisher: item.attr("publisher").map(str::to_owned),
            payload: item.children().next().cloned(),
        }
    }

    fn tag(&self) -> Tag {
        let item = tag("item").maybe("id", self.id.as_deref());
        let item = item.maybe("publisher", self.publisher.as_deref());
        item.raw(&self.payload.as_ref().map(xml::text).unwrap_or_default())
    }
}

impl Event {
    /// Reads an `<event/>`; none when it tells something else, or nothing.
    pub fn read(event: &Element) -> Option<Self> {
        let is_event = event.is("event", EVENT);
        let change = event.children().find(|e| is_event && e.has_ns(EVENT))?;
        let node = change.attr("node")?.to_owned();
        let ids = |name| {
            let found = children(change, name, EVENT);
            found
                .filter_map(|e| e.attr("id"))
                .map(str::to_owned)
                .collect()
        };
        match change.name() {
            "items" => Some(Self::Items {
                node,
                items: children(change, "item", EVENT).map(Item::read).collect(),
                retracted: ids("retract"),
            }),
            "purge" => Some(Self::Purge { node }),
            "delete" => {
                let redirect = change.get_child("redirect", EVENT);
                let redirect = redirect.and_then(|r| r.attr("uri")).map(str::to_owned);
                Some(Self::Delete { node, redirect })
            }
            "configuration" => Some(Self::Configuration {
                node,
                form: Form::of(change),
            }),
            _ => None,
        }
    }

    /// Reads an `<event/>` that is text, as handlers get it.
    pub fn parse(payload: &str) -> Option<Self> {
        Self::read(&xml::parse(payload).ok()?)
    }

    /// The `<event/>` that tells this.
    pub fn tag(&self) -> Tag {
        let at = |name, node: &str| tag(name).attr("node", node);
        let change = match self {
            Self::Items {
                node,
                items,
                retracted,
            } => at("items", node)
                .children(items.iter().map(Item::tag))
                .children(retracted.iter().map(|id| tag("retract").id(id))),
            Self::Purge { node } => at("purge", node),
            Self::Delete { node, redirect } => {
                let redirect = redirect.iter().map(|uri| tag("redirect").attr("uri", uri));
                at("delete", node).children(redirect)
            }
            Self::Configuration { node, form } => {
                at("configuration", node).children(form.iter().map(Form::tag))
            }
        };
        tag("event").ns(EVENT).child(change)
    }
}

fn pubsub() -> Tag {
    tag("pubsub").ns(NS)
}

#[cfg(test)]
mod tests;
