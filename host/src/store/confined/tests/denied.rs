//! What plugins may not do.

use super::*;
use crate::error::kind;

#[tokio::test]
async fn single_statements() {
    let db = Fixture::new().await;
    db.all(&["CREATE VIRTUAL TABLE chat__x USING fts5(body)"])
        .await;
    for sql in [
        "SELECT * FROM event",
        "SELECT data FROM event",
        "SELECT count(*) FROM event",
        "SELECT count(*) FROM chat_rooms__r",
        "SELECT secret FROM chat_rooms__r",
        "SELECT * FROM chat_rooms__f",
        "SELECT 1 FROM chat_rooms__r",
        "WITH x AS (SELECT * FROM chat_rooms__r) SELECT count(*) FROM x",
        "SELECT (SELECT secret FROM chat_rooms__r)",
        "SELECT * FROM account",
        "SELECT * FROM sqlite_master",
        "SELECT count(*) FROM sqlite_master",
        "SELECT name FROM sqlite_schema",
        "SELECT * FROM sqlite_temp_master",
        "SELECT * FROM sqlite_sequence",
        "SELECT count(*) FROM dbstat",
        "SELECT * FROM pragma_table_list",
        "SELECT count(*) FROM pragma_table_list",
        "SELECT name FROM pragma_table_info('chat_rooms__r')",
        "SELECT load_extension('x')",
        "SELECT sqlite_rename_table('a', 'b', 'c', 'd', 'e', 'f', 1)",
        "SELECT fts3_tokenizer('simple')",
        "SELECT hex(fts5(1))",
        "INSERT INTO event (at, topic, data) VALUES ('', '', '')",
        "INSERT INTO chat_rooms__r (secret) VALUES ('x')",
        "UPDATE chat_rooms__r SET secret = 'x'",
        "DELETE FROM chat_rooms__r",
        "DELETE FROM sqlite_sequence",
        "UPDATE sqlite_sequence SET seq = 0",
        "UPDATE sqlite_master SET sql = ''",
        "INSERT INTO chat__m (body) SELECT secret FROM chat_rooms__r",
        "INSERT INTO chat__x_data (id, block) VALUES (1, 1)",
        "CREATE TABLE other (x)",
        "CREATE TABLE chat_x (x)",
        "CREATE TABLE CHAT__Y (x)",
        "CREATE TABLE chat_rooms__y (x)",
        "CREATE TABLE chat__y AS SELECT * FROM chat_rooms__r",
        "CREATE TABLE chat__y AS SELECT name FROM sqlite_master",
        "CREATE TABLE chat__y AS SELECT sql FROM sqlite_master",
        "CREATE TABLE chat__y AS SELECT rowid AS x FROM sqlite_master WHERE name = 'event'",
        "CREATE TABLE chat__y AS SELECT * FROM (SELECT tbl_name FROM sqlite_master)",
        "CREATE TABLE chat__y AS WITH x AS (SELECT rootpage FROM sqlite_master) SELECT * FROM x",
        "CREATE TABLE chat__y AS SELECT * FROM pragma_quick_check",
        "CREATE TEMP TABLE chat__y (x)",
        "CREATE TEMP TRIGGER chat__y AFTER INSERT ON chat__m BEGIN SELECT 1; END",
        "CREATE VIEW chat__y AS SELECT 1",
        "CREATE INDEX chat__y ON event (topic)",
        "CREATE INDEX y ON chat__m (body)",
        "CREATE TRIGGER chat__y AFTER INSERT ON event BEGIN SELECT 1; END",
        "CREATE TRIGGER y AFTER INSERT ON chat__m BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE chat__y USING rtree(id, a, b)",
        "CREATE VIRTUAL TABLE chat__y USING fts4(a)",
        "CREATE VIRTUAL TABLE chat__y USING dbstat",
        "CREATE VIRTUAL TABLE chat__y USING fts5vocab('chat_rooms__f', 'row')",
        "CREATE TABLE chat__y (e INTEGER REFERENCES event (data))",
        "CREATE TABLE chat__y (e INTEGER REFERENCES EVENT (cursor))",
        "CREATE TABLE chat__y (e INTEGER REFERENCES chat_rooms__r (id))",
        "ALTER TABLE chat__m ADD COLUMN e INTEGER REFERENCES event (data)",
        "ALTER TABLE chat__m RENAME TO chat__n",
        "ALTER TABLE chat__m RENAME TO event2",
        "ALTER TABLE chat__m RENAME COLUMN body TO b",
        "ALTER TABLE event ADD COLUMN x",
        "ALTER TABLE event DROP COLUMN data",
        "DROP TABLE event",
        "DROP TABLE chat_rooms__r",
        "DROP INDEX outbox_state",
        "DROP TRIGGER kv_inserted",
        "DROP TABLE sqlite_sequence",
        "ATTACH ':memory:' AS x",
        "DETACH main",
        "PRAGMA user_version = 9",
        "PRAGMA table_list",
        "PRAGMA data_version",
        "VACUUM",
        "VACUUM INTO '/tmp/stolen'",
        "ANALYZE",
        "REINDEX",
        "REINDEX chat__m",
        "BEGIN",
        "COMMIT",
        "END",
        "ROLLBACK",
        "SAVEPOINT x",
        "RELEASE job",
        "ROLLBACK TO job",
        "",
        "  -- nothing",
        "/* open",
        "; SELECT 1",
        "SELECT 1; SELECT 2",
        "SELECT \"no such column\"",
        "nonsense",
    ] {
        let error = db.refused(&[sql]).await;
        assert!(error.is(kind::SQL), "{sql}: {error}");
        if !sql.contains("PRAGMA") {
            assert!(db.query(sql).await.unwrap_err().is(kind::SQL), "{sql}");
        }
    }
    // The host's statements run as before, and nobody lost anything.
    db.run("chat-rooms", &["SELECT secret FROM chat_rooms__r"])
        .await
        .unwrap();
    db.db.db().check().await.unwrap();
}

#[tokio::test]
async fn by_detours() {
    let db = Fixture::new().await;
    for sql in [
        // A trigger's body is checked when it fires.
        [
            "CREATE TRIGGER chat__t AFTER INSERT ON chat__m BEGIN DELETE FROM event; END",
            "INSERT INTO chat__m (body) VALUES ('x')",
        ],
        [
            "CREATE TRIGGER chat__t AFTER INSERT ON chat__m BEGIN
            UPDATE chat__m SET body = (SELECT secret FROM chat_rooms__r); END",
            "INSERT INTO chat__m (body) VALUES ('x')",
        ],
        // A full-text table over somebody's content, when it is read.
        [
            "CREATE VIRTUAL TABLE chat__f USING fts5(secret, content='chat_rooms__r', content_rowid='id')",
            "SELECT * FROM chat__f",
        ],
        [
            "CREATE VIRTUAL TABLE chat__f USING fts5(secret, content='chat_rooms__r', content_rowid='id')",
            "INSERT INTO chat__f (chat__f) VALUES ('rebuild')",
        ],
        [
            "CREATE VIRTUAL TABLE chat__f USING fts5(data, content='event', content_rowid='cursor')",
            "SELECT data FROM chat__f WHERE rowid = 1",
        ],
    ] {
        let error = db.refused(&sql).await;
        assert!(error.is(kind::SQL), "{sql:?}: {error}");
    }
}

#[tokio::test]
async fn the_hosts_cached_statements() {
    let db = Fixture::new().await;
    let sql = "INSERT INTO event (at, topic, data) VALUES (?1, ?2, ?3)".to_owned();
    let event = crate::store::NewEvent::new("2026-01-01T00:00:00.000Z", "a.b", "{}");
    db.db.events().append(vec![event]).await.unwrap();
    let params = vec![text("x"), text("x"), text("x")];
    let statements = vec![Statement { sql, params }];
    let commit = Commit {
        statements,
        ..Commit::default()
    };
    assert!(
        db.db
            .commit("chat", commit)
            .await
            .unwrap_err()
            .is(kind::SQL)
    );
    assert_eq!(db.db.events().last_cursor().await.unwrap(), 1);
}

#[tokio::test]
async fn bad_ids_and_values() {
    let db = Fixture::new().await;
    let error = db.run("chat_rooms", &["SELECT 1"]).await.unwrap_err();
    assert!(error.is(kind::BAD_REQUEST));
    let error = db.refused(&["SELECT ?1"]).await;
    assert!(error.message.contains("1 values, got 0"), "{error}");
    let error = db
        .query("INSERT INTO chat__m (body) VALUES ('x')")
        .await
        .unwrap_err();
    assert!(error.is(kind::SQL));
    let error = db.query("DROP TABLE chat__m").await.unwrap_err();
    assert!(error.is(kind::SQL));
}
