//! Subscriptions to presence (RFC 6121 §3 and its appendix A).

use crate::{roster::Item, stanza::presence, state::State, xml::Build};
use jid::{BareJid, FullJid, Jid};
use minidom::Element;

impl State {
    /// A session asks for, gives, cancels or takes back a subscription.
    pub(super) fn subscription_out(&mut self, jid: &FullJid, contact: &BareJid, stanza: Element) {
        let (Some(name), Some(kind)) = (self.name_of(jid), stanza.attr("type").map(str::to_owned))
        else {
            return;
        };
        let own = jid.to_bare();
        // Subscriptions are between bare addresses (RFC 6121 §3.1.2).
        let stanza = stanza
            .with("from", own.as_str())
            .with("to", contact.as_str());
        let Some(account) = self.accounts.get_mut(&name) else {
            return;
        };
        let before = account.roster.get(contact);
        let mut item = before.clone().unwrap_or_default();
        match kind.as_str() {
            "subscribe" => {
                item.listed = true;
                item.ask = !item.to;
            }
            "subscribed" => {
                if item.pending.take().is_none() {
                    return;
                }
                item.listed = true;
                item.from = true;
            }
            "unsubscribe" => {
                item.to = false;
                item.ask = false;
            }
            _ => {
                if item.pending.take().is_none() && !item.from {
                    return;
                }
                item.from = false;
            }
        }
        let had_from = before.as_ref().is_some_and(|item| item.from);
        self.set_item(&name, contact, before.as_ref(), item);
        if kind == "unsubscribed" && had_from {
            self.presences_to(&name, contact, true);
        }
        self.route(stanza);
        if kind == "subscribed" {
            self.presences_to(&name, contact, false);
        }
    }

    /// A contact does so.
    pub(super) fn subscription_in(&mut self, name: &str, contact: &BareJid, stanza: Element) {
        let own = self.bare(name);
        let Some(account) = self.accounts.get_mut(name) else {
            return;
        };
        let before = account.roster.get(contact);
        let mut item = before.clone().unwrap_or_default();
        match stanza.attr("type") {
            Some("subscribe") => {
                if item.from {
                    self.route(presence("subscribed", &own, contact.as_str()));
                    return;
                }
                let again = item.pending.replace(stanza.clone()).is_some();
                self.set_item(name, contact, before.as_ref(), item);
                if !again {
                    self.tell_available(name, &stanza);
                }
                return;
            }
            Some("subscribed") if item.ask => {
                item.ask = false;
                item.to = true;
            }
            Some("unsubscribe") if item.from || item.pending.is_some() => {
                item.from = false;
                item.pending = None;
            }
            Some("unsubscribed") if item.to || item.ask => {
                item.to = false;
                item.ask = false;
            }
            _ => return,
        }
        let lost = before.as_ref().is_some_and(|item| item.from) && !item.from;
        self.set_item(name, contact, before.as_ref(), item);
        self.tell_available(name, &stanza);
        if lost {
            self.presences_to(name, contact, true);
        }
    }

    /// Cancels both directions, as removing a contact does (RFC 6121 §2.5.2).
    pub(crate) fn unsubscribe_both(&mut self, name: &str, contact: &BareJid, item: &Item) {
        let own = self.bare(name);
        if item.to || item.ask {
            self.route(presence("unsubscribe", &own, contact.as_str()));
        }
        if item.from || item.pending.is_some() {
            self.presences_to(name, contact, true);
            self.route(presence("unsubscribed", &own, contact.as_str()));
        }
    }

    /// Keeps a changed item, and pushes it when sessions see a difference.
    fn set_item(&mut self, name: &str, contact: &BareJid, before: Option<&Item>, item: Item) {
        let Some(account) = self.accounts.get_mut(name) else {
            return;
        };
        let differs = item.listed && before.is_none_or(|before| before.differs(&item));
        account.roster.set(contact, item);
        if differs {
            self.push_item(name, contact);
        }
    }

    /// Tells a contact how the account's sessions are, or that they are gone for it.
    pub(crate) fn presences_to(&mut self, name: &str, contact: &BareJid, gone: bool) {
        let Some(account) = self.accounts.get(name) else {
            return;
        };
        if self.is_blocked(name, &Jid::from(contact.clone())) {
            return;
        }
        let presences: Vec<Element> = account
            .available()
            .filter_map(|session| match gone {
                true => Some(presence(
                    "unavailable",
                    session.jid.as_str(),
                    contact.as_str(),
                )),
                false => session.presence.clone(),
            })
            .collect();
        for stanza in presences {
            self.route(stanza.with("to", contact.as_str()));
        }
    }
}
