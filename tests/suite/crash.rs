//! `kill -9` at any moment loses nothing that was acknowledged (reliability.md, row 31).

use sat_tests::{Kit, Peer, Server, program::Program, wait};
use serde_json::{Value, json};
use std::{collections::BTreeMap, process::Command, time::Duration};

const PLUGINS: [&str; 5] = ["roster", "presence", "disco", "chat", "archive"];

/// Runs the victim until the moment of its death; body → id of what was acknowledged.
async fn until_death(kit: &Kit, first: u32, lifetime: Duration) -> BTreeMap<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sat-victim"));
    command.arg(kit.local_dir()).arg(kit.plugin_dir());
    let mut victim = Program::start(command);
    let ready = tokio::time::timeout(wait::LONG, victim.line())
        .await
        .expect("in time");
    assert_eq!(ready.as_deref(), Some("ready"));
    (first..first + 300).for_each(|n| victim.write(&n.to_string()));
    let mut acknowledged = BTreeMap::new();
    let mut note = |line: String| {
        let (body, sent) = line.split_once(' ').expect("a body and what was returned");
        let sent: Value = serde_json::from_str(sent).expect("JSON");
        acknowledged.insert(
            body.to_owned(),
            sent["id"].as_str().expect("an id").to_owned(),
        );
    };
    let life = async {
        while let Some(line) = victim.line().await {
            note(line);
        }
    };
    tokio::time::timeout(lifetime, life).await.ok();
    victim.kill();
    // What it has printed before its death counts as well.
    while let Some(line) = victim.line().await {
        note(line);
    }
    acknowledged
}

/// Ids and origin-ids under which a body came.
type Came = BTreeMap<String, Vec<(String, String)>>;

async fn take_all(juliet: &mut Peer, came: &mut Came) {
    for stanza in juliet.collect(wait::QUIET).await {
        let Some(body) = stanza.get_child("body", "jabber:client") else {
            continue;
        };
        let origin = stanza
            .get_child("origin-id", "urn:xmpp:sid:0")
            .and_then(|o| o.attr("id"));
        let ids = (
            stanza.attr("id").unwrap_or_default().to_owned(),
            origin.unwrap_or_default().to_owned(),
        );
        came.entry(body.text()).or_default().push(ids);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_backend_loses_nothing_that_it_acknowledged() {
    let server = Server::plain();
    let mut kit = Kit::start(&PLUGINS).await;
    kit.create(&server, "romeo", "").await;
    kit.stop().await;
    let mut juliet = Peer::online(&server, "juliet", "raw").await;
    let (mut acknowledged, mut came) = (BTreeMap::new(), Came::new());
    // Moments that differ from run to run; a failure prints them.
    let moment = u64::from(std::process::id()) % 1000;
    for (round, lifetime) in [500 + moment, 30, 1500 - moment].into_iter().enumerate() {
        println!("killed after {lifetime} ms");
        let first = u32::try_from(round).expect("small") * 1000;
        acknowledged.extend(until_death(&kit, first, Duration::from_millis(lifetime)).await);
    }
    assert!(
        !acknowledged.is_empty(),
        "the victim was killed before it sent anything"
    );
    // The next run sends what is left.
    kit.run().await;
    kit.reconnect(&["romeo"]).await;
    wait::until("everything has arrived", || async {
        let talks = kit
            .ok(
                "romeo",
                "chat.history",
                json!({"with": "juliet@localhost", "limit": 200}),
            )
            .await;
        let items = talks["items"].as_array().expect("items").clone();
        items.iter().all(|m| m["state"] != "queued").then_some(())
    })
    .await;
    take_all(&mut juliet, &mut came).await;
    for (body, id) in &acknowledged {
        let ids = came
            .get(body)
            .unwrap_or_else(|| panic!("{body} was acknowledged and never sent"));
        assert!(
            ids.iter().all(|i| i == &ids[0] && !i.0.is_empty()),
            "{body}: another id at another try: {ids:?}"
        );
        let message = kit.ok("romeo", "chat.get", json!({"id": id})).await;
        assert_eq!(message["message_id"], ids[0].0.as_str());
        assert_eq!(message["origin_id"], ids[0].1.as_str());
    }
    // Each once in the own history, also what was stored and not acknowledged.
    let (mut before, mut own) = (Value::Null, BTreeMap::<String, u32>::new());
    loop {
        let page = kit
            .ok(
                "romeo",
                "chat.history",
                json!({"with": "juliet@localhost", "limit": 200, "before": before}),
            )
            .await;
        for message in page["items"].as_array().expect("items") {
            *own.entry(message["body"].as_str().expect("a body").to_owned())
                .or_default() += 1;
        }
        before = page["first"].clone();
        if page["complete"] == true {
            break;
        }
    }
    assert!(acknowledged.keys().all(|body| own.contains_key(body)));
    own.retain(|_, n| *n != 1);
    assert!(own.is_empty(), "more than once in the own history: {own:?}");
}
