//! XEP-0313: Message Archive Management, of accounts and rooms; XEP-0359: the ids by which an
//! account knows its messages; XEP-0441: what an account wants to be archived.

use super::{xep0004, xep0059, xep0160::is_transient};
use crate::{
    ns,
    route::{Place, Request},
    stanza::{Answer, Fault, forwarded, is_hinted, jid_of},
    state::{State, stamp},
    xml::{Build, el},
};
use chrono::{DateTime, Utc};
use jid::{BareJid, FullJid, Jid};
use minidom::Element;

/// Messages, the oldest first.
#[derive(Default)]
pub(crate) struct Archive {
    entries: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    id: String,
    time: DateTime<Utc>,
    with: Jid,
    message: Element,
}

impl Archive {
    pub(crate) fn add(&mut self, id: &str, time: DateTime<Utc>, with: Jid, message: Element) {
        self.entries.push(Entry {
            id: id.to_owned(),
            time,
            with,
            message,
        });
    }
}

/// Answers queries of an account's owner and of a room's occupants.
pub(crate) fn iq(state: &mut State, request: &Request) -> Option<Answer> {
    if !request.payload.has_ns(ns::MAM) {
        return None;
    }
    let allowed = match &request.place {
        Place::Account(_) => request.own(state).is_some(),
        Place::Room(room) => state
            .rooms
            .get(room)
            .is_some_and(|room| room.is_inside(&request.from)),
        _ => return None,
    };
    if !allowed {
        return Some(Err(Fault::new("forbidden")));
    }
    match (request.payload.name(), request.set) {
        ("query", false) => Some(Ok(Some(fields()))),
        ("query", true) => Some(query(state, request)),
        ("metadata", false) => Some(metadata(state, &request.place)),
        ("prefs", set) => {
            let name = request.own(state)?;
            let account = state.accounts.get_mut(&name)?;
            if set {
                account.archive_prefs = Some(request.payload.clone());
            }
            let prefs = account.archive_prefs.clone();
            let prefs = prefs.unwrap_or_else(|| {
                el("prefs", ns::MAM)
                    .with("default", "always")
                    .child(el("always", ns::MAM))
                    .child(el("never", ns::MAM))
            });
            Some(Ok(Some(prefs)))
        }
        _ => None,
    }
}

fn fields() -> Element {
    let field = |name: &str, kind: &str| xep0004::field(name, kind, &[]);
    let form = xep0004::form("form", ns::MAM)
        .child(field("with", "jid-single"))
        .child(field("start", "text-single"))
        .child(field("end", "text-single"))
        .child(field("before-id", "text-single"))
        .child(field("after-id", "text-single"))
        .child(field("ids", "list-multi"));
    el("query", ns::MAM).child(form)
}

fn archive<'a>(state: &'a State, place: &Place) -> Option<(&'a Archive, String)> {
    match place {
        Place::Account(name) => Some((&state.accounts.get(name)?.archive, state.bare(name))),
        Place::Room(jid) => Some((&state.rooms.get(jid)?.archive, jid.to_string())),
        _ => None,
    }
}

fn metadata(state: &State, place: &Place) -> Answer {
    let found = archive(state, place);
    let (archive, _) = found.ok_or_else(|| Fault::new("item-not-found"))?;
    let edge = |name: &str, entry: &Entry| {
        el(name, ns::MAM)
            .with("id", &entry.id)
            .with("timestamp", stamp(entry.time))
    };
    let start = archive.entries.first().map(|entry| edge("start", entry));
    let end = archive.entries.last().map(|entry| edge("end", entry));
    Ok(Some(el("metadata", ns::MAM).all(start).all(end)))
}

fn query(state: &mut State, request: &Request) -> Answer {
    let found = archive(state, &request.place);
    let (archive, owner) = found.ok_or_else(|| Fault::new("item-not-found"))?;
    let entries = select(archive, &request.payload)?;
    let ids: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    let page = xep0059::page(&ids, request.payload.get_child("set", ns::RSM))?;
    let mut shown: Vec<Entry> = entries
        .get(page.start..page.end)
        .into_iter()
        .flatten()
        .map(|entry| (*entry).clone())
        .collect();
    if request.payload.has_child("flip-page", ns::MAM) {
        shown.reverse();
    }
    for entry in shown {
        let result = el("result", ns::MAM)
            .maybe("queryid", request.payload.attr("queryid"))
            .with("id", &entry.id)
            .child(forwarded(&entry.message, Some(&stamp(entry.time))));
        let message = el("message", ns::CLIENT)
            .with("from", &owner)
            .with("to", request.from.as_str())
            .child(result);
        match request.session() {
            Some(jid) if state.session(&jid).is_some() => {
                state.send(&jid, message);
            }
            _ => state.route(message),
        }
    }
    let fin = el("fin", ns::MAM)
        .maybe("complete", page.complete.then_some("true"))
        .child(page.set);
    Ok(Some(fin))
}

fn select<'a>(archive: &'a Archive, query: &Element) -> Result<Vec<&'a Entry>, Fault> {
    let form = xep0004::read(query).unwrap_or_default();
    let (mut start, mut end) = (None, None);
    let mut entries: Vec<&Entry> = archive.entries.iter().collect();
    let position = |id: &str| {
        let found = archive.entries.iter().position(|entry| entry.id == id);
        found.ok_or_else(|| Fault::new("item-not-found"))
    };
    let (mut first, mut last) = (0, entries.len());
    let mut wanted = None;
    for (name, values) in &form {
        let value = values.first().map(String::as_str).unwrap_or_default();
        match name.as_str() {
            "FORM_TYPE" if value == ns::MAM => {}
            "FORM_TYPE" => return Err(Fault::new("bad-request")),
            "with" => {
                let with = Jid::new(value).map_err(|_| Fault::new("jid-malformed"))?;
                entries.retain(|entry| match with.is_full() {
                    true => entry.with == with,
                    false => entry.with.to_bare() == with.to_bare(),
                });
            }
            "start" => start = Some(time(value)?),
            "end" => end = Some(time(value)?),
            "after-id" => first = position(value)? + 1,
            "before-id" => last = position(value)?,
            "ids" => {
                for id in values {
                    position(id)?;
                }
                wanted = Some(values);
            }
            _ => return Err(Fault::new("feature-not-implemented")),
        }
    }
    let inside = archive.entries.get(first..last).unwrap_or_default();
    entries.retain(|entry| {
        start.is_none_or(|start| entry.time >= start)
            && end.is_none_or(|end| entry.time <= end)
            && wanted.is_none_or(|ids| ids.contains(&entry.id))
            && inside.iter().any(|other| other.id == entry.id)
    });
    Ok(entries)
}

fn time(text: &str) -> Result<DateTime<Utc>, Fault> {
    DateTime::parse_from_rfc3339(text)
        .map(DateTime::<Utc>::from)
        .map_err(|_| Fault::new("bad-request"))
}

/// Which messages are archived (§6 leaves it to the server): what people said, and what is
/// hinted to be stored.
fn is_archived(message: &Element) -> bool {
    let told = matches!(message.attr("type"), None | Some("normal" | "chat"));
    told && !is_hinted(message, "no-store")
        && !is_hinted(message, "no-permanent-store")
        && (is_hinted(message, "store") || !is_transient(message))
}

impl State {
    /// Archives what an account gets; the message with the id by which the account knows it.
    /// Ids that somebody else gave in the account's name are taken out (XEP-0359 §6).
    pub(crate) fn archive_received(&mut self, name: &str, message: Element) -> Element {
        let own = self.bare(name);
        let forged = |c: &Element| c.is("stanza-id", ns::SID) && c.attr("by") == Some(&own);
        let message = match self.has("0359") && message.children().any(forged) {
            true => without(&message, forged),
            false => message,
        };
        let Some(from) = jid_of(&message, "from") else {
            return message;
        };
        if !is_archived(&message) || !self.archives(name, &from.to_bare()) {
            return message;
        }
        let (id, now) = (self.id(""), self.now());
        if let Some(account) = self.accounts.get_mut(name) {
            account.archive.add(&id, now, from, message.clone());
        }
        match self.has("0359") {
            true => message.child(el("stanza-id", ns::SID).with("by", own).with("id", id)),
            false => message,
        }
    }

    /// Archives what a session sends.
    pub(crate) fn archive_sent(&mut self, jid: &FullJid, message: &Element) {
        let (Some(name), Some(to)) = (self.name_of(jid), jid_of(message, "to")) else {
            return;
        };
        // What an account sends to itself is archived when it arrives.
        let to_self = to.to_bare() == jid.to_bare();
        if to_self || !is_archived(message) || !self.archives(&name, &to.to_bare()) {
            return;
        }
        let (id, now) = (self.id(""), self.now());
        if let Some(account) = self.accounts.get_mut(&name) {
            account.archive.add(&id, now, to, message.clone());
        }
    }

    /// Whether the account wants messages with this contact in its archive (XEP-0441).
    fn archives(&self, name: &str, contact: &BareJid) -> bool {
        let Some(account) = self.accounts.get(name) else {
            return false;
        };
        if !self.has("0313") {
            return false;
        }
        let Some(prefs) = &account.archive_prefs else {
            return true;
        };
        let listed = |list: &str| {
            let list = prefs.get_child(list, ns::MAM);
            list.is_some_and(|list| list.children().any(|jid| jid.text() == contact.as_str()))
        };
        match prefs.attr("default") {
            _ if listed("always") => true,
            _ if listed("never") => false,
            Some("never") => false,
            Some("roster") => account.roster.is_listed(contact),
            _ => true,
        }
    }
}

/// The element without some of its children.
fn without(element: &Element, which: impl Fn(&Element) -> bool) -> Element {
    let mut rest = el(element.name(), &element.ns());
    *rest.attrs_mut() = element.attrs().clone();
    for node in element.nodes() {
        if !node.as_element().is_some_and(&which) {
            rest.append_node(node.clone());
        }
    }
    rest
}
