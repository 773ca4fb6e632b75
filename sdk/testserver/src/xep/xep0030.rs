//! XEP-0030: Service Discovery, of the server, its services and its accounts.

use super::{xep0045, xep0060, xep0363};
use crate::{
    ns,
    route::{Place, Request},
    stanza::{Answer, Fault},
    state::State,
    xep,
    xml::{Build, el},
};
use jid::BareJid;
use minidom::Element;

/// Answers disco#info and disco#items.
pub(crate) fn iq(state: &mut State, request: &Request) -> Option<Answer> {
    if request.set {
        return None;
    }
    match request.payload.ns().as_str() {
        ns::DISCO_INFO => Some(info(state, request)),
        ns::DISCO_ITEMS => Some(items(state, request)),
        _ => None,
    }
}

/// An identity.
pub(crate) fn identity(category: &str, kind: &str, name: Option<&str>) -> Element {
    el("identity", ns::DISCO_INFO)
        .with("category", category)
        .with("type", kind)
        .maybe("name", name)
}

/// Features.
pub(crate) fn features(vars: &[&str]) -> Vec<Element> {
    let feature = |var: &&str| el("feature", ns::DISCO_INFO).with("var", *var);
    vars.iter().map(feature).collect()
}

/// What the server's own answer says.
pub(crate) fn of_server(state: &State) -> Vec<Element> {
    let vars: Vec<&str> = xep::enabled(state)
        .flat_map(|x| x.server)
        .copied()
        .collect();
    let mut all = vec![identity("server", "im", Some("sat-testserver"))];
    all.extend(features(&vars));
    all
}

fn info(state: &State, request: &Request) -> Answer {
    let node = request.payload.attr("node");
    let query = el("query", ns::DISCO_INFO).maybe("node", node);
    let content = match (&request.place, node) {
        (Place::Server, None) => of_server(state),
        (Place::Server, Some(node)) if node == super::xep0115::node_of_server(state) => {
            of_server(state)
        }
        (Place::Account(name), None) => of_account(state, request, name)?,
        (Place::Account(_) | Place::PubSub, Some(node)) => xep0060::info(state, request, node)?,
        (Place::PubSub, None) => {
            let mut all = vec![identity("pubsub", "service", None)];
            all.extend(features(&[ns::DISCO_INFO, ns::DISCO_ITEMS]));
            all.extend(features(xep0060::FEATURES));
            all
        }
        (Place::Rooms, None) => {
            let mut all = vec![identity("conference", "text", None)];
            all.extend(features(&[ns::DISCO_INFO, ns::DISCO_ITEMS, ns::MUC]));
            all
        }
        (Place::Room(room), None) => xep0045::info(state, room)?,
        (Place::Upload, None) => xep0363::info(state),
        _ => return Err(Fault::new("item-not-found")),
    };
    Ok(Some(query.all(content)))
}

/// Accounts show themselves to their owner and to those who may see their presence
/// (RFC 6121 §8.5.1 hides them from others).
fn is_visible(state: &State, request: &Request, name: &str) -> bool {
    let from = request.from.to_bare();
    request.own(state).is_some()
        || state
            .accounts
            .get(name)
            .is_some_and(|account| account.roster.subscribers().contains(&from))
}

fn of_account(state: &State, request: &Request, name: &str) -> Result<Vec<Element>, Fault> {
    if !is_visible(state, request, name) {
        return Err(Fault::new("service-unavailable"));
    }
    let vars: Vec<&str> = xep::enabled(state)
        .flat_map(|x| x.account)
        .copied()
        .collect();
    let mut all = vec![identity("account", "registered", None)];
    if state.has("0163") {
        all.push(identity("pubsub", "pep", None));
    }
    all.extend(features(&vars));
    Ok(all)
}

fn items(state: &State, request: &Request) -> Answer {
    let node = request.payload.attr("node");
    let query = el("query", ns::DISCO_ITEMS).maybe("node", node);
    let item = |jid: &str, name: Option<&str>| {
        el("item", ns::DISCO_ITEMS)
            .with("jid", jid)
            .maybe("name", name)
    };
    let content = match (&request.place, node) {
        (Place::Server, None) => {
            let services = [("0060", "pubsub"), ("0045", "rooms"), ("0363", "upload")];
            services
                .iter()
                .filter(|(xep, _)| state.has(xep))
                .map(|(_, name)| item(&state.service(name), None))
                .chain(state.components.keys().map(|domain| item(domain, None)))
                .collect()
        }
        (Place::Account(name), _) if !is_visible(state, request, name) => {
            return Err(Fault::new("service-unavailable"));
        }
        (Place::Account(_) | Place::PubSub, node) => xep0060::disco_items(state, request, node)?,
        (Place::Rooms, None) => {
            let rooms = state.rooms.iter();
            rooms
                .filter(|(_, room)| room.is_public())
                .map(|(jid, room)| item(jid.as_str(), Some(room.name())))
                .collect()
        }
        (Place::Room(jid), None) => occupants(state, jid)?,
        (Place::Upload, None) => Vec::new(),
        _ => return Err(Fault::new("item-not-found")),
    };
    Ok(Some(query.all(content)))
}

fn occupants(state: &State, jid: &BareJid) -> Result<Vec<Element>, Fault> {
    let room = state.rooms.get(jid);
    let room = room.ok_or_else(|| Fault::new("item-not-found"))?;
    let item = |nick: &String| el("item", ns::DISCO_ITEMS).with("jid", format!("{jid}/{nick}"));
    Ok(room.nicks().map(item).collect())
}
