//! All declarations of all plugins, compiled into one table that finds who wants a stanza.
//!
//! The table also enforces who may have sent what: a payload from a sender that the declaration
//! doesn't name does not reach the plugin at all (CVE-2015-8688, CVE-2017-5589 and their kin).

use crate::plugin::manifest::{Declaration, Manifest, Payload, Policy, Sender};
use minidom::Element;
use std::collections::HashMap;

/// What a declaration is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hook {
    /// IQ requests.
    Iq,
    /// Incoming messages.
    Message,
    /// Incoming presences.
    Presence,
    /// Outgoing presences.
    PresenceFilter,
    /// First incoming stage of a message.
    Unwrap,
    /// Second incoming stage.
    Decrypt,
    /// Third incoming stage.
    Amend,
    /// First outgoing stage.
    Compose,
    /// Second outgoing stage.
    Seal,
}

/// Every hook.
pub const HOOKS: [Hook; 9] = [
    Hook::Iq,
    Hook::Message,
    Hook::Presence,
    Hook::PresenceFilter,
    Hook::Unwrap,
    Hook::Decrypt,
    Hook::Amend,
    Hook::Compose,
    Hook::Seal,
];

/// What is known of a stanza's sender.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// It is the account's bare JID, or absent.
    pub account: bool,
    /// It is the account's server.
    pub server: bool,
    /// It is claimed as contact, room or occupant.
    pub claimed: bool,
    /// Whether the plugin with this index waits for an answer from it.
    pub requested: &'a dyn Fn(usize) -> bool,
}

impl Facts<'_> {
    /// Of a stanza that we send ourselves.
    pub const OWN: Facts<'static> = Facts {
        account: true,
        server: false,
        claimed: false,
        requested: &|_| false,
    };

    fn allow(&self, senders: &[Sender], plugin: usize) -> bool {
        senders.iter().any(|s| match s {
            Sender::Any => true,
            Sender::Account => self.account,
            Sender::Server => self.server,
            Sender::ClaimedPeer => self.claimed,
            Sender::Requested => (self.requested)(plugin),
        })
    }
}

/// A plugin that wants a stanza.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Index of the plugin in the order in which the matcher was made.
    pub plugin: usize,
    /// Indices, among the stanza's child elements, of the payloads to hand over.
    pub payloads: Vec<usize>,
    /// What happens while the plugin is down.
    pub policy: Policy,
    /// Whether a payload matched that is a reason to call (not only one of `with`).
    wanted: bool,
}

#[derive(Debug, Clone)]
struct Rule {
    plugin: usize,
    types: Vec<String>,
    from: Vec<Sender>,
    policy: Policy,
    reason: bool,
}

#[derive(Debug, Default)]
struct Table {
    /// Namespace → local name → rules.
    by_payload: HashMap<String, HashMap<String, Vec<Rule>>>,
    /// Rules for stanzas whatever their payload.
    any: Vec<Rule>,
}

/// The compiled declarations.
#[derive(Debug, Default)]
pub struct Matcher {
    tables: HashMap<Hook, Table>,
}

impl Matcher {
    /// Compiles the manifests; the position of each is its plugin's index.
    pub fn new<'a>(manifests: impl IntoIterator<Item = &'a Manifest>) -> Self {
        let mut matcher = Self::default();
        for (plugin, manifest) in manifests.into_iter().enumerate() {
            for hook in HOOKS {
                for declaration in declarations(manifest, hook) {
                    matcher.add(hook, plugin, declaration);
                }
            }
        }
        matcher
    }

    fn add(&mut self, hook: Hook, plugin: usize, d: &Declaration) {
        let table = self.tables.entry(hook).or_default();
        let rule = |reason| Rule {
            plugin,
            types: d.types.clone(),
            from: d.from.clone(),
            policy: d.policy,
            reason,
        };
        let mut put = |payload: &Payload, reason| {
            table
                .by_payload
                .entry(payload.namespace.clone())
                .or_default()
                .entry(payload.element.clone())
                .or_default()
                .push(rule(reason));
        };
        d.with.iter().for_each(|payload| put(payload, false));
        match (&d.element, &d.namespace) {
            (Some(element), Some(namespace)) => {
                put(
                    &Payload {
                        element: element.clone(),
                        namespace: namespace.clone(),
                    },
                    true,
                );
            }
            _ => table.any.push(rule(true)),
        }
    }

    /// Whether anybody declared anything for this hook.
    pub fn has(&self, hook: Hook) -> bool {
        self.tables.contains_key(&hook)
    }

    /// Who wants this stanza, in the order of the plugins. `kind` is its type with the default
    /// filled in.
    pub fn find(&self, hook: Hook, stanza: &Element, kind: &str, facts: Facts<'_>) -> Vec<Hit> {
        let Some(table) = self.tables.get(&hook) else {
            return Vec::new();
        };
        // What we send has no sender to check: outgoing declarations have no `from`.
        let outgoing = matches!(hook, Hook::PresenceFilter | Hook::Compose | Hook::Seal);
        let mut hits: Vec<Hit> = Vec::new();
        let mut note = |rule: &Rule, payload: Option<usize>| {
            let type_fits = if rule.types.is_empty() {
                kind != "error"
            } else {
                rule.types.iter().any(|t| t == kind)
            };
            if !type_fits || !(outgoing || facts.allow(&rule.from, rule.plugin)) {
                return;
            }
            let at = match hits.iter().position(|h| h.plugin == rule.plugin) {
                Some(at) => at,
                None => {
                    hits.push(Hit {
                        plugin: rule.plugin,
                        payloads: Vec::new(),
                        policy: rule.policy,
                        wanted: false,
                    });
                    hits.len() - 1
                }
            };
            if let Some(hit) = hits.get_mut(at) {
                if rule.reason {
                    hit.wanted = true;
                    if rule.policy == Policy::Block {
                        hit.policy = Policy::Block;
                    }
                }
                if let Some(payload) = payload.filter(|p| !hit.payloads.contains(p)) {
                    hit.payloads.push(payload);
                }
            }
        };
        table.any.iter().for_each(|rule| note(rule, None));
        for (index, child) in stanza.children().enumerate() {
            let rules = table
                .by_payload
                .get(&child.ns())
                .and_then(|names| names.get(child.name()));
            rules
                .into_iter()
                .flatten()
                .for_each(|rule| note(rule, Some(index)));
        }
        hits.retain(|h| h.wanted);
        hits.sort_by_key(|h| h.plugin);
        hits
    }
}

/// The declarations of a manifest for one hook.
pub fn declarations(manifest: &Manifest, hook: Hook) -> &[Declaration] {
    match hook {
        Hook::Iq => &manifest.iq,
        Hook::Message => &manifest.message,
        Hook::Presence => &manifest.presence,
        Hook::PresenceFilter => &manifest.presence_filter,
        Hook::Unwrap => &manifest.unwrap,
        Hook::Decrypt => &manifest.decrypt,
        Hook::Amend => &manifest.amend,
        Hook::Compose => &manifest.compose,
        Hook::Seal => &manifest.seal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
        id = "a"
        version = "1.0.0"
        summary = "s"
        [[iq]]
        types = ["set"]
        element = "query"
        namespace = "jabber:iq:roster"
        from = ["account"]
        [[message]]
        types = ["chat", "normal"]
        element = "body"
        namespace = "jabber:client"
        from = ["any"]
        with = [{ element = "origin-id", namespace = "urn:xmpp:sid:0" }]
        [[presence]]
        types = ["available"]
        from = ["claimed-peer"]
        with = [{ element = "show", namespace = "jabber:client" }]
        [[unwrap]]
        element = "received"
        namespace = "urn:xmpp:carbons:2"
        from = ["account", "requested"]
        policy = "block"
    "#;

    fn matcher() -> Matcher {
        let a = Manifest::parse(MANIFEST).unwrap();
        let b = Manifest::parse(&MANIFEST.replace("id = \"a\"", "id = \"b\"")).unwrap();
        Matcher::new([&a, &b])
    }

    fn find(
        hook: Hook,
        xml: &str,
        kind: &str,
        account: bool,
        claimed: bool,
    ) -> Vec<(usize, Vec<usize>)> {
        let facts = Facts {
            account,
            server: false,
            claimed,
            requested: &|plugin| plugin == 1,
        };
        let hits = matcher().find(hook, &xml.parse().unwrap(), kind, facts);
        hits.into_iter().map(|h| (h.plugin, h.payloads)).collect()
    }

    #[test]
    fn undeclared_senders_reach_nobody() {
        let push = "<iq xmlns='jabber:client'><query xmlns='jabber:iq:roster'/></iq>";
        assert_eq!(
            find(Hook::Iq, push, "set", true, false),
            [(0, vec![0]), (1, vec![0])]
        );
        assert_eq!(find(Hook::Iq, push, "set", false, true), []);
        assert_eq!(find(Hook::Iq, push, "get", true, false), []);
    }

    #[test]
    fn who_was_asked_may_answer_the_asker_only() {
        let carbon =
            "<message xmlns='jabber:client'><received xmlns='urn:xmpp:carbons:2'/></message>";
        assert_eq!(
            find(Hook::Unwrap, carbon, "normal", false, false),
            [(1, vec![0])]
        );
        assert_eq!(find(Hook::Unwrap, carbon, "error", true, false), []);
    }

    #[test]
    fn payloads_beside_the_reason_are_handed_over() {
        let message = "<message xmlns='jabber:client'><x xmlns='y'/><body>hi</body><origin-id xmlns='urn:xmpp:sid:0'/></message>";
        assert_eq!(
            find(Hook::Message, message, "chat", false, false),
            [(0, vec![1, 2]), (1, vec![1, 2])]
        );
        let no_reason =
            "<message xmlns='jabber:client'><origin-id xmlns='urn:xmpp:sid:0'/></message>";
        assert_eq!(find(Hook::Message, no_reason, "chat", false, false), []);
    }

    #[test]
    fn presences_match_without_payload() {
        let presence = "<presence xmlns='jabber:client'><show>away</show></presence>";
        assert_eq!(
            find(Hook::Presence, presence, "available", false, true),
            [(0, vec![0]), (1, vec![0])]
        );
        assert_eq!(
            find(Hook::Presence, presence, "available", false, false),
            []
        );
        assert_eq!(
            find(
                Hook::Presence,
                "<presence xmlns='jabber:client'/>",
                "available",
                false,
                true
            )
            .len(),
            2
        );
    }
}
