//! The header of a stanza: what the host knows and has checked.

use super::{
    peers::Peer,
    stanza::{bare, domain},
};
use crate::{
    clock,
    plugin::{
        bindings::sat::host::types::{Header, PeerKind, StanzaId, Via},
        manifest::HeaderField,
    },
    profile::Profile,
};
use chrono::{DateTime, Utc};
use minidom::Element;

/// How a message came here, as far as the stanza itself doesn't tell.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Which way.
    pub(crate) via: Via,
    /// When it was sent, if an archive says so.
    pub(crate) stamp: Option<String>,
    /// The id that an archive gave to it.
    pub(crate) stanza_id: Option<StanzaId>,
}

impl Origin {
    /// Straight from the stream.
    pub(crate) fn live() -> Self {
        Self {
            via: Via::Live,
            stamp: None,
            stanza_id: None,
        }
    }
}

/// The `type` of a stanza with its default filled in (RFC 6121 §4.7.1, §5.2.2).
pub fn kind(stanza: &Element) -> &str {
    let default = match stanza.name() {
        "presence" => "available",
        _ => "normal",
    };
    stanza.attr("type").unwrap_or(default)
}

impl From<Peer> for PeerKind {
    fn from(peer: Peer) -> Self {
        match peer {
            Peer::Account => Self::Account,
            Peer::Server => Self::Server,
            Peer::Contact => Self::Contact,
            Peer::Room => Self::Room,
            Peer::Occupant => Self::Occupant,
            Peer::Stranger => Self::Stranger,
        }
    }
}

/// The header of an incoming stanza.
pub(crate) fn header(profile: &Profile, stanza: &Element, origin: &Origin) -> Header {
    let (from, to) = (stanza.attr("from"), stanza.attr("to"));
    let account = profile.account();
    let peer = profile.peers.kind(account, from);
    // Of a message that the account sent itself, the other side is the receiver.
    let peer = if peer == Peer::Account && matches!(origin.via, Via::CarbonSent | Via::Archive) {
        profile.peers.kind(account, to)
    } else {
        peer
    };
    let delayed = if stanza.name() == "iq" {
        None
    } else {
        delay(profile, stanza, from, peer)
    };
    let via = if delayed.is_some() && origin.via == Via::Live && stanza.name() == "message" {
        Via::Offline
    } else {
        origin.via
    };
    let stamp = origin
        .stamp
        .as_deref()
        .and_then(|text| time(profile, text))
        .or(delayed)
        .unwrap_or_else(|| profile.clock().now());
    Header {
        id: stanza.attr("id").map(str::to_owned),
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
        kind: kind(stanza).to_owned(),
        peer_kind: peer.into(),
        via,
        stamp: clock::stamp(stamp),
        stanza_ids: if stanza.name() == "message" {
            stanza_ids(profile, stanza, peer, origin)
        } else {
            Vec::new()
        },
    }
}

/// The time of sending, from the own server or the sender's room; nobody else's word counts, or
/// a contact could date a message back to before what was read.
fn delay(
    profile: &Profile,
    stanza: &Element,
    from: Option<&str>,
    peer: Peer,
) -> Option<DateTime<Utc>> {
    let catalog = profile.catalog();
    catalog
        .header_sources(HeaderField::Stamp)
        .find_map(|source| {
            let delay = stanza.get_child(source.element.as_str(), source.namespace.as_str())?;
            let by = delay.attr("from");
            let account = profile.account();
            let room = matches!(peer, Peer::Room | Peer::Occupant)
                .then_some(from)
                .flatten();
            let trusted = by == Some(domain(account))
                || by == Some(account)
                || room.is_some_and(|room| by == Some(bare(room)) || by == Some(domain(room)));
            time(profile, delay.attr("stamp")?).filter(|_| trusted)
        })
}

/// A time of XEP-0082's kind. Not in the future: clocks differ, and far-off dates are attacks.
fn time(profile: &Profile, text: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
    Some(time.min(profile.clock().now()))
}

/// Ids by archives that may give them: the account's own, and the room that sent the message.
fn stanza_ids(profile: &Profile, stanza: &Element, peer: Peer, origin: &Origin) -> Vec<StanzaId> {
    let catalog = profile.catalog();
    let mut ids: Vec<StanzaId> = origin.stanza_id.clone().into_iter().collect();
    let room = stanza
        .attr("from")
        .map(bare)
        .filter(|_| matches!(peer, Peer::Room | Peer::Occupant));
    for source in catalog.header_sources(HeaderField::StanzaIds) {
        for child in stanza
            .children()
            .filter(|c| c.is(source.element.as_str(), source.namespace.as_str()))
        {
            let (Some(id), Some(by)) = (child.attr("id"), child.attr("by")) else {
                continue;
            };
            let known = ids.iter().any(|i| i.by == by);
            if (by == profile.account() || room == Some(by)) && !known && !id.is_empty() {
                ids.push(StanzaId {
                    id: id.into(),
                    by: by.into(),
                });
            }
        }
    }
    ids
}

/// The lane in which a message with this header is dealt with: that of the other side.
pub(crate) fn lane<'a>(account: &'a str, from: Option<&'a str>, to: Option<&'a str>) -> &'a str {
    match from.map_or(account, bare) {
        own if own == account => to.map_or(account, bare),
        other => other,
    }
}
