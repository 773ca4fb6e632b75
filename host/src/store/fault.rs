//! SQLite's errors as the host's: a kind for programs, a sentence without SQL and paths.

use rusqlite::{Error as Sql, ErrorCode};

use crate::error::{Error, kind};

impl From<Sql> for Error {
    fn from(error: Sql) -> Self {
        if matches!(error, Sql::QueryReturnedNoRows) {
            return Error::new(kind::NOT_FOUND, "There is no such row");
        }
        match error.sqlite_error_code() {
            Some(code) => from_code(code).unwrap_or_else(|| internal(&error)),
            None => internal(&error),
        }
    }
}

/// The error for a failure that a statement's author can't be blamed for, or a broken constraint.
fn from_code(code: ErrorCode) -> Option<Error> {
    if code == ErrorCode::ConstraintViolation {
        return Some(Error::new(
            kind::CONFLICT,
            "The value conflicts with one that is stored",
        ));
    }
    environment(code).map(|sentence| Error::new(kind::STORAGE, sentence))
}

/// What to tell people when the disk, the file or the memory is at fault.
pub(super) fn environment(code: ErrorCode) -> Option<&'static str> {
    Some(match code {
        ErrorCode::DiskFull => {
            "The disk is full, or the profile's file has reached its size limit; free some space"
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            "The database file is damaged; restore it from a backup"
        }
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
            "The database file can't be written; check its permissions"
        }
        ErrorCode::CannotOpen => {
            "The database file can't be opened; check that it exists and its permissions"
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            "Another process has locked the database file"
        }
        ErrorCode::OutOfMemory => "SQLite has used up the memory it may have",
        ErrorCode::SystemIoFailure
        | ErrorCode::FileLockingProtocolFailed
        | ErrorCode::NoLargeFileSupport => "The disk failed; nothing was stored",
        _ => return None,
    })
}

/// A fault of the host. SQLite's own sentence helps to find it; the statement, which rusqlite
/// would print too, stays out of messages.
fn internal(error: &Sql) -> Error {
    Error::internal("Storage", sentence(error))
}

/// SQLite's sentence alone.
pub(super) fn sentence(error: &Sql) -> String {
    match error {
        Sql::SqliteFailure(_, Some(text)) => text.clone(),
        Sql::SqlInputError { msg, .. } => msg.clone(),
        Sql::MultipleStatement => "one statement at a time".to_owned(),
        Sql::InvalidPath(_) => "invalid path".to_owned(),
        other => other.to_string(),
    }
}
