//! XEP-0160: Best Practices for Handling Offline Messages.

use crate::{
    ns,
    stanza::{Fault, is_error, is_hinted},
    state::State,
    xml::{Build, el},
};
use jid::FullJid;
use minidom::Element;

impl State {
    /// Keeps a message until a session comes (XEP-0160), or tells its sender that nobody does.
    pub(crate) fn store_offline(&mut self, name: &str, message: Element) {
        let kept = matches!(message.attr("type"), None | Some("normal" | "chat"))
            && !is_hinted(&message, "no-store")
            && !is_transient(&message);
        if !kept || is_error(&message) {
            return;
        }
        if !self.has("0160") {
            return self.bounce(&message, &Fault::new("service-unavailable"));
        }
        let delay = el("delay", ns::DELAY)
            .with("from", self.domain().to_owned())
            .with("stamp", self.stamp());
        if let Some(account) = self.accounts.get_mut(name) {
            account.offline.push(message.child(delay));
        }
    }

    /// Delivers what waited for a session.
    pub(crate) fn deliver_offline(&mut self, jid: &FullJid) {
        let Some(name) = self.name_of(jid) else {
            return;
        };
        let waiting = match self.accounts.get_mut(&name) {
            Some(account) => std::mem::take(&mut account.offline),
            None => return,
        };
        for message in waiting {
            self.send(jid, message);
        }
    }
}

/// Whether it says nothing but how its sender's typing goes (XEP-0160 §3 leaves these out).
pub(crate) fn is_transient(message: &Element) -> bool {
    let mut says = message.children().filter(|child| {
        !child.is("thread", ns::CLIENT) && !child.has_ns(ns::HINTS) && !child.has_ns(ns::SID)
    });
    let first = says.next();
    match first {
        Some(first) => first.has_ns(ns::CHATSTATES) && says.all(|c| c.has_ns(ns::CHATSTATES)),
        None => false,
    }
}
