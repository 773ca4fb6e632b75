//! Receives the events of weather, and looks where it should not.

use bindings::{
    acme::weather::types::Change,
    exports::acme::{listener::listener, weather::events},
};
use sat_sdk::{
    Error,
    storage::{self, Migrations, Value, sql},
};

sat_sdk::plugin!(Listener);

struct Listener;

static TABLES: Migrations = Migrations::new(
    "listener__schema",
    &[&["CREATE TABLE listener__seen (id INTEGER PRIMARY KEY, number INTEGER NOT NULL) STRICT"]],
);

impl listener::Guest for Listener {
    async fn seen() -> Result<Vec<u32>, Error> {
        TABLES.run().await?;
        let rows = storage::query(sql("SELECT number FROM listener__seen ORDER BY id", [])).await?;
        Ok(rows
            .rows
            .iter()
            .filter_map(|r| u32::try_from(r.first()?.integer()?).ok())
            .collect())
    }

    async fn sql(text: String) -> Result<Vec<String>, Error> {
        let done = storage::run(vec![sql(&text, [])]).await?;
        let values =
            done.results
                .into_iter()
                .flat_map(|r| r.rows)
                .flatten()
                .map(|value| match value {
                    Value::Integer(n) => n.to_string(),
                    value => value.into_text(),
                });
        Ok(values.collect())
    }

    async fn read_key(key: String) -> Result<Option<String>, Error> {
        Ok(storage::get(key)
            .await?
            .map(|b| String::from_utf8_lossy(&b).into_owned()))
    }

    async fn write_key(key: String, value: String) -> Result<(), Error> {
        storage::set(key, value.into_bytes()).await
    }
}

impl events::Guest for Listener {
    async fn changed(e: Change) {
        let insert = sql(
            "INSERT INTO listener__seen (number) VALUES (?1)",
            [i64::from(e.number).into()],
        );
        let stored = async {
            TABLES.run().await?;
            storage::run(vec![insert]).await
        };
        if let Err(e) = stored.await {
            sat_sdk::error!("not stored: {}", e.message);
        }
    }
}
