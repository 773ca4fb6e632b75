//! XEP-0060: Publish-Subscribe, for the service at `pubsub.` and the nodes of accounts
//! (XEP-0163 has what is special to those).
//!
//! Items are listed the oldest first.

mod config;
mod notify;
mod owner;
mod publish;
mod subscriber;

pub(crate) use config::Config;
pub(crate) use notify::Event;

use super::xep0030;
use crate::{
    ns,
    route::{Place, Request},
    stanza::{Answer, Fault},
    state::State,
    xml::{Build, el},
};
use chrono::{DateTime, Utc};
use jid::{BareJid, Jid};
use minidom::Element;
use std::collections::{BTreeMap, BTreeSet};

/// What the service offers.
pub(crate) const FEATURES: &[&str] = &[
    ns::PUBSUB,
    "http://jabber.org/protocol/pubsub#access-open",
    "http://jabber.org/protocol/pubsub#access-presence",
    "http://jabber.org/protocol/pubsub#access-roster",
    "http://jabber.org/protocol/pubsub#access-whitelist",
    "http://jabber.org/protocol/pubsub#config-node",
    "http://jabber.org/protocol/pubsub#config-node-max",
    "http://jabber.org/protocol/pubsub#create-and-configure",
    "http://jabber.org/protocol/pubsub#create-nodes",
    "http://jabber.org/protocol/pubsub#delete-items",
    "http://jabber.org/protocol/pubsub#delete-nodes",
    "http://jabber.org/protocol/pubsub#instant-nodes",
    "http://jabber.org/protocol/pubsub#item-ids",
    "http://jabber.org/protocol/pubsub#last-published",
    "http://jabber.org/protocol/pubsub#manage-subscriptions",
    "http://jabber.org/protocol/pubsub#member-affiliation",
    "http://jabber.org/protocol/pubsub#meta-data",
    "http://jabber.org/protocol/pubsub#modify-affiliations",
    "http://jabber.org/protocol/pubsub#multi-items",
    "http://jabber.org/protocol/pubsub#outcast-affiliation",
    "http://jabber.org/protocol/pubsub#persistent-items",
    "http://jabber.org/protocol/pubsub#publish",
    "http://jabber.org/protocol/pubsub#publish-options",
    "http://jabber.org/protocol/pubsub#publisher-affiliation",
    "http://jabber.org/protocol/pubsub#purge-nodes",
    "http://jabber.org/protocol/pubsub#retract-items",
    "http://jabber.org/protocol/pubsub#retrieve-affiliations",
    "http://jabber.org/protocol/pubsub#retrieve-default",
    "http://jabber.org/protocol/pubsub#retrieve-items",
    "http://jabber.org/protocol/pubsub#retrieve-subscriptions",
    "http://jabber.org/protocol/pubsub#rsm",
    "http://jabber.org/protocol/pubsub#subscribe",
];

/// Nodes by their name.
pub(crate) type Nodes = BTreeMap<String, Node>;

pub(crate) struct Node {
    pub(crate) config: Config,
    /// The oldest first.
    pub(crate) items: Vec<Item>,
    /// owner, publisher, member or outcast, by bare address.
    pub(crate) affiliations: BTreeMap<BareJid, String>,
    pub(crate) subscribers: BTreeSet<Jid>,
    pub(crate) created: DateTime<Utc>,
}

#[derive(Clone)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) publisher: BareJid,
    pub(crate) payload: Option<Element>,
    pub(crate) time: DateTime<Utc>,
}

/// A request at a place, and who is behind it.
pub(super) struct Deed<'a> {
    pub(super) place: &'a Place,
    pub(super) from: &'a Jid,
    pub(super) set: bool,
    /// The `<pubsub>` element.
    pub(super) pubsub: &'a Element,
    /// Its first child.
    pub(super) action: &'a Element,
}

impl Deed<'_> {
    pub(super) fn who(&self) -> BareJid {
        self.from.to_bare()
    }

    /// The node that it names.
    pub(super) fn node(&self) -> Result<&str, Fault> {
        let node = self.action.attr("node").filter(|node| !node.is_empty());
        node.ok_or_else(|| Fault::new("bad-request").more("nodeid-required", ns::PUBSUB_ERRORS))
    }
}

/// Answers publishers, subscribers and owners.
pub(crate) fn iq(state: &mut State, request: &Request) -> Option<Answer> {
    let here = match &request.place {
        Place::PubSub => true,
        Place::Account(_) => state.has("0163"),
        _ => false,
    };
    let owner = request.is("pubsub", ns::PUBSUB_OWNER);
    if !here || !(owner || request.is("pubsub", ns::PUBSUB)) {
        return None;
    }
    let Some(action) = request.payload.children().next() else {
        return Some(Err(Fault::new("bad-request")));
    };
    let deed = Deed {
        place: &request.place,
        from: &request.from,
        set: request.set,
        pubsub: &request.payload,
        action,
    };
    let answer = match (owner, deed.action.name(), request.set) {
        (true, _, _) => owner::answer(state, &deed),
        (false, "publish", true) => publish::publish(state, &deed),
        (false, "retract", true) => publish::retract(state, &deed),
        (false, "create", true) => owner::create(state, &deed),
        (false, "subscribe", true) => subscriber::subscribe(state, &deed),
        (false, "unsubscribe", true) => subscriber::unsubscribe(state, &deed),
        (false, "items", false) => subscriber::items(state, &deed),
        (false, "subscriptions", false) => subscriber::subscriptions(state, &deed),
        (false, "affiliations", false) => subscriber::affiliations(state, &deed),
        _ => Err(Fault::new("feature-not-implemented")),
    };
    Some(answer)
}

/// What disco#info says of a node.
pub(crate) fn info(state: &State, request: &Request, name: &str) -> Result<Vec<Element>, Fault> {
    let node = state.node(&request.place, name)?;
    state.may_read(&request.place, node, &request.from.to_bare())?;
    let form = node
        .config
        .form("result", ns::PUBSUB_META)
        .child(super::xep0004::field(
            "pubsub#creation_date",
            "text-single",
            &[&crate::state::stamp(node.created)],
        ));
    let mut all = vec![xep0030::identity("pubsub", "leaf", None)];
    all.extend(xep0030::features(&[ns::PUBSUB]));
    all.push(form);
    Ok(all)
}

/// What disco#items says of the service, an account or a node.
pub(crate) fn disco_items(
    state: &State,
    request: &Request,
    node: Option<&str>,
) -> Result<Vec<Element>, Fault> {
    let address = state.address(&request.place);
    let who = request.from.to_bare();
    let line = || el("item", ns::DISCO_ITEMS).with("jid", &address);
    if let Some(name) = node {
        let node = state.node(&request.place, name)?;
        state.may_read(&request.place, node, &who)?;
        let items = node.items.iter();
        return Ok(items.map(|item| line().with("name", &item.id)).collect());
    }
    let nodes = state.nodes(&request.place).into_iter().flatten();
    Ok(nodes
        .filter(|(_, node)| state.may_read(&request.place, node, &who).is_ok())
        .map(|(name, node)| line().with("node", name).maybe("name", node.config.title()))
        .collect())
}

impl State {
    /// The address of the service or the account.
    pub(crate) fn address(&self, place: &Place) -> String {
        match place {
            Place::Account(name) => self.bare(name),
            _ => self.service("pubsub"),
        }
    }

    pub(crate) fn nodes(&self, place: &Place) -> Option<&Nodes> {
        match place {
            Place::Account(name) => self.accounts.get(name).map(|account| &account.pep),
            _ => Some(&self.pubsub),
        }
    }

    pub(super) fn nodes_mut(&mut self, place: &Place) -> Result<&mut Nodes, Fault> {
        let nodes = match place {
            Place::Account(name) => self.accounts.get_mut(name).map(|a| &mut a.pep),
            _ => Some(&mut self.pubsub),
        };
        nodes.ok_or_else(|| Fault::new("item-not-found"))
    }

    pub(super) fn node(&self, place: &Place, name: &str) -> Result<&Node, Fault> {
        let node = self.nodes(place).and_then(|nodes| nodes.get(name));
        node.ok_or_else(|| Fault::new("item-not-found"))
    }

    pub(super) fn node_mut(&mut self, place: &Place, name: &str) -> Result<&mut Node, Fault> {
        let node = self.nodes_mut(place)?.get_mut(name);
        node.ok_or_else(|| Fault::new("item-not-found"))
    }

    /// What somebody is to a node.
    pub(super) fn affiliation<'a>(&self, place: &Place, node: &'a Node, who: &BareJid) -> &'a str {
        let is_own = matches!(place, Place::Account(name) if self.bare(name) == who.as_str());
        match node.affiliations.get(who) {
            _ if is_own => "owner",
            Some(affiliation) => affiliation,
            None => "none",
        }
    }

    /// Whether somebody may see the items (§4.5).
    pub(crate) fn may_read(&self, place: &Place, node: &Node, who: &BareJid) -> Result<(), Fault> {
        let fail = |condition: &str, more: &'static str| {
            Err(Fault::new(condition).more(more, ns::PUBSUB_ERRORS))
        };
        let roster = match place {
            Place::Account(name) => self.accounts.get(name).map(|account| &account.roster),
            _ => None,
        };
        match (self.affiliation(place, node, who), node.config.access()) {
            ("owner" | "publisher" | "member", _) => Ok(()),
            ("outcast", _) => Err(Fault::new("forbidden")),
            (_, "open") => Ok(()),
            (_, "presence") => match roster {
                Some(roster) if roster.subscribers().contains(who) => Ok(()),
                _ => fail("not-authorized", "presence-subscription-required"),
            },
            (_, "roster") => match roster {
                Some(roster) if roster.is_in_group(who, node.config.groups()) => Ok(()),
                _ => fail("not-authorized", "not-in-roster-group"),
            },
            _ => fail("not-allowed", "closed-node"),
        }
    }

    pub(super) fn must_own(&self, place: &Place, node: &Node, who: &BareJid) -> Result<(), Fault> {
        match self.affiliation(place, node, who) {
            "owner" => Ok(()),
            _ => Err(Fault::new("forbidden")),
        }
    }
}
