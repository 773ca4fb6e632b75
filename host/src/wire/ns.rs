//! The namespaces that the stream itself speaks.

pub(super) const CLIENT: &str = "jabber:client";
pub(super) const STREAM: &str = "http://etherx.jabber.org/streams";
pub(super) const STREAM_ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-streams";
pub(super) const STANZA_ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";
pub(super) const TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";
pub(super) const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
/// XEP-0440: which channel bindings the server knows.
pub(super) const SASL_CB: &str = "urn:xmpp:sasl-cb:0";
pub(super) const BIND: &str = "urn:ietf:params:xml:ns:xmpp-bind";
/// XEP-0198: stream management.
pub(super) const SM: &str = "urn:xmpp:sm:3";
/// A question that no server knows: its refusal is as good a sign of life as an answer.
pub(super) const LIVENESS: &str = "https://salut-a-toi.org/liveness";
