//! Making errors.

use crate::{Error, StanzaError};

impl Error {
    /// An error with a stable kebab-case word and a sentence for people.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }
}

impl From<minidom::Error> for Error {
    fn from(error: minidom::Error) -> Self {
        Self::new("bad-xml", error.to_string())
    }
}

impl StanzaError {
    /// A stanza error of this condition (RFC 6120 §8.3.3), with the type that the RFC gives it.
    pub fn new(condition: &str) -> Self {
        let kind = match condition {
            "bad-request" | "jid-malformed" | "not-acceptable" | "policy-violation"
            | "redirect" => "modify",
            "forbidden" | "not-authorized" | "registration-required" | "subscription-required" => {
                "auth"
            }
            "recipient-unavailable"
            | "remote-server-timeout"
            | "resource-constraint"
            | "unexpected-request" => "wait",
            _ => "cancel",
        };
        Self {
            condition: condition.into(),
            kind: kind.into(),
            text: None,
        }
    }

    /// The same error with a sentence for people.
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }
}

impl From<Error> for StanzaError {
    fn from(error: Error) -> Self {
        Self::new("internal-server-error").with_text(error.message)
    }
}
