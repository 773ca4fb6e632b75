//! A message as it is stored, and how it may change.

use crate::bindings::sat::chat::types::Message;
use sat_sdk::{Error, Json, StanzaId, datetime, fail, random};
use std::cell::Cell;

/// Longest body that we send, in bytes.
pub(crate) const BODY: usize = 64 << 10;
/// Longest body that we keep, in bytes: what is longer was no message for people.
const KEPT: usize = 128 << 10;
/// Bytes of all extra entries of a message.
const EXTRA: usize = 64 << 10;

/// How far an outgoing message got. It only ever goes forward, which is this order: so it
/// doesn't matter in which order the news come, or how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// In the outbox. The state of incoming messages too, where it means nothing.
    Queued = 0,
    /// It failed before the server had it. Unless it did: then it turns up in the archive.
    Unsent = 1,
    /// The server has it.
    Sent = 2,
    /// It failed behind the server: its copy in the archive says nothing new.
    Bounced = 3,
    /// A client of the receiver has it, whatever another one answered.
    Delivered = 4,
}

impl State {
    /// From its number in the table.
    pub(crate) fn from_number(number: i64) -> Self {
        match number {
            1 => Self::Unsent,
            2 => Self::Sent,
            3 => Self::Bounced,
            4 => Self::Delivered,
            _ => Self::Queued,
        }
    }

    /// The word that others know it by.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Unsent | Self::Bounced => "failed",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
        }
    }
}

/// A message with what only this plugin knows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    /// Its row. Its id is the same number, written.
    pub(crate) row: i64,
    pub(crate) state: State,
    pub(crate) message: Message,
}

impl Stored {
    /// Whether the account sent it.
    pub(crate) fn is_out(&self) -> bool {
        self.message.direction == "out"
    }

    /// Brings an outgoing message forward to a state; true if that is news.
    pub(crate) fn advance(&mut self, state: State, error: Option<String>) -> bool {
        if !self.is_out() || state <= self.state {
            return false;
        }
        self.state = state;
        self.message.state = state.word().into();
        self.message.error = error;
        true
    }

    /// Adds ids that archives gave; true if there are new ones.
    pub(crate) fn add_stanza_ids(&mut self, ids: &[StanzaId]) -> bool {
        let known = self.message.stanza_ids.len();
        for new in ids {
            if !self.message.stanza_ids.contains(new) {
                self.message.stanza_ids.push(new.clone());
            }
        }
        self.message.stanza_ids.len() > known
    }

    /// Sets an extra entry.
    pub(crate) fn set_extra(&mut self, key: &str, value: &Json) {
        let extra = &mut self.message.extra;
        match extra.iter_mut().find(|(k, _)| k == key) {
            Some((_, old)) => old.text.clone_from(&value.text),
            None => extra.push((key.into(), value.clone())),
        }
    }
}

thread_local! {
    static LAST_ROW: Cell<i64> = const { Cell::new(0) };
}

/// A row for a new message. It is known before the message is stored, because the event that
/// tells of it is stored with it. Rows grow with time, as indexes like it, and have 20 random
/// bits, so that a new instance doesn't repeat those of the last one.
pub(crate) fn new_row() -> i64 {
    let random = i64::from(u32::from_ne_bytes(random::bytes()) >> 12);
    let row = (datetime::now_ms() << 20 | random).max(LAST_ROW.get() + 1);
    LAST_ROW.set(row);
    row
}

/// The id of the message in a row.
pub(crate) fn id(row: i64) -> String {
    format!("{row:016x}")
}

/// The row of the message with an id; `item-not-found` when it can't be one.
pub(crate) fn row(id: &str) -> Result<i64, Error> {
    let digits = id.len() == 16 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let row = digits.then(|| i64::from_str_radix(id, 16).ok()).flatten();
    row.ok_or_else(|| Error::new("item-not-found", format!("there is no message “{id}”")))
}

/// A body to be sent, with one kind of line end: XML knows no other (§2.11).
pub(crate) fn check_body(body: &str) -> Result<String, Error> {
    if body.trim().is_empty() {
        fail!("bad-request", "`body` is empty");
    }
    if body.len() > BODY {
        fail!(
            "limit-reached",
            "a message has at most {BODY} bytes, this one has {}",
            body.len()
        );
    }
    let body = body.replace("\r\n", "\n").replace('\r', "\n");
    if let Some(c) = body.chars().find(|c| !is_xml(*c)) {
        fail!(
            "bad-request",
            "`body` has the control character {c:?}, which XML can't carry"
        );
    }
    Ok(body)
}

/// XML 1.0 §2.2.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | ' '..) && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// A body that came, cut to what is kept.
pub(crate) fn clip(mut body: String) -> String {
    let end = body.floor_char_boundary(KEPT);
    body.truncate(end);
    body
}

/// Checks the size and the keys of extra entries.
pub(crate) fn check_extra(extra: &[(String, Json)]) -> Result<(), Error> {
    let bytes = extra
        .iter()
        .map(|(key, value)| key.len() + value.text.len());
    if bytes.sum::<usize>() > EXTRA {
        fail!(
            "limit-reached",
            "the `extra` of a message has at most {EXTRA} bytes"
        );
    }
    let bad = |key: &&String| key.is_empty() || key.contains(char::is_control);
    if let Some(key) = extra.iter().map(|(key, _)| key).find(bad) {
        fail!("bad-request", "{key:?} is no key of `extra`");
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use sat_sdk::Via;

    pub(crate) fn stored(direction: &str) -> Stored {
        Stored {
            row: 1,
            state: State::Queued,
            message: Message {
                id: id(1),
                message_id: Some("m1".into()),
                origin_id: None,
                stanza_ids: Vec::new(),
                kind: "direct".into(),
                with: "juliet@capulet.lit".into(),
                direction: direction.into(),
                sender: "juliet@capulet.lit/balcony".into(),
                occupant: None,
                via: Via::Live,
                body: "Hi".into(),
                stamp: "2024-01-01T00:00:00.000Z".into(),
                edited_at: None,
                retracted: false,
                state: if direction == "out" {
                    "queued"
                } else {
                    "received"
                }
                .into(),
                error: None,
                unread: false,
                extra: Vec::new(),
            },
        }
    }

    /// XEP-0184 and bounces in every order (XSF wiki, message errors).
    #[test]
    fn states_only_go_forward() {
        use State::{Bounced, Delivered, Queued, Sent, Unsent};
        for (news, end) in [
            (vec![Sent, Delivered, Bounced], "delivered"),
            (vec![Sent, Bounced, Delivered], "delivered"),
            (vec![Bounced, Sent], "failed"),
            (vec![Unsent, Sent], "sent"),
            (vec![Delivered, Sent, Queued, Unsent], "delivered"),
        ] {
            let mut message = stored("out");
            for state in news {
                let error = (state.word() == "failed").then(|| "gone".to_owned());
                message.advance(state, error);
                assert_eq!(
                    message.message.error.is_some(),
                    message.message.state == "failed"
                );
            }
            assert_eq!(message.message.state, end);
        }
        assert!(!stored("in").advance(Sent, None));
    }

    #[test]
    fn ids_are_rows() {
        let (a, b) = (new_row(), new_row());
        assert!(0 < a && a < b);
        assert_eq!(row(&id(a)).unwrap(), a);
        for bad in [
            "",
            "x",
            "+00000000000000f",
            "000000000000000F",
            "ffffffffffffffff",
            "é0000000000000",
        ] {
            assert_eq!(row(bad).unwrap_err().code, "item-not-found", "{bad}");
        }
    }

    #[test]
    fn bodies() {
        assert_eq!(check_body("a\r\nb\rc\td").unwrap(), "a\nb\nc\td");
        for (bad, code) in [
            ("", "bad-request"),
            (" \n", "bad-request"),
            ("a\u{0}", "bad-request"),
            ("a\u{1b}[1m", "bad-request"),
            ("\u{ffff}", "bad-request"),
            (&"é".repeat(BODY / 2 + 1), "limit-reached"),
        ] {
            assert_eq!(check_body(bad).unwrap_err().code, code);
        }
        assert_eq!(clip("é".repeat(KEPT)).len(), KEPT);
        assert_eq!(clip(format!("a{}", "é".repeat(KEPT))).len(), KEPT - 1);
    }

    #[test]
    fn extras() {
        let entry = |key: &str, bytes| {
            (
                key.to_owned(),
                Json {
                    text: "1".repeat(bytes),
                },
            )
        };
        assert!(check_extra(&[entry("sat:x/types.y", 1)]).is_ok());
        assert_eq!(
            check_extra(&[entry("", 1)]).unwrap_err().code,
            "bad-request"
        );
        assert_eq!(
            check_extra(&[entry("a\u{1f}", 1)]).unwrap_err().code,
            "bad-request"
        );
        assert_eq!(
            check_extra(&[entry("a", EXTRA)]).unwrap_err().code,
            "limit-reached"
        );
        let mut message = stored("in");
        message.set_extra("k", &Json { text: "1".into() });
        message.set_extra("k", &Json { text: "2".into() });
        assert_eq!(message.message.extra.len(), 1);
    }
}
