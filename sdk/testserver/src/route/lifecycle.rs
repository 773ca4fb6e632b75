//! How sessions begin and end.

use crate::{
    link::Link,
    ns,
    session::Session,
    state::State,
    xml::{Build, el},
};
use jid::FullJid;
use minidom::Element;

impl State {
    /// Binds a resource; who had it before has to go (RFC 6120 §7.7.2.2).
    pub(crate) fn bind(&mut self, name: &str, jid: FullJid, link: Link) -> u64 {
        self.end_session(&jid, Some("conflict"));
        let serial = self.serial();
        let resource = jid.resource().as_str().to_owned();
        if let Some(account) = self.accounts.get_mut(name) {
            account
                .sessions
                .insert(resource, Session::new(jid, serial, link));
        }
        serial
    }

    /// Ends a session for good, by a stream error when there is one.
    pub(crate) fn end_session(&mut self, jid: &FullJid, error: Option<&str>) -> bool {
        let Some(session) = self.session(jid) else {
            return false;
        };
        session.end(error);
        let serial = session.serial;
        let note = format!("{jid} is ended ({})", error.unwrap_or("no error"));
        self.play.note(&note);
        self.unbind(jid, serial);
        true
    }

    /// Removes a session whose connection is over: it is unavailable, and what it didn't
    /// acknowledge isn't lost.
    pub(crate) fn unbind(&mut self, jid: &FullJid, serial: u64) {
        if self.session(jid).is_none_or(|s| s.serial != serial) {
            return;
        }
        let gone = el("presence", ns::CLIENT)
            .with("type", "unavailable")
            .with("from", jid.as_str());
        self.own_presence(jid, gone);
        let Some(name) = self.name_of(jid) else {
            return;
        };
        let session = self
            .accounts
            .get_mut(&name)
            .and_then(|account| account.sessions.remove(jid.resource().as_str()));
        let unacked = session.and_then(|s| s.sm).map(|sm| sm.unacked);
        for stanza in unacked.into_iter().flatten() {
            self.undelivered(&name, stanza);
        }
    }

    /// A stanza that a session never acknowledged goes elsewhere (XEP-0198 §5). What the archive
    /// has isn't delivered again.
    fn undelivered(&mut self, name: &str, stanza: Element) {
        let own = self.bare(name);
        let archived = stanza
            .children()
            .any(|c| c.is("stanza-id", ns::SID) && c.attr("by") == Some(&own));
        match stanza.name() {
            "message" if archived => {}
            "message" => self.store_offline(name, stanza),
            "iq" => self.bounce(&stanza, &crate::stanza::Fault::new("recipient-unavailable")),
            _ => {}
        }
    }
}
