//! A stanza on its way through the host.

use minidom::Element;

/// Namespace of the stanzas of a client's stream (RFC 6120 §4.8.2).
pub const JABBER_CLIENT: &str = "jabber:client";
/// Namespace of stanza error conditions (RFC 6120 §8.3).
const STANZA_ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";

/// A stanza error (RFC 6120 §8.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StanzaError {
    /// Name of the condition.
    pub condition: String,
    /// `auth`, `cancel`, `continue`, `modify` or `wait`.
    pub kind: String,
    /// For people.
    pub text: Option<String>,
}

impl StanzaError {
    /// An error of this condition and type.
    pub fn new(condition: &str, kind: &str) -> Self {
        Self {
            condition: condition.into(),
            kind: kind.into(),
            text: None,
        }
    }

    /// Reads the `<error/>` of a stanza.
    pub fn of(stanza: &Element) -> Self {
        let Some(error) = stanza.children().find(|c| c.name() == "error") else {
            return Self::new("undefined-condition", "cancel");
        };
        let mut found = Self::new(
            "undefined-condition",
            error.attr("type").unwrap_or("cancel"),
        );
        for child in error.children().filter(|c| c.has_ns(STANZA_ERRORS)) {
            if child.name() == "text" {
                found.text = Some(child.text());
            } else {
                found.condition = child.name().to_owned();
            }
        }
        found
    }

    /// The `<error/>` element.
    pub fn element(&self) -> Element {
        let known = self
            .condition
            .chars()
            .all(|c| c.is_ascii_lowercase() || c == '-')
            && !self.condition.is_empty();
        let condition = if known {
            self.condition.as_str()
        } else {
            "undefined-condition"
        };
        let mut error = Element::builder("error", JABBER_CLIENT)
            .append(Element::bare(condition, STANZA_ERRORS))
            .build();
        set(&mut error, "type", &self.kind);
        if let Some(text) = &self.text {
            error.append_child(
                Element::builder("text", STANZA_ERRORS)
                    .append(text.as_str())
                    .build(),
            );
        }
        error
    }
}

/// Sets an attribute without a namespace.
pub fn set(element: &mut Element, name: &str, value: &str) {
    if let Ok(name) = rxml::NcName::try_from(name) {
        element.set_attr(rxml::Namespace::NONE, name, value);
    }
}

/// The bare JID of a JID: everything before the first `/`.
pub fn bare(jid: &str) -> &str {
    jid.split('/').next().unwrap_or(jid)
}

/// The domain of a JID.
pub fn domain(jid: &str) -> &str {
    let bare = bare(jid);
    bare.split_once('@').map_or(bare, |(_, domain)| domain)
}

/// The answer to an IQ request: its payload, nothing, or an error.
pub fn iq_answer(request: &Element, answer: Result<Option<Element>, StanzaError>) -> Element {
    let mut iq = Element::bare("iq", JABBER_CLIENT);
    if let Some(from) = request.attr("from") {
        set(&mut iq, "to", from);
    }
    set(&mut iq, "id", request.attr("id").unwrap_or(""));
    match answer {
        Ok(payload) => {
            set(&mut iq, "type", "result");
            payload.map(|p| iq.append_child(p));
        }
        Err(error) => {
            set(&mut iq, "type", "error");
            iq.append_child(error.element());
        }
    }
    iq
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_go_through_xml() {
        let mut e = StanzaError::new("item-not-found", "cancel");
        e.text = Some("no".into());
        let request: Element =
            "<iq xmlns='jabber:client' type='get' id='1' from='a@b/c'><x xmlns='y'/></iq>"
                .parse()
                .unwrap();
        let answer = iq_answer(&request, Err(e.clone()));
        assert_eq!(StanzaError::of(&answer), e);
        assert_eq!(answer.attr("to"), Some("a@b/c"));
        assert_eq!(answer.attr("type"), Some("error"));
    }

    #[test]
    fn parts() {
        assert_eq!(bare("a@b/c@d/e"), "a@b");
        assert_eq!(domain("a@b/c@d"), "b");
        assert_eq!(domain("b/x"), "b");
    }
}
