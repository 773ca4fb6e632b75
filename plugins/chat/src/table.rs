//! Conversations and messages on disk.

use crate::{
    bindings::sat::chat::types::Message,
    message::{State, Stored, id},
};
use sat_sdk::{
    Error, Json, StanzaId, Via, datetime, fail,
    storage::{self, Migrations, Params, Statement, Value, named, sql},
};

/// The tables. Times are in milliseconds since 1970.
///
/// Everything in a conversation up to `(read_stamp, read_row)` counts as read, so no message has
/// a mark of its own. The full-text index holds words only: what it finds, it finds in
/// `chat__message`; the triggers keep it equal.
static SCHEMA: Migrations = Migrations::new(
    "chat__schema",
    &[&[
        "CREATE TABLE chat__conversation (
            row INTEGER PRIMARY KEY,
            peer TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            read_stamp INTEGER NOT NULL,
            read_row INTEGER NOT NULL,
            last_stamp INTEGER NOT NULL,
            last_row INTEGER NOT NULL
        ) STRICT",
        "CREATE TABLE chat__message (
            row INTEGER PRIMARY KEY,
            conversation INTEGER NOT NULL,
            out INTEGER NOT NULL,
            sender TEXT NOT NULL,
            occupant TEXT,
            message_id TEXT,
            origin_id TEXT,
            via TEXT NOT NULL,
            body TEXT NOT NULL,
            stamp INTEGER NOT NULL,
            edited_at INTEGER,
            retracted INTEGER NOT NULL DEFAULT 0,
            state INTEGER NOT NULL,
            error TEXT
        ) STRICT",
        "CREATE INDEX chat__message_order ON chat__message (conversation, stamp, row, out)",
        "CREATE INDEX chat__message_id ON chat__message (message_id, conversation)
            WHERE message_id IS NOT NULL",
        // Nearly all clients give both ids the same value.
        "CREATE INDEX chat__message_origin ON chat__message (origin_id, conversation)
            WHERE origin_id <> message_id",
        "CREATE TABLE chat__stanza_id (
            id TEXT NOT NULL,
            archive TEXT NOT NULL,
            message INTEGER NOT NULL,
            PRIMARY KEY (id, archive, message)
        ) STRICT, WITHOUT ROWID",
        "CREATE INDEX chat__stanza_id_message ON chat__stanza_id (message)",
        "CREATE TABLE chat__extra (
            message INTEGER NOT NULL,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (message, key)
        ) STRICT, WITHOUT ROWID",
        "CREATE VIRTUAL TABLE chat__fts USING fts5(body, content='chat__message',
            content_rowid='row', columnsize=0, tokenize='unicode61 remove_diacritics 2')",
        "CREATE TRIGGER chat__fts_insert AFTER INSERT ON chat__message BEGIN
            INSERT INTO chat__fts (rowid, body) VALUES (new.row, new.body);
        END",
        "CREATE TRIGGER chat__fts_update AFTER UPDATE OF body ON chat__message BEGIN
            INSERT INTO chat__fts (chat__fts, rowid, body) VALUES ('delete', old.row, old.body);
            INSERT INTO chat__fts (rowid, body) VALUES (new.row, new.body);
        END",
        "CREATE TRIGGER chat__fts_delete AFTER DELETE ON chat__message BEGIN
            INSERT INTO chat__fts (chat__fts, rowid, body) VALUES ('delete', old.row, old.body);
        END",
    ]],
);

/// What [`stored`] reads, of a message `m` in a conversation `c`. Lists come as one text, with
/// separators that neither XML nor JSON can contain.
pub(crate) const COLUMNS: &str = "m.row, m.state, m.message_id, m.origin_id,
    (SELECT group_concat(s.id || char(31) || s.archive, char(30))
        FROM chat__stanza_id s WHERE s.message = m.row),
    c.kind, c.peer, m.out, m.sender, m.occupant, m.via, m.body, m.stamp, m.edited_at, m.retracted,
    m.error, NOT m.out AND (m.stamp, m.row) > (c.read_stamp, c.read_row),
    (SELECT group_concat(e.key || char(31) || e.value, char(30))
        FROM chat__extra e WHERE e.message = m.row)";

/// Between the entries of a list, and between the parts of an entry.
const SEPARATORS: [char; 2] = ['\u{1e}', '\u{1f}'];

/// The tables that [`COLUMNS`] are of.
pub(crate) const MESSAGES: &str =
    "chat__message m JOIN chat__conversation c ON c.row = m.conversation";

/// Makes the tables, the first time.
pub(crate) async fn ready() -> Result<(), Error> {
    SCHEMA.run().await
}

/// A message to be stored.
pub(crate) struct New<'a> {
    pub(crate) stored: &'a Stored,
    /// The message's time again, as the table has it.
    pub(crate) stamp: i64,
}

/// The statements that store a message.
pub(crate) fn insert(new: &New<'_>) -> Vec<Statement> {
    let Stored {
        row,
        state,
        message,
    } = new.stored;
    let (row, stamp, out) = (*row, new.stamp, new.stored.is_out());
    // A conversation begins read up to what is now its first message: what is fetched from
    // before it, later, is no news.
    let upsert = "INSERT INTO chat__conversation
            (peer, kind, read_stamp, read_row, last_stamp, last_row)
        VALUES (?1, ?2, ?3, ?4 - 1, ?3, ?4)
        ON CONFLICT (peer) DO UPDATE SET last_stamp = ?3, last_row = ?4
        WHERE (last_stamp, last_row) < (?3, ?4)";
    let with = message.with.as_str();
    let insert = "INSERT INTO chat__message (row, conversation, out, sender, occupant, message_id,
            origin_id, via, body, stamp, state)
        SELECT :row, row, :out, :sender, :occupant, :message_id, :origin_id, :via, :body, :stamp,
            :state
        FROM chat__conversation WHERE peer = :with";
    let values = [
        ("row", row.into()),
        ("with", with.into()),
        ("out", out.into()),
        ("sender", (&message.sender).into()),
        ("occupant", (&message.occupant).into()),
        ("message_id", (&message.message_id).into()),
        ("origin_id", (&message.origin_id).into()),
        ("via", message.via.into()),
        ("body", (&message.body).into()),
        ("stamp", stamp.into()),
        ("state", (*state as i64).into()),
    ];
    let mut statements = vec![
        sql(upsert, (with, &message.kind, stamp, row)),
        named(insert, &values),
    ];
    statements.extend(insert_stanza_ids(row, &message.stanza_ids));
    let extra = message.extra.iter();
    statements.extend(extra.map(|(key, value)| set_extra(row, key, value)));
    if out {
        // Who writes has read.
        statements.push(mark_read(with, stamp, row));
    }
    statements
}

/// Marks a conversation as read up to a message, if it wasn't.
pub(crate) fn mark_read(with: &str, stamp: i64, row: i64) -> Statement {
    let update = "UPDATE chat__conversation SET read_stamp = ?2, read_row = ?3
        WHERE peer = ?1 AND (read_stamp, read_row) < (?2, ?3)";
    sql(update, (with, stamp, row))
}

fn insert_stanza_ids(row: i64, ids: &[StanzaId]) -> Option<Statement> {
    let places = vec!["(?, ?, ?)"; ids.len()].join(", ");
    let insert =
        format!("INSERT OR IGNORE INTO chat__stanza_id (id, archive, message) VALUES {places}");
    let values = ids.iter().flat_map(|i| (&i.id, &i.by, row).values());
    (!ids.is_empty()).then(|| sql(&insert, values.collect::<Vec<_>>()))
}

fn set_extra(row: i64, key: &str, value: &Json) -> Statement {
    let replace = "INSERT OR REPLACE INTO chat__extra (message, key, value) VALUES (?1, ?2, ?3)";
    sql(replace, (row, key, &value.text))
}

/// The statements that make a stored message what it is now. They write what differs and nothing
/// else, and never take a state back: another change may come in between.
pub(crate) fn update(was: &Stored, now: &Stored) -> Vec<Statement> {
    let (old, new) = (&was.message, &now.message);
    let (mut set, mut values): (Vec<&str>, Vec<Value>) = Default::default();
    if old.body != new.body {
        set.push("body = ?");
        values.push((&new.body).into());
    }
    if old.edited_at != new.edited_at {
        set.push("edited_at = ?");
        values.push(new.edited_at.as_deref().and_then(datetime::parse).into());
    }
    if old.retracted != new.retracted {
        set.push("retracted = ?");
        values.push(new.retracted.into());
    }
    if was.state != now.state || old.error != new.error {
        set.push("state = max(state, ?), error = iif(state > ?, error, ?)");
        let state = now.state as i64;
        values.extend((state, state, &new.error).values());
    }
    let mut statements = Vec::new();
    if !set.is_empty() {
        values.push(now.row.into());
        let update = format!("UPDATE chat__message SET {} WHERE row = ?", set.join(", "));
        statements.push(sql(&update, values));
    }
    if new.stanza_ids.len() > old.stanza_ids.len() {
        statements.extend(insert_stanza_ids(now.row, &new.stanza_ids));
    }
    for (key, value) in new.extra.iter().filter(|entry| !old.extra.contains(entry)) {
        statements.push(set_extra(now.row, key, value));
    }
    let is_there = |key: &str| new.extra.iter().any(|(k, _)| k == key);
    for (key, _) in old.extra.iter().filter(|(key, _)| !is_there(key)) {
        let delete = "DELETE FROM chat__extra WHERE message = ?1 AND key = ?2";
        statements.push(sql(delete, (now.row, key)));
    }
    statements
}

/// The messages that a condition on `m` and `c` selects.
pub(crate) async fn select(condition: &str, values: impl Params) -> Result<Vec<Stored>, Error> {
    let select = format!("SELECT {COLUMNS}, 1 FROM {MESSAGES} WHERE {condition}");
    let rows = storage::select(&select, values).await?;
    Ok(rows.into_iter().map(stored).collect())
}

/// A message's place in the order of its conversation; `item-not-found` when there is none.
pub(crate) async fn position(row: i64) -> Result<(i64, i64), Error> {
    let select = "SELECT stamp, row FROM chat__message WHERE row = ?1";
    match storage::select_one(select, (row,)).await? {
        Some(place) => Ok(place),
        None => fail!("item-not-found", "there is no message “{}”", id(row)),
    }
}

/// Optional text.
type Text = Option<String>;

/// [`COLUMNS`], and in a list how many messages it has.
#[rustfmt::skip]
pub(crate) type Columns = (
    i64, i64, Text, Text, Text, String, String, bool, String, Text, Via, String, i64, Option<i64>,
    bool, Text, bool, Text, u32,
);

/// The message in a row.
#[rustfmt::skip]
pub(crate) fn stored(columns: Columns) -> Stored {
    let (
        row, state, message_id, origin_id, stanza_ids, kind, with, out, sender, occupant, via, body,
        stamp, edited_at, retracted, error, unread, extra, _,
    ) = columns;
    let state = State::from_number(state);
    let message = Message {
        id: id(row),
        message_id,
        origin_id,
        stanza_ids: list(stanza_ids, |id, by| StanzaId { id, by }),
        kind,
        with,
        direction: if out { "out" } else { "in" }.into(),
        sender,
        occupant,
        via,
        body,
        stamp: datetime::format(stamp),
        edited_at: edited_at.map(datetime::format),
        retracted,
        state: if out { state.word() } else { "received" }.into(),
        error,
        unread,
        extra: list(extra, |key, text| (key, Json { text })),
    };
    Stored { row, state, message }
}

fn list<T>(text: Text, entry: fn(String, String) -> T) -> Vec<T> {
    let [entries, parts] = SEPARATORS;
    let pairs = text.iter().flat_map(|text| text.split(entries));
    let pairs = pairs.filter_map(|pair| pair.split_once(parts));
    pairs
        .map(|(a, b)| entry(a.to_owned(), b.to_owned()))
        .collect()
}
