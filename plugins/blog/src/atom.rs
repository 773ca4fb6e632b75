//! The words of Atom (RFC 4287), and small parts of its XML.

use sat_sdk::{
    datetime,
    xml::{self, Element, escape},
};

pub(crate) const NS: &str = "http://www.w3.org/2005/Atom";
pub(crate) const XHTML: &str = "http://www.w3.org/1999/xhtml";
/// A person's own blog (XEP-0277 §3.1).
pub(crate) const MICROBLOG: &str = "urn:xmpp:microblog:0";
/// What nodes for comments begin with (XEP-0277 §4.1).
pub(crate) const COMMENTS: &str = "urn:xmpp:microblog:0:comments/";

/// The children of an element with this name, in Atom's namespace.
pub(crate) fn all<'a>(parent: &'a Element, name: &'a str) -> impl Iterator<Item = &'a Element> {
    parent.children().filter(move |e| e.is(name, NS))
}

/// The text of a child, if there is any.
pub(crate) fn text(parent: &Element, name: &str) -> Option<String> {
    let text = parent.get_child(name, NS)?.text();
    Some(text.trim().to_owned()).filter(|t| !t.is_empty())
}

/// The moment that a child names, as RFC 3339 in UTC.
pub(crate) fn moment(parent: &Element, name: &str) -> Option<i64> {
    let text = text(parent, name)?;
    // Movim and others write zones without a colon.
    let colon = |t: &str| {
        let (head, minutes) = t.split_at_checked(t.len().checked_sub(2)?)?;
        datetime::parse(&format!("{head}:{minutes}"))
    };
    datetime::parse(&text).or_else(|| colon(&text))
}

/// The JID that a person construct names (RFC 4287 §3.2): of its `xmpp:` URI.
pub(crate) fn person_jid(person: &Element) -> Option<String> {
    let uri = text(person, "uri")?;
    let service = sat_sdk::uri::parse(&uri)?.service;
    sat_sdk::jid::normalize(&service).ok()
}

/// A child of an entry with plain text.
pub(crate) fn plain(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escape(text))
}

/// A text construct (RFC 4287 §3.1) with plain text.
pub(crate) fn plain_text(name: &str, text: &str, lang: Option<&str>) -> String {
    let lang = lang_attribute(lang);
    format!("<{name} type='text'{lang}>{}</{name}>", escape(text))
}

/// A text construct with XHTML, which is known to be well-formed.
pub(crate) fn xhtml(name: &str, inside: &str, lang: Option<&str>) -> String {
    let lang = lang_attribute(lang);
    format!("<{name} type='xhtml'{lang}><div xmlns='{XHTML}'>{inside}</div></{name}>")
}

/// A link.
pub(crate) fn link(rel: &str, href: &str, others: &[(&str, Option<&str>)]) -> String {
    let mut out = format!("<link rel='{}' href='{}'", escape(rel), escape(href));
    for (name, value) in others {
        if let Some(value) = value {
            out += &format!(" {name}='{}'", escape(value));
        }
    }
    out + "/>"
}

fn lang_attribute(lang: Option<&str>) -> String {
    lang.map(|lang| format!(" xml:lang='{}'", escape(lang)))
        .unwrap_or_default()
}

/// A part of an entry as a tree.
pub(crate) fn tree(part: &str) -> Result<Element, sat_sdk::Error> {
    let wrapped = xml::parse(&format!("<entry xmlns='{NS}'>{part}</entry>"))?;
    let child = wrapped.children().next().cloned();
    child.ok_or_else(|| sat_sdk::Error::new("bad-xml", "an element was expected"))
}
