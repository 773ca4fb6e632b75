//! How a command fails: a sentence that says what to do, and an exit code of `jp`'s table.

use std::{fmt, io, path::Path};

use sat_client::{RpcError, errors::exit};

/// Why a command ends.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The process's exit code.
    pub(crate) exit: u8,
    message: String,
}

impl Failure {
    pub(crate) fn new(exit: u8, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
        }
    }

    /// Something that no better code fits.
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self::new(exit::ERROR, message)
    }

    /// A file or folder can't be read or written.
    pub(crate) fn io(path: &Path, error: &io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::NotFound => exit::NOT_FOUND,
            io::ErrorKind::AlreadyExists => exit::CONFLICT,
            _ => exit::ERROR,
        };
        Self::new(code, format!("{}: {error}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<RpcError> for Failure {
    fn from(error: RpcError) -> Self {
        Self::new(error.exit_code(), error.to_string())
    }
}
