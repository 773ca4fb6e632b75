//! How much plugins may use, and what is left when they use too much.

use std::time::{Duration, Instant};

use super::*;
use crate::{
    error::kind,
    store::{NewEvent, NewOutbox, OUTBOX_FULL, PLUGIN_BYTES_LIMIT, SQL_VALUE_LIMIT},
};

const ENDLESS: &str =
    "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

fn event() -> NewEvent {
    NewEvent::new("2026-01-01T00:00:00.000Z", "chat.message", "{}")
}

fn message(xml: String) -> NewOutbox {
    NewOutbox {
        to_bare: "a@b.example".to_owned(),
        stanza_id: "s".to_owned(),
        xml,
        created_at_ms: 0,
        expires_at_ms: None,
    }
}

async fn counts(db: &Fixture) -> (Value, i64, i64) {
    let rows = db.value("SELECT count(*) FROM chat__m").await;
    let events = db.db.events().last_cursor().await.unwrap();
    (rows, events, db.db.outbox_size().await.unwrap().0)
}

#[tokio::test]
async fn rows_events_and_messages_are_one() {
    let db = Fixture::new().await;
    let insert = "INSERT INTO chat__m (body) VALUES ('x')";
    let whole = Commit {
        statements: vec![statement(insert)],
        events: vec![event(), event()],
        outbox: vec![message("<message/>".to_owned())],
    };
    let result = db.db.commit("chat", whole.clone()).await.unwrap();
    assert_eq!((result.cursors, result.outbox_ids), (vec![1, 2], vec![1]));
    // UNIQUE (body) fails the second time, the outbox the third.
    assert!(db.db.commit("chat", whole).await.unwrap_err().is(kind::SQL));
    let outbox = (0..11).map(|_| message("x".repeat(10 << 20))).collect();
    let statements = vec![statement("INSERT INTO chat__m (body) VALUES ('y')")];
    let full = Commit {
        statements,
        events: vec![event()],
        outbox,
    };
    assert!(
        db.db
            .commit("chat", full)
            .await
            .unwrap_err()
            .is(OUTBOX_FULL)
    );
    assert_eq!(counts(&db).await, (Value::Integer(1), 2, 1));
}

#[tokio::test]
async fn an_interrupt_leaves_nothing() {
    let db = Fixture::new().await;
    let limits = Limits {
        time: Duration::from_millis(50),
        ..Limits::COMMIT
    };
    let endless = format!("INSERT INTO chat__m (body) {ENDLESS}");
    for sql in [endless.as_str(), ENDLESS] {
        let commit = Commit {
            statements: vec![
                statement("INSERT INTO chat__m (body) VALUES ('x')"),
                statement(sql),
            ],
            events: vec![event()],
            outbox: vec![message("<message/>".to_owned())],
        };
        let start = Instant::now();
        let error = db
            .db
            .commit_within("chat", commit, limits)
            .await
            .unwrap_err();
        assert!(error.is(kind::LIMIT), "{error}");
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "{:?}",
            start.elapsed()
        );
        assert_eq!(counts(&db).await, (Value::Integer(0), 0, 0));
    }
    let error = db
        .db
        .query("chat", statement(ENDLESS), limits)
        .await
        .unwrap_err();
    assert!(error.is(kind::LIMIT), "{error}");
    db.all(&["INSERT INTO chat__m (body) VALUES ('x')"]).await;
}

#[tokio::test]
async fn a_rollback_by_the_guest_leaves_nothing_and_harms_nobody() {
    let db = Fixture::new().await;
    db.all(&["INSERT INTO chat__m (body) VALUES ('taken')"])
        .await;
    let bad = [
        "INSERT INTO chat__m (body) VALUES ('x')",
        "INSERT OR ROLLBACK INTO chat__m (body) VALUES ('taken')",
    ];
    let good = ["INSERT INTO chat_rooms__r (secret) VALUES ('new')"];
    let (a, b, c) = tokio::join!(
        db.run("chat-rooms", &good),
        db.run("chat", &bad),
        db.run("chat-rooms", &good)
    );
    assert!(a.is_ok() && c.is_ok());
    assert!(b.unwrap_err().is(kind::SQL));
    assert_eq!(counts(&db).await.0, Value::Integer(1));
    let deferred = [
        "CREATE TABLE chat__c (m INTEGER REFERENCES chat__m (id)
            DEFERRABLE INITIALLY DEFERRED)",
        "INSERT INTO chat__c VALUES (99)",
    ];
    let (a, b) = tokio::join!(db.run("chat-rooms", &good), db.run("chat", &deferred));
    assert!(a.is_ok());
    assert!(b.unwrap_err().message.contains("FOREIGN KEY"));
}

#[tokio::test]
async fn sizes() {
    let db = Fixture::new().await;
    let named = |error: Error, name: &str| {
        assert!(
            error.is(kind::LIMIT) && error.message.contains(name),
            "{error}"
        );
    };
    let numbers = |count: u32| {
        format!(
            "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT {count})
            SELECT i FROM n"
        )
    };
    assert_eq!(db.query(&numbers(10_000)).await.unwrap().rows.len(), 10_000);
    named(
        db.query(&numbers(10_001)).await.unwrap_err(),
        "SQL_ROWS_LIMIT",
    );
    let wide = format!("SELECT zeroblob(200000) FROM ({})", numbers(25));
    named(db.query(&wide).await.unwrap_err(), "SQL_BYTES_LIMIT");
    let half = format!("SELECT zeroblob(200000) FROM ({})", numbers(15));
    named(db.refused(&[&half, &half]).await, "SQL_BYTES_LIMIT");
    named(db.refused(&["SELECT 1"; 513]).await, "SQL_STATEMENTS_LIMIT");
    assert_eq!(db.all(&["SELECT 1"; 512]).await.statements.len(), 512);
    named(
        db.refused(&[&format!("SELECT 1 --{}", "x".repeat(65_536))])
            .await,
        "SQL_TEXT_LIMIT",
    );
    let most = SQL_VALUE_LIMIT as usize;
    for (length, fits) in [(most - 100, true), (most + 1, false)] {
        let sql = "SELECT length(?1)".to_owned();
        let value = Statement {
            sql,
            params: vec![Value::Blob(vec![0; length])],
        };
        assert_eq!(
            db.db.query("chat", value, Limits::QUERY).await.is_ok(),
            fits
        );
        assert_eq!(
            db.query(&format!("SELECT length(zeroblob({length}))"))
                .await
                .is_ok(),
            fits
        );
    }
    // The host's own values may be longer: the limit is gone with the guest.
    let long = Commit {
        outbox: vec![message("x".repeat(most * 2))],
        ..Commit::default()
    };
    db.db.commit("chat", long).await.unwrap();
}

#[tokio::test]
async fn memory() {
    let _alone = MEMORY.write().await;
    let db = Fixture::with(None).await;
    let neighbour = Fixture::with(None).await;
    let hungry = "WITH RECURSIVE n (i, b) AS (VALUES (1, randomblob(250000))
        UNION ALL SELECT i + 1, randomblob(250000) FROM n WHERE i < 100000)
        SELECT i FROM n ORDER BY b";
    let insert = ["INSERT INTO chat__m (body) VALUES ('x')"];
    let start = Instant::now();
    let host = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        neighbour.db.events().append(vec![event()]).await
    };
    let (hungry, host) = tokio::join!(db.query(hungry), host);
    let error = hungry.unwrap_err();
    assert!(
        error.is(kind::LIMIT) && error.message.contains("SQL_MEMORY_LIMIT"),
        "{error}"
    );
    assert!(start.elapsed() < Duration::from_secs(2));
    host.unwrap();
    db.all(&insert).await;
    assert_eq!(db.value("SELECT 1").await, Value::Integer(1));
}

#[tokio::test]
async fn one_long_function() {
    let db = Fixture::new().await;
    let sql = "SELECT instr(zeroblob(250000), CAST(zeroblob(125000) || 'x' AS BLOB))";
    let start = Instant::now();
    let _ = db.query(sql).await;
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn objects() {
    let db = Fixture::new().await;
    let tables: Vec<String> = (0..300)
        .map(|number| format!("CREATE TABLE chat__t{number} (x)"))
        .collect();
    let tables: Vec<&str> = tables.iter().map(String::as_str).collect();
    let error = db.refused(&tables).await;
    assert!(
        error.is(kind::LIMIT) && error.message.contains("OBJECTS_LIMIT"),
        "{error}"
    );
}

#[tokio::test]
async fn space() {
    let db = Fixture::new().await;
    db.all(&["INSERT INTO chat__m (body) VALUES (hex(zeroblob(100000)))"])
        .await;
    let pages = async || {
        let sql = "SELECT pages FROM plugin_use WHERE plugin = 'chat'";
        db.db
            .db()
            .read(move |conn| Ok(conn.query_row(sql, [], |row| row.get(0))?))
            .await
            .unwrap()
    };
    let grown: i64 = pages().await;
    // The text lies in the table and in its UNIQUE index.
    assert!((98..130).contains(&grown), "{grown}");
    db.db
        .db()
        .write(|conn| {
            let full = PLUGIN_BYTES_LIMIT / 4096;
            Ok(conn.execute("UPDATE plugin_use SET pages = ?1", [full as i64])?)
        })
        .await
        .unwrap();
    let error = db
        .refused(&["INSERT INTO chat__m (body) VALUES (hex(zeroblob(110000)))"])
        .await;
    assert!(
        error.is(kind::LIMIT) && error.message.contains("PLUGIN_BYTES_LIMIT"),
        "{error}"
    );
    db.all(&["DELETE FROM chat__m"]).await;
    let left: i64 = pages().await;
    assert!(left < (PLUGIN_BYTES_LIMIT / 4096) as i64 - 90, "{left}");
}
