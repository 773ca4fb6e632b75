//! What a plugin stores is its own, and is there wholly or not at all.

use sat_tests::{Kit, Server, build};
use serde_json::{Value, json};

async fn start(plugins: &[&str]) -> (Server, Kit) {
    let server = Server::plain();
    let mut kit = Kit::folders();
    for name in plugins {
        kit.drop_in(&build::plugin(name), name);
    }
    for name in ["weather", "listener"] {
        kit.drop_in(&build::guest(name), name);
    }
    kit.run().await;
    for name in ["romeo", "juliet"] {
        kit.create(&server, name, "").await;
        kit.profile(name).unlock("").await.unwrap();
    }
    (server, kit)
}

#[tokio::test(flavor = "multi_thread")]
async fn other_plugins_and_the_host_are_out_of_reach() {
    let (_server, kit) = start(&["roster"]).await;
    // So that the tables exist.
    kit.ok("romeo", "roster.list", json!({})).await;
    kit.ok(
        "romeo",
        "acme.weather.note",
        json!({"number": 1, "how": "commit"}),
    )
    .await;
    kit.ok("romeo", "acme.listener.seen", json!({})).await;
    for text in [
        "SELECT * FROM weather__note",
        "SELECT * FROM WEATHER__NOTE",
        "SELECT * FROM \"weather__note\"",
        "SELECT * FROM main.weather__note",
        "WITH x AS (SELECT * FROM weather__note) SELECT * FROM x",
        "INSERT INTO weather__note (number) VALUES (2)",
        "UPDATE weather__note SET number = 3",
        "DELETE FROM weather__note",
        "DROP TABLE weather__note",
        "ALTER TABLE weather__note RENAME TO listener__note",
        "CREATE TABLE listener__copy AS SELECT * FROM weather__note",
        "CREATE VIEW listener__view AS SELECT * FROM weather__note",
        "CREATE TRIGGER listener__t AFTER INSERT ON weather__note BEGIN SELECT 1; END",
        "CREATE INDEX listener__i ON weather__note (number)",
        "CREATE TABLE weather__other (x)",
        "CREATE TABLE other (x)",
        "CREATE TEMP TABLE listener__temp (x)",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM sqlite_schema",
        "PRAGMA table_list",
        "PRAGMA journal_mode = OFF",
        "ATTACH ':memory:' AS x",
        "DETACH main",
        "VACUUM INTO '/tmp/stolen.db'",
        "SELECT load_extension('/tmp/x.so')",
        "SELECT readfile('/etc/passwd')",
        "SELECT writefile('/tmp/x', 'x')",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT x",
    ] {
        let result = kit
            .call("romeo", "acme.listener.sql", json!({"text": text}))
            .await;
        assert!(result.is_err(), "{text} gave {result:?}");
        // The connection that ran it still serves the others.
        let noted = kit.ok("romeo", "acme.weather.noted", json!({})).await;
        assert_eq!(noted, json!([1]), "{text}");
    }
    // A view that was refused is not there either.
    let view = kit
        .call(
            "romeo",
            "acme.listener.sql",
            json!({"text": "SELECT * FROM listener__view"}),
        )
        .await;
    assert!(view.is_err());
    let own = kit
        .ok(
            "romeo",
            "acme.listener.sql",
            json!({"text": "SELECT count(*) FROM listener__seen"}),
        )
        .await;
    assert!(own.is_array());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_belong_to_a_plugin_in_a_profile() {
    let (_server, kit) = start(&[]).await;
    kit.ok(
        "romeo",
        "acme.listener.write_key",
        json!({"key": "a' OR '1'='1", "value": "mine"}),
    )
    .await;
    let read = async |profile: &str, key: &str| {
        kit.ok(profile, "acme.listener.read_key", json!({"key": key}))
            .await
    };
    assert_eq!(read("romeo", "a' OR '1'='1").await, "mine");
    assert_eq!(read("juliet", "a' OR '1'='1").await, Value::Null);
    assert_eq!(read("romeo", "a").await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_part_of_the_commit() {
    let (_server, kit) = start(&[]).await;
    let note = async |number: u32, how: &str| {
        kit.call(
            "romeo",
            "acme.weather.note",
            json!({"number": number, "how": how}),
        )
        .await
    };
    note(1, "commit").await.unwrap();
    note(2, "emit").await.unwrap();
    assert_eq!(note(3, "crash").await.unwrap_err().kind, "plugin-crashed");
    assert_eq!(
        note(4, "commit-crash").await.unwrap_err().kind,
        "plugin-crashed"
    );
    note(5, "bad-commit").await.unwrap_err();
    note(6, "commit").await.unwrap();
    let noted = kit.ok("romeo", "acme.weather.noted", json!({})).await;
    assert_eq!(noted, json!([1, 4, 6]));
    let events = kit.events("romeo", "acme.weather.changed").await;
    let numbers: Vec<_> = events.iter().filter_map(|e| e["number"].as_u64()).collect();
    assert_eq!(numbers, [1, 2, 4, 6]);
}
