//! Sending and asking.

use crate::Error;
pub use crate::bindings::sat::host::xmpp::{
    IqKind, IqRequest, Outgoing, account, bound, iq, send, stream_features,
};

/// Asks `to` (none: the own server) with a `get`, and returns the payload of the answer.
pub async fn get(to: Option<&str>, payload: impl Into<String>) -> Result<String, Error> {
    ask(to, IqKind::Get, payload.into()).await
}

/// Asks `to` (none: the own server) with a `set`, and returns the payload of the answer.
pub async fn set(to: Option<&str>, payload: impl Into<String>) -> Result<String, Error> {
    ask(to, IqKind::Set, payload.into()).await
}

async fn ask(to: Option<&str>, kind: IqKind, payload: String) -> Result<String, Error> {
    iq(IqRequest {
        to: to.map(str::to_owned),
        kind,
        payload,
        timeout_ms: None,
    })
    .await
}

/// Sends a presence or a message that may be lost (a chat state, say) and returns its id.
pub async fn send_now(stanza: impl Into<String>) -> Result<String, Error> {
    send(Outgoing {
        stanza: stanza.into(),
        durable: false,
        ttl_ms: None,
    })
    .await
}

/// Puts a message into the outbox and returns its id once it is safe there.
pub async fn send_durable(stanza: impl Into<String>) -> Result<String, Error> {
    send(Outgoing {
        stanza: stanza.into(),
        durable: true,
        ttl_ms: None,
    })
    .await
}

/// The bare JID of a JID: everything before the first `/`.
pub fn bare(jid: &str) -> &str {
    jid.split('/').next().unwrap_or(jid)
}

/// The JID of the account's server. An IQ without `to` asks the server on behalf of the account
/// (RFC 6120 §10.3.3); to ask the server itself, name it.
pub fn server() -> String {
    crate::jid::domain(&account()).to_owned()
}
