//! Events: replay, live, and their end.

use crate::support::{Door, account, ask, kind};
use sat_client::Since;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn events_are_replayed_and_go_on_without_gap_or_double() {
    let door = Door::open().await;
    let client = door.client().await;
    for i in 0..5 {
        ask(&client, "profile.create", account(&format!("early{i}"), ""))
            .await
            .unwrap();
    }
    let since = Since::from([("@HOST@".to_owned(), Some("0".to_owned()))]);
    let mut events = client
        .subscribe_events(&["profile.*"], Some(&since))
        .await
        .unwrap();
    let writer = door.client().await;
    let writing = tokio::spawn(async move {
        for i in 0..5 {
            ask(&writer, "profile.create", account(&format!("late{i}"), ""))
                .await
                .unwrap();
        }
    });
    let mut names = Vec::new();
    let mut cursor = 0;
    let mut middle = None;
    while names.len() < 10 {
        let event = tokio::time::timeout(Duration::from_secs(20), events.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
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
    let expected: Vec<_> = ["early", "late"]
        .iter()
        .flat_map(|w| (0..5).map(move |i| format!("{w}{i}")))
        .collect();
    assert_eq!(names, expected);

    // Another client takes up where this one stood; so does polling.
    let next = door.client().await;
    let mut rest = next
        .subscribe_events(&["profile.*"], middle.as_ref())
        .await
        .unwrap();
    assert!(
        rest.next()
            .await
            .unwrap()
            .unwrap()
            .data
            .unwrap()
            .get()
            .contains("late2")
    );
    let polled = ask(
        &next,
        "events.poll",
        json!({"topics": ["profile.*"], "since": middle, "limit": 2}),
    )
    .await
    .unwrap();
    assert_eq!(polled["events"].as_array().unwrap().len(), 2);
    let polled = ask(
        &next,
        "events.poll",
        json!({"topics": ["profile.*"], "since": polled["since"]}),
    )
    .await
    .unwrap();
    assert_eq!(polled["events"].as_array().unwrap().len(), 1);
    let waiting = tokio::spawn({
        let next = next.clone();
        async move {
            ask(
                &next,
                "events.poll",
                json!({"topics": ["profile.*"], "since": polled["since"], "wait_ms": 20_000}),
            )
            .await
        }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    ask(&client, "profile.create", account("awaited", ""))
        .await
        .unwrap();
    assert_eq!(
        waiting.await.unwrap().unwrap()["events"][0]["data"]["profile"],
        "awaited"
    );
}

#[tokio::test]
async fn events_of_a_profile_end_when_it_is_locked() {
    let door = Door::open().await;
    let client = door.client().await;
    ask(&client, "profile.create", account("juliet", "pw"))
        .await
        .unwrap();
    let since = Since::from([("juliet".to_owned(), None)]);
    assert_eq!(
        kind(
            client
                .subscribe_events(&["*"], Some(&since))
                .await
                .map(|_| ())
        ),
        "profile-locked"
    );
    ask(
        &client,
        "profile.unlock",
        json!({"profile": "juliet", "password": "pw"}),
    )
    .await
    .unwrap();
    let mut events = client.subscribe_events(&["*"], Some(&since)).await.unwrap();
    ask(&client, "profile.lock", json!({"profile": "juliet"}))
        .await
        .unwrap();
    let end = loop {
        match tokio::time::timeout(Duration::from_secs(5), events.next())
            .await
            .unwrap()
            .unwrap()
        {
            Ok(_) => {}
            Err(e) => break e,
        }
    };
    assert_eq!(end.kind, "profile-locked");
}
