//! Everything that the server knows. One lock guards it, so everything happens in one order.

use crate::{
    account::Account,
    link::Link,
    ns,
    options::Options,
    play::Play,
    script::{Received, Rule},
    session::Session,
    xep::{xep0045::Room, xep0060::Nodes, xep0115::Caps, xep0363::Uploads},
    xml,
};
use chrono::{DateTime, SecondsFormat, Utc};
use jid::{BareJid, FullJid, Jid};
use minidom::Element;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};
use tokio::sync::Notify;

pub(crate) struct State {
    pub(crate) options: Options,
    pub(crate) accounts: BTreeMap<String, Account>,
    /// Connected components by domain.
    pub(crate) components: BTreeMap<String, Link>,
    pub(crate) pubsub: Nodes,
    pub(crate) rooms: BTreeMap<BareJid, Room>,
    pub(crate) uploads: Uploads,
    pub(crate) caps: Caps,
    /// Accounts that asked to be removed; they are told first.
    pub(crate) removed: Vec<String>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) received: VecDeque<Received>,
    pub(crate) play: Play,
    /// Wakes scripts that wait for a stanza.
    pub(crate) news: Arc<Notify>,
    count: u64,
}

impl State {
    pub(crate) fn new(options: Options) -> Self {
        let accounts = options
            .accounts
            .iter()
            .map(|(name, password)| (name.clone(), Account::new(password)))
            .collect();
        Self {
            options,
            accounts,
            components: BTreeMap::new(),
            pubsub: Nodes::default(),
            rooms: BTreeMap::new(),
            uploads: Uploads::default(),
            caps: Caps::default(),
            removed: Vec::new(),
            rules: Vec::new(),
            received: VecDeque::new(),
            play: Play::default(),
            news: Arc::new(Notify::new()),
            count: 0,
        }
    }

    /// Whether this XEP is on.
    pub(crate) fn has(&self, xep: &str) -> bool {
        !self.options.without.iter().any(|off| off == xep)
    }

    pub(crate) fn domain(&self) -> &str {
        &self.options.domain
    }

    /// The domain of a service.
    pub(crate) fn service(&self, name: &str) -> String {
        format!("{name}.{}", self.domain())
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.options.clock)()
    }

    /// The time as stanzas write it (XEP-0082).
    pub(crate) fn stamp(&self) -> String {
        stamp(self.now())
    }

    /// A number that no other call got.
    pub(crate) fn serial(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// An id that no other call got, the same in each run with the same seed (SplitMix64).
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        let count = self.serial();
        let mut mixed = self
            .options
            .seed
            .wrapping_add(count.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        format!("{prefix}{mixed:016x}")
    }

    /// The account behind an address of this domain.
    pub(crate) fn account_of(&self, jid: &Jid) -> Option<&Account> {
        self.accounts.get(&self.name_of(jid)?)
    }

    /// The name in an address of this domain, whether there is such an account or not.
    pub(crate) fn name_of(&self, jid: &Jid) -> Option<String> {
        (jid.domain().as_str() == self.domain())
            .then(|| jid.node().map(|node| node.as_str().to_owned()))
            .flatten()
    }

    pub(crate) fn bare(&self, name: &str) -> String {
        format!("{name}@{}", self.domain())
    }

    pub(crate) fn session(&mut self, jid: &FullJid) -> Option<&mut Session> {
        let name = self.name_of(jid)?;
        let account = self.accounts.get_mut(&name)?;
        account.sessions.get_mut(jid.resource().as_str())
    }

    /// Sends a stanza to a session, addressed to it; whether there is one.
    pub(crate) fn send(&mut self, jid: &FullJid, stanza: Element) -> bool {
        let text = xml::write(&stanza, ns::CLIENT);
        let Some(session) = self.session(jid) else {
            return false;
        };
        session.send(stanza, text.clone());
        self.play.sent(jid.as_str(), &text);
        true
    }
}

/// A time as stanzas write it (XEP-0082).
pub(crate) fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
