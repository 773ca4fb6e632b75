//! Messages: to which sessions they go (RFC 6121 §8.5).

use crate::{session::Session, stanza::Fault, state::State, xml::Build};
use jid::{FullJid, Jid};
use minidom::Element;

impl State {
    pub(super) fn client_message(&mut self, jid: &FullJid, message: Element) {
        let own = jid.to_bare();
        let message = match message.attr("to") {
            None => message.with("to", own.as_str()),
            Some(_) => message,
        };
        if self.refuses_blocked(jid, &message) {
            return;
        }
        self.archive_sent(jid, &message);
        self.carbon_sent(jid, &message);
        self.route(message);
    }

    pub(super) fn message_to_account(&mut self, from: &Jid, to: &Jid, message: Element) {
        let Some(name) = self.name_of(to) else {
            // Nobody reads what is sent to the server itself.
            return;
        };
        if !self.accounts.contains_key(&name) || self.is_blocked(&name, from) {
            return self.bounce(&message, &Fault::new("service-unavailable"));
        }
        // Only the account itself may say that it gave this id (XEP-0359 §6).
        let message = self.archive_received(&name, message);
        let kind = message.attr("type").unwrap_or("normal").to_owned();
        // Also to one that is connected but not available (RFC 6121 §8.5.3.1).
        let target = to.try_as_full().ok();
        let target = target.filter(|full| self.session(full).is_some()).cloned();
        if let Some(full) = target {
            self.carbon_received(&name, std::slice::from_ref(&full), &message);
            self.send(&full, message);
            return;
        }
        match (kind.as_str(), to.is_full()) {
            ("error", _) | ("headline", true) => {}
            ("groupchat", _) => self.bounce(&message, &Fault::new("service-unavailable")),
            _ => self.message_to_bare(&name, &kind, message),
        }
    }

    fn message_to_bare(&mut self, name: &str, kind: &str, message: Element) {
        let Some(account) = self.accounts.get(name) else {
            return;
        };
        let open = || account.available().filter(|s| s.priority >= 0);
        let best = open().map(|s| s.priority).max();
        let chosen = |session: &&Session| kind == "headline" || Some(session.priority) == best;
        let sessions: Vec<FullJid> = open().filter(chosen).map(|s| s.jid.clone()).collect();
        if sessions.is_empty() {
            if kind != "headline" {
                self.carbon_received(name, &[], &message);
                self.store_offline(name, message);
            }
            return;
        }
        self.carbon_received(name, &sessions, &message);
        for jid in sessions {
            self.send(&jid, message.clone());
        }
    }
}
