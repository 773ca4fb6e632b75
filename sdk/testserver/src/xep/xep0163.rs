//! XEP-0163: Personal Eventing Protocol: what the nodes of accounts have besides XEP-0060.

use super::xep0060::Event;
use crate::{ns, route::Place, state::State};
use jid::{FullJid, Jid};

/// Features of an account.
pub(crate) const FEATURES: &[&str] = &[
    ns::PUBSUB,
    "http://jabber.org/protocol/pubsub#access-open",
    "http://jabber.org/protocol/pubsub#access-presence",
    "http://jabber.org/protocol/pubsub#access-roster",
    "http://jabber.org/protocol/pubsub#access-whitelist",
    "http://jabber.org/protocol/pubsub#auto-create",
    "http://jabber.org/protocol/pubsub#auto-subscribe",
    "http://jabber.org/protocol/pubsub#config-node",
    "http://jabber.org/protocol/pubsub#config-node-max",
    "http://jabber.org/protocol/pubsub#create-and-configure",
    "http://jabber.org/protocol/pubsub#create-nodes",
    "http://jabber.org/protocol/pubsub#delete-items",
    "http://jabber.org/protocol/pubsub#delete-nodes",
    "http://jabber.org/protocol/pubsub#filtered-notifications",
    "http://jabber.org/protocol/pubsub#item-ids",
    "http://jabber.org/protocol/pubsub#last-published",
    "http://jabber.org/protocol/pubsub#multi-items",
    "http://jabber.org/protocol/pubsub#persistent-items",
    "http://jabber.org/protocol/pubsub#publish",
    "http://jabber.org/protocol/pubsub#publish-options",
    "http://jabber.org/protocol/pubsub#purge-nodes",
    "http://jabber.org/protocol/pubsub#retract-items",
    "http://jabber.org/protocol/pubsub#retrieve-items",
    "http://jabber.org/protocol/pubsub#rsm",
    "http://jabber.org/protocol/pubsub#subscribe",
];

impl State {
    /// Sends a session the newest items of the nodes that it wants to know of, its account's and
    /// those of contacts, each once (§4.3.2).
    pub(crate) fn send_last_items(&mut self, jid: &FullJid) {
        let Some(name) = self.name_of(jid).filter(|_| self.has("0163")) else {
            return;
        };
        let Some(session) = self.session(jid).filter(|session| session.is_available()) else {
            return;
        };
        let (caps, told) = (session.caps.clone(), session.told.clone());
        let own = jid.to_bare();
        let mut owners = vec![name.clone()];
        if let Some(account) = self.accounts.get(&name) {
            let contacts = account.roster.publishers().into_iter().map(Jid::from);
            owners.extend(contacts.filter_map(|contact| self.name_of(&contact)));
        }
        let mut found = Vec::new();
        for owner in owners {
            let place = Place::Account(owner.clone());
            for (node, content) in self.nodes(&place).into_iter().flatten() {
                let wanted = content.config.sends_last_on_presence()
                    && !told.contains(&(owner.clone(), node.clone()))
                    && self.has_feature(caps.as_ref(), &format!("{node}+notify"))
                    && self.may_read(&place, content, &own).is_ok();
                if let (true, Some(item)) = (wanted, content.items.last()) {
                    found.push((owner.clone(), node.clone(), item.clone()));
                }
            }
        }
        for (owner, node, item) in found {
            if let Some(session) = self.session(jid) {
                session.told.insert((owner.clone(), node.clone()));
            }
            let to = Jid::from(jid.clone());
            self.notify_one(&Place::Account(owner), &node, &Event::Last(item), &to);
        }
    }
}
