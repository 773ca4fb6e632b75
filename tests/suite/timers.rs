//! Durable timers, with a clock that the test moves.

use sat_host::{Clock, NewProfile};
use sat_tests::{Kit, build, wait};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const START: &str = "2026-03-01T12:00:00.000Z";

/// A backend with the guest and an open profile that has no stream.
async fn start() -> Kit {
    let mut kit = Kit::folders();
    kit.clock = Clock::manual(START.parse().unwrap());
    kit.drop_in(&build::guest("reminder"), "reminder");
    kit.run().await;
    let new = NewProfile {
        profile: "juliet".into(),
        password: String::new(),
        jid: "juliet@localhost".into(),
        jid_password: "unused".into(),
        host: None,
        port: None,
        security: None,
        ca_file: None,
    };
    kit.backend().create_profile(new).await.unwrap();
    kit.profile("juliet").unlock("").await.unwrap();
    kit
}

async fn set(kit: &Kit, name: &str, delay: Duration, payload: &str) {
    let params = json!({"name": name, "delay_ms": delay.as_millis() as u64, "payload": payload});
    kit.ok("juliet", "acme.reminder.set_in", params).await;
}

/// The field of all that have fired, in their order.
async fn fired(kit: &Kit, field: &str) -> Vec<String> {
    let fired = kit.ok("juliet", "acme.reminder.fired", json!({})).await;
    let fired = fired.as_array().unwrap().iter();
    fired
        .map(|f| f[field].as_str().unwrap().to_owned())
        .collect()
}

async fn listed(kit: &Kit) -> Value {
    let params = json!({"limit": 2000});
    kit.ok("juliet", "acme.reminder.listed", params).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_fires_at_its_time_and_a_week_passes_in_a_moment() {
    let kit = start().await;
    set(&kit, "later", DAY * 7, "seven").await;
    let params = json!({"name": "sooner", "at": "2026-03-02T13:00:00+01:00", "payload": "one"});
    kit.ok("juliet", "acme.reminder.set", params).await;
    assert_eq!(listed(&kit).await, json!(["sooner", "later"]));
    let began = Instant::now();
    kit.clock.advance(DAY - Duration::from_millis(1)).await;
    assert!(fired(&kit, "name").await.is_empty());
    kit.clock.advance(DAY * 7).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{began:?}");
    assert_eq!(fired(&kit, "name").await, ["sooner", "later"]);
    assert_eq!(fired(&kit, "payload").await, ["one", "seven"]);
    let times = ["2026-03-02T12:00:00.000Z", "2026-03-08T12:00:00.000Z"];
    assert_eq!(fired(&kit, "at").await, times);
    assert_eq!(fired(&kit, "began").await, times);
    assert_eq!(listed(&kit).await, json!([]));
    let bad = json!({"name": "x", "at": "soon", "payload": ""});
    let bad = kit.call("juliet", "acme.reminder.set", bad).await;
    assert_eq!(bad.unwrap_err().kind, "bad-request");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_due_while_the_backend_was_off_fires_after_the_unlock() {
    let mut kit = start().await;
    set(&kit, "second", DAY * 2, "").await;
    set(&kit, "first", DAY, "").await;
    set(&kit, "third", DAY * 4, "").await;
    kit.stop().await;
    kit.clock.advance(DAY * 3).await;
    kit.run().await;
    kit.clock.advance(HOUR).await;
    let profile = kit.profile("juliet");
    profile.unlock("").await.unwrap();
    // Lets everything come to rest.
    kit.clock.advance(Duration::ZERO).await;
    assert_eq!(fired(&kit, "name").await, ["first", "second"]);
    let unlocked = "2026-03-04T13:00:00.000Z";
    assert_eq!(fired(&kit, "began").await, [unlocked, unlocked]);

    // A locked profile's timers wait too.
    profile.lock().await.unwrap();
    kit.clock.advance(DAY * 2).await;
    profile.unlock("").await.unwrap();
    kit.clock.advance(Duration::ZERO).await;
    assert_eq!(fired(&kit, "name").await, ["first", "second", "third"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_is_replaced_by_its_name_and_taken_back() {
    let kit = start().await;
    set(&kit, "a", DAY, "old").await;
    set(&kit, "b", DAY, "").await;
    set(&kit, "a", DAY * 2, "new").await;
    let name = json!({"name": "b"});
    let cancelled = kit.ok("juliet", "acme.reminder.cancel", name.clone()).await;
    assert_eq!(cancelled, json!(true));
    let cancelled = kit.ok("juliet", "acme.reminder.cancel", name).await;
    assert_eq!(cancelled, json!(false));
    kit.clock.advance(DAY * 3).await;
    assert_eq!(fired(&kit, "payload").await, ["new"]);
    assert_eq!(fired(&kit, "began").await, ["2026-03-03T12:00:00.000Z"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_comes_again_after_a_trap_and_is_dropped_when_it_always_fails() {
    let kit = start().await;
    set(&kit, "unlucky", HOUR, "trap").await;
    set(&kit, "hopeless", HOUR, "fail").await;
    set(&kit, "other", HOUR + Duration::from_secs(30), "").await;
    kit.clock.advance(HOUR + Duration::from_secs(60)).await;
    // Failures keep nobody else from firing.
    assert_eq!(fired(&kit, "name").await, ["unlucky", "other"]);
    let began = ["2026-03-01T13:00:01.000Z", "2026-03-01T13:00:30.000Z"];
    assert_eq!(fired(&kit, "began").await, began);
    assert!(kit.logs("reminder").contains("crashed"));
    kit.clock.advance(DAY * 6).await;
    assert_eq!(listed(&kit).await, json!(["hopeless"]));
    kit.clock.advance(DAY * 2).await;
    assert_eq!(listed(&kit).await, json!([]));
    let logs = kit.logs("reminder");
    assert!(logs.contains("TIMER_MAX_AGE"), "{logs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn due_timers_come_one_after_the_other() {
    let kit = start().await;
    set(&kit, "second", HOUR * 2, "slow").await;
    set(&kit, "first", HOUR, "slow").await;
    set(&kit, "third", HOUR * 3, "").await;
    kit.profile("juliet").lock().await.unwrap();
    kit.clock.advance(DAY).await;
    kit.profile("juliet").unlock("").await.unwrap();
    kit.clock.advance(HOUR).await;
    assert_eq!(fired(&kit, "name").await, ["first", "second", "third"]);
    let at = |seconds| format!("2026-03-02T12:00:{seconds}.000Z");
    assert_eq!(fired(&kit, "began").await, [at("00"), at("10"), at("20")]);
    assert_eq!(fired(&kit, "ended").await, [at("10"), at("20"), at("20")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_has_so_many_timers_and_no_more() {
    let kit = start().await;
    for n in 0..1000 {
        set(&kit, &n.to_string(), DAY, "").await;
    }
    let one_more = json!({"name": "one more", "delay_ms": 1, "payload": ""});
    let error = kit
        .call("juliet", "acme.reminder.set_in", one_more)
        .await
        .unwrap_err();
    assert_eq!(error.kind, "limit-reached");
    assert!(error.message.contains("TIMERS_LIMIT"), "{error}");
    set(&kit, "7", HOUR, "").await;
    kit.clock.advance(HOUR * 2).await;
    assert_eq!(fired(&kit, "name").await, ["7"]);
    kit.clock.advance(DAY).await;
    assert_eq!(fired(&kit, "name").await.len(), 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn timers_of_a_plugin_that_is_gone_wait_for_it() {
    let kit = start().await;
    set(&kit, "a", DAY, "").await;
    kit.remove("reminder", "reminder").await;
    kit.clock.advance(DAY * 2).await;
    kit.add(&build::guest("reminder"), "reminder", "reminder", "0.1.0")
        .await;
    wait::until("the timer has fired", || async {
        (fired(&kit, "name").await == ["a"]).then_some(())
    })
    .await;
    assert_eq!(fired(&kit, "began").await, ["2026-03-03T12:00:00.000Z"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unused_instance_is_dropped_and_a_timer_starts_another() {
    let kit = start().await;
    let state = || {
        let plugins = kit.backend().plugins();
        plugins[0].instances["juliet"]["state"].clone()
    };
    set(&kit, "a", HOUR, "slow").await;
    kit.clock.advance(Duration::from_secs(59)).await;
    assert_eq!(state(), "running");
    kit.clock.advance(Duration::from_secs(1)).await;
    assert_eq!(state(), "idle");
    // It is used while its handler waits, and for a minute behind that.
    kit.clock.advance(HOUR + Duration::from_secs(5)).await;
    assert_eq!(state(), "running");
    kit.clock.advance(Duration::from_secs(80)).await;
    assert_eq!(state(), "idle");
    assert_eq!(fired(&kit, "name").await, ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_makes_guests_draws_reproducible() {
    let mut kit = start().await;
    let mut draws = Vec::new();
    for seed in [Some(7), Some(7), Some(8), None, None] {
        kit.stop().await;
        kit.seed = seed;
        kit.run().await;
        kit.profile("juliet").unlock("").await.unwrap();
        draws.push(kit.ok("juliet", "acme.reminder.draw", json!({})).await);
    }
    assert_eq!(draws[0], draws[1]);
    draws.remove(0);
    for (n, draw) in draws.iter().enumerate() {
        assert!(!draws[..n].contains(draw), "{draws:?}");
    }
}
