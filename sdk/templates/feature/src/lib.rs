//! Keeps notes: two methods, an event, and a table.

use bindings::{
    {{namespace_snake}}::{{snake}}::{events, types::Note},
    exports::{{namespace_snake}}::{{snake}}::{{snake}},
};
use sat_sdk::{
    Error, datetime, random,
    storage::{self, Migrations, sql},
};

sat_sdk::plugin!({{Name}});

struct {{Name}};

static SCHEMA: Migrations = Migrations::new(
    "{{snake}}__schema",
    // Steps that were released never change: add new ones at the end.
    &[&["CREATE TABLE {{snake}}__note (
            id TEXT NOT NULL UNIQUE,
            text TEXT NOT NULL,
            at TEXT NOT NULL
        ) STRICT"]],
);

impl {{snake}}::Guest for {{Name}} {
    async fn add(text: String) -> Result<Note, Error> {
        let note = Note {
            id: random::id(),
            text: checked(&text)?,
            at: datetime::now(),
        };
        SCHEMA.run().await?;
        // Emitted first, so that the event is part of the commit: both are on disk, or neither.
        events::added(note.clone()).await;
        let insert = "INSERT INTO {{snake}}__note (id, text, at) VALUES (?1, ?2, ?3)";
        let row = [&note.id, &note.text, &note.at].map(|value| value.as_str().into());
        storage::run(vec![sql(insert, row)]).await?;
        Ok(note)
    }

    async fn newest(limit: Option<u32>) -> Result<Vec<Note>, Error> {
        SCHEMA.run().await?;
        let limit = i64::from(limit.unwrap_or(20).min(1000));
        let select = "SELECT id, text, at FROM {{snake}}__note ORDER BY rowid DESC LIMIT ?1";
        let rows = storage::select(select, [limit.into()]).await?;
        let note = |(id, text, at)| Note { id, text, at };
        Ok(rows.into_iter().map(note).collect())
    }
}

/// The text without blanks around it.
fn checked(text: &str) -> Result<String, Error> {
    match text.trim() {
        "" => Err(Error::new("bad-request", "The note is empty")),
        text => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_says_something() {
        assert_eq!(checked("  milk\n").unwrap(), "milk");
        assert_eq!(checked(" \n").unwrap_err().code, "bad-request");
    }
}
