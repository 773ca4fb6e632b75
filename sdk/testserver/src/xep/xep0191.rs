//! XEP-0191: Blocking Command.

use crate::{
    ns,
    route::Request,
    stanza::{Answer, DONE, Fault, error_for, is_error, is_request, jid_of},
    state::State,
    xml::{Build, el},
};
use jid::{FullJid, Jid};
use minidom::Element;

/// Answers for an account's block list.
pub(crate) fn iq(state: &mut State, request: &Request) -> Option<Answer> {
    if !request.payload.has_ns(ns::BLOCKING) {
        return None;
    }
    let Some(name) = request.own(state) else {
        return Some(Err(Fault::new("forbidden")));
    };
    match (request.payload.name(), request.set) {
        ("blocklist", false) => {
            let account = state.accounts.get(&name)?;
            Some(Ok(Some(list("blocklist", account.blocked.iter()))))
        }
        ("block" | "unblock", true) => Some(change(state, &name, &request.payload)),
        _ => None,
    }
}

fn list<'a>(element: &str, jids: impl Iterator<Item = &'a Jid>) -> Element {
    let item = |jid: &Jid| el("item", ns::BLOCKING).with("jid", jid.as_str());
    el(element, ns::BLOCKING).all(jids.map(item))
}

fn change(state: &mut State, name: &str, payload: &Element) -> Answer {
    let block = payload.name() == "block";
    let mut jids = Vec::new();
    for item in payload.children() {
        let jid = jid_of(item, "jid").ok_or_else(|| Fault::new("jid-malformed"))?;
        jids.push(jid);
    }
    if block && jids.is_empty() {
        return Err(Fault::new("bad-request"));
    }
    let Some(account) = state.accounts.get_mut(name) else {
        return DONE;
    };
    if !block && jids.is_empty() {
        jids = account.blocked.iter().cloned().collect();
    }
    // Presence follows: contacts see the account leave, and come back (§3.3, §3.4).
    let contacts = account.roster.subscribers();
    let concerned = |jid: &Jid| contacts.contains(&jid.to_bare());
    let concerned: Vec<Jid> = jids.iter().filter(|jid| concerned(jid)).cloned().collect();
    if block {
        for jid in &concerned {
            state.presences_to(name, &jid.to_bare(), true);
        }
    }
    if let Some(account) = state.accounts.get_mut(name) {
        match block {
            true => account.blocked.extend(jids.iter().cloned()),
            false => account.blocked.retain(|jid| !jids.contains(jid)),
        }
    }
    if !block {
        for jid in &concerned {
            state.presences_to(name, &jid.to_bare(), false);
        }
    }
    state.push_to_interested(name, &payload.clone());
    DONE
}

impl State {
    /// Whether the account has blocked this address, its bare address or its domain (§5).
    pub(crate) fn is_blocked(&self, name: &str, jid: &Jid) -> bool {
        let Some(account) = self.accounts.get(name) else {
            return false;
        };
        let own = self.bare(name);
        if account.blocked.is_empty() || jid.to_bare().as_str() == own || !self.has("0191") {
            return false;
        }
        account.blocked.iter().any(|blocked| {
            blocked.domain() == jid.domain()
                && (blocked.node().is_none() || blocked.node() == jid.node())
                && (blocked.resource().is_none() || blocked.resource() == jid.resource())
        })
    }

    /// Refuses what a session sends to somebody whom it has blocked (§3.5).
    pub(crate) fn refuses_blocked(&mut self, jid: &FullJid, stanza: &Element) -> bool {
        let (Some(name), Some(to)) = (self.name_of(jid), jid_of(stanza, "to")) else {
            return false;
        };
        if !self.is_blocked(&name, &to) {
            return false;
        }
        let answered = match stanza.name() {
            "iq" => is_request(stanza),
            "message" => !is_error(stanza),
            _ => false,
        };
        if answered {
            let fault = Fault::new("not-acceptable").more("blocked", ns::BLOCKING_ERRORS);
            self.send(jid, error_for(stanza, &fault));
        }
        true
    }

    /// Pushes a change to all sessions of the account (§3.3).
    fn push_to_interested(&mut self, name: &str, payload: &Element) {
        let own = self.bare(name);
        let Some(account) = self.accounts.get(name) else {
            return;
        };
        let sessions: Vec<FullJid> = account.sessions.values().map(|s| s.jid.clone()).collect();
        for jid in sessions {
            let push = el("iq", ns::CLIENT)
                .with("type", "set")
                .with("id", self.id("push-"))
                .with("from", &own)
                .with("to", jid.as_str())
                .child(payload.clone());
            self.send(&jid, push);
        }
    }
}
