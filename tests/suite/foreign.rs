//! The same with a client that somebody else has written (slixmpp).

use sat_tests::{Kit, Server, script::Script};
use serde_json::json;

const PLUGINS: [&str; 10] = [
    "roster", "presence", "disco", "chat", "receipts", "carbons", "archive", "ping", "version",
    "time",
];

#[tokio::test(flavor = "multi_thread")]
async fn slixmpp_understands_us_and_we_understand_it() {
    if !Script::available() {
        eprintln!("skipped: slixmpp is not installed (Debian: python3-slixmpp)");
        return;
    }
    let server = Server::plain();
    let kit = Kit::start(&PLUGINS).await;
    kit.connect(&server, "juliet").await;
    let juliet = kit.bound("juliet").await;
    let mut romeo = Script::start(&server, "romeo", "slix").await;

    // Questions both ways.
    assert_eq!(romeo.order("ping", json!({"to": juliet})).await["ok"], true);
    let version = romeo.order("version", json!({"to": juliet})).await;
    assert!(
        version["ok"].as_str().is_some_and(|n| !n.is_empty()),
        "{version}"
    );
    let time = romeo.order("time", json!({"to": juliet})).await;
    assert!(
        time["ok"].as_str().is_some_and(|t| t.starts_with("20")),
        "{time}"
    );
    let info = romeo.order("info", json!({"to": juliet})).await;
    for feature in [
        "urn:xmpp:ping",
        "urn:xmpp:receipts",
        "urn:xmpp:time",
        "jabber:iq:version",
    ] {
        assert!(
            info["ok"]
                .as_array()
                .is_some_and(|f| f.iter().any(|v| v == feature)),
            "{feature}: {info}"
        );
    }
    let slix = json!({"jid": "romeo@localhost/slix"});
    kit.ok("juliet", "ping.ping", json!({"to": "romeo@localhost/slix"}))
        .await;
    let version = kit.ok("juliet", "version.get", slix.clone()).await;
    assert!(
        version["name"]
            .as_str()
            .is_some_and(|n| n.to_lowercase().contains("slixmpp")),
        "{version}"
    );
    let info = kit.ok("juliet", "disco.info", slix).await;
    assert!(
        info["features"]
            .as_array()
            .is_some_and(|f| f.iter().any(|v| v == "urn:xmpp:ping")),
        "{info}"
    );

    // Messages both ways. Receipts go to contacts only.
    kit.ok(
        "juliet",
        "roster.add",
        json!({"jid": "romeo@localhost", "groups": []}),
    )
    .await;
    kit.ok(
        "juliet",
        "presence.subscribe",
        json!({"jid": "romeo@localhost"}),
    )
    .await;
    let sent = kit
        .ok(
            "juliet",
            "chat.send",
            json!({"to": "romeo@localhost", "body": "Ay me & <you>", "extra": []}),
        )
        .await;
    romeo
        .take("the message", |e| {
            e["event"] == "message" && e["body"] == "Ay me & <you>"
        })
        .await;
    kit.event("juliet", "chat.updated", |m| {
        m["id"] == sent["id"] && m["state"] == "delivered"
    })
    .await;
    romeo
        .order("send", json!({"to": juliet, "body": "She speaks"}))
        .await;
    kit.event("juliet", "chat.message", |m| m["body"] == "She speaks")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slixmpp_as_the_same_account_sees_the_other_half() {
    if !Script::available() {
        eprintln!("skipped: slixmpp is not installed (Debian: python3-slixmpp)");
        return;
    }
    let server = Server::plain();
    let kit = Kit::connected(&server, &PLUGINS).await;
    let mut phone = Script::start(&server, "romeo", "phone").await;
    kit.ok(
        "romeo",
        "chat.send",
        json!({"to": "juliet@localhost", "body": "From here", "extra": []}),
    )
    .await;
    phone
        .take("the carbon", |e| {
            e["event"] == "carbon" && e["way"] == "sent" && e["body"] == "From here"
        })
        .await;
    phone
        .order(
            "send",
            json!({"to": "juliet@localhost", "body": "From there"}),
        )
        .await;
    kit.event("romeo", "chat.message", |m| {
        m["body"] == "From there" && m["direction"] == "out"
    })
    .await;
    kit.event("juliet", "chat.message", |m| m["body"] == "From there")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slixmpp_finds_our_capabilities_true() {
    if !Script::available() {
        eprintln!("skipped: slixmpp is not installed (Debian: python3-slixmpp)");
        return;
    }
    let server = Server::plain();
    let kit = Kit::start(&PLUGINS).await;
    kit.connect(&server, "romeo").await;
    let mut phone = Script::start(&server, "romeo", "phone").await;
    let romeo = kit.bound("romeo").await;
    let caps = phone.order("caps", json!({"to": romeo})).await;
    assert!(
        caps["ok"]
            .as_array()
            .is_some_and(|f| f.iter().any(|v| v == "urn:xmpp:ping")),
        "{caps}"
    );
}
