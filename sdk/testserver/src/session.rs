//! One bound resource, also while it has no connection.

use crate::{link::Link, ns, xml};
use jid::{FullJid, Jid};
use minidom::Element;
use std::collections::{BTreeSet, VecDeque};

/// The server asks for an acknowledgement after each message and after so many other stanzas.
const ACK_EVERY: usize = 5;
/// Stanzas that may wait for an acknowledgement; a client that never acknowledges loses its
/// session, as with any server.
const MAX_UNACKED: usize = 5_000;

pub(crate) struct Session {
    pub(crate) jid: FullJid,
    /// Tells this session from others that had the same resource before.
    pub(crate) serial: u64,
    /// None while it waits to be resumed.
    pub(crate) link: Option<Link>,
    pub(crate) sm: Option<Sm>,
    /// Its last presence; none while it is unavailable.
    pub(crate) presence: Option<Element>,
    pub(crate) priority: i8,
    /// Asked for the roster, so gets pushes (RFC 6121 §2.1.6).
    pub(crate) interested: bool,
    pub(crate) carbons: bool,
    /// Who got its presence directly (RFC 6121 §4.6).
    pub(crate) directed: BTreeSet<Jid>,
    /// The hash of its capabilities (XEP-0115).
    pub(crate) caps: Option<String>,
    /// Nodes, by account and name, whose newest item it got (XEP-0163).
    pub(crate) told: BTreeSet<(String, String)>,
}

/// Stream management (XEP-0198).
pub(crate) struct Sm {
    /// None when the session can't be resumed.
    pub(crate) id: Option<String>,
    /// Stanzas that the server handled.
    pub(crate) received: u32,
    /// Stanzas that the client acknowledged.
    pub(crate) acked: u32,
    pub(crate) unacked: VecDeque<Element>,
}

impl Session {
    pub(crate) fn new(jid: FullJid, serial: u64, link: Link) -> Self {
        Self {
            jid,
            serial,
            link: Some(link),
            sm: None,
            presence: None,
            priority: 0,
            interested: false,
            carbons: false,
            directed: BTreeSet::new(),
            caps: None,
            told: BTreeSet::new(),
        }
    }

    pub(crate) fn is_available(&self) -> bool {
        self.presence.is_some()
    }

    /// Sends a stanza, `text` being how it is written; keeps it until it is acknowledged.
    pub(crate) fn send(&mut self, stanza: Element, text: String) {
        let is_message = stanza.name() == "message";
        let mut ask = false;
        if let Some(sm) = &mut self.sm {
            sm.unacked.push_back(stanza);
            ask = is_message || sm.unacked.len() % ACK_EVERY == 0;
            if sm.unacked.len() > MAX_UNACKED
                && let Some(link) = &self.link
            {
                link.cut.cancel();
            }
        }
        self.raw(text);
        if ask {
            self.raw(xml::write(&xml::el("r", ns::SM), ns::CLIENT));
        }
    }

    /// Sends text as it is.
    pub(crate) fn raw(&self, text: String) {
        if let Some(link) = &self.link {
            link.send(text);
        }
    }

    /// Ends the connection after this stream error.
    pub(crate) fn end(&mut self, error: Option<&str>) {
        if let Some(link) = self.link.take() {
            if let Some(condition) = error {
                link.send(crate::stream::error(condition));
            }
            link.send("</stream:stream>".to_owned());
            link.end();
        }
    }
}

impl Sm {
    /// Takes what the client acknowledged; false when it claims more than was sent.
    pub(crate) fn acknowledge(&mut self, h: u32) -> bool {
        let count = h.wrapping_sub(self.acked) as usize;
        if count > self.unacked.len() {
            return false;
        }
        self.unacked.drain(..count);
        self.acked = h;
        true
    }
}
