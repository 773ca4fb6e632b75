//! What subscribers do (XEP-0060 §5 and §6).

use super::{Deed, Event, Item, Node};
use crate::{
    ns,
    stanza::{Answer, DONE, Fault, jid_of},
    state::State,
    xep::xep0059,
    xml::{Build, el},
};
use jid::Jid;
use minidom::Element;

/// An item as lists and events have it.
pub(super) fn element(node: &Node, item: &Item, ns: &str, with_payload: bool) -> Element {
    let publisher = node.config.names_publisher().then_some(&item.publisher);
    let payload = item.payload.clone().filter(|_| with_payload);
    el("item", ns)
        .with("id", &item.id)
        .maybe("publisher", publisher)
        .all(payload)
}

/// Whom a subscription is for: the asking entity itself, by its bare or full address (§6.1.3.1).
fn subject(deed: &Deed) -> Result<Jid, Fault> {
    let jid = jid_of(deed.action, "jid").filter(|jid| jid.to_bare() == deed.who());
    jid.ok_or_else(|| Fault::new("bad-request").more("invalid-jid", ns::PUBSUB_ERRORS))
}

pub(super) fn subscribe(state: &mut State, deed: &Deed) -> Answer {
    let name = deed.node()?.to_owned();
    let jid = subject(deed)?;
    let node = state.node(deed.place, &name)?;
    state.may_read(deed.place, node, &deed.who())?;
    let node = state.node_mut(deed.place, &name)?;
    node.subscribers.insert(jid.clone());
    let last = node.items.last().cloned();
    if let (Some(item), true) = (last, node.config.sends_last_on_subscribing()) {
        state.notify_one(deed.place, &name, &Event::Last(item), &jid);
    }
    Ok(Some(el("pubsub", ns::PUBSUB).child(subscription(
        &name,
        &jid,
        "subscribed",
        ns::PUBSUB,
    ))))
}

pub(super) fn unsubscribe(state: &mut State, deed: &Deed) -> Answer {
    let name = deed.node()?.to_owned();
    let jid = subject(deed)?;
    let node = state.node_mut(deed.place, &name)?;
    if !node.subscribers.remove(&jid) {
        let fault = Fault::new("unexpected-request");
        return Err(fault.more("not-subscribed", ns::PUBSUB_ERRORS));
    }
    DONE
}

pub(super) fn subscription(node: &str, jid: &Jid, kind: &str, ns: &str) -> Element {
    el("subscription", ns)
        .with("node", node)
        .with("jid", jid.as_str())
        .with("subscription", kind)
}

pub(super) fn items(state: &State, deed: &Deed) -> Answer {
    let name = deed.node()?;
    let node = state.node(deed.place, name)?;
    state.may_read(deed.place, node, &deed.who())?;
    let wanted: Vec<&str> = deed
        .action
        .children()
        .filter_map(|item| item.attr("id"))
        .collect();
    let list = el("items", ns::PUBSUB).with("node", name);
    let pubsub = el("pubsub", ns::PUBSUB);
    if !wanted.is_empty() {
        let found = node.items.iter();
        let found = found.filter(|item| wanted.contains(&item.id.as_str()));
        let found = found.map(|item| element(node, item, ns::PUBSUB, true));
        return Ok(Some(pubsub.child(list.all(found))));
    }
    let newest = match deed.action.attr("max_items") {
        Some(max) => max.parse().map_err(|_| Fault::new("bad-request"))?,
        None => usize::MAX,
    };
    let skipped = node.items.len().saturating_sub(newest);
    let items = node.items.get(skipped..).unwrap_or_default();
    let ids: Vec<&str> = items.iter().map(|item| item.id.as_str()).collect();
    let asked = deed.pubsub.get_child("set", ns::RSM);
    let page = xep0059::page(&ids, asked)?;
    let shown = items.get(page.start..page.end).unwrap_or_default();
    let all = shown.len() == items.len();
    let shown = shown.iter().map(|i| element(node, i, ns::PUBSUB, true));
    let set = (asked.is_some() || !all).then_some(page.set);
    Ok(Some(pubsub.child(list.all(shown)).all(set)))
}

pub(super) fn subscriptions(state: &State, deed: &Deed) -> Answer {
    let only = deed.action.attr("node");
    let nodes = state.nodes(deed.place).into_iter().flatten();
    let who = deed.who();
    let lines = nodes
        .filter(|(name, _)| only.is_none_or(|only| only == name.as_str()))
        .flat_map(|(name, node)| node.subscribers.iter().map(move |jid| (name, jid)))
        .filter(|(_, jid)| jid.to_bare() == who)
        .map(|(name, jid)| subscription(name, jid, "subscribed", ns::PUBSUB));
    let list = el("subscriptions", ns::PUBSUB).maybe("node", only);
    Ok(Some(el("pubsub", ns::PUBSUB).child(list.all(lines))))
}

pub(super) fn affiliations(state: &State, deed: &Deed) -> Answer {
    let only = deed.action.attr("node");
    let nodes = state.nodes(deed.place).into_iter().flatten();
    let who = deed.who();
    let lines = nodes
        .filter(|(name, _)| only.is_none_or(|only| only == name.as_str()))
        .map(|(name, node)| (name, state.affiliation(deed.place, node, &who)))
        .filter(|(_, affiliation)| *affiliation != "none")
        .map(|(name, affiliation)| {
            el("affiliation", ns::PUBSUB)
                .with("node", name)
                .with("affiliation", affiliation)
        });
    let list = el("affiliations", ns::PUBSUB).maybe("node", only);
    Ok(Some(el("pubsub", ns::PUBSUB).child(list.all(lines))))
}
