//! Limits, also through a batch, and what errors say.

use crate::support::{Door, STATUS, account, ask, http};
use serde_json::json;

#[tokio::test]
async fn limits_hold_through_a_batch() {
    let door = Door::open().await;
    let local = "Host: localhost\r\n";
    let batch = |n: usize| format!("[{}]", vec![STATUS; n].join(","));
    assert_eq!(
        http(&door.unix(), "POST", local, &batch(32))
            .await
            .1
            .matches("\"pid\"")
            .count(),
        32
    );
    let refused = http(&door.unix(), "POST", local, &batch(33)).await.1;
    assert!(
        refused.contains("limit-reached") && !refused.contains("pid"),
        "{refused}"
    );
    let guarded = r#"[{"jsonrpc":"2.0","id":1,"method":"profile.get_settings","params":{"profile":"nobody"}},{"jsonrpc":"2.0","id":2,"method":"x.y"},7]"#;
    let answer = http(&door.unix(), "POST", local, guarded).await.1;
    for word in ["not-found", "method-not-found", "invalid-request"] {
        assert!(answer.contains(word), "{answer}");
    }
    let big = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"session.hello","params":{{"client":"{}"}}}}"#,
        "x".repeat(1 << 20)
    );
    assert_eq!(http(&door.unix(), "POST", local, &big).await.0, 413);
    let deep = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"session.hello","params":{}}}"#,
        "[".repeat(100_000)
    );
    assert!(
        http(&door.unix(), "POST", local, &deep)
            .await
            .1
            .contains("error")
    );
}

#[tokio::test]
async fn faults_are_explained() {
    let door = Door::open().await;
    let client = door.client().await;
    let unknown = ask(&client, "profile.make", json!({})).await.unwrap_err();
    assert_eq!(
        (unknown.kind.as_str(), unknown.code),
        ("method-not-found", -32601)
    );
    assert!(unknown.message.contains("profile.create"), "{unknown}");
    let absent = ask(&client, "blog.publish", json!({})).await.unwrap_err();
    assert!(
        absent.message.contains("no loaded plugin offers `blog`"),
        "{absent}"
    );
    let name = ask(&client, "profile.unlock", json!({"pasword": "x"}))
        .await
        .unwrap_err();
    assert_eq!(
        name.message,
        "pasword: unknown name; known are profile, password"
    );
    let ty = ask(&client, "profile.unlock", json!({"password": 1}))
        .await
        .unwrap_err();
    assert_eq!(ty.message, "password: expected a string");
    let list = ask(&client, "profile.list", json!([1])).await.unwrap_err();
    assert_eq!(list.kind, "bad-request");
    let conflict = async || ask(&client, "profile.create", account("juliet", "")).await;
    conflict().await.unwrap();
    assert_eq!(conflict().await.unwrap_err().exit_code(), 19);
}

#[tokio::test]
async fn discovery_lists_the_core() {
    let door = Door::open().await;
    let document = ask(&door.client().await, "rpc.discover", json!({}))
        .await
        .unwrap();
    assert_eq!(document["openrpc"], "1.3.2");
    assert!(
        document["methods"]
            .as_array()
            .unwrap()
            .iter()
            .any(|m| m["name"] == "profile.unlock")
    );
}
