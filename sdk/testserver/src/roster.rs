//! The roster (RFC 6121 §2).

use crate::{
    ns,
    route::Request,
    stanza::{Answer, DONE, Fault},
    state::State,
    xml::{Build, el},
};
use jid::{BareJid, FullJid, Jid};
use minidom::Element;
use std::collections::{BTreeMap, BTreeSet};

/// A contact, or somebody who asked to become one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Item {
    pub(crate) name: Option<String>,
    pub(crate) groups: BTreeSet<String>,
    /// The account sees the contact's presence.
    pub(crate) to: bool,
    /// The contact sees the account's presence.
    pub(crate) from: bool,
    /// The account asked to see the contact's presence.
    pub(crate) ask: bool,
    /// The contact's request that nobody has answered.
    pub(crate) pending: Option<Element>,
    /// Whether clients see it.
    pub(crate) listed: bool,
}

impl Item {
    /// Whether clients see a difference.
    pub(crate) fn differs(&self, other: &Self) -> bool {
        (self.to, self.from, self.ask, self.listed)
            != (other.to, other.from, other.ask, other.listed)
    }

    fn element(&self, jid: &BareJid) -> Element {
        let subscription = match (self.to, self.from) {
            (true, true) => "both",
            (true, false) => "to",
            (false, true) => "from",
            (false, false) => "none",
        };
        el("item", ns::ROSTER)
            .with("jid", jid.as_str())
            .with("subscription", subscription)
            .maybe("name", self.name.as_ref())
            .maybe("ask", self.ask.then_some("subscribe"))
            .all(self.groups.iter().map(|g| el("group", ns::ROSTER).say(g)))
    }
}

#[derive(Default)]
pub(crate) struct Roster {
    items: BTreeMap<BareJid, Item>,
    version: u64,
}

impl Roster {
    pub(crate) fn get(&self, contact: &BareJid) -> Option<Item> {
        self.items.get(contact).cloned()
    }

    pub(crate) fn set(&mut self, contact: &BareJid, item: Item) {
        self.version += 1;
        if item.listed || item.pending.is_some() {
            self.items.insert(contact.clone(), item);
        } else {
            self.items.remove(contact);
        }
    }

    /// Who sees the account's presence.
    pub(crate) fn subscribers(&self) -> Vec<BareJid> {
        self.all(|item| item.from)
    }

    /// Whose presence the account sees.
    pub(crate) fn publishers(&self) -> Vec<BareJid> {
        self.all(|item| item.to)
    }

    /// Requests that nobody has answered.
    pub(crate) fn waiting(&self) -> Vec<Element> {
        let items = self.items.values();
        items.filter_map(|item| item.pending.clone()).collect()
    }

    pub(crate) fn is_listed(&self, contact: &BareJid) -> bool {
        self.items.get(contact).is_some_and(|item| item.listed)
    }

    /// Everybody in it.
    pub(crate) fn contacts(&self) -> Vec<(BareJid, Item)> {
        let items = self.items.iter();
        items
            .map(|(jid, item)| (jid.clone(), item.clone()))
            .collect()
    }

    /// Whether the contact is in one of these groups.
    pub(crate) fn is_in_group(&self, contact: &BareJid, groups: &[String]) -> bool {
        self.items
            .get(contact)
            .is_some_and(|item| item.groups.iter().any(|g| groups.contains(g)))
    }

    fn all(&self, which: impl Fn(&Item) -> bool) -> Vec<BareJid> {
        let items = self.items.iter();
        items
            .filter(|(_, item)| which(item))
            .map(|(jid, _)| jid.clone())
            .collect()
    }
}

/// Answers for the roster.
pub(crate) fn iq(state: &mut State, request: &Request) -> Option<Answer> {
    if !request.is("query", ns::ROSTER) {
        return None;
    }
    let Some(name) = request.own(state) else {
        return Some(Err(Fault::new("forbidden")));
    };
    Some(match request.set {
        false => get(state, request, &name),
        true => set(state, &name, &request.payload),
    })
}

fn get(state: &mut State, request: &Request, name: &str) -> Answer {
    if let Some(session) = request.session().and_then(|jid| state.session(&jid)) {
        session.interested = true;
    }
    let Some(account) = state.accounts.get(name) else {
        return DONE;
    };
    let version = account.roster.version.to_string();
    // The client has this version already (RFC 6121 §2.6.3).
    if request.payload.attr("ver") == Some(&version) {
        return DONE;
    }
    let items = account.roster.items.iter();
    let items = items
        .filter(|(_, item)| item.listed)
        .map(|(jid, item)| item.element(jid));
    let query = el("query", ns::ROSTER).maybe("ver", request.payload.attr("ver").map(|_| version));
    Ok(Some(query.all(items)))
}

fn set(state: &mut State, name: &str, query: &Element) -> Answer {
    let mut children = query.children();
    let (Some(change), None) = (children.next(), children.next()) else {
        return Err(Fault::new("bad-request"));
    };
    let contact = change.attr("jid").and_then(|jid| Jid::new(jid).ok());
    let Some(contact) = contact.map(Jid::into_bare) else {
        return Err(Fault::new("bad-request"));
    };
    if contact.as_str() == state.bare(name) {
        return Err(Fault::new("not-allowed"));
    }
    let Some(account) = state.accounts.get_mut(name) else {
        return DONE;
    };
    let mut item = account.roster.get(&contact).unwrap_or_default();
    if change.attr("subscription") == Some("remove") {
        if !item.listed {
            return Err(Fault::new("item-not-found"));
        }
        account.roster.set(&contact, Item::default());
        state.unsubscribe_both(name, &contact, &item);
        let removed = el("item", ns::ROSTER)
            .with("jid", contact.as_str())
            .with("subscription", "remove");
        state.push(name, removed);
        return DONE;
    }
    let groups: Vec<String> = change
        .children()
        .filter(|child| child.is("group", ns::ROSTER))
        .map(Element::text)
        .collect();
    item.groups = groups.iter().cloned().collect();
    if item.groups.len() != groups.len() {
        return Err(Fault::new("bad-request"));
    }
    if item.groups.contains("") {
        return Err(Fault::new("not-acceptable"));
    }
    item.name = change
        .attr("name")
        .filter(|name| !name.is_empty())
        .map(str::to_owned);
    item.listed = true;
    account.roster.set(&contact, item);
    state.push_item(name, &contact);
    DONE
}

impl State {
    /// Pushes how a contact is now (RFC 6121 §2.1.6).
    pub(crate) fn push_item(&mut self, name: &str, contact: &BareJid) {
        let item = self
            .accounts
            .get(name)
            .and_then(|account| account.roster.items.get(contact))
            .map(|item| item.element(contact));
        if let Some(item) = item {
            self.push(name, item);
        }
    }

    fn push(&mut self, name: &str, item: Element) {
        let Some(account) = self.accounts.get(name) else {
            return;
        };
        let query = el("query", ns::ROSTER)
            .with("ver", account.roster.version)
            .child(item);
        let sessions: Vec<FullJid> = account
            .sessions
            .values()
            .filter(|session| session.interested)
            .map(|session| session.jid.clone())
            .collect();
        let own = self.bare(name);
        for jid in sessions {
            let push = el("iq", ns::CLIENT)
                .with("type", "set")
                .with("id", self.id("push-"))
                .with("from", &own)
                .with("to", jid.as_str())
                .child(query.clone());
            self.send(&jid, push);
        }
    }

    /// Makes two accounts contacts of each other, both seeing the other's presence.
    pub(crate) fn befriend(&mut self, one: &str, other: &str) {
        for (name, contact) in [(one, other), (other, one)] {
            let Ok(contact) = BareJid::new(&self.bare(contact)) else {
                return;
            };
            if let Some(account) = self.accounts.get_mut(name) {
                let mut item = account.roster.get(&contact).unwrap_or_default();
                (item.to, item.from, item.ask, item.listed) = (true, true, false, true);
                item.pending = None;
                account.roster.set(&contact, item);
                self.push_item(name, &contact);
            }
        }
    }
}
