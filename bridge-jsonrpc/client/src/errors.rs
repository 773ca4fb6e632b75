//! The one table of error words: JSON-RPC number, exit code of `jp`, and whether to try again.
//!
//! The server numbers its errors by it, frontends exit by it.

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

const fn word(kind: &'static str, code: i32, exit: u8, retryable: bool, meaning: &'static str) -> Word {
    Word { kind, code, exit, retryable, meaning }
}

/// Every word of the bridge, of the host and of XMPP's stanza errors.
pub const WORDS: &[Word] = &[
    // JSON-RPC's own numbers.
    word("parse-error", -32700, exit::BRIDGE, false, "The request isn't JSON"),
    word("invalid-request", -32600, exit::BRIDGE, false, "The request isn't JSON-RPC 2.0"),
    word("method-not-found", -32601, exit::MISSING_FEATURE, false, "No such method now"),
    word("bad-request", -32602, exit::BAD_ARGUMENT, false, "A parameter is missing or wrong"),
    word("internal-error", -32603, exit::BACKEND, false, "A fault in the backend: please report it"),
    // The bridge and the host.
    word("conflict", -31001, exit::CONFLICT, false, "Something with that name exists already"),
    word("not-found", -31002, exit::NOT_FOUND, false, "What was asked for doesn't exist"),
    word("forbidden", -31003, exit::BACKEND, false, "The caller may not do this"),
    word("profile-locked", -31004, exit::BACKEND, false, "Unlock the profile first"),
    word("not-connected", -31005, exit::BACKEND, true, "The profile has no stream to its server"),
    word("auth-failed", -31006, exit::BACKEND, false, "The server refused the account's password"),
    word("wrong-password", -31007, exit::BACKEND, false, "The profile's password is wrong"),
    word("host-not-found", -31008, exit::NOT_FOUND, true, "No server answers for the domain"),
    word("connection-failed", -31009, exit::BACKEND, true, "The server can't be reached"),
    word("certificate", -31010, exit::BACKEND, false, "The server's certificate isn't trusted"),
    word("stream-negotiation", -31011, exit::MISSING_FEATURE, false, "The server lacks what a stream needs"),
    word("timeout", -31012, exit::BACKEND, true, "No answer within the time limit"),
    word("no-provider", -31013, exit::MISSING_FEATURE, false, "No loaded plugin offers this"),
    word("plugin-crashed", -31014, exit::BACKEND, true, "The plugin ended during the call"),
    word("incompatible", -31015, exit::DATA, false, "Caller and provider have different types"),
    word("limit-reached", -31016, exit::BACKEND, true, "A limit was reached; it is named"),
    word("storage-error", -31017, exit::BACKEND, false, "The disk failed or is full"),
    word("sql-error", -31018, exit::BACKEND, false, "A plugin's SQL was refused or failed"),
    // The client's side.
    word("not-running", -31030, exit::NOT_RUNNING, true, "The backend isn't running"),
    word("bridge-error", -31031, exit::BRIDGE, true, "The connection to the backend broke"),
    word("bad-answer", -31032, exit::DATA, false, "The answer has not the expected form"),
    // Conditions of stanza errors (RFC 6120 §8.3.3); those above keep their line there.
    word("feature-not-implemented", -31050, exit::MISSING_FEATURE, false, "The other side lacks the feature"),
    word("gone", -31051, exit::NOT_FOUND, false, "It is elsewhere now"),
    word("internal-server-error", -31052, exit::BACKEND, true, "The server has a fault"),
    word("item-not-found", -31053, exit::NOT_FOUND, false, "It doesn't exist"),
    word("jid-malformed", -31054, exit::BAD_ARGUMENT, false, "That isn't a JID"),
    word("not-acceptable", -31055, exit::BACKEND, false, "It doesn't meet the receiver's criteria"),
    word("not-allowed", -31056, exit::BACKEND, false, "Nobody may do this"),
    word("not-authorized", -31057, exit::BACKEND, false, "Credentials are missing or wrong"),
    word("policy-violation", -31058, exit::BACKEND, false, "Against the server's policy"),
    word("recipient-unavailable", -31059, exit::BACKEND, true, "The receiver isn't there now"),
    word("redirect", -31060, exit::BACKEND, false, "Ask elsewhere"),
    word("registration-required", -31061, exit::BACKEND, false, "Register first"),
    word("remote-server-not-found", -31062, exit::NOT_FOUND, false, "The receiver's server doesn't exist"),
    word("remote-server-timeout", -31063, exit::BACKEND, true, "The receiver's server can't be reached"),
    word("resource-constraint", -31064, exit::BACKEND, true, "The server is too busy"),
    word("service-unavailable", -31065, exit::MISSING_FEATURE, false, "The other side doesn't offer this"),
    word("subscription-required", -31066, exit::BACKEND, false, "Subscribe first"),
    word("undefined-condition", -31067, exit::BACKEND, false, "An error of its own kind"),
    word("unexpected-request", -31068, exit::BACKEND, true, "Not expected at this moment"),
];

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
        Self { code, kind: kind.to_owned(), message: message.into(), retryable }
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
        let kind = data.get("kind").and_then(|k| k.as_str()).unwrap_or(word.kind);
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
            let free = WORDS.iter().skip(i + 1).all(|w| w.kind != word.kind && w.code != word.code);
            assert!(free && word.code != PLUGIN.code, "{}", word.kind);
            let standard = (-32700..=-32600).contains(&word.code);
            assert!(standard || (-31999..=-31000).contains(&word.code), "{}", word.kind);
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
