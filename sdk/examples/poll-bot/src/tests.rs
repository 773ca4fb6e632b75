//! What the plugin does, with the host and the poll plugin played by the SDK's mock.

use super::*;
use bindings::acme::poll::types::Choice;
use events::Guest;
use sat_sdk::mock::{self, Host, block_on};

const JULIET: &str = "juliet@capulet.lit/balcony";

fn hear(header: Header, body: &str) {
    let payload = format!("<body xmlns='jabber:client'>{body}</body>");
    block_on(PollBot::on_message(header, vec![payload])).unwrap();
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

fn lunch(votes: u32) -> Poll {
    let choice = |text: &str, votes| Choice {
        text: text.into(),
        votes,
    };
    let choices = vec![choice("Pizza", 0), choice("Soup", votes)];
    Poll {
        id: "p1".into(),
        question: "Lunch?".into(),
        choices,
        open: votes == 0,
    }
}

#[test]
fn asks_and_tells() {
    let host = Host::new::<PollBot>();
    host.on_call("acme.poll.create", |question: Question| {
        assert_eq!(
            (question.text.as_str(), question.choices.len()),
            ("Lunch?", 2)
        );
        Ok(lunch(0))
    });
    host.on_call("acme.poll.vote", |vote: Ballot| {
        assert_eq!(
            (vote.poll.as_str(), vote.voter.as_str()),
            ("p1", "juliet@capulet.lit")
        );
        match vote.choice {
            2 => Ok(()),
            _ => Err(Error::new("bad-request", "The choices are 1 to 2")),
        }
    });
    hear(mock::header(JULIET), "!vote 1");
    hear(mock::header(JULIET), "!poll Lunch? Pizza / Soup");
    hear(mock::header(JULIET), "!vote 3");
    hear(mock::header(JULIET), "!vote 2");
    for _ in 0..2 {
        // Events may come twice.
        block_on(PollBot::closed(lunch(1)));
    }
    assert_eq!(
        said(&host),
        [
            "There is no poll here: !poll Question? A / B makes one.",
            "Lunch?\n1. Pizza\n2. Soup\nAnswer with !vote and a number.",
            "The choices are 1 to 2",
            "Your vote is 2.",
            "Lunch? It is closed:\nPizza: 0\nSoup: 1",
        ]
    );
}

#[test]
fn says_when_polls_are_not_there() {
    let host = Host::new::<PollBot>();
    hear(mock::header(JULIET), "!poll Lunch? Pizza / Soup");
    assert!(said(&host)[0].contains("no loaded plugin offers acme.poll.create"));
}

#[test]
fn knows_whom_to_listen_to() {
    let host = Host::new::<PollBot>();
    hear(
        Header {
            peer_kind: PeerKind::Stranger,
            ..mock::header("tybalt@capulet.lit/x")
        },
        "!close",
    );
    hear(
        Header {
            via: Via::Archive,
            ..mock::header(JULIET)
        },
        "!close",
    );
    for other in [
        "",
        "poll",
        "!poll",
        "!poll no question",
        "!vote two",
        "!vote",
        "!votes 1",
    ] {
        hear(mock::header(JULIET), other);
    }
    assert!(said(&host).is_empty());
}
