//! XEP-0115: Entity Capabilities: the server reads them, to know who wants which notifications,
//! and shows its own.

use crate::{
    ns,
    state::State,
    xml::{Build, el},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use jid::FullJid;
use minidom::Element;
use sha1::{Digest, Sha1};
use std::collections::{BTreeMap, BTreeSet};

const NODE: &str = "https://salut-a-toi.org/testserver";

/// What is known of clients, by `node#ver`. The server believes what they answer: a client that
/// lies about its features gets the notifications that it asks for.
#[derive(Default)]
pub(crate) struct Caps {
    features: BTreeMap<String, BTreeSet<String>>,
    /// Questions by their id: whom, and about what.
    asked: BTreeMap<String, (FullJid, String)>,
}

/// The server's own capabilities, for its stream features.
pub(crate) fn of_server(state: &State) -> Option<Element> {
    state.has("0115").then(|| {
        el("c", ns::CAPS)
            .with("hash", "sha-1")
            .with("node", NODE)
            .with("ver", hash_of_server(state))
    })
}

/// The disco node that belongs to them.
pub(crate) fn node_of_server(state: &State) -> String {
    format!("{NODE}#{}", hash_of_server(state))
}

/// XEP-0115 §5.1, for one identity and no forms.
fn hash_of_server(state: &State) -> String {
    let content = super::xep0030::of_server(state);
    let mut text = "server/im//sat-testserver<".to_owned();
    let vars: BTreeSet<&str> = content.iter().filter_map(|c| c.attr("var")).collect();
    for var in vars {
        text.push_str(var);
        text.push('<');
    }
    BASE64.encode(Sha1::digest(text.as_bytes()))
}

impl State {
    /// Notes the capabilities in a session's presence; asks the session once per hash.
    pub(crate) fn note_caps(&mut self, jid: &FullJid, presence: &Element) {
        if !self.has("0115") {
            return;
        }
        let caps = presence.get_child("c", ns::CAPS).and_then(|c| {
            let (node, ver) = (c.attr("node")?, c.attr("ver")?);
            Some(format!("{node}#{ver}"))
        });
        if let Some(session) = self.session(jid) {
            session.caps.clone_from(&caps);
        }
        let Some(caps) = caps else {
            return;
        };
        let known = self.caps.features.contains_key(&caps);
        if known || self.caps.asked.values().any(|(_, asked)| *asked == caps) {
            return;
        }
        let id = self.id("caps-");
        let query = el("query", ns::DISCO_INFO).with("node", &caps);
        self.caps.asked.insert(id.clone(), (jid.clone(), caps));
        self.ask(jid, "get", &id, query);
    }

    /// Takes the answer of a session.
    pub(crate) fn answered(&mut self, iq: &Element) {
        let id = iq.attr("id").unwrap_or_default();
        let from = iq.attr("from");
        match self.caps.asked.get(id) {
            Some((jid, _)) if from == Some(jid.as_str()) => {}
            _ => return,
        }
        let Some((_, caps)) = self.caps.asked.remove(id) else {
            return;
        };
        let Some(query) = iq.get_child("query", ns::DISCO_INFO) else {
            return;
        };
        let features = query.children().filter(|c| c.is("feature", ns::DISCO_INFO));
        let features = features.filter_map(|f| f.attr("var").map(str::to_owned));
        self.caps.features.insert(caps.clone(), features.collect());
        let waiting: Vec<FullJid> = self
            .accounts
            .values()
            .flat_map(|account| account.available())
            .filter(|session| session.caps.as_ref() == Some(&caps))
            .map(|session| session.jid.clone())
            .collect();
        for jid in waiting {
            self.send_last_items(&jid);
        }
    }

    /// Forgets a question to a session that is gone; somebody else will be asked.
    pub(crate) fn forget_question(&mut self, jid: &FullJid) {
        self.caps.asked.retain(|_, (asked, _)| asked != jid);
    }

    /// Whether these capabilities have the feature.
    pub(crate) fn has_feature(&self, caps: Option<&String>, feature: &str) -> bool {
        caps.and_then(|caps| self.caps.features.get(caps))
            .is_some_and(|features| features.contains(feature))
    }
}
