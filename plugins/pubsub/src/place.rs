//! Where a node is.

use sat_sdk::{Error, jid, xmpp};

/// Longest name of a node and longest id of an item, in bytes.
pub(crate) const NAME: usize = 1024;

/// A node of a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// JID of the service; the account's bare JID for its own PEP.
    pub(crate) service: String,
    pub(crate) node: String,
}

impl Place {
    /// From what a request says.
    pub(crate) fn new(service: Option<&str>, node: &str) -> Result<Self, Error> {
        Ok(Self {
            service: self::service(service)?,
            node: name("node", node)?.to_owned(),
        })
    }
}

/// The JID of the service that a request means.
pub(crate) fn service(service: Option<&str>) -> Result<String, Error> {
    service.map_or_else(|| Ok(xmpp::account()), jid::normalize)
}

/// Checks the name of a node or the id of an item.
pub(crate) fn name<'a>(what: &str, name: &'a str) -> Result<&'a str, Error> {
    if is_name(name) {
        Ok(name)
    } else {
        Err(Error::new(
            "bad-request",
            format!("`{what}` has 1 to {NAME} bytes"),
        ))
    }
}

/// Whether a node or an item can be called so.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=NAME).contains(&name.len())
}

/// Whether what a service says of an item's publisher is to be believed.
///
/// A service generates that by itself (XEP-0060 §7.1.2.3), but a strange one could say anything
/// of anybody: it is believed about JIDs of its own domain, or of the domain above it. The
/// account's own server and its services, and those that the account's owner trusts, are
/// believed about everybody.
pub(crate) fn believed(service: &str, publisher: &str, account: &str, trusted: &str) -> bool {
    let domain = jid::domain(service);
    let below = |above: &str| {
        domain
            .strip_suffix(above)
            .is_some_and(|sub| sub.is_empty() || sub.ends_with('.'))
    };
    // PEP of somebody is believed about its owner and nobody else, whatever it is open to.
    if service.contains('@') && service != account {
        return xmpp::bare(publisher) == service || is_trusted(service, trusted);
    }
    below(jid::domain(account)) || below(jid::domain(publisher)) || is_trusted(service, trusted)
}

fn is_trusted(service: &str, trusted: &str) -> bool {
    trusted
        .split([',', ' '])
        .any(|t| !t.is_empty() && t.eq_ignore_ascii_case(service))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_believed_about_their_own() {
        let me = "romeo@montague.lit";
        for (service, publisher, expected) in [
            ("romeo@montague.lit", "juliet@capulet.lit", true),
            ("pubsub.montague.lit", "juliet@capulet.lit", true),
            ("pubsub.capulet.lit", "juliet@capulet.lit/balcony", true),
            ("capulet.lit", "juliet@capulet.lit", true),
            ("juliet@capulet.lit", "juliet@capulet.lit/balcony", true),
            ("juliet@capulet.lit", "nurse@capulet.lit", false),
            ("pubsub.capulet.lit", "romeo@montague.lit", false),
            ("evilcapulet.lit", "juliet@capulet.lit", false),
            ("lit", "juliet@capulet.lit", false),
            ("news.verona.lit", "juliet@capulet.lit", true),
        ] {
            let trusted = "other.lit, News.verona.lit";
            assert_eq!(
                believed(service, publisher, me, trusted),
                expected,
                "{service} {publisher}"
            );
        }
    }
}
