//! Small helpers around stanzas as trees.

use minidom::{Element, Node};
use rxml::{NcName, NcNameStr};

use super::{clip, ns};
use crate::error::{Error, Result, kind};

/// Whether this is a message, a presence or an IQ: what XEP-0198 counts.
pub fn is_stanza(element: &Element) -> bool {
    matches!(element.name(), "message" | "presence" | "iq") && element.has_ns(ns::CLIENT)
}

/// The stanza's `id`.
pub fn stanza_id(element: &Element) -> Option<&str> {
    element.attr("id")
}

/// A copy with this attribute, which has to be a valid name.
pub(super) fn with_attr(mut element: Element, name: &str, value: &str) -> Element {
    if let Ok(name) = NcName::try_from(name) {
        element
            .attrs_mut()
            .insert(rxml::Namespace::NONE, name, value.to_owned());
    }
    element
}

/// Whether this can be written to a stream: a bad stanza must fail here, where its sender is
/// told, and not end the stream of all.
pub(super) fn check(stanza: &Element) -> Result<()> {
    let refuse = |what: &str| Err(Error::new(kind::BAD_REQUEST, format!("The stanza {what}.")));
    if !is_stanza(stanza) {
        return refuse("is neither a message nor a presence nor an IQ");
    }
    let mut open = vec![stanza.nodes()];
    if !is_writable(stanza) {
        return refuse("has characters that XML doesn't allow");
    }
    while let Some(nodes) = open.last_mut() {
        match nodes.next() {
            None => {
                open.pop();
            }
            Some(Node::Text(text)) if !text.chars().all(is_char) => {
                return refuse("has characters that XML doesn't allow");
            }
            Some(Node::Text(_)) => {}
            Some(Node::Element(child)) => {
                if !is_writable(child) {
                    return refuse("has characters that XML doesn't allow");
                }
                open.push(child.nodes());
                if open.len() > clip::MAX_DEPTH as usize {
                    return refuse("is nested too deeply");
                }
            }
        }
    }
    Ok(())
}

fn is_writable(element: &Element) -> bool {
    <&NcNameStr>::try_from(element.name()).is_ok()
        && element.ns().chars().all(is_char)
        && element
            .attrs()
            .iter()
            .all(|(_, value)| value.chars().all(is_char))
}

/// XML 1.0 §2.2.
fn is_char(char: char) -> bool {
    matches!(char, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> Element {
        let body = Element::builder("body", ns::CLIENT).append(body).build();
        Element::builder("message", ns::CLIENT).append(body).build()
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        assert!(check(&message("Guten Tag 👋\n")).is_ok());
        assert!(check(&message("\u{1b}[31m")).is_err());
        assert!(check(&Element::bare("auth", ns::SASL)).is_err());
        assert!(check(&with_attr(message(""), "id", "\0")).is_err());
        let deep = (0..64).fold(Element::bare("x", "x"), |inner, _| {
            Element::builder("x", "x").append(inner).build()
        });
        let deep = Element::builder("message", ns::CLIENT).append(deep).build();
        assert!(check(&deep).is_err());
    }
}
