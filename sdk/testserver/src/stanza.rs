//! What answers to stanzas look like (RFC 6120 §8).

use crate::{
    ns,
    xml::{Build, el},
};
use jid::Jid;
use minidom::Element;

/// A stanza error.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    condition: String,
    text: Option<String>,
    more: Option<(&'static str, &'static str)>,
}

impl Fault {
    /// One of the conditions of RFC 6120 §8.3.3.
    pub(crate) fn new(condition: &str) -> Self {
        Self {
            condition: condition.to_owned(),
            text: None,
            more: None,
        }
    }

    /// Adds a sentence for people.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.text = Some(text.to_owned());
        self
    }

    /// Adds a condition of a XEP.
    pub(crate) fn more(mut self, name: &'static str, ns: &'static str) -> Self {
        self.more = Some((name, ns));
        self
    }

    fn element(&self) -> Element {
        // The types that RFC 6120 §8.3.3 gives.
        let kind = match self.condition.as_str() {
            "bad-request" | "jid-malformed" | "not-acceptable" | "redirect"
            | "policy-violation" => "modify",
            "forbidden" | "not-authorized" | "registration-required" | "subscription-required" => {
                "auth"
            }
            "recipient-unavailable" | "remote-server-timeout" | "resource-constraint" => "wait",
            _ => "cancel",
        };
        let mut error = el("error", ns::CLIENT)
            .with("type", kind)
            .child(el(&self.condition, ns::STANZAS));
        if let Some(text) = &self.text {
            error = error.child(el("text", ns::STANZAS).say(text));
        }
        error.all(self.more.map(|(name, ns)| el(name, ns)))
    }
}

/// What a handler makes of an IQ: the payload of the result, or an error.
pub(crate) type Answer = Result<Option<Element>, Fault>;

/// A result without payload.
pub(crate) const DONE: Answer = Ok(None);

/// The error that answers a stanza.
pub(crate) fn error_for(stanza: &Element, fault: &Fault) -> Element {
    back(stanza, "error").child(fault.element())
}

/// The result of an IQ.
pub(crate) fn result_for(iq: &Element, payload: Option<Element>) -> Element {
    back(iq, "result").all(payload)
}

fn back(stanza: &Element, kind: &str) -> Element {
    el(stanza.name(), ns::CLIENT)
        .with("type", kind)
        .maybe("id", stanza.attr("id"))
        .maybe("from", stanza.attr("to"))
        .maybe("to", stanza.attr("from"))
}

/// Whether it asks for an answer, or reports an error itself.
pub(crate) fn is_request(iq: &Element) -> bool {
    iq.name() == "iq" && matches!(iq.attr("type"), Some("get" | "set"))
}

pub(crate) fn is_error(stanza: &Element) -> bool {
    stanza.attr("type") == Some("error")
}

/// The address in this attribute; none when it is absent or no address.
pub(crate) fn jid_of(stanza: &Element, attribute: &str) -> Option<Jid> {
    stanza.attr(attribute).and_then(|text| Jid::new(text).ok())
}

/// A stanza wrapped into another (XEP-0297), stamped.
pub(crate) fn forwarded(stanza: &Element, stamp: Option<&str>) -> Element {
    let delay = stamp.map(|stamp| el("delay", ns::DELAY).with("stamp", stamp));
    el("forwarded", ns::FORWARD)
        .all(delay)
        .child(stanza.clone())
}

/// A presence without content.
pub(crate) fn presence(kind: &str, from: &str, to: &str) -> Element {
    el("presence", ns::CLIENT)
        .with("type", kind)
        .with("from", from)
        .with("to", to)
}

/// Whether a message says that servers shall not keep it (XEP-0334).
pub(crate) fn is_hinted(message: &Element, hint: &str) -> bool {
    message.has_child(hint, ns::HINTS)
}
