//! Keeps polls: questions with choices, and who chose what.

use bindings::acme::poll::{
    events,
    types::{Ballot, Choice, Poll as Item, Question},
};
use bindings::exports::acme::poll::poll;
use sat_sdk::storage::{self, Migrations, sql};
use sat_sdk::{Error, fail, random};

sat_sdk::plugin!(Poll);

struct Poll;

static SCHEMA: Migrations = Migrations::new(
    "poll__schema",
    &[&[
        "CREATE TABLE poll__poll (id TEXT PRIMARY KEY, question TEXT NOT NULL) STRICT",
        "CREATE TABLE poll__choice (poll TEXT, number INTEGER, text TEXT NOT NULL,
            PRIMARY KEY (poll, number)) STRICT",
        "CREATE TABLE poll__vote (poll TEXT, voter TEXT, choice INTEGER NOT NULL,
            PRIMARY KEY (poll, voter)) STRICT",
        "CREATE TABLE poll__closed (poll TEXT PRIMARY KEY) STRICT",
    ]],
);

sat_sdk::row!(Choice { text, votes });

impl poll::Guest for Poll {
    async fn create(request: Question) -> Result<Item, Error> {
        if request.text.trim().is_empty() || !(2..=20).contains(&request.choices.len()) {
            fail!("bad-request", "A poll has a question and 2 to 20 choices");
        }
        SCHEMA.run().await?;
        let choices = request.choices.into_iter();
        let poll = Item {
            id: random::id(),
            question: request.text,
            choices: choices.map(|text| Choice { text, votes: 0 }).collect(),
            open: true,
        };
        let insert = "INSERT INTO poll__poll (id, question) VALUES (?1, ?2)";
        let mut statements = vec![sql(insert, (&poll.id, &poll.question))];
        for (number, choice) in (1u32..).zip(&poll.choices) {
            let insert = "INSERT INTO poll__choice (poll, number, text) VALUES (?1, ?2, ?3)";
            statements.push(sql(insert, (&poll.id, number, &choice.text)));
        }
        // Emitted first, so that the event is part of the commit.
        events::created(poll.clone()).await;
        storage::run(statements).await?;
        Ok(poll)
    }

    async fn vote(request: Ballot) -> Result<(), Error> {
        let poll = Self::results(request.poll.clone()).await?;
        if !poll.open {
            fail!("conflict", "The poll is closed");
        }
        if !(1..=poll.choices.len()).contains(&(request.choice as usize)) {
            fail!("bad-request", "The choices are 1 to {}", poll.choices.len());
        }
        events::voted(request.clone()).await;
        let upsert = "INSERT INTO poll__vote (poll, voter, choice) VALUES (?1, ?2, ?3)
                      ON CONFLICT DO UPDATE SET choice = excluded.choice";
        storage::execute(upsert, (request.poll, request.voter, request.choice)).await?;
        Ok(())
    }

    async fn close(id: String) -> Result<Item, Error> {
        let mut poll = Self::results(id.clone()).await?;
        poll.open = false;
        events::closed(poll.clone()).await;
        // The key lets one of several calls close it; the event of the others goes with the commit.
        let insert = "INSERT INTO poll__closed (poll) VALUES (?1)";
        let closed = storage::execute(insert, (id,)).await;
        closed.map_err(|_| Error::new("conflict", "The poll is closed already"))?;
        Ok(poll)
    }

    async fn results(id: String) -> Result<Item, Error> {
        SCHEMA.run().await?;
        let select = "SELECT question, id NOT IN (SELECT poll FROM poll__closed)
                      FROM poll__poll WHERE id = ?1";
        let Some((question, open)) = storage::select_one(select, (&id,)).await? else {
            fail!("item-not-found", "There is no poll {id}");
        };
        let select = "SELECT text, count(voter) FROM poll__choice c
                      LEFT JOIN poll__vote v ON v.poll = c.poll AND v.choice = c.number
                      WHERE c.poll = ?1 GROUP BY number ORDER BY number";
        Ok(Item {
            choices: storage::select(select, (&id,)).await?,
            id,
            question,
            open,
        })
    }
}

#[cfg(test)]
mod tests;
