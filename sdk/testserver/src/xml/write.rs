//! Trees as text, as short as a stream allows: a namespace is declared where it changes.

use crate::ns;
use minidom::{Element, Node};
use std::fmt::Write as _;

/// The start of a stream, with its declarations.
pub fn header(default_ns: &str, attributes: &[(&str, &str)]) -> String {
    let mut text = format!(
        "<stream:stream xmlns='{default_ns}' xmlns:stream='{}'",
        ns::STREAM
    );
    for (name, value) in attributes {
        let _ = write!(text, " {name}='{}'", escape(value));
    }
    text.push('>');
    text
}

/// A whole element inside a stream with this default namespace. Stanzas of other kinds of
/// streams take the namespace of this one: `jabber:client` is what trees have here.
pub fn write(element: &Element, default_ns: &str) -> String {
    let mut text = String::new();
    write_element(&mut text, element, default_ns, default_ns);
    text
}

fn write_element(text: &mut String, element: &Element, around: &str, stream_ns: &str) {
    let own = element.ns();
    let own = if own == ns::CLIENT { stream_ns } else { &own };
    let prefix = if own == ns::STREAM { "stream:" } else { "" };
    let inside = if prefix.is_empty() { own } else { around };
    let _ = write!(text, "<{prefix}{}", element.name());
    if inside != around {
        let _ = write!(text, " xmlns='{}'", escape(inside));
    }
    for (count, ((ns, name), value)) in element.attrs().iter().enumerate() {
        let value = escape(value);
        let _ = match ns.as_str() {
            "" => write!(text, " {name}='{value}'"),
            ns::XML => write!(text, " xml:{name}='{value}'"),
            other => write!(
                text,
                " xmlns:a{count}='{}' a{count}:{name}='{value}'",
                escape(other)
            ),
        };
    }
    if element.nodes().next().is_none() {
        text.push_str("/>");
        return;
    }
    text.push('>');
    for node in element.nodes() {
        match node {
            Node::Element(child) => write_element(text, child, inside, stream_ns),
            Node::Text(part) => text.push_str(&escape(part)),
        }
    }
    let _ = write!(text, "</{prefix}{}>", element.name());
}

/// Escapes what has a meaning in XML, also the line ends that a parser would change.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\'' => escaped.push_str("&apos;"),
            '"' => escaped.push_str("&quot;"),
            '\r' => escaped.push_str("&#13;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::parse;

    #[test]
    fn what_is_read_is_written_the_same() {
        for text in [
            "<message to='a@b'><body>1 &lt; 2 &amp; 3</body><x xmlns='y'><z/></x></message>",
            "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>",
            "<a xmlns='b' xml:lang='de'><c xmlns='jabber:client'/></a>",
        ] {
            let element = parse(text).unwrap();
            assert_eq!(write(&element, ns::CLIENT), text);
        }
    }

    #[test]
    fn attributes_keep_their_namespace() {
        let element = parse("<a xmlns='b' xmlns:p='q' p:r='s'/>").unwrap();
        let again = parse(&write(&element, ns::CLIENT)).unwrap();
        assert_eq!(again.attr_ns("q", "r"), Some("s"));
    }
}
