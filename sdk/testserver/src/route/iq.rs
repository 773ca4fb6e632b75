//! IQs: who answers them.

use crate::{
    ns,
    stanza::{Fault, error_for, is_request, jid_of, result_for},
    state::State,
    xep,
    xml::Build,
};
use jid::{BareJid, FullJid, Jid};
use minidom::Element;

/// Whom the server answers for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Itself.
    Server,
    /// This account.
    Account(String),
    /// The service at `pubsub.`.
    PubSub,
    /// The service at `rooms.`.
    Rooms,
    /// A room there.
    Room(BareJid),
    /// The service at `upload.`.
    Upload,
}

/// An IQ of type get or set that the server answers.
pub(crate) struct Request {
    pub(crate) from: Jid,
    pub(crate) place: Place,
    pub(crate) set: bool,
    pub(crate) payload: Element,
}

impl Request {
    /// Whether the payload is this element.
    pub(crate) fn is(&self, name: &str, ns: &str) -> bool {
        self.payload.is(name, ns)
    }

    /// The account, when it asks for something of its own.
    pub(crate) fn own(&self, state: &State) -> Option<String> {
        match &self.place {
            Place::Account(name) if self.from.to_bare().as_str() == state.bare(name) => {
                Some(name.clone())
            }
            _ => None,
        }
    }

    /// The session that asks.
    pub(crate) fn session(&self) -> Option<FullJid> {
        self.from.clone().try_into_full().ok()
    }
}

impl State {
    pub(super) fn client_iq(&mut self, jid: &FullJid, iq: Element) {
        let valid = match iq.attr("type") {
            Some("get" | "set") => iq.children().count() == 1,
            Some("result") => iq.children().count() <= 1,
            Some("error") => true,
            _ => false,
        };
        if !valid || iq.attr("id").is_none_or(str::is_empty) {
            return self.refuse(&iq, &Fault::new("bad-request"), jid);
        }
        let own = jid.to_bare();
        let iq = match iq.attr("to") {
            None => iq.with("to", own.as_str()),
            Some(_) => iq,
        };
        if is_request(&iq)
            && let Some(scripted) = self.scripted(&iq)
        {
            if let Some(answer) = scripted {
                self.send(jid, answer);
            }
            return;
        }
        if is_request(&iq) && self.refuses_blocked(jid, &iq) {
            return;
        }
        self.route(iq);
    }

    pub(super) fn iq_to_account(&mut self, to: &Jid, iq: Element) {
        if !is_request(&iq) {
            match to.try_as_full() {
                Ok(full) if self.session(full).is_some() => {
                    let full = full.clone();
                    self.send(&full, iq);
                }
                _ => self.answered(&iq),
            }
            return;
        }
        let place = match self.name_of(to) {
            None if to.is_full() => return self.bounce(&iq, &Fault::new("service-unavailable")),
            None => Place::Server,
            Some(name) => Place::Account(name),
        };
        if let Place::Account(name) = &place {
            let exists = self.accounts.contains_key(name);
            let from = jid_of(&iq, "from");
            let blocked = from.is_some_and(|from| self.is_blocked(name, &from));
            if !exists || blocked {
                return self.bounce(&iq, &Fault::new("service-unavailable"));
            }
        }
        match to.try_as_full() {
            Ok(full) if self.session(full).is_some() => {
                let full = full.clone();
                self.send(&full, iq);
            }
            Ok(_) => self.bounce(&iq, &Fault::new("service-unavailable")),
            Err(_) => self.answer_iq(iq, place),
        }
    }

    /// Answers for the server or one of its services.
    pub(crate) fn answer_iq(&mut self, iq: Element, place: Place) {
        let (Some(from), Some(payload)) = (jid_of(&iq, "from"), iq.children().next()) else {
            return self.bounce(&iq, &Fault::new("bad-request"));
        };
        let request = Request {
            from,
            place,
            set: iq.attr("type") == Some("set"),
            payload: payload.clone(),
        };
        let answer = match xep::dispatch(self, &request) {
            Some(Ok(payload)) => result_for(&iq, payload),
            Some(Err(fault)) => error_for(&iq, &fault),
            None => error_for(&iq, &Fault::new("service-unavailable")),
        };
        self.route(answer);
        // An account that removed itself was told so first.
        for name in std::mem::take(&mut self.removed) {
            crate::xep::xep0077::remove(self, &name);
        }
    }

    /// Sends a request of the server's to a session; the answer comes to [`State::answered`].
    pub(crate) fn ask(&mut self, jid: &FullJid, kind: &str, id: &str, payload: Element) {
        let iq = crate::xml::el("iq", ns::CLIENT)
            .with("type", kind)
            .with("id", id)
            .with("from", self.domain().to_owned())
            .with("to", jid.as_str())
            .child(payload);
        self.send(jid, iq);
    }
}
