//! Attachments of one person (XEP-0470 §4.1).

use crate::bindings::sat::{
    pubsub::types::Item,
    reactions::types::{Attachment, Count, Summary},
};
use sat_sdk::{
    Error, datetime, jid,
    minidom::Node,
    xml::{self, Element, escape},
};
use std::collections::HashSet;

pub(crate) const NS: &str = "urn:xmpp:pubsub-attachments:1";
/// Most reactions of one person.
const REACTIONS: usize = 20;
/// Longest reaction, in bytes: the longest emoji sequences have 35.
const REACTION: usize = 64;

/// Reads an item; none when it is something else.
pub(crate) fn read(item: &Item) -> Option<Attachment> {
    let element = xml::parse(&item.payload).ok()?;
    if !element.is("attachments", NS) {
        return None;
    }
    let mut reactions: Vec<String> = Vec::new();
    if let Some(all) = element.get_child("reactions", NS) {
        let all = all.children().filter(|e| e.is("reaction", NS));
        for reaction in all.take(REACTIONS).map(|e| e.text().trim().to_owned()) {
            if is_reaction(&reaction) && !reactions.contains(&reaction) {
                reactions.push(reaction);
            }
        }
    }
    let stamps = element
        .children()
        .filter_map(|e| datetime::parse(e.attr("timestamp")?));
    let at = stamps
        .max()
        .map_or_else(|| item.updated.clone(), datetime::format);
    Some(Attachment {
        jid: item.id.clone(),
        verified: is_verified(item),
        noticed: element.has_child("noticed", NS),
        reactions,
        at,
    })
}

/// Whether it is from the one whose name it has: its id is the publisher's bare JID.
fn is_verified(item: &Item) -> bool {
    let publisher = item.publisher.as_deref().map(jid::normalize);
    item.verified && publisher.is_some_and(|p| p.is_ok_and(|p| p == item.id))
}

/// What the account attaches from now on. What isn't mentioned, and what this plugin doesn't
/// know, stays.
pub(crate) fn change(
    old: Option<&str>,
    noticed: Option<bool>,
    reactions: Option<&[String]>,
    now: &str,
) -> Result<String, Error> {
    let old = old.and_then(|old| xml::parse(old).ok());
    let old = old.filter(|old| old.is("attachments", NS));
    let mut new = match old {
        Some(old) => old,
        None => xml::parse(&format!("<attachments xmlns='{NS}'/>"))?,
    };
    match noticed {
        Some(true) if !new.has_child("noticed", NS) => {
            new.append_child(xml::parse(&format!(
                "<noticed xmlns='{NS}' timestamp='{now}'/>"
            ))?);
        }
        Some(false) => remove(&mut new, "noticed"),
        _ => {}
    }
    if let Some(reactions) = reactions {
        remove(&mut new, "reactions");
        if !reactions.is_empty() {
            new.append_child(write(reactions, now)?);
        }
    }
    Ok(xml::text(&new))
}

fn write(reactions: &[String], now: &str) -> Result<Element, Error> {
    if reactions.len() > REACTIONS {
        let message = format!("there are at most {REACTIONS} reactions");
        return Err(Error::new("limit-reached", message));
    }
    let mut out = format!("<reactions xmlns='{NS}' timestamp='{now}'>");
    let mut seen = HashSet::new();
    for reaction in reactions.iter().map(|r| r.trim()) {
        if !is_reaction(reaction) {
            let message = format!("“{reaction}” is no emoji");
            return Err(Error::new("bad-request", message));
        }
        if seen.insert(reaction) {
            out += &format!("<reaction>{}</reaction>", escape(reaction));
        }
    }
    xml::parse(&(out + "</reactions>"))
}

/// Whether it can be an emoji: which these are changes every year, so it is only told what is
/// surely none.
fn is_reaction(text: &str) -> bool {
    (1..=REACTION).contains(&text.len())
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c.is_alphabetic())
}

fn remove(element: &mut Element, name: &str) {
    for node in element.take_nodes() {
        if !matches!(&node, Node::Element(e) if e.is(name, NS)) {
            element.append_node(node);
        }
    }
}

/// Counts what people say of an item.
pub(crate) struct Tally {
    summary: Summary,
    own: String,
    seen: HashSet<String>,
}

impl Tally {
    /// For an item; `own` is the account's bare JID.
    pub(crate) fn new(service: &str, node: &str, id: &str, own: &str) -> Self {
        Self {
            summary: Summary {
                service: service.into(),
                node: node.into(),
                id: id.into(),
                noticed: 0,
                reactions: Vec::new(),
                own_noticed: false,
                own_reactions: Vec::new(),
                unverified: 0,
                complete: false,
            },
            own: own.into(),
            seen: HashSet::new(),
        }
    }

    /// Counts one item of the attachment node.
    pub(crate) fn add(&mut self, item: &Item) {
        let Some(attachment) = read(item) else {
            return;
        };
        if !self.seen.insert(attachment.jid.clone()) {
            return;
        }
        let summary = &mut self.summary;
        // Many services don't name the publisher again when they are asked. That doesn't make it
        // somebody else's.
        if attachment.jid == self.own && (attachment.verified || item.publisher.is_none()) {
            summary.own_noticed = attachment.noticed;
            summary.own_reactions.clone_from(&attachment.reactions);
        }
        if !attachment.verified {
            summary.unverified += 1;
            return;
        }
        summary.noticed += u32::from(attachment.noticed);
        for reaction in attachment.reactions {
            match summary
                .reactions
                .iter_mut()
                .find(|c| c.reaction == reaction)
            {
                Some(known) => known.count += 1,
                None => summary.reactions.push(Count { reaction, count: 1 }),
            }
        }
    }

    /// The result; `complete`: all items were added.
    pub(crate) fn finish(mut self, complete: bool) -> Summary {
        self.summary.complete = complete;
        let by_count = |c: &Count| (std::cmp::Reverse(c.count), c.reaction.clone());
        self.summary.reactions.sort_by_key(by_count);
        self.summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str, publisher: Option<&str>, inside: &str) -> Item {
        Item {
            service: "juliet@capulet.lit".into(),
            node: "n".into(),
            id: id.into(),
            publisher: publisher.map(str::to_owned),
            payload: format!("<attachments xmlns='{NS}'>{inside}</attachments>"),
            element: "attachments".into(),
            namespace: NS.into(),
            stamp: "2020-01-01T00:00:00.000Z".into(),
            updated: "2020-01-01T00:00:00.000Z".into(),
            verified: publisher.is_some(),
            extra: Vec::new(),
        }
    }

    fn reactions(all: &[&str]) -> String {
        let each = all.iter().map(|r| format!("<reaction>{r}</reaction>"));
        format!(
            "<reactions timestamp='2022-07-11T12:07:48Z'>{}</reactions>",
            each.collect::<String>()
        )
    }

    /// XEP-0470, example 2.
    #[test]
    fn reads_what_the_xep_has() {
        let inside =
            "<noticed timestamp='2022-07-11T12:07:24Z'/>".to_owned() + &reactions(&["👷", "🔨"]);
        let read = read(&item(
            "romeo@montague.lit",
            Some("romeo@montague.lit/123"),
            &inside,
        ))
        .unwrap();
        assert!(read.noticed && read.verified);
        assert_eq!(read.reactions, ["👷", "🔨"]);
        assert_eq!(read.at, "2022-07-11T12:07:48.000Z");
    }

    #[test]
    fn others_elements_stay() {
        let old = format!(
            "<attachments xmlns='{NS}'><rsvp xmlns='urn:xmpp:events:rsvp:0' attending='yes'/>\
             <noticed timestamp='2022-07-11T12:07:24Z'/><reactions><reaction>👷</reaction></reactions></attachments>"
        );
        let set = |noticed, reactions: Option<&[&str]>| {
            let reactions: Option<Vec<String>> =
                reactions.map(|r| r.iter().map(|r| r.to_string()).collect());
            let new = change(
                Some(&old),
                noticed,
                reactions.as_deref(),
                "2023-01-01T00:00:00Z",
            )
            .unwrap();
            assert!(
                xml::parse(&new)
                    .unwrap()
                    .has_child("rsvp", "urn:xmpp:events:rsvp:0")
            );
            let mut item = item("a@b", None, "");
            item.payload = new;
            read(&item).unwrap()
        };
        let same = set(Some(true), None);
        assert!(same.noticed && same.reactions == ["👷"]);
        let other = set(None, Some(&["🎉", "🎉", " 🥳 "]));
        assert!(other.noticed && other.reactions == ["🎉", "🥳"]);
        let nothing = set(Some(false), Some(&[]));
        assert!(!nothing.noticed && nothing.reactions.is_empty());
        // What was there is no attachment at all.
        let new = change(Some("<x/>"), Some(true), None, "now").unwrap();
        assert!(new.contains("noticed"));
    }

    #[test]
    fn refuses_what_is_no_emoji() {
        let refused = |all: &[&str]| {
            let all: Vec<String> = all.iter().map(|r| r.to_string()).collect();
            change(None, None, Some(&all), "now").unwrap_err().code
        };
        for bad in ["", "I like it", "a", "👷 👷", &"👷".repeat(40)] {
            assert_eq!(refused(&[bad]), "bad-request", "{bad}");
        }
        assert_eq!(refused(&["👷"; REACTIONS + 1]), "limit-reached");
    }

    #[test]
    fn only_who_is_vouched_for_counts_and_once() {
        let mut tally = Tally::new("juliet@capulet.lit", "n", "1", "juliet@capulet.lit");
        let romeo = Some("romeo@montague.lit/x");
        for item in [
            item(
                "romeo@montague.lit",
                romeo,
                &(reactions(&["💃", "💃", "🩰"]) + "<noticed/>"),
            ),
            item("romeo@montague.lit", romeo, &reactions(&["🎈"])),
            item(
                "paris@verona.lit",
                Some("paris@verona.lit"),
                &reactions(&["🩰"]),
            ),
            // Under somebody else's name, and under nobody's.
            item("benvolio@montague.lit", romeo, "<noticed/>"),
            item("mercutio@verona.lit", None, "<noticed/>"),
            // The account's own, which its service doesn't vouch for.
            item("juliet@capulet.lit", None, "<noticed/>"),
        ] {
            tally.add(&item);
        }
        let summary = tally.finish(true);
        let counts: Vec<_> = summary
            .reactions
            .iter()
            .map(|c| (c.reaction.as_str(), c.count))
            .collect();
        assert_eq!(counts, [("🩰", 2), ("💃", 1)]);
        assert_eq!((summary.noticed, summary.unverified), (1, 3));
        assert!(summary.own_noticed && summary.own_reactions.is_empty());
        // Somebody who takes the account's name doesn't speak for it.
        let mut tally = Tally::new("s", "n", "1", "juliet@capulet.lit");
        tally.add(&item("juliet@capulet.lit", romeo, "<noticed/>"));
        assert!(!tally.finish(true).own_noticed);
    }

    #[test]
    fn hostile_attachments_are_bounded() {
        let many = "<reaction>💃🩰</reaction>".repeat(500) + "<reaction>words</reaction>";
        let read = read(&item(
            "a@b",
            None,
            &format!("<reactions>{many}</reactions>"),
        ))
        .unwrap();
        assert_eq!(read.reactions, ["💃🩰"]);
        let mut other = item("a@b", None, "");
        other.payload = "<x".into();
        assert!(super::read(&other).is_none());
    }
}
