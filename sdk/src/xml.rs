//! XML as text and as trees.

use crate::Error;
pub use minidom::Element;

/// Reads one element.
pub fn parse(text: &str) -> Result<Element, Error> {
    Ok(text.parse::<Element>()?)
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
