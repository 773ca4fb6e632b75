//! Roster items: XML to contacts and back (RFC 6121 §2.1.2).

use crate::bindings::sat::roster::types::{Contact, ContactChange};
use sat_sdk::{
    Error, fail,
    stanza::{Tag, tag},
    xml::{self, Element},
};
use std::collections::BTreeSet;

const NS: &str = "jabber:iq:roster";

/// What the server says of one JID.
#[derive(Debug)]
pub(crate) enum Item {
    Contact(Contact),
    Removed(String),
}

/// A `<query/>` of the server: the whole roster, or a push of one item.
pub(crate) struct Query {
    pub(crate) version: Option<String>,
    pub(crate) items: Vec<Item>,
}

/// Reads a `<query/>`. Items without a JID are no items.
pub(crate) fn parse(query: &str) -> Result<Query, Error> {
    let query = xml::parse_as(query, "query", NS)?;
    Ok(Query {
        version: query.attr("ver").map(str::to_owned),
        items: xml::children(&query, "item", NS).filter_map(item).collect(),
    })
}

fn item(element: &Element) -> Option<Item> {
    let jid = element
        .attr("jid")
        .filter(|jid| !jid.is_empty())?
        .to_owned();
    let subscription = match element.attr("subscription") {
        Some("remove") => return Some(Item::Removed(jid)),
        Some(known @ ("to" | "from" | "both")) => known,
        // Also what no RFC knows: clients shall ignore it (§2.1.2.5).
        _ => "none",
    };
    let groups = xml::children(element, "group", NS).map(Element::text);
    let groups: BTreeSet<String> = groups.filter(|group| !group.is_empty()).collect();
    Some(Item::Contact(Contact {
        jid,
        name: element
            .attr("name")
            .filter(|name| !name.is_empty())
            .map(str::to_owned),
        groups: groups.into_iter().collect(),
        subscription: subscription.to_owned(),
        pending_out: element.attr("ask") == Some("subscribe"),
        approved: matches!(element.attr("approved"), Some("true" | "1")),
    }))
}

/// Asks for the roster; with a version, only for what has changed since (§2.6).
pub(crate) fn request(version: Option<&str>) -> Tag {
    tag("query").ns(NS).maybe("ver", version)
}

/// Adds or changes an item (§2.3, §2.4).
pub(crate) fn change(jid: &str, name: Option<&str>, groups: &[String]) -> Tag {
    let item = tag("item").attr("jid", jid).maybe("name", name);
    let item = item.children(groups.iter().map(|group| tag("group").text(group)));
    tag("query").ns(NS).child(item)
}

/// Removes an item (§2.5).
pub(crate) fn removal(jid: &str) -> Tag {
    let item = tag("item").attr("jid", jid).attr("subscription", "remove");
    tag("query").ns(NS).child(item)
}

/// A contact as a change wants it.
pub(crate) fn apply(mut contact: Contact, change: ContactChange) -> Result<Contact, Error> {
    for field in &change.clear {
        match field.as_str() {
            "name" => contact.name = None,
            "groups" => contact.groups.clear(),
            other => fail!(
                "bad-request",
                "`{other}` can't be cleared, only `name` and `groups`"
            ),
        }
    }
    if change.name.is_some() {
        contact.name = change.name;
    }
    if let Some(groups) = change.groups {
        check_groups(&groups)?;
        contact.groups = groups;
    }
    Ok(contact)
}

/// Groups have names, each another one (§2.3.3).
pub(crate) fn check_groups(groups: &[String]) -> Result<(), Error> {
    if groups.iter().any(|group| group.trim().is_empty()) {
        fail!("bad-request", "a group needs a name");
    }
    if groups.iter().collect::<BTreeSet<_>>().len() < groups.len() {
        fail!("bad-request", "a group is there twice");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(query: &str) -> Contact {
        match parse(query).unwrap().items.pop() {
            Some(Item::Contact(contact)) => contact,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_a_roster() {
        let query = "<query xmlns='jabber:iq:roster' ver='v7'>\
            <item jid='romeo@montague.lit' name='Romeo' subscription='both' approved='1'>\
              <group>Friends</group><group>Friends</group><group/><group>A</group></item>\
            <item jid='old@montague.lit' subscription='remove'/><item jid=''/><item/></query>";
        let mut roster = parse(query).unwrap();
        assert_eq!(roster.version.as_deref(), Some("v7"));
        assert_eq!(roster.items.len(), 2);
        assert!(
            matches!(roster.items.pop(), Some(Item::Removed(jid)) if jid == "old@montague.lit")
        );
        let Some(Item::Contact(romeo)) = roster.items.pop() else {
            panic!()
        };
        assert_eq!(romeo.name.as_deref(), Some("Romeo"));
        assert_eq!(romeo.groups, ["A", "Friends"]);
        assert_eq!(romeo.subscription, "both");
        assert!(romeo.approved && !romeo.pending_out);
    }

    #[test]
    fn fills_in_what_is_missing() {
        let query = "<query xmlns='jabber:iq:roster'><item jid='a@b' name='' ask='subscribe' subscription='?'/></query>";
        let found = contact(query);
        assert_eq!((found.name, found.subscription.as_str()), (None, "none"));
        assert!(found.pending_out);
    }

    #[test]
    fn refuses_what_is_no_roster() {
        for bad in ["", "<query/>", "<query xmlns='jabber:iq:version'/>"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        let written = change("a@b", Some("<'&\">"), &["x & y".into()]);
        let read = contact(&written.to_string());
        assert_eq!(read.jid, "a@b");
        assert_eq!(read.name.as_deref(), Some("<'&\">"));
        assert_eq!(read.groups, ["x & y"]);
        assert!(matches!(
            parse(&removal("a@b").to_string()).unwrap().items[0],
            Item::Removed(_)
        ));
        let first = request(Some("")).to_string();
        assert_eq!(first, "<query xmlns='jabber:iq:roster' ver=''/>");
    }

    #[test]
    fn applies_changes() {
        let was = contact(
            "<query xmlns='jabber:iq:roster'><item jid='a@b' name='A'><group>g</group></item></query>",
        );
        let change = |clear: &[&str], groups: Option<Vec<String>>| ContactChange {
            jid: "a@b".into(),
            name: None,
            groups,
            clear: clear.iter().map(|c| (*c).to_owned()).collect(),
        };
        let cleared = apply(was.clone(), change(&["name"], None)).unwrap();
        assert_eq!((cleared.name, cleared.groups.len()), (None, 1));
        assert_eq!(
            apply(was.clone(), change(&["jid"], None)).unwrap_err().code,
            "bad-request"
        );
        for groups in [vec![String::new()], vec!["a".to_owned(), "a".to_owned()]] {
            assert!(apply(was.clone(), change(&[], Some(groups))).is_err());
        }
    }
}
