//! XEP-0280: Message Carbons.

use crate::{
    ns,
    route::Request,
    stanza::{Answer, DONE, Fault, forwarded, is_hinted},
    state::State,
    xml::{Build, el},
};
use jid::FullJid;
use minidom::Element;

/// Switches a session's copies on and off.
pub(crate) fn iq(state: &mut State, request: &Request) -> Option<Answer> {
    let on = match request.payload.name() {
        "enable" => true,
        "disable" => false,
        _ => return None,
    };
    if !request.payload.has_ns(ns::CARBONS) || !request.set {
        return None;
    }
    if request.own(state).is_none() {
        return Some(Err(Fault::new("forbidden")));
    }
    let session = request.session().and_then(|jid| state.session(&jid));
    if let Some(session) = session {
        session.carbons = on;
    }
    Some(DONE)
}

/// Which messages are copied (§6.1).
fn is_eligible(message: &Element) -> bool {
    let kind = message.attr("type").unwrap_or("normal");
    let told = match kind {
        "chat" => true,
        "normal" => message.has_child("body", ns::CLIENT),
        _ => false,
    };
    told && !message.has_child("private", ns::CARBONS) && !is_hinted(message, "no-copy")
}

impl State {
    /// Copies what a session sends to the account's others.
    pub(crate) fn carbon_sent(&mut self, jid: &FullJid, message: &Element) {
        if let Some(name) = self.name_of(jid) {
            self.copy(&name, std::slice::from_ref(jid), "sent", message);
        }
    }

    /// Copies what some sessions get to the account's others.
    pub(crate) fn carbon_received(&mut self, name: &str, to: &[FullJid], message: &Element) {
        // Private messages of a room go to the sessions that are in it.
        if !message.has_child("x", ns::MUC_USER) {
            self.copy(name, to, "received", message);
        }
    }

    fn copy(&mut self, name: &str, except: &[FullJid], way: &str, message: &Element) {
        if !self.has("0280") || !is_eligible(message) {
            return;
        }
        let own = self.bare(name);
        let Some(account) = self.accounts.get(name) else {
            return;
        };
        let others: Vec<FullJid> = account
            .sessions
            .values()
            .filter(|session| session.carbons && !except.contains(&session.jid))
            .map(|session| session.jid.clone())
            .collect();
        for jid in others {
            let copy = el("message", ns::CLIENT)
                .with("from", &own)
                .with("to", jid.as_str())
                .maybe("type", message.attr("type"))
                .child(el(way, ns::CARBONS).child(forwarded(message, None)));
            self.send(&jid, copy);
        }
    }
}
