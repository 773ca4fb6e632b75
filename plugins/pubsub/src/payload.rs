//! The payload of an item: one element.

use sat_sdk::{
    Error,
    xml::{self, Element},
};

/// Longest payload, in bytes of XML: with its event it still fits into the host's limits for a
/// row and a notification.
pub(crate) const PAYLOAD: usize = 128 << 10;
/// Bytes of text of a payload that the search index knows.
const WORDS: usize = 64 << 10;

/// A payload as it is stored. All are empty for an item without payload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) element: String,
    pub(crate) namespace: String,
    pub(crate) text: String,
    /// Tells whether two payloads are the same, however they were written.
    pub(crate) hash: i64,
}

impl Payload {
    /// Of an element; none when it is too long.
    pub(crate) fn of(element: &Element) -> Option<Self> {
        let text = xml::text(element);
        (text.len() <= PAYLOAD).then(|| Self {
            element: element.name().to_owned(),
            namespace: element.ns(),
            text,
            hash: hash(element),
        })
    }

    /// Of what somebody wants to publish.
    pub(crate) fn read(text: &str) -> Result<Self, Error> {
        let too_long = || {
            Error::new(
                "limit-reached",
                format!("`payload` has at most {PAYLOAD} bytes of XML"),
            )
        };
        if text.len() > PAYLOAD {
            return Err(too_long());
        }
        let element = only(text).map_err(|e| {
            Error::new(
                "bad-request",
                format!("`payload` is not one element of XML with its namespace: {e}"),
            )
        })?;
        if element.ns().is_empty() {
            return Err(Error::new(
                "bad-request",
                "`payload` has no namespace: write <… xmlns='…'>",
            ));
        }
        Self::of(&element).ok_or_else(too_long)
    }

    /// Its text for the search index, without tags, of HTML in it too.
    pub(crate) fn words(&self) -> String {
        let Ok(element) = xml::parse(&self.text) else {
            return String::new();
        };
        let mut words = String::new();
        collect(&element, &mut words);
        words
    }
}

/// The one element of a text. The parser stops behind the first, so it gets a bracket.
fn only(text: &str) -> Result<Element, String> {
    let text = text.trim();
    let text = text
        .strip_prefix("<?xml")
        .and_then(|t| t.split_once("?>"))
        .map_or(text, |(_, behind)| behind);
    let bracket = xml::parse(&format!("<all xmlns=''>{text}</all>")).map_err(|e| e.message)?;
    if !bracket.text().trim().is_empty() {
        return Err("there is text beside it".into());
    }
    let mut elements = bracket.children().cloned();
    match (elements.next(), elements.next()) {
        (Some(element), None) => Ok(element),
        (None, _) => Err("there is none".into()),
        (Some(_), Some(_)) => Err("there are several".into()),
    }
}

fn collect(element: &Element, words: &mut String) {
    for node in element.nodes() {
        if let Some(child) = node.as_element() {
            collect(child, words);
        } else if let Some(text) = node.as_text() {
            let mut outside = true;
            for c in text.chars() {
                if words.len() >= WORDS {
                    return;
                }
                match c {
                    '<' => outside = false,
                    '>' if !outside => {
                        outside = true;
                        words.push(' ');
                    }
                    c if outside => words.push(c),
                    _ => {}
                }
            }
        }
    }
    if !words.ends_with(char::is_whitespace) {
        words.push(' ');
    }
}

/// FNV-1a of what XML means: names, attributes in the order of their names, texts.
fn hash(element: &Element) -> i64 {
    let mut state = 0xcbf2_9ce4_8422_2325;
    mix_element(&mut state, element);
    i64::from_ne_bytes(state.to_ne_bytes())
}

fn mix_element(state: &mut u64, element: &Element) {
    mix(state, "<", &element.ns());
    mix(state, " ", element.name());
    let mut attributes: Vec<_> = element
        .attrs()
        .iter()
        .map(|((ns, name), value)| (ns.to_string(), name.to_string(), value.as_str()))
        .collect();
    attributes.sort_unstable();
    for (ns, name, value) in attributes {
        mix(state, "@", &ns);
        mix(state, ":", &name);
        mix(state, "=", value);
    }
    for node in element.nodes() {
        if let Some(child) = node.as_element() {
            mix_element(state, child);
        } else if let Some(text) = node.as_text() {
            mix(state, "\"", text);
        }
    }
    mix(state, ">", "");
}

/// The sign says what follows; no byte of UTF-8 is 0xff, so nothing runs into the next.
fn mix(state: &mut u64, sign: &str, text: &str) {
    for byte in sign.bytes().chain(text.bytes()).chain([0xff]) {
        *state = (*state ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Payload {
        Payload::read(text).unwrap()
    }

    #[test]
    fn the_same_however_written() {
        let one = read("<a xmlns='urn:x' c='&lt;1' b=\"2\"><b/>t<c xmlns='y'>é</c></a>");
        let other =
            read("<p:a xmlns:p='urn:x' b='2' c='&#60;1'><p:b></p:b>t<c xmlns='y'>é</c></p:a>");
        assert_eq!(one.hash, other.hash);
        assert_eq!(
            (one.element.as_str(), one.namespace.as_str()),
            ("a", "urn:x")
        );
        for different in [
            "<a xmlns='urn:x' c='&lt;1' b='2'><b/>t<c xmlns='y'>e</c></a>",
            "<a xmlns='urn:x' c='&lt;1' b='2'><b>t</b><c xmlns='y'>é</c></a>",
            "<a xmlns='urn:x' b='&lt;1' c='2'><b/>t<c xmlns='y'>é</c></a>",
            "<a xmlns='urn:x' c='&lt;1' b='2'><b/>t<c>é</c></a>",
            "<a xmlns='urn:x' c='&lt;1' b='2'><b/><c xmlns='y'>é</c></a>",
        ] {
            assert_ne!(one.hash, read(different).hash, "{different}");
        }
    }

    #[test]
    fn files_begin_with_a_declaration() {
        let text = "<?xml version='1.0' encoding='utf-8'?>\n<a xmlns='urn:x'/>\n";
        assert_eq!(read(text), read("<a xmlns='urn:x'/>"));
    }

    #[test]
    fn words_have_no_tags() {
        let entry = read(
            "<entry xmlns='http://www.w3.org/2005/Atom'><title>Soliloquy</title>\
             <content type='html'>&lt;p class='x'&gt;To be&lt;/p&gt;or not</content></entry>",
        );
        assert_eq!(
            entry.words().split_whitespace().collect::<Vec<_>>(),
            ["Soliloquy", "To", "be", "or", "not"]
        );
        assert_eq!(Payload::default().words(), "");
    }

    #[test]
    fn refuses_what_is_no_payload() {
        for (bad, code) in [
            ("", "bad-request"),
            ("<a", "bad-request"),
            ("text <a xmlns='x'/>", "bad-request"),
            ("<a/>", "bad-request"),
            ("<a xmlns='x'/><b xmlns='x'/>", "bad-request"),
            (
                "<!DOCTYPE a [<!ENTITY b 'c'>]><a xmlns='x'>&b;</a>",
                "bad-request",
            ),
            (
                &format!("<a xmlns='x'>{}</a>", "y".repeat(PAYLOAD)),
                "limit-reached",
            ),
        ] {
            assert_eq!(Payload::read(bad).unwrap_err().code, code, "{bad:.40}");
        }
    }
}
