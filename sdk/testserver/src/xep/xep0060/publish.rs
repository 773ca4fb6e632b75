//! Publishing and retracting (XEP-0060 §7).

use super::{Config, Deed, Event, Item, Node};
use crate::{
    ns,
    route::Place,
    stanza::{Answer, DONE, Fault},
    state::State,
    xep::xep0004,
    xml::{Build, el},
};
use minidom::Element;
use std::collections::{BTreeMap, BTreeSet};

fn wrong(more: &'static str) -> Fault {
    Fault::new("bad-request").more(more, ns::PUBSUB_ERRORS)
}

pub(super) fn publish(state: &mut State, deed: &Deed) -> Answer {
    let name = deed.node()?.to_owned();
    let options = deed
        .pubsub
        .get_child("publish-options", ns::PUBSUB)
        .and_then(xep0004::read)
        .unwrap_or_default();
    let who = deed.who();
    let now = state.now();
    let fresh = state.node(deed.place, &name).is_err();
    if fresh {
        let node = new_node(state, deed, &options)?;
        state.nodes_mut(deed.place)?.insert(name.clone(), node);
    }
    let node = state.node(deed.place, &name)?;
    let allowed = match (
        state.affiliation(deed.place, node, &who),
        node.config.publish_model(),
    ) {
        ("owner" | "publisher", _) => true,
        ("outcast", _) => false,
        (_, "open") => true,
        (_, "subscribers") => node.subscribers.iter().any(|jid| jid.to_bare() == who),
        _ => false,
    };
    if !allowed {
        return Err(Fault::new("forbidden"));
    }
    if !fresh && !node.config.meets(&options) {
        return Err(Fault::new("conflict").more("precondition-not-met", ns::PUBSUB_ERRORS));
    }
    let (persists, max) = (
        node.config.is("pubsub#persist_items"),
        node.config.max_items(),
    );
    let id = state.id("");
    let item = item(deed.action, persists)?.map(|(given, payload)| Item {
        id: given.unwrap_or(id),
        publisher: who,
        payload,
        time: now,
    });
    let Some(item) = item else {
        state.notify(deed.place, &name, &Event::Items(Vec::new()));
        return DONE;
    };
    let items = &mut state.node_mut(deed.place, &name)?.items;
    if persists {
        items.retain(|old| old.id != item.id);
        items.push(item.clone());
        let surplus = items.len().saturating_sub(max);
        items.drain(..surplus);
    }
    let answer = el("publish", ns::PUBSUB)
        .with("node", &name)
        .child(el("item", ns::PUBSUB).with("id", &item.id));
    state.notify(deed.place, &name, &Event::Items(vec![item]));
    Ok(Some(el("pubsub", ns::PUBSUB).child(answer)))
}

/// A node that publishing creates: in an account only, and its owner only.
fn new_node(state: &State, deed: &Deed, options: &xep0004::Fields) -> Result<Node, Fault> {
    let own = match deed.place {
        Place::Account(name) => state.bare(name) == deed.who().as_str(),
        _ => false,
    };
    if !own {
        return Err(Fault::new("item-not-found"));
    }
    let mut config = Config::of_account();
    config
        .change(options)
        .map_err(|_| Fault::new("conflict").more("precondition-not-met", ns::PUBSUB_ERRORS))?;
    Ok(Node {
        config,
        items: Vec::new(),
        affiliations: BTreeMap::new(),
        subscribers: BTreeSet::new(),
        created: state.now(),
    })
}

/// The id and payload of what is published; none for a mere notification.
type Published = Option<(Option<String>, Option<Element>)>;

fn item(publish: &Element, persists: bool) -> Result<Published, Fault> {
    let mut items = publish.children().filter(|c| c.is("item", ns::PUBSUB));
    let Some(item) = items.next() else {
        return match persists {
            true => Err(wrong("item-required")),
            false => Ok(None),
        };
    };
    if items.next().is_some() {
        return Err(wrong("max-items-exceeded"));
    }
    let mut payloads = item.children();
    let payload = payloads.next().cloned();
    if payloads.next().is_some() {
        return Err(wrong("invalid-payload"));
    }
    if payload.is_none() && persists {
        return Err(wrong("payload-required"));
    }
    let id = item.attr("id").filter(|id| !id.is_empty());
    Ok(Some((id.map(str::to_owned), payload)))
}

pub(super) fn retract(state: &mut State, deed: &Deed) -> Answer {
    let name = deed.node()?.to_owned();
    let who = deed.who();
    let node = state.node(deed.place, &name)?;
    let item = deed.action.get_child("item", ns::PUBSUB);
    let id = item.and_then(|item| item.attr("id"));
    let id = id.ok_or_else(|| wrong("item-required"))?.to_owned();
    let affiliation = state.affiliation(deed.place, node, &who).to_owned();
    let found = node.items.iter().find(|item| item.id == id);
    let allowed = match (affiliation.as_str(), found) {
        ("owner", _) => true,
        // A publisher takes back what is its own (§7.2.1).
        (_, Some(item)) => item.publisher == who,
        _ => false,
    };
    if !allowed {
        return Err(Fault::new("forbidden"));
    }
    if found.is_none() {
        return Err(Fault::new("item-not-found"));
    }
    let asked = deed.action.attr("notify").map(xep0004::is_true);
    let tells = asked.unwrap_or_else(|| node.config.is("pubsub#notify_retract"));
    let node = state.node_mut(deed.place, &name)?;
    node.items.retain(|item| item.id != id);
    if tells {
        state.notify(deed.place, &name, &Event::Retract(id));
    }
    DONE
}
