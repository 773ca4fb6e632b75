//! What the plugin does, with the host played by the SDK's mock.

use super::*;
use poll::Guest;
use sat_sdk::mock::{Host, block_on, join};

fn ask(text: &str, choices: &[&str]) -> Result<Item, Error> {
    let choices = choices.iter().map(|c| (*c).to_owned()).collect();
    block_on(Poll::create(Question {
        text: text.into(),
        choices,
        extra: vec![],
    }))
}

fn vote(poll: &Item, voter: &str, choice: u32) -> Result<(), Error> {
    let (poll, voter) = (poll.id.clone(), voter.into());
    block_on(Poll::vote(Ballot {
        poll,
        voter,
        choice,
    }))
}

fn votes(poll: &Item) -> Vec<u32> {
    let poll = block_on(Poll::results(poll.id.clone())).unwrap();
    poll.choices.into_iter().map(|c| c.votes).collect()
}

#[test]
fn counts_votes() {
    let host = Host::new::<Poll>();
    let poll = ask("Lunch?", &["Pizza", "Soup"]).unwrap();
    let other = ask("Dinner?", &["Soup", "Soup"]).unwrap();
    assert_eq!(votes(&poll), [0, 0]);
    vote(&poll, "romeo", 1).unwrap();
    vote(&poll, "juliet", 1).unwrap();
    vote(&poll, "romeo", 2).unwrap();
    assert_eq!(votes(&poll), [1, 1]);
    assert_eq!(votes(&other), [0, 0]);
    assert_eq!(host.emitted::<Ballot>("acme.poll.voted").len(), 3);
}

#[test]
fn is_closed_once() {
    let _host = Host::new::<Poll>();
    let poll = ask("Lunch?", &["Pizza", "Soup"]).unwrap();
    let close = || Poll::close(poll.id.clone());
    let (one, other) = block_on(join(close(), close()));
    assert_eq!(one.is_ok() as u8 + other.is_ok() as u8, 1);
    assert_eq!(vote(&poll, "romeo", 1).unwrap_err().code, "conflict");
    assert!(!block_on(Poll::results(poll.id)).unwrap().open);
}

#[test]
fn refuses_what_is_no_poll() {
    let _host = Host::new::<Poll>();
    for (text, choices) in [
        (" ", ["a", "b"].as_slice()),
        ("Lunch?", &["Pizza"]),
        ("Lunch?", &["x"; 21]),
    ] {
        assert_eq!(ask(text, choices).unwrap_err().code, "bad-request");
    }
    let poll = ask("Lunch?", &["Pizza", "Soup"]).unwrap();
    for choice in [0, 3] {
        assert_eq!(
            vote(&poll, "romeo", choice).unwrap_err().code,
            "bad-request"
        );
    }
    let lost = block_on(Poll::results("none".into()));
    assert_eq!(lost.unwrap_err().code, "item-not-found");
}
