//! How a command fails: a sentence and the exit code of the error table.

use std::fmt;

use sat_client::errors::{exit, lookup};

/// Why a command ends.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: u8,
    kind: Option<String>,
    message: Option<String>,
}

impl Failure {
    /// A failure of one of the table's kinds.
    pub(crate) fn new(kind: &str, message: impl Into<String>) -> Self {
        Self {
            exit: lookup(kind).exit,
            kind: Some(kind.to_owned()),
            message: Some(message.into()),
        }
    }

    /// What the backend answered, its word with the sentence.
    pub(crate) fn answered(kind: &str, message: &str) -> Self {
        Self::new(kind, format!("{message} ({kind})"))
    }

    /// The command line can't be meant so.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: exit::BAD_ARGUMENT,
            kind: None,
            message: Some(message.into()),
        }
    }

    /// There is no backend to talk to.
    pub(crate) fn not_running(message: impl Into<String>) -> Self {
        Self::new("not-running", message)
    }

    /// The backend is there, but the connection to it doesn't work.
    pub(crate) fn bridge(message: impl Into<String>) -> Self {
        Self::new("bridge-error", message)
    }

    /// Something of this machine failed.
    pub(crate) fn internal(what: &str, cause: impl fmt::Display) -> Self {
        Self {
            exit: exit::ERROR,
            kind: None,
            message: Some(format!("{what}: {cause}")),
        }
    }

    /// The user said no.
    pub(crate) fn cancelled() -> Self {
        Self {
            exit: exit::CANCELLED,
            kind: None,
            message: Some("Cancelled".into()),
        }
    }

    /// The reader of standard output has left, which is fine: `jp events | head`.
    pub(crate) fn unread() -> Self {
        Self {
            exit: exit::OK,
            kind: None,
            message: None,
        }
    }

    /// The process's exit code.
    pub(crate) fn exit(&self) -> u8 {
        self.exit
    }

    /// For people; none when there is nothing to say.
    pub(crate) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Whether the backend's word was this one.
    pub(crate) fn is(&self, kind: &str) -> bool {
        self.kind.as_deref() == Some(kind)
    }
}
