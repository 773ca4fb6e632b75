//! Up to where the messages of the archive are here.
//!
//! The cursor may lie behind, which costs asking for messages that are known; it must never lie
//! ahead of a message that is not stored, which would lose it.

use sat_sdk::{Error, datetime, storage};
use std::cell::RefCell;

/// Key of the cursor.
const KEY: &str = "cursor";
/// How old the id of a live message is before it becomes the cursor. By then its handlers and
/// those of all messages before it are through: each has seconds at most.
const AGE_MS: i64 = 60_000;

/// A place in the archive.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Id of the last message that is here; none while the archive was empty.
    pub(crate) id: Option<String>,
    /// When it was sent, for when the archive has forgotten the id.
    pub(crate) stamp: Option<String>,
    /// Whether messages that come by themselves continue from it: there is no gap.
    pub(crate) caught_up: bool,
}

#[derive(Default)]
struct Memory {
    /// The cursor as it is stored, if it was read.
    cursor: Option<Cursor>,
    /// The next one, and since when it is known.
    next: Option<(Cursor, i64)>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = const { RefCell::new(Memory { cursor: None, next: None }) };
}

/// The cursor; none when the archive was never asked.
pub(crate) async fn load() -> Result<Option<Cursor>, Error> {
    if let Some(cursor) = MEMORY.with_borrow(|memory| memory.cursor.clone()) {
        return Ok(Some(cursor));
    }
    let cursor = storage::get_text(KEY).await?.and_then(|text| decode(&text));
    MEMORY.with_borrow_mut(|memory| memory.cursor.clone_from(&cursor));
    Ok(cursor)
}

/// Moves the cursor.
pub(crate) async fn store(cursor: Cursor) -> Result<(), Error> {
    storage::set_text(KEY, &encode(&cursor)).await?;
    let cursor = Some(cursor);
    MEMORY.set(Memory { cursor, next: None });
    Ok(())
}

/// A message with this id came by itself. Moves the cursor once a minute at most.
pub(crate) async fn seen(id: String, stamp: String) -> Result<(), Error> {
    if !load().await?.is_some_and(|cursor| cursor.caught_up) {
        return Ok(());
    }
    let new = Cursor {
        id: Some(id),
        stamp: Some(stamp),
        caught_up: true,
    };
    let due = MEMORY.with_borrow_mut(|memory| due(&mut memory.next, new, datetime::now_ms()));
    if let Some(cursor) = due {
        storage::set_text(KEY, &encode(&cursor)).await?;
        MEMORY.with_borrow_mut(|memory| memory.cursor = Some(cursor));
    }
    Ok(())
}

/// Takes the next cursor when it is old enough, and puts `new` in its place.
fn due(next: &mut Option<(Cursor, i64)>, new: Cursor, now: i64) -> Option<Cursor> {
    match next {
        Some((_, since)) if now - *since < AGE_MS => None,
        _ => next.replace((new, now)).map(|(cursor, _)| cursor),
    }
}

/// A line each: whether it is caught up, the stamp, the id.
fn encode(cursor: &Cursor) -> String {
    let caught_up = if cursor.caught_up {
        "current"
    } else {
        "behind"
    };
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    [caught_up, &text(&cursor.stamp), &text(&cursor.id)].join("\n")
}

fn decode(text: &str) -> Option<Cursor> {
    let mut parts = text.splitn(3, '\n');
    let caught_up = parts.next()? == "current";
    let mut part = || {
        parts
            .next()
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
    };
    let (stamp, id) = (part(), part());
    Some(Cursor {
        id,
        stamp,
        caught_up,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(id: &str) -> Cursor {
        Cursor {
            id: Some(id.into()),
            stamp: Some("2024-01-01T00:00:00Z".into()),
            caught_up: true,
        }
    }

    #[test]
    fn is_written_and_read() {
        for cursor in [
            cursor("a\nb"),
            Cursor::default(),
            Cursor {
                caught_up: false,
                ..cursor("x")
            },
        ] {
            assert_eq!(decode(&encode(&cursor)), Some(cursor));
        }
    }

    #[test]
    fn follows_live_messages_a_minute_later() {
        let mut next = None;
        assert_eq!(due(&mut next, cursor("1"), 0), None);
        assert_eq!(due(&mut next, cursor("2"), AGE_MS - 1), None);
        assert_eq!(due(&mut next, cursor("3"), AGE_MS), Some(cursor("1")));
        assert_eq!(due(&mut next, cursor("4"), AGE_MS + 1), None);
        assert_eq!(due(&mut next, cursor("5"), 5 * AGE_MS), Some(cursor("3")));
    }
}
