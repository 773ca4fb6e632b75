//! Asking services.

use sat_sdk::{
    Error,
    xmpp::{self, IqKind, IqRequest},
};

/// How long an answer may take.
const TIMEOUT_MS: u64 = 15_000;

/// Asks with a `get`; `feature` is what the service must have for it (XEP-0060 §10).
pub(crate) async fn get(service: &str, payload: String, feature: &str) -> Result<String, Error> {
    ask(service, IqKind::Get, payload, feature).await
}

/// Asks with a `set`.
pub(crate) async fn set(service: &str, payload: String, feature: &str) -> Result<String, Error> {
    ask(service, IqKind::Set, payload, feature).await
}

async fn ask(service: &str, kind: IqKind, payload: String, feature: &str) -> Result<String, Error> {
    let own = service == xmpp::account();
    let request = IqRequest {
        // The own server answers for the account when nobody is named (RFC 6120 §10.3.3).
        to: (!own).then(|| service.to_owned()),
        kind,
        payload,
        timeout_ms: Some(TIMEOUT_MS),
    };
    xmpp::iq(request)
        .await
        .map_err(|e| explain(e, service, feature))
}

/// Says of what a service can't do which feature it would need.
fn explain(error: Error, service: &str, feature: &str) -> Error {
    match error.code.as_str() {
        "feature-not-implemented" => unsupported(service, feature),
        _ => error,
    }
}

/// A service can't do something.
pub(crate) fn unsupported(service: &str, feature: &str) -> Error {
    Error::new(
        "feature-not-implemented",
        format!("{service} can't do this: it lacks the feature `{feature}`"),
    )
}

/// Whether an error says that the service can't be reached, rather than that it refused.
pub(crate) fn is_unreachable(error: &Error) -> bool {
    matches!(
        error.code.as_str(),
        "not-connected"
            | "timeout"
            | "remote-server-not-found"
            | "remote-server-timeout"
            | "service-unavailable"
            | "recipient-unavailable"
            | "internal-server-error"
            | "resource-constraint"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_features_are_named() {
        let error = Error::new("feature-not-implemented", "The other side answered: …");
        let explained = explain(error, "pubsub.capulet.lit", "purge-nodes");
        assert_eq!(explained.code, "feature-not-implemented");
        assert!(
            explained.message.contains("`purge-nodes`"),
            "{}",
            explained.message
        );
        let other = explain(Error::new("forbidden", "no"), "a", "b");
        assert_eq!((&*other.code, &*other.message), ("forbidden", "no"));
    }
}
