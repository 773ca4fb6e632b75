//! Events have durable cursors.

use sat_tests::{Kit, Server, backend, build, wait};
use serde_json::{Value, json};

async fn start(guests: &[&str]) -> (Server, Kit) {
    let server = Server::plain();
    let mut kit = Kit::folders();
    kit.drop_in(&build::plugin("ping"), "ping");
    for guest in guests {
        kit.drop_in(&build::guest(guest), guest);
    }
    kit.run().await;
    kit.create(&server, "romeo", "").await;
    kit.profile("romeo").unlock("").await.unwrap();
    (server, kit)
}

async fn note(kit: &Kit, number: u32, how: &str) {
    kit.ok(
        "romeo",
        "acme.weather.note",
        json!({"number": number, "how": how}),
    )
    .await;
}

fn numbers(events: &[Value]) -> Vec<u64> {
    events.iter().filter_map(|e| e["number"].as_u64()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_outlives_the_backend() {
    let (_server, mut kit) = start(&["weather"]).await;
    for n in 1..=5 {
        note(&kit, n, if n % 2 == 0 { "emit" } else { "commit" }).await;
    }
    let log = kit.profile("romeo").events().clone();
    let all = log.read(0, &["acme.weather.*".into()], 100).await.unwrap();
    assert_eq!(
        numbers(&all.iter().map(backend::data).collect::<Vec<_>>()),
        [1, 2, 3, 4, 5]
    );
    let cursor = all[2].cursor;
    drop(log);

    kit.restart().await;
    kit.profile("romeo").unlock("").await.unwrap();
    note(&kit, 6, "commit").await;
    let mut follower = kit
        .profile("romeo")
        .events()
        .follow(cursor, vec!["acme.weather.changed".into()]);
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let events = tokio::time::timeout(wait::LONG, follower.next())
            .await
            .expect("they come")
            .unwrap();
        seen.extend(numbers(
            &events.iter().map(backend::data).collect::<Vec<_>>(),
        ));
    }
    assert_eq!(seen, [4, 5, 6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_filtered() {
    let (_server, kit) = start(&["weather"]).await;
    note(&kit, 1, "commit").await;
    assert_eq!(kit.events("romeo", "acme.weather.changed").await.len(), 1);
    assert_eq!(kit.events("romeo", "acme.*").await.len(), 1);
    assert_eq!(kit.events("romeo", "acme.weather.chang").await.len(), 0);
    assert_eq!(kit.events("romeo", "chat.*").await.len(), 0);
}

/// What the listener has seen.
async fn seen(kit: &Kit) -> Vec<u64> {
    let seen = kit.ok("romeo", "acme.listener.seen", json!({})).await;
    let seen = seen.as_array().expect("a list").iter();
    let mut seen: Vec<u64> = seen.filter_map(Value::as_u64).collect();
    // At least once: a repeated one is no fault.
    seen.dedup();
    seen
}

async fn until_seen(kit: &Kit, expected: &[u64]) {
    wait::until(&format!("the listener has seen {expected:?}"), || async {
        (seen(kit).await == expected).then_some(())
    })
    .await;
}

/// A new receiver begins with what comes: it is listening once one has arrived.
async fn until_listening(kit: &Kit) {
    wait::until("the first event arrives", || async {
        note(kit, 1, "emit").await;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        (!seen(kit).await.is_empty()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiving_plugin_misses_nothing_while_it_is_away() {
    let (_server, mut kit) = start(&["weather", "listener"]).await;
    until_listening(&kit).await;
    note(&kit, 2, "emit").await;
    until_seen(&kit, &[1, 2]).await;
    // The plugin is taken out and comes back.
    kit.remove("listener", "listener").await;
    note(&kit, 3, "emit").await;
    kit.add(&build::guest("listener"), "listener", "listener", "0.1.0")
        .await;
    until_seen(&kit, &[1, 2, 3]).await;
    // The backend is restarted while events lie there.
    kit.remove("listener", "listener").await;
    note(&kit, 4, "emit").await;
    note(&kit, 5, "emit").await;
    kit.stop().await;
    kit.drop_in(&build::guest("listener"), "listener");
    kit.run().await;
    kit.profile("romeo").unlock("").await.unwrap();
    until_seen(&kit, &[1, 2, 3, 4, 5]).await;
    assert!(numbers(&kit.events("romeo", "acme.weather.changed").await).contains(&5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiving_plugin_gets_only_the_events_that_it_declares() {
    let (_server, kit) = start(&["weather", "listener-odd"]).await;
    until_listening(&kit).await;
    for number in 2..=6 {
        note(&kit, number, "emit").await;
    }
    until_seen(&kit, &[1, 3, 5]).await;
    // Another start goes on behind what was not wanted.
    kit.remove("listener-odd", "listener").await;
    kit.add(
        &build::guest("listener-odd"),
        "listener-odd",
        "listener",
        "0.2.0",
    )
    .await;
    note(&kit, 7, "emit").await;
    note(&kit, 3, "emit").await;
    until_seen(&kit, &[1, 3, 5, 3]).await;
}
