//! Messages between two accounts of this backend, and their fate.

use sat_tests::{Kit, Peer, Server, wait};
use serde_json::{Value, json};

const PLUGINS: [&str; 8] = [
    "roster", "presence", "disco", "chat", "receipts", "carbons", "archive", "ping",
];

async fn send(kit: &Kit, from: &str, to: &str, body: &str) -> String {
    let sent = kit
        .ok(
            from,
            "chat.send",
            json!({"to": to, "body": body, "extra": []}),
        )
        .await;
    sent["id"].as_str().expect("an id").to_owned()
}

/// Waits until a message is in a state.
async fn state(kit: &Kit, profile: &str, id: &str, states: &[&str]) -> Value {
    wait::until(
        &format!("{profile}'s message is in one of {states:?}"),
        || async {
            let message = kit.ok(profile, "chat.get", json!({"id": id})).await;
            states
                .iter()
                .any(|s| message["state"] == *s)
                .then_some(message)
        },
    )
    .await
}

async fn bodies(kit: &Kit, profile: &str, with: &str) -> Vec<String> {
    let page = kit
        .ok(profile, "chat.history", json!({"with": with, "limit": 200}))
        .await;
    let items = page["items"].as_array().expect("items").iter();
    items
        .map(|m| m["body"].as_str().expect("a body").to_owned())
        .collect()
}

/// Both see each other's presence, so that receipts may be sent.
async fn befriend(kit: &Kit) {
    for (who, whom) in [("romeo", "juliet"), ("juliet", "romeo")] {
        let jid = format!("{whom}@localhost");
        // Approving may have added the contact already.
        let contact = json!({"jid": jid, "groups": []});
        let added = kit.call(who, "roster.add", contact).await;
        assert!(added.is_ok() || added.is_err_and(|e| e.kind == "conflict"));
        kit.ok(who, "presence.subscribe", json!({"jid": jid})).await;
        let from = format!("{who}@localhost");
        kit.event(whom, "presence.requested", |e| e["jid"] == from.as_str())
            .await;
        kit.ok(whom, "presence.approve", json!({"jid": from})).await;
    }
    for name in ["romeo", "juliet"] {
        wait::until("both see each other", || async {
            let contacts = kit.ok(name, "roster.list", json!({})).await;
            (contacts[0]["subscription"] == "both").then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_queued_sent_and_delivered() {
    let server = Server::plain();
    let kit = Kit::connected(&server, &PLUGINS).await;
    befriend(&kit).await;
    let id = send(&kit, "romeo", "juliet@localhost", "But soft!").await;
    let delivered = state(&kit, "romeo", &id, &["delivered"]).await;
    assert_eq!(delivered["direction"], "out");
    assert_eq!(delivered["with"], "juliet@localhost");
    let came = kit
        .event("juliet", "chat.message", |m| m["body"] == "But soft!")
        .await;
    let came = sat_tests::backend::data(&came);
    assert_eq!(
        (&came["direction"], &came["state"], &came["with"]),
        (&json!("in"), &json!("received"), &json!("romeo@localhost"))
    );
    assert_eq!(came["origin_id"], delivered["origin_id"]);
    // The first event of one's own message is `queued`; then it only goes forward.
    let first = kit
        .event("romeo", "chat.message", |m| m["id"] == id.as_str())
        .await;
    assert_eq!(sat_tests::backend::data(&first)["state"], "queued");
    let rank = |s: &Value| ["queued", "sent", "delivered"].iter().position(|k| s == k);
    let later: Vec<_> = kit
        .events("romeo", "chat.updated")
        .await
        .iter()
        .map(|m| rank(&m["state"]))
        .collect();
    assert!(
        later.is_sorted() && later.iter().all(Option::is_some),
        "{later:?}"
    );
    // And back.
    let id = send(&kit, "juliet", "romeo@localhost", "Ay me!").await;
    state(&kit, "juliet", &id, &["delivered"]).await;
    for (who, with) in [("romeo", "juliet@localhost"), ("juliet", "romeo@localhost")] {
        assert_eq!(bodies(&kit, who, with).await, ["But soft!", "Ay me!"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_paged_searched_and_counted() {
    let server = Server::plain();
    let kit = Kit::connected(&server, &PLUGINS).await;
    for n in 0..12 {
        send(
            &kit,
            "romeo",
            "juliet@localhost",
            &format!("Line {n} of the play"),
        )
        .await;
    }
    let with = "romeo@localhost";
    wait::until("all have come", || async {
        (bodies(&kit, "juliet", with).await.len() == 12).then_some(())
    })
    .await;
    let expected: Vec<_> = (0..12).map(|n| format!("Line {n} of the play")).collect();
    assert_eq!(bodies(&kit, "juliet", with).await, expected);
    // From the newest back, five at a time.
    let (mut before, mut all) = (Value::Null, Vec::new());
    loop {
        let page = kit
            .ok(
                "juliet",
                "chat.history",
                json!({"with": with, "limit": 5, "before": before}),
            )
            .await;
        let items = page["items"].as_array().unwrap().clone();
        all.splice(
            0..0,
            items.iter().map(|m| m["body"].as_str().unwrap().to_owned()),
        );
        before = page["first"].clone();
        if page["complete"] == true {
            break;
        }
        assert_eq!(items.len(), 5);
    }
    assert_eq!(all, expected);
    let found = kit
        .ok("juliet", "chat.search", json!({"text": "line 7"}))
        .await;
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
    // Signs of the query language are no orders.
    for text in [
        "\"",
        "NEAR(",
        "a OR",
        "*",
        "body:",
        "'; DROP TABLE chat__message",
    ] {
        let result = kit
            .call("juliet", "chat.search", json!({"text": text}))
            .await;
        assert!(
            !matches!(&result, Err(e) if e.kind == "sql-error" || e.kind == "internal-error"),
            "{text}: {result:?}"
        );
    }
    let talks = kit.ok("juliet", "chat.conversations", json!({})).await;
    assert_eq!(talks[0]["unread"], 12);
    assert_eq!(
        kit.ok("juliet", "chat.mark_read", json!({"with": with}))
            .await,
        12
    );
    assert_eq!(
        kit.ok("juliet", "chat.conversations", json!({})).await[0]["unread"],
        0
    );
    assert_eq!(
        kit.ok("romeo", "chat.conversations", json!({})).await[0]["unread"],
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_nobody_fails() {
    let server = Server::plain();
    let kit = Kit::connected(&server, &PLUGINS).await;
    let id = send(&kit, "romeo", "nobody@localhost", "Is there somebody?").await;
    let failed = state(&kit, "romeo", &id, &["failed"]).await;
    assert!(
        failed["error"].as_str().is_some_and(|e| !e.is_empty()),
        "{failed}"
    );
    kit.event("romeo", "chat.updated", |m| {
        m["id"] == id.as_str() && m["state"] == "failed"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_receiver_can_fail_a_message() {
    let server = Server::plain();
    let kit = Kit::start(&PLUGINS).await;
    kit.connect(&server, "romeo").await;
    let romeo = kit.bound("romeo").await;
    let mut juliet = Peer::online(&server, "juliet", "raw").await;
    let mut mallory = Peer::online(&server, "mallory", "raw").await;
    let id = send(&kit, "romeo", "juliet@localhost", "Wherefore").await;
    let came = juliet.take("the message", |e| e.name() == "message").await;
    let stanza = came.attr("id").expect("an id").to_owned();
    state(&kit, "romeo", &id, &["sent"]).await;
    let bounce = format!(
        "<message type='error' id='{stanza}' to='{romeo}'><error type='cancel'>\
         <item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
    );
    let receipt = format!(
        "<message id='r' to='{romeo}'><received xmlns='urn:xmpp:receipts' id='{stanza}'/></message>"
    );
    mallory.send(&bounce).await;
    mallory.send(&receipt).await;
    mallory
        .send(&format!(
            "<message to='{romeo}' type='chat' id='m'><body>after</body></message>"
        ))
        .await;
    kit.event("romeo", "chat.message", |m| m["body"] == "after")
        .await;
    let message = kit.ok("romeo", "chat.get", json!({"id": id})).await;
    assert_eq!(message["state"], "sent");
    juliet.send(&receipt).await;
    state(&kit, "romeo", &id, &["delivered"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_other_resources_send_and_get_is_seen_once() {
    let server = Server::plain();
    let kit = Kit::start(&PLUGINS).await;
    kit.connect(&server, "romeo").await;
    let mut juliet = Peer::online(&server, "juliet", "raw").await;
    let mut phone = Peer::online(&server, "romeo", "phone").await;
    // The archive and carbons are ready when this has come by a carbon.
    kit.event("romeo", "profile.connected", |_| true).await;
    wait::until("carbons are on", async || {
        phone.send("<message to='juliet@localhost' type='chat' id='p1'><body>From the phone</body></message>").await;
        tokio::time::sleep(wait::QUIET).await;
        (!bodies(&kit, "romeo", "juliet@localhost").await.is_empty()).then_some(())
    })
    .await;
    let message = kit
        .event("romeo", "chat.message", |m| m["body"] == "From the phone")
        .await;
    let message = sat_tests::backend::data(&message);
    // The first one may have been found in the archive, before carbons were on.
    assert_eq!(message["direction"], "out");
    let to = phone.jid().to_owned();
    juliet
        .send(&format!(
            "<message to='{to}' type='chat' id='j1'><body>To the phone</body></message>"
        ))
        .await;
    let message = kit
        .event("romeo", "chat.message", |m| m["body"] == "To the phone")
        .await;
    let message = sat_tests::backend::data(&message);
    assert_eq!(
        (&message["direction"], &message["via"]),
        (&json!("in"), &json!("carbon-received"))
    );
    assert_eq!(message["with"], "juliet@localhost");
}
