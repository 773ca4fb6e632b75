//! Presence (RFC 6121 §4).

use crate::{
    ns,
    stanza::{Fault, jid_of, presence},
    state::State,
    xml::Build,
};
use jid::{BareJid, FullJid, Jid};
use minidom::Element;

impl State {
    pub(super) fn client_presence(&mut self, jid: &FullJid, stanza: Element) {
        let kind = stanza.attr("type").map(str::to_owned);
        let to = jid_of(&stanza, "to");
        match (kind.as_deref(), to) {
            (None | Some("unavailable"), None) => self.own_presence(jid, stanza),
            (Some("subscribe" | "subscribed" | "unsubscribe" | "unsubscribed"), Some(to)) => {
                self.subscription_out(jid, &to.to_bare(), stanza);
            }
            (None | Some("unavailable" | "error"), Some(to)) => {
                if self.refuses_blocked(jid, &stanza) {
                    return;
                }
                if let Some(session) = self.session(jid) {
                    match kind.as_deref() {
                        None => session.directed.insert(to),
                        _ => session.directed.remove(&to),
                    };
                }
                self.route(stanza);
            }
            // Clients don't probe (RFC 6121 §4.3), and the rest isn't defined.
            (Some("probe"), _) => {}
            _ => self.refuse(&stanza, &Fault::new("bad-request"), jid),
        }
    }

    /// A session tells everybody how it is: initial, changed or final presence.
    pub(crate) fn own_presence(&mut self, jid: &FullJid, stanza: Element) {
        let Some(name) = self.name_of(jid) else {
            return;
        };
        let available = stanza.attr("type").is_none();
        let Some(session) = self.session(jid) else {
            return;
        };
        let was_available = session.is_available();
        if !available && !was_available {
            return;
        }
        let priority = stanza
            .get_child("priority", ns::CLIENT)
            .and_then(|p| p.text().trim().parse().ok());
        let priority_before = session.priority;
        session.priority = priority.unwrap_or(0);
        session.presence = available.then(|| stanza.clone());
        let directed = match available {
            true => Vec::new(),
            false => std::mem::take(&mut session.directed).into_iter().collect(),
        };
        match available {
            true => self.note_caps(jid, &stanza),
            false => self.forget_question(jid),
        }
        self.broadcast(&name, jid, &stanza, directed);
        if !available {
            return;
        }
        if !was_available {
            self.begin_presence(&name, jid);
        }
        let opened = !was_available || priority_before < 0;
        if opened && priority.unwrap_or(0) >= 0 {
            self.deliver_offline(jid);
        }
        // A later presence may have capabilities that want more.
        self.send_last_items(jid);
    }

    /// To the contacts that may see it, to the account's own sessions, and on leaving to those
    /// that got it directly.
    fn broadcast(&mut self, name: &str, jid: &FullJid, stanza: &Element, directed: Vec<Jid>) {
        let Some(account) = self.accounts.get(name) else {
            return;
        };
        let own: Vec<FullJid> = account
            .available()
            .map(|s| s.jid.clone())
            .filter(|other| stanza.attr("type").is_none() || other != jid)
            .collect();
        let contacts = account.roster.subscribers();
        for other in own {
            self.send(&other, stanza.clone().with("to", other.as_str()));
        }
        for contact in &contacts {
            if !self.is_blocked(name, &Jid::from(contact.clone())) {
                self.route(stanza.clone().with("to", contact.as_str()));
            }
        }
        for to in directed {
            if !contacts.contains(&to.to_bare()) {
                self.route(stanza.clone().with("to", to.as_str()));
            }
        }
    }

    /// What a session gets when it becomes available (RFC 6121 §4.2).
    fn begin_presence(&mut self, name: &str, jid: &FullJid) {
        let Some(account) = self.accounts.get(name) else {
            return;
        };
        let others: Vec<Element> = account
            .available()
            .filter(|s| s.jid != *jid)
            .filter_map(|s| s.presence.clone())
            .collect();
        let waiting: Vec<Element> = account.roster.waiting();
        let contacts: Vec<BareJid> = account.roster.publishers();
        for stanza in others {
            self.send(jid, stanza.with("to", jid.as_str()));
        }
        for contact in contacts {
            self.route(presence("probe", jid.as_str(), contact.as_str()));
        }
        for stanza in waiting {
            self.send(jid, stanza);
        }
    }

    pub(super) fn presence_to_account(&mut self, from: &Jid, to: &Jid, stanza: Element) {
        let Some(name) = self.name_of(to) else {
            return;
        };
        let kind = stanza.attr("type").map(str::to_owned);
        if !self.accounts.contains_key(&name) {
            if kind.as_deref() == Some("subscribe") {
                let to = to.to_bare();
                let from = from.to_bare();
                self.route(presence("unsubscribed", to.as_str(), from.as_str()));
            }
            return;
        }
        if self.is_blocked(&name, from) {
            return;
        }
        match kind.as_deref() {
            Some("probe") => self.answer_probe(&name, from),
            Some("subscribe" | "subscribed" | "unsubscribe" | "unsubscribed") => {
                self.subscription_in(&name, &from.to_bare(), stanza);
            }
            _ => match to.try_as_full() {
                Ok(full) => {
                    let full = full.clone();
                    self.send(&full, stanza);
                }
                Err(_) => self.tell_available(&name, &stanza),
            },
        }
    }

    pub(super) fn tell_available(&mut self, name: &str, stanza: &Element) {
        let sessions: Vec<FullJid> = match self.accounts.get(name) {
            Some(account) => account.available().map(|s| s.jid.clone()).collect(),
            None => return,
        };
        for jid in sessions {
            self.send(&jid, stanza.clone().with("to", jid.as_str()));
        }
    }

    fn answer_probe(&mut self, name: &str, from: &Jid) {
        let own = self.bare(name);
        let Some(account) = self.accounts.get(name) else {
            return;
        };
        if !account.roster.subscribers().contains(&from.to_bare()) {
            let from = from.to_bare();
            return self.route(presence("unsubscribed", &own, from.as_str()));
        }
        let presences: Vec<Element> = account
            .available()
            .filter_map(|s| s.presence.clone())
            .collect();
        if presences.is_empty() {
            return self.route(presence("unavailable", &own, from.as_str()));
        }
        for stanza in presences {
            self.route(stanza.with("to", from.as_str()));
        }
    }
}
