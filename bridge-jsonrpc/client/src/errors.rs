//! The one table of error words: JSON-RPC number, exit code of `jp`, and whether to try again.
//!
//! The server numbers its errors by it, frontends exit by it.

mod words;

pub use words::WORDS;

use serde::{Deserialize, Serialize};
use std::fmt;

/// Exit codes of `jp`, the numbers that Libervia's `jp` uses.
pub mod exit {
    /// It worked.
    pub const OK: u8 = 0;
    /// No better code fits.
    pub const ERROR: u8 = 1;
    /// A parameter is missing or wrong.
    pub const BAD_ARGUMENT: u8 = 2;
    /// The bridge is there and can't be talked to.
    pub const BRIDGE: u8 = 3;
    /// The backend, a plugin or the network answered with an error.
    pub const BACKEND: u8 = 4;
    /// The backend isn't running.
    pub const NOT_RUNNING: u8 = 5;
    /// What was asked for doesn't exist.
    pub const NOT_FOUND: u8 = 16;
    /// Data can't be read or has the wrong form.
    pub const DATA: u8 = 17;
    /// A feature is missing: no plugin, or not on the other side.
    pub const MISSING_FEATURE: u8 = 18;
    /// It exists already.
    pub const CONFLICT: u8 = 19;
    /// The person said no.
    pub const CANCELLED: u8 = 20;
}

/// A stable word and what goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Word {
    /// The word: `data.kind` of an error.
    pub kind: &'static str,
    /// JSON-RPC error number.
    pub code: i32,
    /// Exit code of `jp`.
    pub exit: u8,
    /// Whether the same call may work later without anybody changing anything.
    pub retryable: bool,
    /// One line for documentation.
    pub meaning: &'static str,
}

/// Stands for every word that is not in the table: the plugins' own.
pub const PLUGIN: Word = Word {
    kind: "plugin-error",
    code: -31000,
    exit: exit::BACKEND,
    retryable: false,
    meaning: "A plugin's own error; its word is in data.kind",
};

/// The line of a word; [`PLUGIN`] for one that isn't in the table.
pub fn lookup(kind: &str) -> &'static Word {
    WORDS.iter().find(|w| w.kind == kind).unwrap_or(&PLUGIN)
}

/// The line of a number: for errors that the JSON-RPC layer made without a word.
pub fn by_code(code: i32) -> &'static Word {
    // What jsonrpsee itself answers: too big, busy, too many.
    if (-32019..=-32001).contains(&code) {
        return lookup("limit-reached");
    }
    WORDS.iter().find(|w| w.code == code).unwrap_or(&PLUGIN)
}

/// An error of a call: from the backend, or from the way there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcError {
    /// JSON-RPC number.
    pub code: i32,
    /// Stable word, see [`WORDS`].
    pub kind: String,
    /// A sentence for people.
    pub message: String,
    /// Whether the same call may work later.
    pub retryable: bool,
}

impl RpcError {
    /// An error of this word.
    pub fn new(kind: &str, message: impl Into<String>) -> Self {
        let word = lookup(kind);
        let (code, retryable) = (word.code, word.retryable);
        Self {
            code,
            kind: kind.to_owned(),
            message: message.into(),
            retryable,
        }
    }

    /// The exit code of a command that ends with this error.
    pub fn exit_code(&self) -> u8 {
        lookup(&self.kind).exit
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.kind)
    }
}

impl std::error::Error for RpcError {}

/// The error object of JSON-RPC.
#[derive(Deserialize)]
pub(crate) struct Wire {
    code: i32,
    message: String,
    #[serde(default)]
    data: Option<serde_json::Value>,
}

impl From<Wire> for RpcError {
    fn from(wire: Wire) -> Self {
        let word = by_code(wire.code);
        let data = wire.data.unwrap_or_default();
        let kind = data
            .get("kind")
            .and_then(|k| k.as_str())
            .unwrap_or(word.kind);
        let retryable = data.get("retryable").and_then(serde_json::Value::as_bool);
        Self {
            code: wire.code,
            kind: kind.to_owned(),
            message: wire.message,
            retryable: retryable.unwrap_or(word.retryable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_unique_and_in_range() {
        for (i, word) in WORDS.iter().enumerate() {
            let free = WORDS
                .iter()
                .skip(i + 1)
                .all(|w| w.kind != word.kind && w.code != word.code);
            assert!(free && word.code != PLUGIN.code, "{}", word.kind);
            let standard = (-32700..=-32600).contains(&word.code);
            assert!(
                standard || (-31999..=-31000).contains(&word.code),
                "{}",
                word.kind
            );
            assert!([0, 1, 2, 3, 4, 5, 16, 17, 18, 19, 20].contains(&word.exit));
        }
    }

    #[test]
    fn unknown_words_share_one_number() {
        let error = RpcError::new("nick-taken", "x");
        assert_eq!((error.code, error.exit_code()), (-31000, exit::BACKEND));
        assert_eq!(lookup("item-not-found").exit, exit::NOT_FOUND);
        assert_eq!(by_code(-32009).kind, "limit-reached");
        assert_eq!(by_code(-32700).kind, "parse-error");
    }
}
