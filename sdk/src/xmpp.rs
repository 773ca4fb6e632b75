//! Sending and asking.

use crate::Error;
pub use crate::bindings::sat::host::xmpp::{
    IqKind, IqRequest, Outgoing, account, bound, iq, send, stream_features,
};

/// Asks `to` (none: the own server) with a `get`, and returns the payload of the answer.
pub async fn get(to: Option<&str>, payload: impl Into<String>) -> Result<String, Error> {
    request(to, IqKind::Get, payload.into()).await
}

/// Asks `to` (none: the own server) with a `set`, and returns the payload of the answer.
pub async fn set(to: Option<&str>, payload: impl Into<String>) -> Result<String, Error> {
    request(to, IqKind::Set, payload.into()).await
}

/// Asks with a `get`, in types that derive `AsXml` and `FromXml` (crate `xso`), as those of the
/// crate `xmpp-parsers` do: `let version: VersionResult = ask(None, &VersionQuery).await?`.
///
/// `bad-answer` when the answer is something else, also when it is empty: use [`get`] where it
/// may be.
#[cfg(feature = "xso")]
pub async fn ask<Q: xso::AsXml, A: xso::FromXml>(
    to: Option<&str>,
    question: &Q,
) -> Result<A, Error> {
    read(&request(to, IqKind::Get, write(question)?).await?)
}

/// Asks with a `set`, in types; as [`ask`] does.
#[cfg(feature = "xso")]
pub async fn ask_set<Q: xso::AsXml, A: xso::FromXml>(
    to: Option<&str>,
    question: &Q,
) -> Result<A, Error> {
    read(&request(to, IqKind::Set, write(question)?).await?)
}

/// Reads XML as a type that derives `FromXml`: a payload that a handler got, say.
#[cfg(feature = "xso")]
pub fn read<T: xso::FromXml>(xml: &str) -> Result<T, Error> {
    xso::from_bytes(xml.as_bytes()).map_err(|e| Error::new("bad-answer", e.to_string()))
}

/// Writes a type that derives `AsXml`.
#[cfg(feature = "xso")]
pub fn write<T: xso::AsXml>(value: &T) -> Result<String, Error> {
    let fault = |m: String| Error::new("bad-xml", m);
    let bytes = xso::to_vec(value).map_err(|e| fault(e.to_string()))?;
    String::from_utf8(bytes).map_err(|e| fault(e.to_string()))
}

async fn request(to: Option<&str>, kind: IqKind, payload: String) -> Result<String, Error> {
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
    send(Outgoing::durable(stanza)).await
}

impl Outgoing {
    /// A message for the outbox, worth sending for a week.
    pub fn durable(stanza: impl Into<String>) -> Self {
        Self {
            stanza: stanza.into(),
            durable: true,
            ttl_ms: None,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_jids() {
        assert_eq!(bare("juliet@capulet.lit/a/b"), "juliet@capulet.lit");
        assert_eq!(bare("capulet.lit"), "capulet.lit");
    }

    #[test]
    #[cfg(all(feature = "mock", feature = "xmpp-parsers"))]
    fn asks_in_types() {
        use crate::mock::{Host, block_on, tests::Chess};
        use xmpp_parsers::version::{VersionQuery, VersionResult};
        let host = Host::new::<Chess>();
        host.on_iq("jabber:iq:version", |iq| match iq.to.as_deref() {
            // XEP-0092, example 2.
            None => Ok("<query xmlns='jabber:iq:version'><name>Exodus</name>\
                        <version>0.7.0.4</version><os>Windows-XP 5.01.2600</os></query>"
                .into()),
            Some(_) => Ok(String::new()),
        });
        let answer: VersionResult = block_on(ask(None, &VersionQuery)).unwrap();
        assert_eq!(answer.name, "Exodus");
        let empty = block_on(ask::<_, VersionResult>(Some("a@b"), &VersionQuery));
        assert_eq!(empty.unwrap_err().code, "bad-answer");
        assert_eq!(
            read::<VersionQuery>(&host.asked()[0].payload).unwrap(),
            VersionQuery
        );
    }
}
