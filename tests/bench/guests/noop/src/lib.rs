//! Methods that do nothing, or next to nothing.

use bindings::{
    bench::noop::{events, types::Written},
    exports::bench::noop::noop,
};
use sat_sdk::{
    Error,
    storage::{self, Migrations, sql},
};

sat_sdk::plugin!(Noop);

struct Noop;

static TABLES: Migrations = Migrations::new(
    "bench_noop__schema",
    &[&["CREATE TABLE bench_noop__row (number INTEGER NOT NULL) STRICT"]],
);

impl noop::Guest for Noop {
    async fn nothing() -> Result<(), Error> {
        Ok(())
    }

    async fn write(number: u32) -> Result<(), Error> {
        TABLES.run().await?;
        events::wrote(Written { number }).await;
        let number = i64::from(number);
        storage::run(vec![sql(
            "INSERT INTO bench_noop__row (number) VALUES (?1)",
            [number.into()],
        )])
        .await?;
        Ok(())
    }
}
