//! A feature that this repository's host has never heard of.

use bindings::{
    acme::weather::{
        events,
        types::{Change, Report},
    },
    exports::acme::weather::weather,
};
use sat_sdk::{
    Error, Header, IqHandler, StanzaError,
    stanza::message,
    storage::{self, Migrations, Transaction, sql},
    xmpp::Outgoing,
};

sat_sdk::plugin!(Weather: IqHandler);

struct Weather;

static TABLES: Migrations = Migrations::new(
    "weather__schema",
    &[&["CREATE TABLE weather__note (number INTEGER NOT NULL PRIMARY KEY) STRICT"]],
);

/// In °C; the next version has another one.
const TEMPERATURE: i32 = if cfg!(feature = "next") { 30 } else { 20 };

impl weather::Guest for Weather {
    async fn get_today(city: String) -> Result<Report, Error> {
        Ok(Report {
            city,
            temperature: TEMPERATURE,
        })
    }

    async fn note(number: u32, how: String) -> Result<u32, Error> {
        TABLES.run().await?;
        events::changed(Change { number }).await;
        let insert = || {
            sql(
                "INSERT INTO weather__note (number) VALUES (?1)",
                [i64::from(number).into()],
            )
        };
        match how.as_str() {
            "emit" => {}
            "commit" => drop(storage::run(vec![insert()]).await?),
            "crash" => panic!("asked to crash before the commit"),
            "commit-crash" => {
                storage::run(vec![insert()]).await?;
                panic!("asked to crash behind the commit")
            }
            // The second one violates the primary key: both must not be there then.
            "bad-commit" => drop(storage::run(vec![insert(), insert()]).await?),
            // The manifest asks for no `xmpp`.
            "send" => {
                let send = vec![Outgoing::durable(message("a@b").body("It rains"))];
                let statements = vec![insert()];
                storage::commit(Transaction { statements, send }).await?;
            }
            _ => return Err(Error::new("bad-request", "no such way")),
        }
        Ok(number)
    }

    async fn noted() -> Result<Vec<u32>, Error> {
        TABLES.run().await?;
        let rows =
            storage::query(sql("SELECT number FROM weather__note ORDER BY number", [])).await?;
        Ok(rows
            .rows
            .iter()
            .filter_map(|r| u32::try_from(r.first()?.integer()?).ok())
            .collect())
    }
}

impl IqHandler for Weather {
    async fn on_iq(_: Header, payload: String) -> Result<Option<String>, StanzaError> {
        Ok(Some(payload))
    }
}
