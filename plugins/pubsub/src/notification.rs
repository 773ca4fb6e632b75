//! Notifications: what they say, and who may speak.

use crate::{
    answer::{self, Items},
    form,
    place::is_name,
};
use sat_sdk::{PeerKind, Via, xml::Element};

const NS: &str = "http://jabber.org/protocol/pubsub#event";
/// Most ids of retracted items in one notification that are looked at.
const RETRACTED: usize = 1000;

/// What became of a node.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Items were published, and others retracted.
    Items {
        items: Items,
        retracted: Vec<String>,
    },
    Purged,
    Deleted {
        redirect: Option<String>,
    },
    Configured {
        options: Vec<(String, String)>,
    },
}

/// Reads an `<event/>`: what became of which node (XEP-0060 §7.1.2, §8.4.2, §8.5.2, §8.2.5).
pub(crate) fn read(event: &Element) -> Option<(String, What)> {
    let said = event.children().next().filter(|_| event.is("event", NS))?;
    let node = said.attr("node").filter(|node| is_name(node))?.to_owned();
    let what = match said.name() {
        "items" => What::Items {
            items: answer::read_items(said, NS),
            retracted: said
                .children()
                .filter(|e| e.is("retract", NS))
                .filter_map(|e| e.attr("id"))
                .filter(|id| is_name(id))
                .take(RETRACTED)
                .map(str::to_owned)
                .collect(),
        },
        "purge" => What::Purged,
        "delete" => What::Deleted {
            redirect: said
                .get_child("redirect", NS)
                .and_then(|r| r.attr("uri"))
                .map(str::to_owned),
        },
        "configuration" => What::Configured {
            options: form::read(said),
        },
        // Subscriptions, and what others define.
        _ => return None,
    };
    Some((node, what))
}

/// Why a node is in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// `follow` was called.
    Follow,
    /// The account published to it, or a plugin wants to know what it publishes.
    Own,
    /// A plugin wants such nodes of contacts.
    Notify,
    /// It stays when it isn't followed any more.
    Kept,
}

impl Reason {
    /// The word that others know it by.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Follow => "follow",
            Self::Own => "own",
            Self::Notify => "notify",
            Self::Kept => "kept",
        }
    }

    /// From its word.
    pub(crate) fn from_word(word: &str) -> Self {
        match word {
            "follow" => Self::Follow,
            "own" => Self::Own,
            "notify" => Self::Notify,
            _ => Self::Kept,
        }
    }
}

/// Who sent a notification, and how it came.
pub(crate) struct Speaker<'a> {
    /// `from` of the message; the server leaves it out when it speaks for the account.
    pub(crate) from: Option<&'a str>,
    pub(crate) account: &'a str,
    pub(crate) kind: PeerKind,
    pub(crate) via: Via,
}

impl Speaker<'_> {
    /// The service that speaks: a notification comes straight from it. A client of somebody has
    /// a resource, and can't speak for their PEP; what others forward was said by them.
    pub(crate) fn service(&self) -> Option<&str> {
        let from = self.from.unwrap_or(self.account);
        let straight = matches!(self.via, Via::Live | Via::Offline);
        (straight && !from.contains('/')).then_some(from)
    }

    /// Why the node that it speaks of is to be cached, if it is: `known` is why it is in the
    /// cache, `wanted` whether a plugin wants such nodes (XEP-0163 §4.3.2).
    pub(crate) fn reason(&self, known: Option<Reason>, wanted: bool) -> Option<Reason> {
        let own = self.from.is_none_or(|from| from == self.account);
        match known {
            Some(Reason::Follow) => Some(Reason::Follow),
            Some(Reason::Own) if own => Some(Reason::Own),
            _ if own && wanted => Some(Reason::Own),
            _ if self.kind == PeerKind::Contact && wanted => Some(Reason::Notify),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sat_sdk::xml;

    fn event(inside: &str) -> Option<(String, What)> {
        read(&xml::parse(&format!("<event xmlns='{NS}'>{inside}</event>")).unwrap())
    }

    #[test]
    fn reads_items_of_7_1_2() {
        let (node, what) = event(
            "<items node='princely_musings'><item id='ae89' publisher='hamlet@denmark.lit'>\
             <entry xmlns='http://www.w3.org/2005/Atom'/></item><item id='x'/>\
             <retract id='4e30'/><retract/></items>",
        )
        .unwrap();
        assert_eq!(node, "princely_musings");
        let What::Items { items, retracted } = what else {
            panic!("{what:?}")
        };
        assert_eq!(items.items.len(), 2);
        assert_eq!(items.items[0].payload.element, "entry");
        assert_eq!(retracted, ["4e30"]);
    }

    #[test]
    fn reads_what_becomes_of_nodes() {
        let redirect =
            "<delete node='n'><redirect uri='xmpp:hamlet@denmark.lit?;node=blog'/></delete>";
        let uri = Some("xmpp:hamlet@denmark.lit?;node=blog".to_owned());
        let configuration = "<configuration node='n'><x xmlns='jabber:x:data' type='result'>\
            <field var='FORM_TYPE' type='hidden'>\
            <value>http://jabber.org/protocol/pubsub#node_config</value></field>\
            <field var='pubsub#title'><value>Musings</value></field></x></configuration>";
        let options = vec![("title".to_owned(), "Musings".to_owned())];
        for (inside, what) in [
            ("<purge node='n'/>", What::Purged),
            ("<delete node='n'/>", What::Deleted { redirect: None }),
            (redirect, What::Deleted { redirect: uri }),
            (configuration, What::Configured { options }),
        ] {
            assert_eq!(event(inside), Some(("n".to_owned(), what)), "{inside}");
        }
        for nothing in [
            "",
            "<items/>",
            "<purge node=''/>",
            "<subscription node='n'/>",
        ] {
            assert_eq!(event(nothing), None, "{nothing}");
        }
        assert_eq!(
            read(&xml::parse("<event xmlns='x'><purge node='n'/></event>").unwrap()),
            None
        );
    }

    #[test]
    fn only_services_speak() {
        let me = "romeo@montague.lit";
        let speaker = |from, via| Speaker {
            from,
            account: me,
            kind: PeerKind::Contact,
            via,
        };
        let juliet = Some("juliet@capulet.lit");
        assert_eq!(speaker(juliet, Via::Live).service(), juliet);
        assert_eq!(speaker(juliet, Via::Offline).service(), juliet);
        assert_eq!(speaker(None, Via::Live).service(), Some(me));
        let forged = Some("juliet@capulet.lit/balcony");
        assert_eq!(speaker(forged, Via::Live).service(), None);
        for via in [Via::CarbonReceived, Via::CarbonSent, Via::Archive] {
            assert_eq!(speaker(juliet, via).service(), None);
        }
    }

    #[test]
    fn only_what_is_wanted_counts() {
        let me = "romeo@montague.lit";
        let reason = |from, kind, known, wanted| {
            let via = Via::Live;
            Speaker {
                from,
                account: me,
                kind,
                via,
            }
            .reason(known, wanted)
        };
        let (contact, stranger) = (PeerKind::Contact, PeerKind::Stranger);
        let other = Some("juliet@capulet.lit");
        assert_eq!(reason(other, stranger, None, true), None);
        assert_eq!(reason(other, contact, None, false), None);
        assert_eq!(reason(other, contact, None, true), Some(Reason::Notify));
        // Nobody wants it any more.
        assert_eq!(reason(other, contact, Some(Reason::Notify), false), None);
        assert_eq!(
            reason(other, stranger, Some(Reason::Follow), false),
            Some(Reason::Follow)
        );
        // The account published to a service without following it.
        assert_eq!(reason(other, stranger, Some(Reason::Own), false), None);
        assert_eq!(reason(other, stranger, Some(Reason::Kept), false), None);
        for from in [None, Some(me)] {
            assert_eq!(
                reason(from, PeerKind::Account, None, true),
                Some(Reason::Own)
            );
            assert_eq!(reason(from, PeerKind::Account, None, false), None);
            assert_eq!(
                reason(from, PeerKind::Account, Some(Reason::Own), false),
                Some(Reason::Own)
            );
        }
    }
}
