//! Where stanzas go (RFC 6120 §10, RFC 6121 §8).

mod iq;
mod lifecycle;
mod message;
mod presence;
mod subscription;

pub(crate) use iq::{Place, Request};

use crate::{
    ns,
    script::Received,
    stanza::{Fault, error_for, is_error, is_request, jid_of},
    state::State,
    stream::End,
    xml::{self, Build},
};
use jid::{FullJid, Jid};
use minidom::Element;

/// Stanzas of clients that are kept for the script, the newest; a scenario has a few hundred.
const MAX_RECEIVED: usize = 10_000;

impl State {
    /// Handles a stanza that a session sent.
    pub(crate) fn hear_client(&mut self, jid: &FullJid, stanza: Element) -> Result<(), End> {
        let own = jid.to_bare();
        match stanza.attr("from").map(Jid::new) {
            None => {}
            Some(Ok(from)) if from == *jid || from == own => {}
            // A client speaks for nobody else (RFC 6120 §8.1.2.1).
            Some(_) => return Err(End::Error("invalid-from")),
        }
        let stanza = stanza.with("from", jid.as_str());
        self.record(&stanza);
        if let Some(to) = stanza.attr("to")
            && Jid::new(to).is_err()
        {
            self.refuse(&stanza.without("to"), &Fault::new("jid-malformed"), jid);
            return Ok(());
        }
        match stanza.name() {
            "presence" => self.client_presence(jid, stanza),
            "message" => self.client_message(jid, stanza),
            _ => self.client_iq(jid, stanza),
        }
        Ok(())
    }

    /// Handles a stanza that the component at this domain sent.
    pub(crate) fn hear_component(&mut self, domain: &str, stanza: Element) -> Result<(), End> {
        match jid_of(&stanza, "from") {
            Some(from) if from.domain().as_str() == domain => {}
            _ => return Err(End::Error("invalid-from")),
        }
        if jid_of(&stanza, "to").is_none() {
            return Err(End::Error("improper-addressing"));
        }
        self.record(&stanza);
        self.route(stanza);
        Ok(())
    }

    /// Brings a stanza with `from` and `to` where it belongs.
    pub(crate) fn route(&mut self, stanza: Element) {
        let (Some(from), Some(to)) = (jid_of(&stanza, "from"), jid_of(&stanza, "to")) else {
            return;
        };
        let domain = to.domain().as_str();
        if domain == self.domain() {
            match stanza.name() {
                "message" => self.message_to_account(&from, &to, stanza),
                "presence" => self.presence_to_account(&from, &to, stanza),
                _ => self.iq_to_account(&to, stanza),
            }
        } else if let Some(link) = self.components.get(domain) {
            let text = xml::write(&stanza, ns::COMPONENT);
            link.send(text.clone());
            let name = domain.to_owned();
            self.play.sent(&name, &text);
        } else if self.has("0045") && domain == self.service("rooms") {
            self.route_to_room(&from, &to, stanza);
        } else if is_request(&stanza) && self.has("0060") && domain == self.service("pubsub") {
            self.answer_iq(stanza, Place::PubSub);
        } else if is_request(&stanza) && self.has("0363") && domain == self.service("upload") {
            self.answer_iq(stanza, Place::Upload);
        } else if ["rooms", "pubsub", "upload"]
            .iter()
            .any(|name| domain == self.service(name))
        {
            self.bounce(&stanza, &Fault::new("service-unavailable"));
        } else {
            self.bounce(&stanza, &Fault::new("remote-server-not-found"));
        }
    }

    /// Answers a stanza by an error, unless that could go on for ever.
    pub(crate) fn bounce(&mut self, stanza: &Element, fault: &Fault) {
        let answered = match stanza.name() {
            "iq" => is_request(stanza),
            "message" => !is_error(stanza),
            _ => matches!(stanza.attr("type"), None | Some("subscribe")),
        };
        if answered {
            self.route(error_for(stanza, fault));
        }
    }

    /// Answers a stanza of a session that has no usable addresses.
    fn refuse(&mut self, stanza: &Element, fault: &Fault, jid: &FullJid) {
        if !is_error(stanza) && stanza.attr("type") != Some("result") {
            let error = error_for(stanza, fault).with("from", self.domain().to_owned());
            self.send(jid, error.with("to", jid.as_str()));
        }
    }

    /// Keeps a stanza for the script.
    fn record(&mut self, stanza: &Element) {
        if self.received.len() == MAX_RECEIVED {
            self.received.pop_front();
        }
        self.received.push_back(Received::new(stanza.clone()));
        self.news.notify_waiters();
    }
}
