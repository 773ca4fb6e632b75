//! Presence stanzas: reading and writing (RFC 6121 §4.7).

use crate::bindings::sat::presence::types::{Presence, Status};
use sat_sdk::{
    Error, fail,
    stanza::{Tag, presence, tag},
    xml,
};

/// Values of `<show/>`; without it, simply available (§4.7.2.1).
const SHOWS: &[&str] = &["chat", "away", "xa", "dnd"];

/// As much of a status as is kept: there is no limit in the RFC.
const LONGEST_STATUS: usize = 1000;

/// What is inside our own presence.
pub(crate) fn content(own: &Status) -> Result<String, Error> {
    if let Some(show) = &own.show
        && !SHOWS.contains(&show.as_str())
    {
        fail!(
            "bad-request",
            "show is one of {}, not `{show}`",
            SHOWS.join(", ")
        );
    }
    let priority = own.priority.map(|priority| priority.to_string());
    let fields = [
        ("show", &own.show),
        ("status", &own.status),
        ("priority", &priority),
    ];
    let field = |(name, value): (_, &Option<String>)| Some(tag(name).text(value.as_ref()?).into());
    Ok(fields
        .into_iter()
        .filter_map(field)
        .collect::<Vec<String>>()
        .concat())
}

/// Our own presence for everybody.
pub(crate) fn broadcast(content: &str) -> Tag {
    presence().raw(content)
}

/// A stanza that manages a subscription.
pub(crate) fn subscription(jid: &str, kind: &str) -> Tag {
    presence().attr("to", jid).kind(kind)
}

/// The presence of somebody, from the elements of its stanza. What has no valid value counts as
/// absent.
pub(crate) fn read(jid: &str, available: bool, payloads: &[String], since: &str) -> Presence {
    let elements = payloads
        .iter()
        .filter_map(|payload| xml::parse(payload).ok());
    let elements: Vec<_> = elements.filter(|e| e.has_ns("jabber:client")).collect();
    // Of several in different languages, the first.
    let text = |name| elements.iter().find(|e| e.name() == name).map(|e| e.text());
    Presence {
        jid: jid.to_owned(),
        available,
        show: text("show").filter(|show| SHOWS.contains(&show.as_str())),
        status: text("status")
            .filter(|status| !status.is_empty())
            .map(|status| status.chars().take(LONGEST_STATUS).collect()),
        priority: text("priority")
            .and_then(|p| p.trim().parse().ok())
            .unwrap_or(0),
        since: since.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(show: Option<&str>) -> Status {
        Status {
            show: show.map(str::to_owned),
            status: Some("<tea>".into()),
            priority: Some(-5),
        }
    }

    #[test]
    fn writes_the_own_status() {
        let content = content(&own(Some("away"))).unwrap();
        assert_eq!(
            content,
            "<show>away</show><status>&lt;tea&gt;</status><priority>-5</priority>"
        );
        xml::parse(&broadcast(&content).to_string()).unwrap();
        assert_eq!(
            super::content(&own(Some("busy"))).unwrap_err().code,
            "bad-request"
        );
        assert_eq!(
            super::content(&own(Some(""))).unwrap_err().code,
            "bad-request"
        );
    }

    #[test]
    fn reads_a_presence() {
        let payloads = [
            "<show xmlns='jabber:client'>dnd</show>",
            "<status xmlns='jabber:client' xml:lang='en'>Wooing</status>",
            "<status xmlns='jabber:client' xml:lang='cs'>Dvořím se</status>",
            "<priority xmlns='jabber:client'> 7 </priority>",
        ];
        let found = read(
            "romeo@montague.lit/orchard",
            true,
            &payloads.map(str::to_owned),
            "now",
        );
        assert_eq!(found.show.as_deref(), Some("dnd"));
        assert_eq!(found.status.as_deref(), Some("Wooing"));
        assert_eq!(found.priority, 7);
    }

    #[test]
    fn survives_bad_payloads() {
        let payloads = [
            "<show xmlns='jabber:client'>gone</show>".to_owned(),
            "<status xmlns='other'>x</status>".to_owned(),
            "<priority xmlns='jabber:client'>200</priority>".to_owned(),
            "<broken".to_owned(),
        ];
        let found = read("a@b/c", true, &payloads, "now");
        assert_eq!((found.show, found.status, found.priority), (None, None, 0));
        let long = format!(
            "<status xmlns='jabber:client'>{}</status>",
            "é".repeat(5000)
        );
        assert_eq!(
            read("a@b/c", true, &[long], "")
                .status
                .unwrap()
                .chars()
                .count(),
            LONGEST_STATUS
        );
    }
}
