//! Writing stanzas and payloads: elements as text, with everything escaped.
//!
//! ```
//! use sat_sdk::stanza::{message, tag};
//! let said = message("romeo@montague.lit").id("7").body("a < b");
//! let query = tag("query").ns("jabber:iq:roster").child(tag("item").attr("jid", "a@b"));
//! assert_eq!(query.to_string(), "<query xmlns='jabber:iq:roster'><item jid='a@b'/></query>");
//! # assert!(String::from(said).contains("<body>a &lt; b</body>"));
//! ```

use crate::xml::escape;
use std::fmt;

/// An element to be written. Goes wherever XML is expected as text.
#[derive(Debug, Clone)]
pub struct Tag {
    name: &'static str,
    attributes: String,
    content: String,
}

/// An element. Without [`Tag::ns`] it has the namespace of the one around it.
pub fn tag(name: &'static str) -> Tag {
    Tag {
        name,
        attributes: String::new(),
        content: String::new(),
    }
}

/// A message to somebody, of type `chat`.
pub fn message(to: &str) -> Tag {
    let message = tag("message").ns("jabber:client");
    message.attr("to", to).attr("type", "chat")
}

/// A presence for everybody; with `to` and `type` as attributes for one.
pub fn presence() -> Tag {
    tag("presence").ns("jabber:client")
}

impl Tag {
    /// The namespace of this element and of what is in it.
    pub fn ns(self, namespace: &str) -> Self {
        self.attr("xmlns", namespace)
    }

    /// An attribute. Of two with the same name the later one counts.
    pub fn attr(mut self, name: &str, value: &str) -> Self {
        let start = format!(" {name}='");
        if let Some(at) = self.attributes.find(&start) {
            let end = self
                .attributes
                .get(at + start.len()..)
                .and_then(|v| v.find('\''));
            let end = end.map_or(self.attributes.len(), |n| at + start.len() + n + 1);
            self.attributes.replace_range(at..end, "");
        }
        self.attributes.push_str(&start);
        self.attributes.push_str(&escape(value));
        self.attributes.push('\'');
        self
    }

    /// An attribute, if there is a value.
    pub fn maybe(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.attr(name, value),
            None => self,
        }
    }

    /// The `id`.
    pub fn id(self, id: &str) -> Self {
        self.attr("id", id)
    }

    /// The `type`.
    pub fn kind(self, kind: &str) -> Self {
        self.attr("type", kind)
    }

    /// Text in the element.
    pub fn text(mut self, text: &str) -> Self {
        self.content.push_str(&escape(text));
        self
    }

    /// An element in the element.
    pub fn child(mut self, child: Tag) -> Self {
        child.write(&mut self.content);
        self
    }

    /// Elements in the element.
    pub fn children(self, children: impl IntoIterator<Item = Tag>) -> Self {
        children.into_iter().fold(self, Tag::child)
    }

    /// An element with nothing but a text: `<name>text</name>`.
    pub fn field(self, name: &'static str, text: &str) -> Self {
        self.child(tag(name).text(text))
    }

    /// The `<body/>` of a message.
    pub fn body(self, text: &str) -> Self {
        self.field("body", text)
    }

    /// XML that is written already. It must be well-formed, and name its namespace where that is
    /// another one.
    pub fn raw(mut self, xml: &str) -> Self {
        self.content.push_str(xml);
        self
    }

    fn write(&self, out: &mut String) {
        let (name, attributes) = (self.name, &self.attributes);
        let parts: &[&str] = if self.content.is_empty() {
            &["<", name, attributes, "/>"]
        } else {
            &["<", name, attributes, ">", &self.content, "</", name, ">"]
        };
        parts.iter().for_each(|part| out.push_str(part));
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        let mut out = Self::new();
        tag.write(&mut out);
        out
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from(self.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::parse;

    #[test]
    fn writes_what_a_parser_reads() {
        let said = "<b> & 'so' \"on\"\n\u{7}";
        let text = message("juliet@capulet.lit/'&")
            .id("7")
            .kind("headline")
            .body(said)
            .child(tag("request").ns("urn:xmpp:receipts"))
            .to_string();
        let read = parse(&text).unwrap();
        assert!(read.is("message", "jabber:client"));
        assert_eq!(read.attr("to"), Some("juliet@capulet.lit/'&"));
        assert_eq!(
            (read.attr("id"), read.attr("type")),
            (Some("7"), Some("headline"))
        );
        let body = read.get_child("body", "jabber:client").unwrap();
        assert_eq!(body.text(), said.replace('\u{7}', "\u{fffd}"));
        assert!(read.has_child("request", "urn:xmpp:receipts"));
    }

    #[test]
    fn what_is_not_there_is_not_written() {
        let none = tag("item").maybe("name", None).maybe("jid", Some("a@b"));
        assert_eq!(none.children([]).to_string(), "<item jid='a@b'/>");
        let groups = ["a", "b"].map(|g| tag("group").text(g));
        let text = tag("item")
            .children(groups)
            .raw("<x xmlns='y'/>")
            .to_string();
        assert_eq!(
            text,
            "<item><group>a</group><group>b</group><x xmlns='y'/></item>"
        );
        assert_eq!(presence().to_string(), "<presence xmlns='jabber:client'/>");
    }

    #[test]
    fn the_last_value_of_an_attribute_counts() {
        let twice = tag("a").attr("b", "it's").attr("c", "d").attr("b", "e");
        assert_eq!(twice.to_string(), "<a c='d' b='e'/>");
    }
}
