//! XEP-0198: Stream Management: sessions that outlive their connection. What the client says
//! during a session is in `stream/bound.rs`.

use crate::{
    link::Link,
    ns,
    server::Server,
    state::State,
    xml::{self, Build, el},
};
use jid::FullJid;
use minidom::Element;

/// The answer to what fails; `h` when the session was known.
pub(crate) fn failed(condition: &str, h: Option<u32>) -> Element {
    el("failed", ns::SM)
        .maybe("h", h)
        .child(el(condition, ns::STANZAS))
}

/// Ends a session that nobody resumed in time.
pub(crate) fn end_later(server: Server, jid: FullJid, serial: u64, id: String) {
    tokio::spawn(async move {
        let time = server.lock().options.hibernation;
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = server.stopped() => return,
        }
        let mut state = server.lock();
        let sleeps = state.session(&jid).is_some_and(|session| {
            session.serial == serial
                && session.link.is_none()
                && session
                    .sm
                    .as_ref()
                    .is_some_and(|sm| sm.id.as_ref() == Some(&id))
        });
        if sleeps {
            state.play.note(&format!("{jid} was not resumed in time"));
            state.unbind(&jid, serial);
        }
    });
}

impl State {
    /// Keeps a session without connection, when it can be resumed: its id.
    pub(crate) fn sleep(&mut self, jid: &FullJid, serial: u64) -> Option<String> {
        let session = self.session(jid)?;
        if session.serial != serial {
            return None;
        }
        let id = session.sm.as_ref()?.id.clone()?;
        session.link = None;
        Some(id)
    }

    /// Gives a session its new connection: its address, its new serial and what to answer.
    pub(crate) fn resume(
        &mut self,
        name: &str,
        resume: &Element,
        link: &Link,
    ) -> Result<(FullJid, u64, Element), Element> {
        let fail = || failed("item-not-found", None);
        let previd = resume.attr("previd").unwrap_or_default().to_owned();
        let serial = self.serial();
        if !self.has("0198") {
            return Err(failed("feature-not-implemented", None));
        }
        let account = self.accounts.get_mut(name).ok_or_else(fail)?;
        let session = account.sessions.values_mut().find(|session| {
            let id = session.sm.as_ref().and_then(|sm| sm.id.as_ref());
            id == Some(&previd) && !previd.is_empty()
        });
        let session = session.ok_or_else(fail)?;
        let h = resume.attr("h").and_then(|h| h.parse().ok());
        let Some(sm) = &mut session.sm else {
            return Err(fail());
        };
        if !h.is_some_and(|h| sm.acknowledge(h)) {
            return Err(failed("bad-request", Some(sm.received)));
        }
        let answer = el("resumed", ns::SM)
            .with("previd", &previd)
            .with("h", sm.received);
        // The old connection may not know yet that it is over.
        if let Some(old) = session.link.replace(link.clone()) {
            old.cut.cancel();
        }
        session.serial = serial;
        Ok((session.jid.clone(), serial, answer))
    }

    /// Sends again what the session didn't acknowledge.
    pub(crate) fn send_again(&mut self, jid: &FullJid) {
        let Some(session) = self.session(jid) else {
            return;
        };
        let unacked = session.sm.iter().flat_map(|sm| &sm.unacked);
        let mut texts: Vec<String> = unacked.map(|s| xml::write(s, ns::CLIENT)).collect();
        if !texts.is_empty() {
            texts.push(xml::write(&el("r", ns::SM), ns::CLIENT));
        }
        for text in &texts {
            session.raw(text.clone());
        }
        for text in texts {
            self.play.sent(jid.as_str(), &text);
        }
    }
}
