//! One account and what the server keeps for it.

use crate::{
    roster::Roster,
    session::Session,
    xep::{xep0060::Nodes, xep0313::Archive},
};
use jid::Jid;
use minidom::Element;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(crate) struct Account {
    pub(crate) password: String,
    pub(crate) roster: Roster,
    /// Sessions by resource.
    pub(crate) sessions: BTreeMap<String, Session>,
    /// Messages that wait for a session (XEP-0160).
    pub(crate) offline: Vec<Element>,
    pub(crate) archive: Archive,
    /// Its archiving preferences (XEP-0441), as the client set them.
    pub(crate) archive_prefs: Option<Element>,
    pub(crate) pep: Nodes,
    /// Private XML by namespace and name (XEP-0049).
    pub(crate) private: BTreeMap<(String, String), Element>,
    pub(crate) vcard: Option<Element>,
    pub(crate) blocked: BTreeSet<Jid>,
}

impl Account {
    pub(crate) fn new(password: &str) -> Self {
        Self {
            password: password.to_owned(),
            ..Self::default()
        }
    }

    /// Sessions that are available, in the order of their resources.
    pub(crate) fn available(&self) -> impl Iterator<Item = &Session> {
        self.sessions.values().filter(|s| s.is_available())
    }
}
