//! The door with a real backend behind it that has no plugins: who comes in, limits, events.

mod door {
    pub(crate) mod support;
}

use door::support::{Door, http};
use sat_client::{Address, Client, RpcError, Since};
use serde_json::{Value, json};
use std::{os::unix::fs::PermissionsExt, time::Duration};

async fn ask(client: &Client, method: &str, params: Value) -> Result<Value, RpcError> {
    client.call_as(method, &params).await
}

fn kind<T: std::fmt::Debug>(result: Result<T, RpcError>) -> String {
    result.unwrap_err().kind
}

/// What `profile.create` needs.
fn account(name: &str, password: &str) -> Value {
    json!({"profile": name, "password": password, "jid": format!("{name}@localhost"), "jid_password": "x"})
}

#[tokio::test]
async fn host_and_origin_on_both_listeners_for_http_and_websocket() {
    let door = Door::open().await;
    let port = door.port;
    let token = door.token();
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (headers, status) in [
        (format!("Host: localhost:{port}\r\n"), 200),
        (format!("Host: 127.0.0.1:{port}\r\nOrigin: http://localhost:3000\r\n"), 200),
        (format!("Host: evil.example:{port}\r\n"), 403),
        ("Host: localhost:1\r\n".to_owned(), 403),
        (String::new(), 403),
        (format!("Host: localhost:{port}\r\nOrigin: http://evil.example\r\n"), 403),
        (format!("Host: localhost:{port}\r\nOrigin: null\r\n"), 403),
        (format!("Host: localhost:{port}\r\nSec-Fetch-Site: cross-site\r\n"), 403),
    ] {
        let headers = format!("{headers}Authorization: Bearer {token}\r\n");
        assert_eq!(http(&door.tcp(), "POST", &headers, STATUS).await.0, status, "{headers}");
        let upgraded = if status == 200 { 101 } else { status };
        assert_eq!(http(&door.tcp(), "GET", &format!("{headers}{upgrade}"), "").await.0, upgraded, "{headers}");
    }
    let local = "Host: localhost\r\n";
    assert_eq!(http(&door.unix(), "POST", local, STATUS).await.0, 200);
    assert_eq!(http(&door.unix(), "POST", "Host: x\r\n", STATUS).await.0, 403);
    // What a page can send without asking first has no effect.
    let plain = http(&door.unix(), "POST", "Host: localhost\r\nContent-Type: text/plain\r\n", STATUS).await;
    assert_eq!(plain.0, 415);
    assert_eq!(http(&door.unix(), "GET", local, "").await.0, 405);
}

const STATUS: &str = r#"{"jsonrpc":"2.0","id":1,"method":"host.status","params":{}}"#;

#[tokio::test]
async fn tcp_wants_a_token() {
    let door = Door::open().await;
    let host = format!("Host: localhost:{}\r\n", door.port);
    assert_eq!(http(&door.tcp(), "POST", &host, STATUS).await.0, 401);
    let wrong = format!("{host}Authorization: Bearer {}\r\n", "0".repeat(64));
    assert_eq!(http(&door.tcp(), "POST", &wrong, STATUS).await.0, 401);
    assert_eq!(kind(Client::connect(&door.tcp(), None).await.map(|_| ())), "forbidden");

    let admin = Client::connect(&door.tcp(), Some(&door.token())).await.unwrap();
    ask(&admin, "profile.create", account("juliet", "pw")).await.unwrap();
    let unlocked = ask(&admin, "profile.unlock", json!({"profile": "juliet", "password": "pw"})).await.unwrap();
    let token = unlocked["token"].as_str().unwrap();

    // A profile's token opens the door too, and only for that profile.
    let guest = Client::connect(&door.tcp(), Some(token)).await.unwrap();
    ask(&admin, "profile.create", account("romeo", "pw")).await.unwrap();
    let hello = ask(&guest, "session.hello", json!({})).await.unwrap();
    assert_eq!((&hello["profiles"], &hello["admin"]), (&json!(["juliet"]), &json!(false)));
    assert_eq!(kind(ask(&guest, "host.status", json!({})).await), "forbidden");
    assert_eq!(kind(ask(&guest, "profile.create", account("x", "")).await), "forbidden");
    assert_eq!(kind(ask(&guest, "profile.get_settings", json!({"profile": "romeo"})).await), "profile-locked");
    ask(&guest, "profile.get_settings", json!({"profile": "juliet"})).await.unwrap();
    assert_eq!(ask(&guest, "profile.list", json!({})).await.unwrap().as_array().unwrap().len(), 1);

    // An empty password protects nothing from the user, but TCP isn't the user.
    ask(&admin, "profile.create", account("open", "")).await.unwrap();
    assert_eq!(kind(ask(&guest, "profile.get_settings", json!({"profile": "open"})).await), "profile-locked");
}

#[tokio::test]
async fn a_profile_opens_by_password_or_token_until_it_is_locked() {
    let door = Door::open().await;
    let one = door.client().await;
    ask(&one, "profile.create", account("juliet", "pw")).await.unwrap();
    let settings = json!({"profile": "juliet"});
    assert_eq!(kind(ask(&one, "profile.get_settings", settings.clone()).await), "profile-locked");
    let wrong = json!({"profile": "juliet", "password": "no"});
    assert_eq!(kind(ask(&one, "profile.unlock", wrong.clone()).await), "wrong-password");
    let right = json!({"profile": "juliet", "password": "pw"});
    let token = ask(&one, "profile.unlock", right.clone()).await.unwrap()["token"].as_str().unwrap().to_owned();
    ask(&one, "profile.get_settings", settings.clone()).await.unwrap();

    let two = door.client().await;
    assert_eq!(kind(ask(&two, "profile.get_settings", settings.clone()).await), "profile-locked");
    ask(&two, "session.hello", json!({"token": token})).await.unwrap();
    ask(&two, "profile.get_settings", settings.clone()).await.unwrap();
    let once = r#"{"jsonrpc":"2.0","id":1,"method":"profile.get_settings","params":{"profile":"juliet"}}"#;
    let bearer = format!("Host: localhost\r\nAuthorization: Bearer {token}\r\n");
    assert!(http(&door.unix(), "POST", &bearer, once).await.1.contains("\"result\""));

    ask(&one, "profile.lock", settings.clone()).await.unwrap();
    for client in [&one, &two] {
        assert_eq!(kind(ask(client, "profile.get_settings", settings.clone()).await), "profile-locked");
    }
    assert!(http(&door.unix(), "POST", &bearer, once).await.1.contains("profile-locked"));
    assert_eq!(kind(ask(&two, "session.hello", json!({"token": token})).await), "profile-locked");

    for _ in 0..3 {
        assert_eq!(kind(ask(&one, "profile.unlock", wrong.clone()).await), "wrong-password");
    }
    assert_eq!(kind(ask(&two, "profile.unlock", right).await), "limit-reached");
}

#[tokio::test]
async fn a_profile_without_password_just_works_on_the_socket() {
    let door = Door::open().await;
    let client = door.client().await;
    ask(&client, "profile.create", account("open", "")).await.unwrap();
    ask(&client, "profile.get_settings", json!({})).await.unwrap();
    let list = ask(&client, "profile.list", json!({})).await.unwrap();
    assert_eq!((&list[0]["unlocked"], &list[0]["usable"]), (&json!(true), &json!(true)));
}

#[tokio::test]
async fn limits_hold_through_a_batch() {
    let door = Door::open().await;
    let local = "Host: localhost\r\n";
    let batch = |n: usize| format!("[{}]", vec![STATUS; n].join(","));
    assert_eq!(http(&door.unix(), "POST", local, &batch(32)).await.1.matches("\"pid\"").count(), 32);
    let refused = http(&door.unix(), "POST", local, &batch(33)).await.1;
    assert!(refused.contains("limit-reached") && !refused.contains("pid"), "{refused}");
    let guarded = r#"[{"jsonrpc":"2.0","id":1,"method":"profile.get_settings","params":{"profile":"nobody"}},{"jsonrpc":"2.0","id":2,"method":"x.y"},7]"#;
    let answer = http(&door.unix(), "POST", local, guarded).await.1;
    for word in ["not-found", "method-not-found", "invalid-request"] {
        assert!(answer.contains(word), "{answer}");
    }
    let big = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"session.hello","params":{{"client":"{}"}}}}"#, "x".repeat(1 << 20));
    assert_eq!(http(&door.unix(), "POST", local, &big).await.0, 413);
    let deep = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"session.hello","params":{}}}"#, "[".repeat(100_000));
    assert!(http(&door.unix(), "POST", local, &deep).await.1.contains("error"));
}

#[tokio::test]
async fn faults_are_explained() {
    let door = Door::open().await;
    let client = door.client().await;
    let unknown = ask(&client, "profile.make", json!({})).await.unwrap_err();
    assert_eq!((unknown.kind.as_str(), unknown.code), ("method-not-found", -32601));
    assert!(unknown.message.contains("profile.create"), "{unknown}");
    let absent = ask(&client, "blog.publish", json!({})).await.unwrap_err();
    assert!(absent.message.contains("no loaded plugin offers `blog`"), "{absent}");
    let name = ask(&client, "profile.unlock", json!({"pasword": "x"})).await.unwrap_err();
    assert_eq!(name.message, "pasword: unknown name; known are profile, password");
    let ty = ask(&client, "profile.unlock", json!({"password": 1})).await.unwrap_err();
    assert_eq!(ty.message, "password: expected a string");
    let list = ask(&client, "profile.list", json!([1])).await.unwrap_err();
    assert_eq!(list.kind, "bad-request");
    let conflict = async || ask(&client, "profile.create", account("juliet", "")).await;
    conflict().await.unwrap();
    assert_eq!(conflict().await.unwrap_err().exit_code(), 19);
}

#[tokio::test]
async fn events_are_replayed_and_go_on_without_gap_or_double() {
    let door = Door::open().await;
    let client = door.client().await;
    for i in 0..5 {
        ask(&client, "profile.create", account(&format!("early{i}"), "")).await.unwrap();
    }
    let since = Since::from([("@HOST@".to_owned(), Some("0".to_owned()))]);
    let mut events = client.subscribe_events(&["profile.*"], Some(&since)).await.unwrap();
    let writer = door.client().await;
    let writing = tokio::spawn(async move {
        for i in 0..5 {
            ask(&writer, "profile.create", account(&format!("late{i}"), "")).await.unwrap();
        }
    });
    let mut names = Vec::new();
    let mut cursor = 0;
    let mut middle = None;
    while names.len() < 10 {
        let event = tokio::time::timeout(Duration::from_secs(20), events.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(event.profile, "@HOST@");
        let now: i64 = event.cursor.parse().unwrap();
        assert!(now > cursor);
        cursor = now;
        let data: Value = serde_json::from_str(event.data.as_ref().unwrap().get()).unwrap();
        names.push(data["profile"].as_str().unwrap().to_owned());
        if names.len() == 7 {
            middle = Some(events.since().clone());
        }
    }
    writing.await.unwrap();
    let expected: Vec<_> = ["early", "late"].iter().flat_map(|w| (0..5).map(move |i| format!("{w}{i}"))).collect();
    assert_eq!(names, expected);

    // Another client takes up where this one stood; so does polling.
    let next = door.client().await;
    let mut rest = next.subscribe_events(&["profile.*"], middle.as_ref()).await.unwrap();
    assert!(rest.next().await.unwrap().unwrap().data.unwrap().get().contains("late2"));
    let polled = ask(&next, "events.poll", json!({"topics": ["profile.*"], "since": middle, "limit": 2})).await.unwrap();
    assert_eq!(polled["events"].as_array().unwrap().len(), 2);
    let polled = ask(&next, "events.poll", json!({"topics": ["profile.*"], "since": polled["since"]})).await.unwrap();
    assert_eq!(polled["events"].as_array().unwrap().len(), 1);
    let waiting = tokio::spawn({
        let next = next.clone();
        async move { ask(&next, "events.poll", json!({"topics": ["profile.*"], "since": polled["since"], "wait_ms": 20_000})).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    ask(&client, "profile.create", account("awaited", "")).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap()["events"][0]["data"]["profile"], "awaited");
}

#[tokio::test]
async fn events_of_a_profile_end_when_it_is_locked() {
    let door = Door::open().await;
    let client = door.client().await;
    ask(&client, "profile.create", account("juliet", "pw")).await.unwrap();
    let since = Since::from([("juliet".to_owned(), None)]);
    assert_eq!(kind(client.subscribe_events(&["*"], Some(&since)).await.map(|_| ())), "profile-locked");
    ask(&client, "profile.unlock", json!({"profile": "juliet", "password": "pw"})).await.unwrap();
    let mut events = client.subscribe_events(&["*"], Some(&since)).await.unwrap();
    ask(&client, "profile.lock", json!({"profile": "juliet"})).await.unwrap();
    let end = loop {
        match tokio::time::timeout(Duration::from_secs(5), events.next()).await.unwrap().unwrap() {
            Ok(_) => {}
            Err(e) => break e,
        }
    };
    assert_eq!(end.kind, "profile-locked");
}

#[tokio::test]
async fn discovery_lists_the_core() {
    let door = Door::open().await;
    let document = ask(&door.client().await, "rpc.discover", json!({})).await.unwrap();
    assert_eq!(document["openrpc"], "1.3.2");
    assert!(document["methods"].as_array().unwrap().iter().any(|m| m["name"] == "profile.unlock"));
}

#[tokio::test]
async fn the_socket_is_private_and_goes_with_the_server() {
    let door = Door::open().await;
    let Address::Unix(path) = door.unix() else { panic!() };
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    door.close().await;
    assert!(!path.exists());
    assert_eq!(kind(Client::connect(&Address::Unix(path), None).await.map(|_| ())), "not-running");
}
