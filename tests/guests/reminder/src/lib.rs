//! Sets timers and remembers which have fired.

use bindings::{acme::reminder::types::Firing, exports::acme::reminder::reminder};
use sat_sdk::{
    Error, Timer, TimerHandler, datetime, random,
    storage::{self, Migrations, Value, sql},
    timers,
};
use std::time::Duration;

sat_sdk::plugin!(Reminder: TimerHandler);

struct Reminder;

static TABLES: Migrations = Migrations::new(
    "reminder__schema",
    &[&["CREATE TABLE reminder__fired (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            payload TEXT NOT NULL,
            at TEXT NOT NULL,
            began TEXT NOT NULL,
            ended TEXT NOT NULL
        ) STRICT"]],
);

impl reminder::Guest for Reminder {
    async fn set(name: String, at: String, payload: String) -> Result<(), Error> {
        timers::set(Timer { name, at, payload }).await
    }

    async fn set_in(name: String, delay_ms: u64, payload: String) -> Result<(), Error> {
        timers::set_in(&name, Duration::from_millis(delay_ms), &payload).await
    }

    async fn cancel(name: String) -> Result<bool, Error> {
        timers::cancel(name).await
    }

    async fn listed(after: Option<String>, limit: u32) -> Result<Vec<String>, Error> {
        let found = timers::list(after, limit).await?;
        Ok(found.into_iter().map(|timer| timer.name).collect())
    }

    async fn fired() -> Result<Vec<Firing>, Error> {
        TABLES.run().await?;
        let select = "SELECT name, payload, at, began, ended FROM reminder__fired ORDER BY id";
        let found = storage::query(sql(select, [])).await?;
        Ok(found.rows.into_iter().filter_map(firing).collect())
    }

    async fn draw() -> Result<String, Error> {
        Ok(random::id())
    }
}

impl TimerHandler for Reminder {
    async fn on_timer(timer: Timer) -> Result<(), Error> {
        TABLES.run().await?;
        let began = datetime::now();
        match timer.payload.as_str() {
            "fail" => return Err(Error::new("no-such-luck", "It fails each time")),
            "trap" if storage::get("trapped".into()).await?.is_none() => {
                storage::set("trapped".into(), Vec::new()).await?;
                panic!("asked to crash the first time");
            }
            "slow" => std::thread::sleep(Duration::from_secs(10)),
            _ => {}
        }
        let row = [timer.name, timer.payload, timer.at, began, datetime::now()];
        let insert = "INSERT INTO reminder__fired (name, payload, at, began, ended)
                      VALUES (?1, ?2, ?3, ?4, ?5)";
        storage::run(vec![sql(insert, row.map(Value::from))]).await?;
        Ok(())
    }
}

fn firing(row: Vec<Value>) -> Option<Firing> {
    let [name, payload, at, began, ended] = row.try_into().ok()?;
    Some(Firing {
        name: name.into_text(),
        payload: payload.into_text(),
        at: at.into_text(),
        began: began.into_text(),
        ended: ended.into_text(),
    })
}
