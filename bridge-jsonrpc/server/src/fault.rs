//! Errors of the host as JSON-RPC errors, by the one table of words.

use jsonrpsee::types::ErrorObjectOwned;
use sat_client::errors::{Word, lookup};
use sat_host::Error;
use serde::Serialize;

/// A word that only the bridge uses.
pub(crate) const METHOD_NOT_FOUND: &str = "method-not-found";

/// `data` of an error.
#[derive(Serialize)]
struct Data<'a> {
    kind: &'a str,
    retryable: bool,
}

/// The error object of an error.
pub(crate) fn object(error: &Error) -> ErrorObjectOwned {
    let Word {
        code, retryable, ..
    } = *lookup(&error.kind);
    ErrorObjectOwned::owned(
        code,
        error.message.clone(),
        Some(Data {
            kind: &error.kind,
            retryable,
        }),
    )
}

/// The error object as JSON text.
pub(crate) fn json(error: &Error) -> String {
    serde_json::to_string(&object(error)).unwrap_or_default()
}
