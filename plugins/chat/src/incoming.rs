//! Messages that come: new ones, copies of known ones, and bounces.

use crate::{
    bindings::sat::chat::{events, types::Message},
    change, copies,
    message::{self, State, Stored},
    place::{self, Place},
    table::{self, New},
};
use sat_sdk::{
    Error, Header, Via, datetime, payload, storage,
    xml::{self, Element},
    xmpp::{self, bare},
};

/// Longest id that is kept, in bytes. Longer ones are no ids but an attempt to fill the disk.
const ID: usize = 512;
/// Archive ids of one message that are kept: the account's and a room's.
const STANZA_IDS: usize = 2;
/// Longest explanation of a bounce that is kept, in characters.
const REASON: usize = 500;

/// Stores a message, or recognises it.
pub(crate) async fn message(header: Header, payloads: &[String]) -> Result<(), Error> {
    let account = xmpp::account();
    let (Some(place), Some(body)) = (place::of(&header, &account), body(payloads)) else {
        return Ok(());
    };
    // Who goes by a wrong clock must not stay at the top for ever.
    let now = datetime::now_ms();
    let stamp = datetime::parse(&header.stamp).map_or(now, |stamp| stamp.min(now));
    let mut new = read(header, place, body, origin_id(payloads), stamp);
    table::ready().await?;
    let known = copies::find(&new.message).await?;
    if let Some(old) = known.copy {
        return recognise(old, &new).await;
    }
    let behind = |read| (stamp, new.row) > read;
    new.message.unread = !new.is_out() && known.read.is_none_or(behind);
    store(&new, stamp).await
}

/// The body to keep: of several languages the one without a name, else the first.
fn body(payloads: &[String]) -> Option<String> {
    let bodies = || payloads.iter().filter(|p| payload::name(p) == "body");
    let body = bodies().find(|p| payload::attribute(p, "xml:lang").is_none());
    let body = payload::text(body.or_else(|| bodies().next())?);
    (!body.is_empty()).then(|| message::clip(body))
}

/// The id that the sender's client gave (XEP-0359 §3.2).
fn origin_id(payloads: &[String]) -> Option<String> {
    let origin_id = payloads.iter().find(|p| payload::name(p) == "origin-id")?;
    payload::attribute(origin_id, "id").filter(|id| is_id(id))
}

fn is_id(id: &str) -> bool {
    (1..=ID).contains(&id.len())
}

pub(crate) fn read(
    header: Header,
    place: Place,
    body: String,
    origin_id: Option<String>,
    stamp: i64,
) -> Stored {
    let row = message::new_row();
    let stanza_ids = header
        .stanza_ids
        .into_iter()
        .filter(|i| is_id(&i.id))
        .take(STANZA_IDS);
    let occupant = place.with.split_once('/').map(|(_, nick)| nick.to_owned());
    // What the account sent from elsewhere, its server has.
    let state = if place.out {
        State::Sent
    } else {
        State::Queued
    };
    let message = Message {
        id: message::id(row),
        message_id: header.id.filter(|id| is_id(id)),
        origin_id,
        stanza_ids: stanza_ids.collect(),
        kind: place.kind.into(),
        direction: if place.out { "out" } else { "in" }.into(),
        occupant: occupant.filter(|_| !place.out),
        with: place.with,
        sender: place.sender,
        via: header.via,
        body,
        stamp: datetime::format(stamp),
        edited_at: None,
        retracted: false,
        state: if place.out { state.word() } else { "received" }.into(),
        error: None,
        unread: false,
        extra: Vec::new(),
    };
    Stored {
        row,
        state,
        message,
    }
}

/// Takes over what a copy tells about a message that is there already.
async fn recognise(mut old: Stored, new: &Stored) -> Result<(), Error> {
    let ids = &new.message.stanza_ids;
    let in_archive = new.is_out() && new.message.via != Via::Live;
    let progress = in_archive && old.advance(State::Sent, None);
    if progress {
        let progress =
            |old: &mut Stored| Ok(old.add_stanza_ids(ids) | old.advance(State::Sent, None));
        change::apply("m.row = ?1", (old.row,), progress).await?;
    } else {
        // Catching up sees many copies; ids alone are no event.
        let was = old.clone();
        if old.add_stanza_ids(ids) {
            storage::run(table::update(&was, &old)).await?;
        }
    }
    Ok(())
}

async fn store(new: &Stored, stamp: i64) -> Result<(), Error> {
    // The event is part of the commit that stores the message.
    events::message(new.message.clone()).await;
    storage::run(table::insert(&New { stored: new, stamp }))
        .await
        .map(drop)
}

/// A message of ours came back (RFC 6120 §8.3). Only whom it was sent to may say so.
pub(crate) async fn bounce(header: &Header, payloads: &[String]) -> Result<(), Error> {
    let account = xmpp::account();
    let from = header.from.as_deref().unwrap_or(&account);
    let Some(id) = header.id.as_deref().filter(|id| is_id(id)) else {
        return Ok(());
    };
    let error = payloads.iter().find(|p| payload::name(p) == "error");
    let reason = error.and_then(|e| xml::parse(e).ok()).map(|e| reason(&e));
    let reason = reason.unwrap_or_else(|| "undefined-condition".into());
    table::ready().await?;
    let condition = "m.message_id = ?1 AND m.out AND c.peer IN (?2, ?3)";
    let bounce = |m: &mut Stored| Ok(m.advance(State::Bounced, Some(reason.clone())));
    change::apply(condition, (id, from, bare(from)), bounce)
        .await
        .map(drop)
}

/// `<condition>: <text>`, or the condition alone.
fn reason(error: &Element) -> String {
    const NS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";
    let mut condition = "undefined-condition";
    let mut text = String::new();
    for child in error.children().filter(|c| c.has_ns(NS)) {
        match child.name() {
            "text" => text = child.text().trim().chars().take(REASON).collect(),
            name => condition = name,
        }
    }
    let condition: String = condition.chars().take(REASON).collect();
    if text.is_empty() {
        condition
    } else {
        format!("{condition}: {text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::tests::header;
    use sat_sdk::{PeerKind, StanzaId};

    const ME: &str = "romeo@montague.lit";
    const JULIET: &str = "juliet@capulet.lit/balcony";

    #[test]
    fn reads_payloads() {
        let payloads = |p: &[&str]| p.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>();
        let several = payloads(&[
            "<body xmlns='jabber:client' xml:lang='fr'>Salut</body>",
            "<origin-id xmlns='urn:xmpp:sid:0' id='o1'/>",
            "<body xmlns='jabber:client'>a &lt; b</body>",
        ]);
        assert_eq!(body(&several).as_deref(), Some("a < b"));
        assert_eq!(origin_id(&several).as_deref(), Some("o1"));
        assert_eq!(body(several.get(..1).unwrap()).as_deref(), Some("Salut"));
        for none in [payloads(&[]), payloads(&["<body xmlns='jabber:client'/>"])] {
            assert_eq!(body(&none), None);
        }
        let long = format!(
            "<origin-id xmlns='urn:xmpp:sid:0' id='{}'/>",
            "x".repeat(ID + 1)
        );
        assert_eq!(origin_id(&[long]), None);
    }

    #[test]
    fn long_and_many_ids_are_left_out() {
        let mut header = header(Some(JULIET), Some(ME), PeerKind::Contact);
        header.id = Some("x".repeat(ID + 1));
        let id = |n: usize| StanzaId {
            id: "x".repeat(n),
            by: ME.into(),
        };
        header.stanza_ids = vec![id(ID + 1), id(0), id(1), id(2), id(3)];
        let place = place::of(&header, ME).unwrap();
        let read = read(header, place, "Hi".into(), None, 0).message;
        assert_eq!((read.message_id, read.stanza_ids.len()), (None, 2));
        assert_eq!(
            (read.direction.as_str(), read.state.as_str()),
            ("in", "received")
        );
    }

    #[test]
    fn reasons() {
        let ns = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'";
        for (inside, expected) in [
            (format!("<item-not-found {ns}/>"), "item-not-found"),
            (
                format!("<gone {ns}/><text {ns}> Moved </text><x xmlns='y'/>"),
                "gone: Moved",
            ),
            (String::new(), "undefined-condition"),
        ] {
            let error = xml::parse(&format!("<error xmlns='jabber:client'>{inside}</error>"));
            assert_eq!(reason(&error.unwrap()), expected);
        }
    }
}
