//! XML as text and as trees.

use crate::Error;
pub use minidom::Element;

/// Reads one element.
pub fn parse(text: &str) -> Result<Element, Error> {
    Ok(text.parse::<Element>()?)
}

/// Reads an answer that must be this element; `bad-answer` when it is another one.
pub fn parse_as(text: &str, name: &str, namespace: &str) -> Result<Element, Error> {
    let element = parse(text)?;
    if element.is(name, namespace) {
        return Ok(element);
    }
    let message = format!("the answer is not <{name} xmlns='{namespace}'/>");
    Err(Error::new("bad-answer", message))
}

/// The children of a name and namespace.
pub fn children<'a>(
    parent: &'a Element,
    name: &'a str,
    namespace: &'a str,
) -> impl Iterator<Item = &'a Element> {
    parent.children().filter(move |e| e.is(name, namespace))
}

/// The text of the first child of a name and namespace, without space around it; none when
/// nothing is left.
pub fn child_text(parent: &Element, name: &str, namespace: &str) -> Option<String> {
    let text = parent.get_child(name, namespace)?.text();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Writes an element.
pub fn text(element: &Element) -> String {
    String::from(element)
}

/// Escapes text for use in XML content and in attribute values of either quote.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // XML 1.0 §2.2 has no other control characters, not even escaped.
            '\t' | '\n' | '\r' | ' '.. => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}

/// The `xml:lang` of an element itself; that of its parents counts too (XML 1.0 §2.12).
pub fn lang(element: &Element) -> Option<&str> {
    element.attr_ns("http://www.w3.org/XML/1998/namespace", "lang")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_answers() {
        let query = "<query xmlns='x'><a> 1 </a><b/><a>2</a><a xmlns='y'>3</a></query>";
        let query = parse_as(query, "query", "x").unwrap();
        assert_eq!(child_text(&query, "a", "x").as_deref(), Some("1"));
        assert_eq!(child_text(&query, "b", "x"), None);
        assert_eq!(children(&query, "a", "x").count(), 2);
        for (text, code) in [
            ("", "bad-xml"),
            ("<query/>", "bad-xml"),
            ("<q xmlns='x'/>", "bad-answer"),
        ] {
            assert_eq!(
                parse_as(text, "query", "x").unwrap_err().code,
                code,
                "{text}"
            );
        }
    }

    #[test]
    fn escapes() {
        assert_eq!(
            escape("<a b='c' d=\"&\">\u{0}"),
            "&lt;a b=&apos;c&apos; d=&quot;&amp;&quot;&gt;\u{fffd}"
        );
    }
}
