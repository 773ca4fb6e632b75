//! How a command fails: a sentence and an exit code.

use std::fmt;

/// Begins the line with the reason.
pub(crate) const PREFIX: &str = "sat: ";

/// Exit codes; `status` follows those of LSB init scripts.
pub(crate) mod exit {
    /// It didn't work.
    pub(crate) const FAILED: u8 = 1;
    /// Wrong arguments or a wrong `sat.conf`.
    pub(crate) const USAGE: u8 = 2;
    /// `status`: nothing runs.
    pub(crate) const NOT_RUNNING: u8 = 3;
    /// `status`: it runs, but doesn't answer.
    pub(crate) const UNKNOWN: u8 = 4;
    /// A program that belongs to SàT isn't installed; the number that `jp` uses for what is missing.
    pub(crate) const MISSING: u8 = 18;
    /// Another backend has the folder; the number that `jp` uses for conflicts.
    pub(crate) const RUNS_ALREADY: u8 = 19;
}

/// Why a command ends.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The process's exit code.
    pub(crate) code: u8,
    message: String,
}

impl Failure {
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// Something that should have worked didn't.
    pub(crate) fn of(what: &str, cause: impl fmt::Display) -> Self {
        Self::new(exit::FAILED, format!("{what}: {cause}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
