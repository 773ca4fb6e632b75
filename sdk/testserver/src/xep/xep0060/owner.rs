//! What owners do (XEP-0060 §8).

use super::{Config, Deed, Event, Node, subscriber::subscription};
use crate::{
    ns,
    route::Place,
    stanza::{Answer, DONE, Fault, jid_of},
    state::State,
    xep::xep0004,
    xml::{Build, el},
};
use jid::BareJid;
use minidom::Element;
use std::collections::{BTreeMap, BTreeSet};

fn default(place: &Place) -> Config {
    match place {
        Place::Account(_) => Config::of_account(),
        _ => Config::of_service(),
    }
}

fn owned(content: Element) -> Answer {
    Ok(Some(el("pubsub", ns::PUBSUB_OWNER).child(content)))
}

pub(super) fn create(state: &mut State, deed: &Deed) -> Answer {
    let who = deed.who();
    if let Place::Account(name) = deed.place
        && state.bare(name) != who.as_str()
    {
        return Err(Fault::new("forbidden"));
    }
    let given = deed.action.attr("node").filter(|node| !node.is_empty());
    let name = given
        .map(str::to_owned)
        .unwrap_or_else(|| state.id("node-"));
    if state.node(deed.place, &name).is_ok() {
        return Err(Fault::new("conflict"));
    }
    let mut config = default(deed.place);
    let form = deed.pubsub.get_child("configure", ns::PUBSUB);
    if let Some(form) = form.and_then(xep0004::read) {
        config.change(&form)?;
    }
    let node = Node {
        config,
        items: Vec::new(),
        affiliations: BTreeMap::from([(who, "owner".to_owned())]),
        subscribers: BTreeSet::new(),
        created: state.now(),
    };
    state.nodes_mut(deed.place)?.insert(name.clone(), node);
    let create = el("create", ns::PUBSUB).with("node", name);
    Ok(Some(el("pubsub", ns::PUBSUB).child(create)))
}

pub(super) fn answer(state: &mut State, deed: &Deed) -> Answer {
    if deed.action.name() == "default" && !deed.set {
        let form = default(deed.place).form("form", ns::PUBSUB_CONFIG);
        return owned(el("default", ns::PUBSUB_OWNER).child(form));
    }
    let name = deed.node()?.to_owned();
    let node = state.node(deed.place, &name)?;
    state.must_own(deed.place, node, &deed.who())?;
    match (deed.action.name(), deed.set) {
        ("configure", false) => owned(
            el("configure", ns::PUBSUB_OWNER)
                .with("node", &name)
                .child(node.config.form("form", ns::PUBSUB_CONFIG)),
        ),
        ("configure", true) => configure(state, deed, &name),
        ("delete", true) => {
            if node.config.is("pubsub#notify_delete") {
                state.notify(deed.place, &name, &Event::Delete);
            }
            state.nodes_mut(deed.place)?.remove(&name);
            DONE
        }
        ("purge", true) => {
            state.node_mut(deed.place, &name)?.items.clear();
            state.notify(deed.place, &name, &Event::Purge);
            DONE
        }
        ("affiliations", false) => {
            let lines = node.affiliations.iter().map(|(jid, affiliation)| {
                el("affiliation", ns::PUBSUB_OWNER)
                    .with("jid", jid.as_str())
                    .with("affiliation", affiliation)
            });
            let list = el("affiliations", ns::PUBSUB_OWNER).with("node", &name);
            owned(list.all(lines))
        }
        ("affiliations", true) => set_affiliations(state, deed, &name),
        ("subscriptions", false) => {
            let subscribers = node.subscribers.iter();
            let lines =
                subscribers.map(|jid| subscription(&name, jid, "subscribed", ns::PUBSUB_OWNER));
            let list = el("subscriptions", ns::PUBSUB_OWNER).with("node", &name);
            owned(list.all(lines))
        }
        ("subscriptions", true) => set_subscriptions(state, deed, &name),
        _ => Err(Fault::new("feature-not-implemented")),
    }
}

fn configure(state: &mut State, deed: &Deed, name: &str) -> Answer {
    if xep0004::is_cancel(deed.action) {
        return DONE;
    }
    let form = xep0004::read(deed.action).ok_or_else(|| Fault::new("bad-request"))?;
    let node = state.node_mut(deed.place, name)?;
    let mut config = node.config.clone();
    config.change(&form)?;
    let surplus = node.items.len().saturating_sub(config.max_items());
    node.items.drain(..surplus);
    let tells = config.is("pubsub#notify_config");
    node.config = config;
    if tells {
        state.notify(deed.place, name, &Event::Configuration);
    }
    DONE
}

fn set_affiliations(state: &mut State, deed: &Deed, name: &str) -> Answer {
    let mut after = state.node(deed.place, name)?.affiliations.clone();
    for change in deed.action.children() {
        let jid = jid_of(change, "jid").map(|jid| jid.to_bare());
        let jid: BareJid = jid.ok_or_else(|| Fault::new("bad-request"))?;
        match change.attr("affiliation") {
            Some(kind @ ("owner" | "publisher" | "member" | "outcast")) => {
                after.insert(jid, kind.to_owned());
            }
            Some("none") => {
                after.remove(&jid);
            }
            _ => return Err(Fault::new("bad-request")),
        }
    }
    // A node of the service keeps an owner (§8.9.2.4).
    if *deed.place == Place::PubSub && !after.values().any(|kind| kind == "owner") {
        return Err(Fault::new("not-acceptable"));
    }
    let node = state.node_mut(deed.place, name)?;
    node.subscribers
        .retain(|jid| after.get(&jid.to_bare()).is_none_or(|a| a != "outcast"));
    node.affiliations = after;
    DONE
}

fn set_subscriptions(state: &mut State, deed: &Deed, name: &str) -> Answer {
    for change in deed.action.children() {
        let jid = jid_of(change, "jid").ok_or_else(|| Fault::new("bad-request"))?;
        let subscribers = &mut state.node_mut(deed.place, name)?.subscribers;
        match change.attr("subscription") {
            Some("subscribed") => subscribers.insert(jid),
            Some("none") => subscribers.remove(&jid),
            _ => return Err(Fault::new("bad-request")),
        };
    }
    DONE
}
