//! The one error type that crosses module borders: a stable word and a sentence.

use std::{borrow::Cow, fmt};

/// The stable words (`kind`) that the host itself uses.
///
/// Plugins add words of their own; an XMPP stanza error keeps its condition's name
/// (RFC 6120 §8.3.3). The bridge's error table gives each word its number and exit code.
pub mod kind {
    /// A parameter is missing, has the wrong type or a value that can't be used.
    pub const BAD_REQUEST: &str = "bad-request";
    /// Something with that name exists already.
    pub const CONFLICT: &str = "conflict";
    /// What was asked for doesn't exist.
    pub const NOT_FOUND: &str = "not-found";
    /// The caller may not do this.
    pub const FORBIDDEN: &str = "forbidden";
    /// The profile's key isn't in memory: `profile.unlock` it first.
    pub const PROFILE_LOCKED: &str = "profile-locked";
    /// The profile has no stream to its server now.
    pub const NOT_CONNECTED: &str = "not-connected";
    /// The server refused the account's password.
    pub const AUTH_FAILED: &str = "auth-failed";
    /// The profile's own password is wrong.
    pub const WRONG_PASSWORD: &str = "wrong-password";
    /// No server answers for the account's domain.
    pub const HOST_NOT_FOUND: &str = "host-not-found";
    /// The server can't be reached, or closed the connection.
    pub const CONNECTION_FAILED: &str = "connection-failed";
    /// The server's certificate isn't trusted, or is for another name.
    pub const CERTIFICATE: &str = "certificate";
    /// The server doesn't offer what the stream needs (TLS, a mechanism, binding).
    pub const STREAM_NEGOTIATION: &str = "stream-negotiation";
    /// No answer within the time limit.
    pub const TIMEOUT: &str = "timeout";
    /// No loaded plugin offers this.
    pub const NO_PROVIDER: &str = "no-provider";
    /// The plugin ended during the call.
    pub const PLUGIN_CRASHED: &str = "plugin-crashed";
    /// Caller and provider were built against different types.
    pub const INCOMPATIBLE: &str = "incompatible";
    /// A limit with a name was reached.
    pub const LIMIT: &str = "limit-reached";
    /// The disk failed or is full; nothing was acknowledged.
    pub const STORAGE: &str = "storage-error";
    /// An SQL statement of a plugin was refused or failed.
    pub const SQL: &str = "sql-error";
    /// A fault in the backend: please report it.
    pub const INTERNAL: &str = "internal-error";
}

/// What went wrong, for programs (`kind`) and for people (`message`).
///
/// A message says what to do where there is something to do; it holds no path of the host's
/// own files, no SQL and no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Stable kebab-case word, one of [`kind`] or a plugin's own.
    pub kind: Cow<'static, str>,
    /// A sentence for people.
    pub message: String,
}

/// Result of the host's own functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of this kind with this sentence.
    pub fn new(kind: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            message: message.into(),
        }
    }

    /// A fault of the backend itself; `what` names the operation, `cause` goes to the message.
    pub fn internal(what: &str, cause: impl fmt::Display) -> Self {
        Self::new(kind::INTERNAL, format!("{what}: {cause}"))
    }

    /// Whether this error has that kind.
    pub fn is(&self, kind: &str) -> bool {
        self.kind == kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.kind)
    }
}

impl std::error::Error for Error {}
