//! What plugins may do.

use super::*;
use crate::store::is_plugin_id;

#[tokio::test]
async fn schema_changes() {
    let db = Fixture::new().await;
    db.all(&[
        "CREATE TABLE chat__a (id INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER UNIQUE, j TEXT) STRICT",
        "CREATE TABLE IF NOT EXISTS chat__a (id)",
        "CREATE TABLE chat__c (a INTEGER REFERENCES chat__a (id) ON DELETE CASCADE)",
        "CREATE TABLE chat__w (k TEXT PRIMARY KEY, v) WITHOUT ROWID",
        "CREATE TABLE chat__s AS SELECT id, body FROM chat__m",
        "CREATE UNIQUE INDEX chat__a_n ON chat__a (n)",
        "CREATE INDEX chat__a_j ON chat__a (json_extract(j, '$.x')) WHERE n > 1",
        "INSERT INTO chat__a (n, j) VALUES (1, '{\"x\": 5}'), (2, NULL)",
        "INSERT INTO chat__c VALUES (1)",
        "CREATE TRIGGER chat__t AFTER INSERT ON chat__a BEGIN
             INSERT INTO chat__w VALUES (new.n, 1); END",
        "INSERT INTO chat__a (n) VALUES (3)",
        "ALTER TABLE chat__a ADD COLUMN extra TEXT DEFAULT 'x'",
        "ALTER TABLE chat__a DROP COLUMN extra",
        "ALTER TABLE chat__a ADD COLUMN level INTEGER NOT NULL DEFAULT 1 CHECK (level > 0)",
        "DELETE FROM chat__a WHERE n = 1",
        "/* a comment */ -- and one more\n DROP TRIGGER chat__t",
        "DROP INDEX chat__a_j",
        "DROP TABLE chat__c",
        "DROP TABLE chat__a",
    ])
    .await;
    assert_eq!(
        db.value("SELECT count(*) FROM chat__w").await,
        Value::Integer(1)
    );
}

#[tokio::test]
async fn data() {
    let db = Fixture::new().await;
    let result = db
        .all(&[
            "INSERT INTO chat__m (body) VALUES ('a'), ('b')",
            "INSERT INTO chat__m (id, body) VALUES (1, 'c')
             ON CONFLICT (id) DO UPDATE SET body = excluded.body RETURNING id, body",
            "REPLACE INTO chat__m (id, body) VALUES (9, 'd')",
            "UPDATE chat__m SET body = x.b FROM (SELECT 'z' AS b) AS x WHERE id = 9",
            "WITH x AS (SELECT 2 AS id) DELETE FROM chat__m WHERE id IN (SELECT id FROM x)",
            "SELECT id, body FROM chat__m ORDER BY id",
        ])
        .await
        .statements;
    assert_eq!((result[0].changed, result[0].last_row_id), (2, 2));
    assert_eq!(result[1].rows, [[Value::Integer(1), text("c")]]);
    assert_eq!(result[4].changed, 1);
    assert_eq!(result[5].columns, ["id", "body"]);
    let left = [
        [Value::Integer(1), text("c")],
        [Value::Integer(9), text("z")],
    ];
    assert_eq!(result[5].rows, left);
    assert_eq!((result[5].changed, result[5].last_row_id), (0, 0));
}

#[tokio::test]
async fn values_come_back() {
    let db = Fixture::new().await;
    let params = vec![
        Value::Null,
        Value::Integer(i64::MIN),
        Value::Real(0.5),
        text("ü\0'"),
        Value::Blob(vec![0, 255]),
    ];
    let sql = "SELECT ?1, ?2, ?3, ?4, ?5".to_owned();
    let rows = db
        .db
        .query(
            "chat",
            Statement {
                sql,
                params: params.clone(),
            },
            Limits::QUERY,
        )
        .await;
    assert_eq!(rows.unwrap().rows, [params]);
    assert_eq!(
        db.value("SELECT CAST(x'ff' AS TEXT)").await,
        text("\u{fffd}")
    );
}

#[tokio::test]
async fn queries() {
    let db = Fixture::new().await;
    db.all(&["INSERT INTO chat__m (body) VALUES ('one'), ('two'), ('three')"])
        .await;
    for (sql, value) in [
        ("SELECT count(*) FROM chat__m", Value::Integer(3)),
        (
            "WITH x AS MATERIALIZED (SELECT * FROM chat__m) SELECT count(*) FROM x",
            Value::Integer(3),
        ),
        (
            "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 9)
          SELECT count(*) FROM n",
            Value::Integer(9),
        ),
        (
            "SELECT count(*) FROM (SELECT DISTINCT body FROM chat__m)",
            Value::Integer(3),
        ),
        (
            "SELECT sum(value) FROM json_each('[1, 2]')",
            Value::Integer(3),
        ),
        ("SELECT json_group_array(id) FROM chat__m", text("[1,2,3]")),
        (
            "SELECT first_value(body) OVER (ORDER BY body) FROM chat__m",
            text("one"),
        ),
        ("VALUES (7)", Value::Integer(7)),
        (
            "SELECT body FROM chat__m WHERE body LIKE 'th%' OR body GLOB 'x*'",
            text("three"),
        ),
        ("SELECT strftime('%Y', '2026-01-01')", text("2026")),
    ] {
        assert_eq!(db.value(sql).await, value, "{sql}");
    }
    assert!(
        !db.query("EXPLAIN QUERY PLAN SELECT * FROM chat__m")
            .await
            .unwrap()
            .rows
            .is_empty()
    );
}

#[tokio::test]
async fn full_text_search() {
    let db = Fixture::new().await;
    db.all(&[
        "CREATE VIRTUAL TABLE chat__own USING fts5(body, tokenize = 'unicode61')",
        "CREATE VIRTUAL TABLE chat__ext USING fts5(body, content='chat__m', content_rowid='id')",
        "INSERT INTO chat__m (body) VALUES ('sweet sorrow')",
        "INSERT INTO chat__own (rowid, body) SELECT id, body FROM chat__m",
        "INSERT INTO chat__ext (rowid, body) SELECT id, body FROM chat__m",
    ])
    .await;
    for table in ["chat__own", "chat__ext"] {
        let sql = format!(
            "SELECT snippet({table}, 0, '[', ']', '', 5) FROM {table}('sorrow') ORDER BY bm25({table})"
        );
        assert_eq!(db.value(&sql).await, text("sweet [sorrow]"));
    }
    db.all(&[
        "INSERT INTO chat__ext (chat__ext) VALUES ('rebuild')",
        "INSERT INTO chat__own (chat__own) VALUES ('optimize')",
        "DELETE FROM chat__own WHERE rowid = 1",
        "DROP TABLE chat__own",
        "DROP TABLE chat__ext",
    ])
    .await;
}

#[test]
fn ids() {
    for id in ["chat", "a", "x9", "chat-rooms", "a-1-b"] {
        assert!(is_plugin_id(id), "{id}");
    }
    for id in [
        "", "-", "a-", "-a", "a--b", "a_b", "Chat", "1a", "ä", "a b", "a\0",
    ] {
        assert!(!is_plugin_id(id), "{id}");
    }
}
