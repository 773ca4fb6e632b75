//! Events: what subscribers are told, and which ones (XEP-0060 §7.1.2, XEP-0163 §4).

use super::{Item, Node, subscriber::element};
use crate::{
    ns,
    route::Place,
    state::{State, stamp},
    xml::{Build, el},
};
use jid::{FullJid, Jid};
use minidom::Element;
use std::collections::BTreeSet;

/// What happened to a node.
pub(crate) enum Event {
    Items(Vec<Item>),
    /// The newest item, sent to somebody who comes later.
    Last(Item),
    Retract(String),
    Purge,
    Delete,
    Configuration,
}

impl Event {
    fn element(&self, node: &Node, name: &str) -> Element {
        let of = |what: &str| el(what, ns::PUBSUB_EVENT).with("node", name);
        let payloads = node.config.is("pubsub#deliver_payloads");
        let item = |item: &Item| element(node, item, ns::PUBSUB_EVENT, payloads);
        let content = match self {
            Self::Items(items) => of("items").all(items.iter().map(item)),
            Self::Last(last) => of("items").child(item(last)),
            Self::Retract(id) => of("items").child(el("retract", ns::PUBSUB_EVENT).with("id", id)),
            Self::Purge => of("purge"),
            Self::Delete => of("delete"),
            Self::Configuration => {
                of("configuration").child(node.config.form("result", ns::PUBSUB_CONFIG))
            }
        };
        el("event", ns::PUBSUB_EVENT).child(content)
    }
}

impl State {
    /// Tells everybody who wants to know.
    pub(crate) fn notify(&mut self, place: &Place, name: &str, event: &Event) {
        let Ok(node) = self.node(place, name) else {
            return;
        };
        if !node.config.is("pubsub#deliver_notifications") {
            return;
        }
        let mut to: BTreeSet<Jid> = node.subscribers.clone();
        if let Place::Account(account) = place {
            to.extend(
                self.interested(account, name, node)
                    .into_iter()
                    .map(Jid::from),
            );
        }
        for jid in to {
            self.notify_one(place, name, event, &jid);
        }
    }

    pub(crate) fn notify_one(&mut self, place: &Place, name: &str, event: &Event, to: &Jid) {
        let id = self.id("event-");
        let from = self.address(place);
        let Ok(node) = self.node(place, name) else {
            return;
        };
        let delay = match event {
            Event::Last(item) => Some(el("delay", ns::DELAY).with("stamp", stamp(item.time))),
            _ => None,
        };
        let message = el("message", ns::CLIENT)
            .with("from", from)
            .with("to", to.as_str())
            .with("type", node.config.message_type())
            .with("id", id)
            .child(event.element(node, name))
            .all(delay);
        self.route(message);
    }

    /// Sessions that said by their capabilities that they want to know of an account's node: its
    /// own, and those of contacts that may see it.
    fn interested(&self, account: &str, name: &str, node: &Node) -> Vec<FullJid> {
        let feature = format!("{name}+notify");
        let Some(own) = self.accounts.get(account) else {
            return Vec::new();
        };
        let contacts = own.roster.subscribers();
        let contacts = contacts.iter().filter_map(|contact| {
            let contact = Jid::from(contact.clone());
            self.account_of(&contact)
        });
        contacts
            .chain([own])
            .flat_map(|account| account.available())
            .filter(|session| self.has_feature(session.caps.as_ref(), &feature))
            .map(|session| session.jid.clone())
            .filter(|jid| {
                let place = Place::Account(account.to_owned());
                self.may_read(&place, node, &jid.to_bare()).is_ok()
            })
            .collect()
    }
}
