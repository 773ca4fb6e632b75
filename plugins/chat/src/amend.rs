//! Changes by plugins that read messages about messages: receipts, corrections, reactions.

use crate::{
    bindings::sat::chat::types::Amendment,
    change,
    message::{self, State, Stored},
    place, send, table,
};
use sat_sdk::{Error, datetime, fail};

/// Changes a stored message, and tells of it if that made a difference.
pub(crate) async fn amend(request: Amendment) -> Result<(), Error> {
    let with = place::normalize(&request.with)?;
    let out = match request.direction.as_str() {
        "out" => true,
        "in" => false,
        _ => fail!("bad-request", "`direction` is `in` or `out`"),
    };
    table::ready().await?;
    send::check_extra(&request.extra).await?;
    // Some clients use ids again: the newest is meant.
    let condition = "m.row = (SELECT max(a.row) FROM chat__message a
        JOIN chat__conversation b ON b.row = a.conversation
        WHERE a.message_id = ?1 AND a.out = ?2 AND b.peer = ?3)";
    let values = (&request.message_id, out, &with);
    match change::apply(condition, values, |stored| merge(stored, &request)).await? {
        0 => fail!(
            "item-not-found",
            "no message “{}” with {with}",
            request.message_id
        ),
        _ => Ok(()),
    }
}

/// Makes the change; true if anything is different then.
fn merge(stored: &mut Stored, request: &Amendment) -> Result<bool, Error> {
    let was = stored.clone();
    if let Some(word) = &request.state {
        let state = match word.as_str() {
            _ if !stored.is_out() => fail!("bad-request", "only outgoing messages have a `state`"),
            "queued" => State::Queued,
            "sent" => State::Sent,
            "failed" => State::Bounced,
            "delivered" => State::Delivered,
            _ => fail!("bad-request", "“{word}” is no `state`"),
        };
        let error = request.error.clone().filter(|_| state == State::Bounced);
        stored.advance(state, error);
    }
    let message = &mut stored.message;
    for field in &request.clear {
        match field.as_str() {
            "body" => message.body.clear(),
            "error" => message.error = None,
            "edited-at" => message.edited_at = None,
            key => message.extra.retain(|(k, _)| k != key),
        }
    }
    if let Some(body) = &request.body {
        message.body = message::clip(body.clone());
    }
    if let Some(at) = &request.edited_at {
        let Some(at) = datetime::parse(at) else {
            fail!("bad-request", "`edited_at` is no RFC 3339 time");
        };
        message.edited_at = Some(datetime::format(at));
    }
    if let Some(retracted) = request.retracted {
        message.retracted = retracted;
    }
    for (key, value) in &request.extra {
        stored.set_extra(key, value);
    }
    message::check_extra(&stored.message.extra)?;
    Ok(*stored != was)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::stored;
    use sat_sdk::Json;

    fn amendment() -> Amendment {
        Amendment {
            with: "juliet@capulet.lit".into(),
            message_id: "m1".into(),
            direction: "out".into(),
            state: None,
            error: None,
            body: None,
            edited_at: None,
            retracted: None,
            extra: Vec::new(),
            clear: Vec::new(),
        }
    }

    #[test]
    fn a_receipt_counts_once() {
        let receipt = Amendment {
            state: Some("delivered".into()),
            ..amendment()
        };
        let mut message = stored("out");
        assert!(merge(&mut message, &receipt).unwrap());
        assert_eq!(message.message.state, "delivered");
        assert!(!merge(&mut message, &receipt).unwrap());
        let bounce = Amendment {
            state: Some("failed".into()),
            error: Some("gone".into()),
            ..amendment()
        };
        assert!(!merge(&mut message, &bounce).unwrap());
        assert_eq!(message.message.error, None);
        assert!(merge(&mut stored("in"), &receipt).is_err());
    }

    #[test]
    fn corrections_and_extras() {
        let mut message = stored("in");
        let entry = ("sat:x/types.y".to_owned(), Json { text: "[1]".into() });
        let change = Amendment {
            body: Some("Ho".into()),
            edited_at: Some("2024-01-01T01:00:00+01:00".into()),
            extra: vec![entry],
            ..amendment()
        };
        assert!(merge(&mut message, &change).unwrap());
        assert!(!merge(&mut message, &change).unwrap());
        assert_eq!(message.message.body, "Ho");
        assert_eq!(
            message.message.edited_at.as_deref(),
            Some("2024-01-01T00:00:00.000Z")
        );
        let clear = ["sat:x/types.y", "edited-at", "body", "nothing"];
        let clear = clear.iter().map(|c| (*c).to_owned()).collect();
        let retraction = Amendment {
            retracted: Some(true),
            clear,
            ..amendment()
        };
        assert!(merge(&mut message, &retraction).unwrap());
        let now = &message.message;
        assert!(now.retracted && now.extra.is_empty() && now.body.is_empty());
        assert_eq!(now.edited_at, None);
    }

    #[test]
    fn refuses() {
        let word = |state: &str| Amendment {
            state: Some(state.into()),
            ..amendment()
        };
        let late = Amendment {
            edited_at: Some("later".into()),
            ..amendment()
        };
        for bad in [word("read"), late] {
            assert_eq!(
                merge(&mut stored("out"), &bad).unwrap_err().code,
                "bad-request"
            );
        }
    }
}
