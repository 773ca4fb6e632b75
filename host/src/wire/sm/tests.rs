//! The counts of stream management.

use super::*;

fn message(id: &str) -> Element {
    let element = Element::bare("message", "jabber:client");
    crate::wire::stanza::with_attr(element, "id", id)
}

fn receive(sm: &mut Sm, id: &str) -> Handled {
    match sm.receive(&message(id)) {
        Inbound::New(handled) => handled,
        _ => panic!("not new"),
    }
}

fn send(sm: &mut Sm, id: u64) {
    sm.out.push(Outgoing {
        stanza: message("x"),
        id: Some(id),
        session: 1,
    });
    assert_eq!(sm.out.next().unwrap().1, Some(id));
}

#[test]
fn only_the_handled_prefix_is_acknowledged() {
    let mut sm = Sm::new(None);
    let first = receive(&mut sm, "1");
    let second = receive(&mut sm, "2");
    let third = receive(&mut sm, "3");
    drop(second);
    assert_eq!(sm.answer(), 0);
    drop(first);
    assert_eq!(sm.answer(), 2);
    assert_eq!(sm.due(), None);
    drop(third);
    assert_eq!(sm.due(), Some(3));
    assert_eq!(sm.due(), None);
}

#[test]
fn a_hundred_handled_stanzas_are_acknowledged_unasked() {
    let mut sm = Sm::new(None);
    for number in 0..99 {
        drop(receive(&mut sm, &number.to_string()));
    }
    assert_eq!(sm.due(), None);
    drop(receive(&mut sm, "99"));
    assert_eq!(sm.due(), Some(100));
}

#[test]
fn repetitions_after_resumption_are_swallowed() {
    let mut sm = Sm::new(Some("id".to_owned()));
    drop(receive(&mut sm, "1"));
    let second = receive(&mut sm, "2");
    drop(receive(&mut sm, "3"));
    assert_eq!(sm.begin_resume(), 1);
    assert!(sm.resumed(0));
    assert!(matches!(sm.receive(&message("2")), Inbound::Known));
    assert!(matches!(sm.receive(&message("3")), Inbound::Known));
    let fourth = receive(&mut sm, "4");
    drop(second);
    assert_eq!(sm.answer(), 3);
    drop(fourth);
    assert_eq!(sm.answer(), 4);
}

#[test]
fn other_stanzas_than_expected_are_noticed() {
    let mut sm = Sm::new(Some("id".to_owned()));
    let _held = receive(&mut sm, "1");
    sm.begin_resume();
    assert!(matches!(
        sm.receive(&message("other")),
        Inbound::Unsynchronised
    ));
}

#[test]
fn acknowledgements_release_and_wrong_ones_are_refused() {
    let mut sm = Sm::new(None);
    for id in 0..3 {
        send(&mut sm, id);
    }
    assert!(sm.out.acknowledge(2));
    assert_eq!(sm.out.take_acknowledged(), [0, 1]);
    assert!(!sm.out.acknowledge(4));
    assert!(!sm.out.acknowledge(1));
    assert!(sm.out.acknowledge(2));
    assert_eq!(sm.out.into_dropped(), [2]);
}

#[test]
fn counts_wrap_around() {
    let mut out = Outbound::default();
    assert!(!out.acknowledge(u32::MAX));
    out.set_acked(u32::MAX);
    out.push(Outgoing {
        stanza: message("x"),
        id: Some(7),
        session: 1,
    });
    out.next();
    assert!(out.acknowledge(0));
    assert_eq!(out.take_acknowledged(), [7]);
}

#[test]
fn a_resumed_session_writes_the_unacknowledged_again_and_reports_them_once() {
    let mut sm = Sm::new(Some("id".to_owned()));
    send(&mut sm, 1);
    send(&mut sm, 2);
    assert!(sm.out.is_written());
    sm.begin_resume();
    assert!(sm.resumed(1));
    assert_eq!(sm.out.take_acknowledged(), [1]);
    assert!(!sm.out.is_written());
    assert_eq!(sm.out.next().unwrap().1, None);
    assert!(sm.out.next().is_none());
}
