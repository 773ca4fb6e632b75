//! What a client says once it has a session.

use super::{Connection, End};
use crate::{
    ns,
    session::Sm,
    xep::xep0198,
    xml::{Build, el},
};
use minidom::Element;

impl Connection {
    /// Handles one element of a session.
    pub(super) fn hear(&mut self, element: Element) -> Result<(), End> {
        let Some((jid, serial)) = self.bound.clone() else {
            return Err(End::Error("internal-server-error"));
        };
        self.note(&element);
        if element.has_ns(ns::SM) {
            return self.hear_sm(&element);
        }
        let is_stanza = matches!(element.name(), "message" | "presence" | "iq");
        if !is_stanza || !element.has_ns(ns::CLIENT) {
            return Err(End::Error("unsupported-stanza-type"));
        }
        let mut state = self.server.lock();
        match state.session(&jid) {
            Some(session) if session.serial == serial => {
                if let Some(sm) = &mut session.sm {
                    sm.received = sm.received.wrapping_add(1);
                }
            }
            // Another one has taken the resource; this one was told.
            _ => return Ok(()),
        }
        state.hear_client(&jid, element)
    }

    fn hear_sm(&mut self, element: &Element) -> Result<(), End> {
        let Some((jid, _)) = &self.bound else {
            return Err(End::Error("internal-server-error"));
        };
        let mut state = self.server.lock();
        if !state.has("0198") {
            return Err(End::Error("unsupported-stanza-type"));
        }
        let id = state.id("sm-");
        let max = state.options.hibernation.as_secs();
        let Some(session) = state.session(jid) else {
            return Ok(());
        };
        let answer = match (element.name(), &mut session.sm) {
            ("enable", None) => {
                let resumable = matches!(element.attr("resume"), Some("true" | "1"));
                session.sm = Some(Sm {
                    id: resumable.then(|| id.clone()),
                    received: 0,
                    acked: 0,
                    unacked: std::collections::VecDeque::new(),
                });
                let enabled = el("enabled", ns::SM);
                if resumable {
                    enabled
                        .with("id", id)
                        .with("resume", "true")
                        .with("max", max)
                } else {
                    enabled
                }
            }
            ("r", Some(sm)) => el("a", ns::SM).with("h", sm.received),
            ("a", Some(sm)) => {
                let h = element.attr("h").and_then(|h| h.parse().ok());
                match h {
                    Some(h) if sm.acknowledge(h) => return Ok(()),
                    _ => return Err(End::Error("undefined-condition")),
                }
            }
            _ => xep0198::failed("unexpected-request", None),
        };
        drop(state);
        self.say(&answer);
        Ok(())
    }

    /// Takes up a session that lost its connection (XEP-0198 §5).
    pub(super) fn resume(&mut self, resume: &Element) -> Result<(), End> {
        let name = self.account.clone().unwrap_or_default();
        let resumed = self.server.lock().resume(&name, resume, &self.link);
        match resumed {
            Ok((jid, serial, answer)) => {
                self.name = jid.to_string();
                self.say(&answer);
                self.bound = Some((jid.clone(), serial));
                self.server.lock().send_again(&jid);
            }
            Err(failed) => self.say(&failed),
        }
        Ok(())
    }

    /// The connection is over: the session sleeps or ends.
    pub(super) fn finish(&mut self, end: &End) {
        if let End::Error(condition) = end {
            let text = super::error(condition);
            self.server.lock().play.sent(&self.name, &text);
            self.link.send(text);
        }
        if !matches!(end, End::Lost) {
            self.link.send("</stream:stream>".to_owned());
        }
        let mut state = self.server.lock();
        let how = match end {
            End::Closed => "closes the stream",
            End::Lost => "is gone",
            End::Error(_) => "is sent away",
        };
        state.play.note(&format!("{} {how}", self.name));
        let Some((jid, serial)) = self.bound.take() else {
            return;
        };
        // A stream that was closed in order can't be resumed; one that ended by an error neither.
        if matches!(end, End::Lost)
            && let Some(id) = state.sleep(&jid, serial)
        {
            drop(state);
            xep0198::end_later(self.server.clone(), jid, serial, id);
            return;
        }
        state.unbind(&jid, serial);
    }
}
