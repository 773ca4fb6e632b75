//! Making errors, and what to do with them.

use crate::{Error, StanzaError, log};

/// Returns an error: `fail!("item-not-found", "there is no game {id}")`.
#[macro_export]
macro_rules! fail {
    ($code:expr, $($message:tt)+) => {
        return ::std::result::Result::Err(
            $crate::Error::new($code, ::std::format!($($message)+)).into(),
        )
    };
}

/// For where nobody can be told of a failure: it is logged, with what it means.
pub trait OrLog<T> {
    /// The value, or a warning `<what>: <message>` in the log.
    fn or_warn(self, what: &str) -> Option<T>;
    /// The value, or an error in the log.
    fn or_error(self, what: &str) -> Option<T>;
}

impl<T> OrLog<T> for Result<T, Error> {
    fn or_warn(self, what: &str) -> Option<T> {
        or_log(self, log::Level::Warn, what)
    }

    fn or_error(self, what: &str) -> Option<T> {
        or_log(self, log::Level::Error, what)
    }
}

fn or_log<T>(result: Result<T, Error>, level: log::Level, what: &str) -> Option<T> {
    let log = |e: &Error| log::write(level, &format!("{what}: {}", e.message));
    result.inspect_err(log).ok()
}

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
