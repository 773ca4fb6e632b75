//! Who comes in, and what they may use then.

use crate::support::{Door, STATUS, account, ask, http, kind};
use sat_client::{Address, Client};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;

#[tokio::test]
async fn host_and_origin_on_both_listeners_for_http_and_websocket() {
    let door = Door::open().await;
    let port = door.port;
    let token = door.token();
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (headers, status) in [
        (format!("Host: localhost:{port}\r\n"), 200),
        (
            format!("Host: 127.0.0.1:{port}\r\nOrigin: http://localhost:3000\r\n"),
            200,
        ),
        (format!("Host: evil.example:{port}\r\n"), 403),
        ("Host: localhost:1\r\n".to_owned(), 403),
        (String::new(), 403),
        (
            format!("Host: localhost:{port}\r\nOrigin: http://evil.example\r\n"),
            403,
        ),
        (format!("Host: localhost:{port}\r\nOrigin: null\r\n"), 403),
        (
            format!("Host: localhost:{port}\r\nSec-Fetch-Site: cross-site\r\n"),
            403,
        ),
    ] {
        let headers = format!("{headers}Authorization: Bearer {token}\r\n");
        assert_eq!(
            http(&door.tcp(), "POST", &headers, STATUS).await.0,
            status,
            "{headers}"
        );
        let upgraded = if status == 200 { 101 } else { status };
        assert_eq!(
            http(&door.tcp(), "GET", &format!("{headers}{upgrade}"), "")
                .await
                .0,
            upgraded,
            "{headers}"
        );
    }
    let local = "Host: localhost\r\n";
    assert_eq!(http(&door.unix(), "POST", local, STATUS).await.0, 200);
    assert_eq!(
        http(&door.unix(), "POST", "Host: x\r\n", STATUS).await.0,
        403
    );
    // What a page can send without asking first has no effect.
    let plain = http(
        &door.unix(),
        "POST",
        "Host: localhost\r\nContent-Type: text/plain\r\n",
        STATUS,
    )
    .await;
    assert_eq!(plain.0, 415);
    assert_eq!(http(&door.unix(), "GET", local, "").await.0, 405);
}

#[tokio::test]
async fn tcp_wants_a_token() {
    let door = Door::open().await;
    let host = format!("Host: localhost:{}\r\n", door.port);
    assert_eq!(http(&door.tcp(), "POST", &host, STATUS).await.0, 401);
    let wrong = format!("{host}Authorization: Bearer {}\r\n", "0".repeat(64));
    assert_eq!(http(&door.tcp(), "POST", &wrong, STATUS).await.0, 401);
    assert_eq!(
        kind(Client::connect(&door.tcp(), None).await.map(|_| ())),
        "forbidden"
    );

    let admin = Client::connect(&door.tcp(), Some(&door.token()))
        .await
        .unwrap();
    ask(&admin, "profile.create", account("juliet", "pw"))
        .await
        .unwrap();
    let unlocked = ask(
        &admin,
        "profile.unlock",
        json!({"profile": "juliet", "password": "pw"}),
    )
    .await
    .unwrap();
    let token = unlocked["token"].as_str().unwrap();

    // A profile's token opens the door too, and only for that profile.
    let guest = Client::connect(&door.tcp(), Some(token)).await.unwrap();
    ask(&admin, "profile.create", account("romeo", "pw"))
        .await
        .unwrap();
    let hello = ask(&guest, "session.hello", json!({})).await.unwrap();
    assert_eq!(
        (&hello["profiles"], &hello["admin"]),
        (&json!(["juliet"]), &json!(false))
    );
    assert_eq!(
        kind(ask(&guest, "host.status", json!({})).await),
        "forbidden"
    );
    assert_eq!(
        kind(ask(&guest, "profile.create", account("x", "")).await),
        "forbidden"
    );
    assert_eq!(
        kind(ask(&guest, "profile.get_settings", json!({"profile": "romeo"})).await),
        "profile-locked"
    );
    ask(&guest, "profile.get_settings", json!({"profile": "juliet"}))
        .await
        .unwrap();
    assert_eq!(
        ask(&guest, "profile.list", json!({}))
            .await
            .unwrap()
            .as_array()
            .unwrap()
            .len(),
        1
    );

    // An empty password protects nothing from the user, but TCP isn't the user.
    ask(&admin, "profile.create", account("open", ""))
        .await
        .unwrap();
    assert_eq!(
        kind(ask(&guest, "profile.get_settings", json!({"profile": "open"})).await),
        "profile-locked"
    );
}

#[tokio::test]
async fn a_profile_opens_by_password_or_token_until_it_is_locked() {
    let door = Door::open().await;
    let one = door.client().await;
    ask(&one, "profile.create", account("juliet", "pw"))
        .await
        .unwrap();
    let settings = json!({"profile": "juliet"});
    assert_eq!(
        kind(ask(&one, "profile.get_settings", settings.clone()).await),
        "profile-locked"
    );
    let wrong = json!({"profile": "juliet", "password": "no"});
    assert_eq!(
        kind(ask(&one, "profile.unlock", wrong.clone()).await),
        "wrong-password"
    );
    let right = json!({"profile": "juliet", "password": "pw"});
    let token = ask(&one, "profile.unlock", right.clone()).await.unwrap()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    ask(&one, "profile.get_settings", settings.clone())
        .await
        .unwrap();

    let two = door.client().await;
    assert_eq!(
        kind(ask(&two, "profile.get_settings", settings.clone()).await),
        "profile-locked"
    );
    ask(&two, "session.hello", json!({"token": token}))
        .await
        .unwrap();
    ask(&two, "profile.get_settings", settings.clone())
        .await
        .unwrap();
    let once =
        r#"{"jsonrpc":"2.0","id":1,"method":"profile.get_settings","params":{"profile":"juliet"}}"#;
    let bearer = format!("Host: localhost\r\nAuthorization: Bearer {token}\r\n");
    assert!(
        http(&door.unix(), "POST", &bearer, once)
            .await
            .1
            .contains("\"result\"")
    );

    ask(&one, "profile.lock", settings.clone()).await.unwrap();
    for client in [&one, &two] {
        assert_eq!(
            kind(ask(client, "profile.get_settings", settings.clone()).await),
            "profile-locked"
        );
    }
    assert!(
        http(&door.unix(), "POST", &bearer, once)
            .await
            .1
            .contains("profile-locked")
    );
    assert_eq!(
        kind(ask(&two, "session.hello", json!({"token": token})).await),
        "profile-locked"
    );

    for _ in 0..3 {
        assert_eq!(
            kind(ask(&one, "profile.unlock", wrong.clone()).await),
            "wrong-password"
        );
    }
    assert_eq!(
        kind(ask(&two, "profile.unlock", right).await),
        "limit-reached"
    );
}

#[tokio::test]
async fn a_profile_without_password_just_works_on_the_socket() {
    let door = Door::open().await;
    let client = door.client().await;
    ask(&client, "profile.create", account("open", ""))
        .await
        .unwrap();
    ask(&client, "profile.get_settings", json!({}))
        .await
        .unwrap();
    let list = ask(&client, "profile.list", json!({})).await.unwrap();
    assert_eq!(
        (&list[0]["unlocked"], &list[0]["usable"]),
        (&json!(true), &json!(true))
    );
}

#[tokio::test]
async fn the_socket_is_private_and_goes_with_the_server() {
    let door = Door::open().await;
    let Address::Unix(path) = door.unix() else {
        panic!()
    };
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    door.close().await;
    assert!(!path.exists());
    assert_eq!(
        kind(
            Client::connect(&Address::Unix(path), None)
                .await
                .map(|_| ())
        ),
        "not-running"
    );
}
