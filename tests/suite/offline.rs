//! What happens while somebody is away.

use sat_tests::{
    Kit, Peer, Server,
    prosody::{Archive, Options},
    wait,
};
use serde_json::{Value, json};

const PLUGINS: [&str; 7] = [
    "roster", "presence", "disco", "chat", "receipts", "carbons", "archive",
];

async fn bodies(kit: &Kit, profile: &str, with: &str) -> Vec<String> {
    let page = kit
        .ok(profile, "chat.history", json!({"with": with, "limit": 200}))
        .await;
    let items = page["items"].as_array().expect("items").iter();
    items
        .map(|m| m["body"].as_str().expect("a body").to_owned())
        .collect()
}

async fn until_bodies(kit: &Kit, profile: &str, with: &str, expected: &[String]) {
    wait::until(
        &format!("{profile} has {} messages", expected.len()),
        || async { (bodies(kit, profile, with).await.len() >= expected.len()).then_some(()) },
    )
    .await;
    // What comes twice, by the offline store and by the archive say, would come about now.
    tokio::time::sleep(wait::QUIET).await;
    // Archives may stamp in whole seconds, so what came live a moment before may sort behind.
    let mut got = bodies(kit, profile, with).await;
    got.sort_by_key(|b| b.parse::<u32>().ok());
    assert_eq!(got, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_comes_once() {
    let server = Server::plain();
    let kit = Kit::connected(&server, &PLUGINS).await;
    kit.ok(
        "romeo",
        "chat.send",
        json!({"to": "juliet@localhost", "body": "0", "extra": []}),
    )
    .await;
    kit.event("juliet", "chat.message", |m| m["body"] == "0")
        .await;
    kit.profile("juliet").disconnect().await.unwrap();
    let mut romeo = Peer::online(&server, "romeo", "raw").await;
    let mut expected = vec!["0".to_owned()];
    for n in 1..=30 {
        romeo
            .send(&format!(
                "<message type='chat' to='juliet@localhost' id='m{n}'><body>{n}</body></message>"
            ))
            .await;
        expected.push(n.to_string());
    }
    romeo.settle().await;
    kit.reconnect(&["juliet"]).await;
    until_bodies(&kit, "juliet", "romeo@localhost", &expected).await;
    let events = kit.events("juliet", "chat.message").await;
    assert_eq!(events.len(), expected.len(), "one event each");
}

/// A server that has a message archive may send nothing by itself to who has asked it (Prosody
/// does so): what comes between the catching up and the first presence must be asked for too.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_while_connecting_comes_once() {
    let server = Server::plain();
    let kit = Kit::start(&PLUGINS).await;
    kit.create(&server, "juliet", "").await;
    kit.profile("juliet").unlock("").await.unwrap();
    let mut romeo = Peer::online(&server, "romeo", "raw").await;
    let mut expected = Vec::new();
    let connected = async {
        kit.profile("juliet").connect().await.unwrap();
        tokio::time::sleep(wait::QUIET).await;
    };
    let sending = async {
        for n in 0.. {
            let text = format!("<body>{n}</body>");
            let stanza =
                format!("<message type='chat' to='juliet@localhost' id='m{n}'>{text}</message>");
            romeo.send(&stanza).await;
            expected.push(n.to_string());
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        () = connected => {}
        () = sending => {}
    }
    romeo.settle().await;
    let came = async || {
        let events = kit.events("juliet", "chat.message").await;
        let came = events
            .iter()
            .map(|m| m["body"].as_str().unwrap().to_owned());
        let mut came: Vec<_> = came.collect();
        came.sort_by_key(|b| b.parse::<u32>().ok());
        came
    };
    let start = std::time::Instant::now();
    while came().await.len() < expected.len() && start.elapsed() < wait::LONG / 4 {
        tokio::time::sleep(wait::QUIET).await;
    }
    assert_eq!(came().await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_while_away_goes_out_later_in_order() {
    let server = Server::plain();
    let mut kit = Kit::start(&PLUGINS).await;
    kit.create(&server, "romeo", "").await;
    kit.profile("romeo").unlock("").await.unwrap();
    let mut ids = Vec::new();
    for n in 0..10 {
        let sent = kit
            .ok(
                "romeo",
                "chat.send",
                json!({"to": "juliet@localhost", "body": n.to_string(), "extra": []}),
            )
            .await;
        ids.push(sent["id"].clone());
    }
    for id in &ids {
        assert_eq!(
            kit.ok("romeo", "chat.get", json!({"id": id})).await["state"],
            "queued"
        );
    }
    // Also by another run of the backend.
    kit.restart().await;
    let mut juliet = Peer::online(&server, "juliet", "raw").await;
    kit.reconnect(&["romeo"]).await;
    for n in 0..10 {
        let message = juliet
            .take("the next message", |e| {
                e.name() == "message" && e.attr("type") == Some("chat")
            })
            .await;
        let body = message
            .get_child("body", "jabber:client")
            .expect("a body")
            .text();
        assert_eq!(body, n.to_string());
    }
    for id in &ids {
        wait::until("the server has them all", || async {
            (kit.ok("romeo", "chat.get", json!({"id": id})).await["state"] == "sent").then_some(())
        })
        .await;
    }
}

/// reliability.md, row 36.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_that_was_sent() {
    let mut server = Server::start(Options {
        archive: Archive::Internal,
        ..Options::default()
    });
    let kit = Kit::connected(&server, &PLUGINS).await;
    let mut expected = Vec::new();
    let mut send = async |range: std::ops::Range<u32>| {
        for n in range {
            kit.ok(
                "romeo",
                "chat.send",
                json!({"to": "juliet@localhost", "body": n.to_string(), "extra": []}),
            )
            .await;
            expected.push(n.to_string());
        }
    };
    send(0..5).await;
    server.kill();
    send(5..10).await;
    server.restart();
    send(10..15).await;
    wait::until("both are connected again", || async {
        let all = kit.backend().profiles();
        (all.iter().all(|p| p.state == "connected")).then_some(())
    })
    .await;
    wait::until("all messages are there", || async {
        let mut got = bodies(&kit, "juliet", "romeo@localhost").await;
        got.sort_by_key(|b| b.parse::<u32>().ok());
        (got == expected).then_some(())
    })
    .await;
    let own: Vec<Value> = kit.events("romeo", "chat.message").await;
    assert_eq!(own.len(), 15);
}
