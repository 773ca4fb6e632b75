//! Why a connection failed: the precise error, and whether trying again makes sense.

use std::io;

use minidom::Element;

use super::ns;
use crate::error::{Error, kind};

/// A failure of the connection.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) error: Error,
    /// Trying again can't help before the user acts.
    pub(super) is_final: bool,
}

impl Fault {
    /// A failure that the next try may not have.
    pub(super) fn retry(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            error: Error::new(kind, message),
            is_final: false,
        }
    }

    /// A failure that every further try would have too.
    pub(super) fn last(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            error: Error::new(kind, message),
            is_final: true,
        }
    }

    /// The server broke the protocol or doesn't offer what is needed.
    pub(super) fn negotiation(message: impl Into<String>) -> Self {
        Self::retry(kind::STREAM_NEGOTIATION, message)
    }

    /// The connection was lost or gave bytes that are no XMPP.
    pub(super) fn io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut => Self::retry(kind::TIMEOUT, "The server stopped answering."),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Self::retry(
                kind::CONNECTION_FAILED,
                format!("The server's stream can't be read: {error}."),
            ),
            io::ErrorKind::UnexpectedEof => {
                Self::retry(kind::CONNECTION_FAILED, "The server closed the connection.")
            }
            _ => Self::retry(
                kind::CONNECTION_FAILED,
                format!("The connection was lost: {error}."),
            ),
        }
    }

    /// The `<stream:error/>` that the server sent (RFC 6120 §4.9).
    pub(super) fn stream_error(element: &Element) -> Self {
        let condition = condition(element, ns::STREAM_ERRORS).unwrap_or("undefined-condition");
        let text = text(element, ns::STREAM_ERRORS);
        match condition {
            "conflict" => Self::last(
                kind::CONFLICT,
                "Another client took over this account's resource; connect again to take it back.",
            ),
            "host-unknown" | "host-gone" => Self::retry(
                kind::HOST_NOT_FOUND,
                "The server doesn't serve this account's domain.",
            ),
            "not-authorized" => Self::last(
                kind::AUTH_FAILED,
                "The server doesn't accept this account any more.",
            ),
            _ => Self::retry(
                kind::CONNECTION_FAILED,
                format!("The server ended the stream ({condition}){text}."),
            ),
        }
    }

    /// The server's `<failure/>` (RFC 6120 §6.5).
    pub(super) fn sasl_failure(element: &Element) -> Self {
        let condition = condition(element, ns::SASL).unwrap_or("undefined-condition");
        let text = text(element, ns::SASL);
        match condition {
            "not-authorized" => Self::last(
                kind::AUTH_FAILED,
                "The server refused the password or the account doesn't exist.",
            ),
            "temporary-auth-failure" => Self::retry(
                kind::CONNECTION_FAILED,
                format!("The server can't check passwords at the moment{text}."),
            ),
            "account-disabled" => {
                Self::last(kind::AUTH_FAILED, format!("The account is disabled{text}."))
            }
            "credentials-expired" => {
                Self::last(kind::AUTH_FAILED, "The account's password has expired.")
            }
            _ => Self::last(
                kind::AUTH_FAILED,
                format!("The server refused the log-in ({condition}){text}."),
            ),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self {
            error,
            is_final: false,
        }
    }
}

/// The defined condition: the first child of that namespace which isn't the text.
fn condition<'a>(element: &'a Element, namespace: &str) -> Option<&'a str> {
    let mut children = element.children();
    children
        .find(|child| child.has_ns(namespace) && child.name() != "text")
        .map(|child| child.name())
}

/// The server's own words, ready to be appended to a sentence; bounded and without controls.
fn text(element: &Element, namespace: &str) -> String {
    match element.get_child("text", namespace).map(Element::text) {
        Some(text) if !text.trim().is_empty() => {
            let words: String = text
                .trim()
                .chars()
                .filter(|char| !char.is_control())
                .take(200)
                .collect();
            format!(": “{}”", words.trim_end_matches('.'))
        }
        _ => String::new(),
    }
}
