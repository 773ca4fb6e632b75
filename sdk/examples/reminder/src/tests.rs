//! What the plugin does, with the host played by the SDK's mock.

use super::*;
use reminder::Guest;
use sat_sdk::mock::{self, Host, block_on};

const JULIET: &str = "juliet@capulet.lit/balcony";

/// A message from Juliet, a contact.
fn hear(id: &str, body: &str) {
    let header = Header {
        id: Some(id.into()),
        ..mock::header(JULIET)
    };
    hear_from(header, body);
}

fn hear_from(header: Header, body: &str) {
    let payload = format!("<body xmlns='jabber:client'>{body}</body>");
    block_on(Reminder::on_message(header, vec![payload])).unwrap();
}

fn said(host: &Host) -> Vec<String> {
    let body = |stanza: String| {
        sat_sdk::xml::parse(&stanza)
            .unwrap()
            .get_child("body", "jabber:client")
            .unwrap()
            .text()
    };
    host.sent()
        .into_iter()
        .map(|sent| body(sent.stanza))
        .collect()
}

#[test]
fn understands() {
    let parse = |text| Request::parse(text).map(|r| (r.delay_ms, r.text));
    let tea = |ms| Some((ms, "tea".to_owned()));
    assert_eq!(parse("Remind me in 10 minutes: tea"), tea(600_000));
    assert_eq!(parse("remind me in an hour : tea "), tea(3_600_000));
    for other in [
        "",
        "tea: now",
        "remind me in 10 minutes",
        "remind me in 10 minutes: ",
        "remind me in ten minutes: tea",
        "remind me in 0 seconds: tea",
        "remind me in -1 days: tea",
        "remind me in 9223372036854775807 weeks: tea",
        "remind me in 3 years: tea",
        "remind me in 10: tea",
        "remind me in é é: tea",
    ] {
        assert_eq!(parse(other), None, "{other}");
    }
}

#[test]
fn reminds_once() {
    let host = Host::new::<Reminder>();
    host.set_now("2024-01-01T00:00:00Z");
    hear("m1", "remind me in 10 minutes: tea");
    hear("m1", "remind me in 10 minutes: tea");
    assert_eq!(said(&host), ["In 10 minutes: tea"]);
    assert!(host.take_due().is_empty());
    host.set_now("2024-01-01T00:10:00Z");
    let due = host.take_due();
    for _ in 0..2 {
        // Twice, as after a crash.
        block_on(Reminder::on_timer(due[0].clone())).unwrap();
    }
    assert_eq!(said(&host), ["In 10 minutes: tea", "Reminder: tea"]);
    assert_eq!(host.emitted::<Item>("acme.reminder.due").len(), 1);
    assert!(block_on(Reminder::list(None)).unwrap().is_empty());
}

#[test]
fn knows_whom_to_listen_to() {
    let host = Host::new::<Reminder>();
    let contact = || mock::header(JULIET);
    let stranger = Header {
        peer_kind: PeerKind::Stranger,
        ..contact()
    };
    let old = Header {
        via: Via::Archive,
        ..contact()
    };
    let nobody = Header {
        from: None,
        ..contact()
    };
    for header in [stranger, old, nobody] {
        hear_from(header, "remind me in 10 minutes: tea");
    }
    assert!(said(&host).is_empty() && host.timers().is_empty());
    hear_from(
        mock::header("romeo@montague.lit/phone"),
        "remind me in 10 minutes: tea",
    );
    assert_eq!(host.timers().len(), 1);
}

#[test]
fn forgets_when_told() {
    let host = Host::new::<Reminder>();
    hear("m1", "remind me in 10 minutes: tea");
    hear("m2", "remind me in 5 minutes: milk");
    let list = |jid: &str| block_on(Reminder::list(Some(jid.into()))).unwrap();
    let items = list("juliet@capulet.lit");
    assert_eq!(
        items.iter().map(|i| i.text.as_str()).collect::<Vec<_>>(),
        ["milk", "tea"]
    );
    assert!(list("tybalt@capulet.lit").is_empty());
    block_on(Reminder::cancel(items[0].id.clone())).unwrap();
    assert_eq!(host.timers().len(), 1);
    let again = block_on(Reminder::cancel(items[0].id.clone()));
    assert_eq!(again.unwrap_err().code, "item-not-found");
}

#[test]
fn has_an_end() {
    let host = Host::new::<Reminder>();
    for n in 0..=EACH {
        hear(&n.to_string(), "remind me in a day: tea");
    }
    assert_eq!(host.timers().len() as i64, EACH);
    assert_eq!(
        said(&host).last().unwrap(),
        "You have 50 reminders already."
    );
}
