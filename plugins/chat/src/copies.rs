//! Copies: the same message by another way.

use crate::{bindings::sat::chat::types::Message, message::Stored, table};
use sat_sdk::{
    Error,
    storage::{self, Statement, Value, sql},
};

/// Stored messages with one of its ids that are compared with one that comes: some scripts call
/// every message the same.
const CANDIDATES: u32 = 20;

/// What is known of a message that comes.
#[derive(Default)]
pub(crate) struct Known {
    /// How far its conversation was read; none when there is no such conversation.
    pub(crate) read: Option<(i64, i64)>,
    /// The same message, when it is stored already.
    pub(crate) copy: Option<Stored>,
}

/// Looks a message up.
pub(crate) async fn find(new: &Message) -> Result<Known, Error> {
    let ids = Ids::of(new);
    let (mut known, mut candidates) = (Known::default(), false);
    let Statement { sql, params } = ids.any();
    for row in storage::select::<(Option<i64>, Option<i64>)>(&sql, params).await? {
        match row {
            (Some(stamp), Some(row)) => known.read = Some((stamp, row)),
            _ => candidates = true,
        }
    }
    if candidates {
        let (condition, values) = ids.same(new.direction == "out");
        let found = table::select(&condition, values).await?;
        known.copy = found.into_iter().find(|old| is_copy(new, &old.message));
    }
    Ok(known)
}

/// Where messages with the ids of a new one may be.
struct Ids {
    /// The values of the statements; the first is whom the conversation is with.
    values: Vec<Value>,
    /// Conditions on `chat__message`.
    messages: Vec<String>,
    /// Conditions on `chat__stanza_id`.
    stanza_ids: Vec<String>,
}

impl Ids {
    fn of(new: &Message) -> Self {
        let values = vec![new.with.as_str().into()];
        let mut ids = Self {
            values,
            messages: Vec::new(),
            stanza_ids: Vec::new(),
        };
        if let Some(id) = &new.message_id {
            let id = ids.value(id);
            ids.messages.push(format!("message_id = {id}"));
        }
        // Nearly all clients give both ids the same value.
        if let Some(id) = new
            .origin_id
            .as_ref()
            .filter(|id| new.message_id.as_ref() != Some(*id))
        {
            let id = ids.value(id);
            ids.messages.push(format!("message_id = {id}"));
        }
        if let Some(id) = &new.origin_id {
            let id = ids.value(id);
            ids.messages
                .push(format!("origin_id = {id} AND origin_id <> message_id"));
        }
        for id in &new.stanza_ids {
            let (id, by) = (ids.value(&id.id), ids.value(&id.by));
            ids.stanza_ids.push(format!("id = {id} AND archive = {by}"));
        }
        ids
    }

    /// Adds a value; gives the place that stands for it.
    fn value(&mut self, value: &str) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }

    /// The read mark, and a row with NULL for each id that any message has. Nearly every message
    /// is new, and this is all that it takes to know.
    fn any(&self) -> Statement {
        let mut select =
            "SELECT read_stamp, read_row FROM chat__conversation WHERE peer = ?1".to_owned();
        let messages = self.messages.iter().map(|way| ("chat__message", way));
        let stanza_ids = self.stanza_ids.iter().map(|way| ("chat__stanza_id", way));
        for (table, way) in messages.chain(stanza_ids) {
            select.push_str(&format!(
                " UNION ALL SELECT NULL, NULL WHERE EXISTS (SELECT 1 FROM {table} WHERE {way})"
            ));
        }
        sql(&select, self.values.clone())
    }

    /// What selects the messages to compare. Only those on the same side of the same
    /// conversation: what others call their messages doesn't matter, so nobody can hide somebody
    /// else's.
    fn same(mut self, out: bool) -> (String, Vec<Value>) {
        let newest = format!("ORDER BY row DESC LIMIT {CANDIDATES}");
        let messages = self.messages.iter().map(|way| {
            format!(
                "SELECT * FROM (SELECT row FROM chat__message WHERE {way} AND conversation = \
                 (SELECT row FROM chat__conversation WHERE peer = ?1) {newest})"
            )
        });
        let stanza_ids = self.stanza_ids.iter().map(|way| {
            format!(
                "SELECT * FROM (SELECT message FROM chat__stanza_id WHERE {way} LIMIT {CANDIDATES})"
            )
        });
        let rows = messages
            .chain(stanza_ids)
            .collect::<Vec<_>>()
            .join(" UNION ALL ");
        self.values.push(out.into());
        // The `+` keep SQLite from walking through the whole conversation instead.
        let side = format!("+c.peer = ?1 AND +m.out = ?{}", self.values.len());
        (
            format!("m.row IN ({rows}) AND {side} ORDER BY m.row DESC"),
            self.values,
        )
    }
}

/// Whether a message is one that came, or was sent, before. Both are of the same side of the
/// same conversation, so of the same sender.
fn is_copy(new: &Message, old: &Message) -> bool {
    if new.stanza_ids.iter().any(|id| old.stanza_ids.contains(id)) {
        return true;
    }
    let is = |id: &Option<String>| id.is_some() && (*id == old.origin_id || *id == old.message_id);
    let ours = old.direction == "out";
    // The sender's client made this id for this message: a second one in the archive is a second
    // try, after a crash say.
    if is(&new.origin_id) && (ours || old.body == new.body) {
        return true;
    }
    // Otherwise one archive's two ids are two messages, whatever their sender calls them.
    let archived = |by: &str| old.stanza_ids.iter().any(|id| id.by == by);
    if new.stanza_ids.iter().any(|id| archived(&id.by)) {
        return false;
    }
    // Some clients count from 1 after each start, and some scripts call every message the same:
    // of others, equal ids alone are no proof. Our own copies may have another body, when it was
    // encrypted.
    is(&new.message_id) && (ours || old.body == new.body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{incoming::read, place};
    use sat_sdk::{PeerKind, StanzaId};

    const ME: &str = "romeo@montague.lit";
    const JULIET: &str = "juliet@capulet.lit/balcony";

    fn incoming(id: Option<&str>, origin: Option<&str>, archived: Option<(&str, &str)>) -> Message {
        let mut header = place::tests::header(Some(JULIET), Some(ME), PeerKind::Contact);
        header.id = id.map(str::to_owned);
        header.stanza_ids = archived
            .into_iter()
            .map(|(id, by)| StanzaId {
                id: id.into(),
                by: by.into(),
            })
            .collect();
        let place = place::of(&header, ME).unwrap();
        read(header, place, "Hi".into(), origin.map(str::to_owned), 0).message
    }

    #[test]
    fn copies() {
        let live = incoming(Some("1"), Some("o"), Some(("a1", ME)));
        for (copy, expected) in [
            (incoming(Some("1"), Some("o"), Some(("a1", ME))), true),
            (incoming(None, None, Some(("a1", ME))), true),
            // Without an archive's word, the sender's ids count …
            (incoming(Some("x"), Some("o"), None), true),
            (incoming(Some("1"), None, None), true),
            (incoming(Some("o"), None, None), true),
            // … and one made for this message counts always: it was sent twice.
            (incoming(Some("1"), Some("o"), Some(("a2", ME))), true),
            // Two other equal ids in one archive are two messages.
            (incoming(Some("1"), None, Some(("a2", ME))), false),
            // Another archive's equal id is another id.
            (
                incoming(None, None, Some(("a1", "verona@rooms.lit"))),
                false,
            ),
            (incoming(None, None, None), false),
            (incoming(Some("2"), Some("p"), None), false),
        ] {
            assert_eq!(is_copy(&copy, &live), expected, "{copy:?}");
        }
        let nameless = incoming(None, None, None);
        assert!(!is_copy(&nameless, &nameless));
    }

    #[test]
    fn equal_ids_of_other_texts_are_other_messages() {
        let old = incoming(Some("1"), None, None);
        let mut new = old.clone();
        new.body = "Ho".into();
        assert!(!is_copy(&new, &old));
        let mut ours = old.clone();
        ours.direction = "out".into();
        assert!(is_copy(&new, &ours));
    }

    #[test]
    fn looks_under_each_id_once() {
        let ids = |id, origin, archived| Ids::of(&incoming(id, origin, archived));
        let usual = ids(Some("1"), Some("1"), Some(("a1", ME)));
        assert_eq!(
            (
                usual.messages.len(),
                usual.stanza_ids.len(),
                usual.values.len()
            ),
            (2, 1, 5)
        );
        assert_eq!(ids(Some("1"), Some("2"), None).messages.len(), 3);
        let none = ids(None, None, None);
        assert!(!none.any().sql.contains("UNION"));
    }
}
