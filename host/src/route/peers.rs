//! What other entities are to the account: claims of plugins, and what follows from the JID.

use super::stanza::{bare, domain};
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

/// What a plugin can claim a peer to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// In the roster.
    Contact,
    /// Somebody in a room.
    Occupant,
    /// A room; its full JIDs are its occupants.
    Room,
}

/// What an entity is to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// The account itself.
    Account,
    /// The account's server.
    Server,
    /// In the roster.
    Contact,
    /// A room.
    Room,
    /// Somebody in a room.
    Occupant,
    /// Nobody known.
    Stranger,
}

/// The claims of one profile.
#[derive(Debug, Default)]
pub struct Peers {
    /// JID → claims with the plugin that made them.
    claims: RwLock<HashMap<String, Vec<(Claim, String)>>>,
}

impl Peers {
    /// Notes claims of a plugin, each replacing its earlier one of the same JID.
    pub fn claim(&self, plugin: &str, claims: impl IntoIterator<Item = (String, Claim)>) {
        let mut all = self.claims.write().unwrap_or_else(PoisonError::into_inner);
        for (jid, claim) in claims {
            let of_jid = all.entry(jid).or_default();
            of_jid.retain(|(_, by)| by != plugin);
            of_jid.push((claim, plugin.to_owned()));
            // A room outranks a contact: the strongest comes first.
            of_jid.sort_by_key(|(claim, _)| std::cmp::Reverse(*claim));
        }
    }

    /// Takes claims of a plugin back; without JIDs, all.
    pub fn release(&self, plugin: &str, jids: Option<&[String]>) {
        let mut all = self.claims.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|jid, of_jid| {
            if jids.is_none_or(|jids| jids.contains(jid)) {
                of_jid.retain(|(_, by)| by != plugin);
            }
            !of_jid.is_empty()
        });
    }

    /// What `jid` is to `account`, a bare JID. No JID is the account.
    pub fn kind(&self, account: &str, jid: Option<&str>) -> Peer {
        let Some(jid) = jid else { return Peer::Account };
        let bare = bare(jid);
        if bare == account {
            return Peer::Account;
        }
        let all = self.claims.read().unwrap_or_else(PoisonError::into_inner);
        let strongest = |jid: &str| {
            all.get(jid)
                .and_then(|c| c.first())
                .map(|(claim, _)| *claim)
        };
        match (strongest(jid), strongest(bare)) {
            (Some(Claim::Occupant), _) => Peer::Occupant,
            (Some(Claim::Room), _) if jid == bare => Peer::Room,
            (_, Some(Claim::Room)) => Peer::Occupant,
            (Some(Claim::Contact), _) | (_, Some(Claim::Contact)) => Peer::Contact,
            _ if jid == domain(account) => Peer::Server,
            _ => Peer::Stranger,
        }
    }

    /// Whether anybody claimed this JID or its bare form.
    pub fn is_claimed(&self, jid: &str) -> bool {
        let all = self.claims.read().unwrap_or_else(PoisonError::into_inner);
        all.contains_key(jid) || all.contains_key(bare(jid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn occupants_never_pass_for_contacts() {
        let peers = Peers::default();
        let account = "juliet@capulet.example";
        let kind = |jid: &str| peers.kind(account, Some(jid));
        peers.claim(
            "roster",
            [
                ("romeo@montague.example".into(), Claim::Contact),
                ("room@muc.example".into(), Claim::Contact),
            ],
        );
        assert_eq!(kind("romeo@montague.example/orchard"), Peer::Contact);
        assert_eq!(kind("room@muc.example/romeo"), Peer::Contact);
        peers.claim("rooms", [("room@muc.example".into(), Claim::Room)]);
        assert_eq!(kind("room@muc.example/romeo"), Peer::Occupant);
        assert_eq!(kind("room@muc.example"), Peer::Room);
        peers.release("rooms", None);
        assert_eq!(kind("room@muc.example"), Peer::Contact);
        peers.release("roster", Some(&["room@muc.example".into()]));
        assert_eq!(kind("room@muc.example"), Peer::Stranger);
        assert_eq!(kind("capulet.example"), Peer::Server);
        assert_eq!(kind("capulet.example.evil"), Peer::Stranger);
        assert_eq!(peers.kind(account, None), Peer::Account);
        assert_eq!(kind("juliet@capulet.example/balcony"), Peer::Account);
    }
}
