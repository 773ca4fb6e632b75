//! Plugins that do what they must not do harm themselves only.

use sat_tests::{Kit, Server, build, wait};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The slowest answer of another plugin, in another profile too, while a call runs.
const NEIGHBOUR: Duration = Duration::from_millis(500);

async fn start() -> (Server, Kit) {
    let server = Server::plain();
    let kit = Kit::folders();
    kit.drop_in(&build::plugin("ping"), "ping");
    kit.drop_in(&build::guest("hostile"), "hostile");
    kit.drop_in(&build::guest("mirror"), "mirror");
    let mut kit = kit;
    kit.run().await;
    kit.connect(&server, "romeo").await;
    kit.connect(&server, "juliet").await;
    (server, kit)
}

/// Does something hostile as romeo, and pings meanwhile as romeo and as juliet.
async fn meanwhile(
    kit: &Kit,
    what: &str,
    n: Option<u32>,
    limit: Duration,
) -> sat_host::Result<Value> {
    for name in ["romeo", "juliet"] {
        kit.ok(name, "ping.ping", json!({})).await;
    }
    let hostile = kit.timed(
        limit,
        "romeo",
        "acme.hostile.do",
        json!({"what": what, "n": n}),
    );
    let pings = async {
        let mut slowest = Duration::ZERO;
        loop {
            for name in ["romeo", "juliet"] {
                let start = Instant::now();
                kit.ok(name, "ping.ping", json!({})).await;
                slowest = slowest.max(start.elapsed());
            }
            assert!(
                slowest < NEIGHBOUR,
                "{what}: a neighbour waited {slowest:?}"
            );
        }
    };
    tokio::select! {
        result = hostile => result,
        () = pings => unreachable!(),
    }
}

async fn crashes(kit: &Kit, what: &str, limit: Duration, word: &str) {
    let error = meanwhile(kit, what, None, limit).await.unwrap_err();
    assert_eq!(error.kind, "plugin-crashed", "{what}: {error}");
    assert!(error.message.contains(word), "{what}: {error}");
    // A fresh instance answers at once.
    kit.ok("romeo", "acme.hostile.do", json!({"what": "nothing"}))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_is_ended_in_time() {
    let (_server, kit) = start().await;
    crashes(&kit, "spin", Duration::from_secs(3), "CALL_TICKS").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_bounded() {
    let (_server, kit) = start().await;
    crashes(&kit, "allocate", Duration::from_secs(10), "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_ends_one_call() {
    let (_server, kit) = start().await;
    let said = "panicked at hostile/src/lib.rs:";
    crashes(&kit, "crash", Duration::from_secs(3), said).await;
    // The author finds the same in the list and in the log, where the backtrace is too.
    let plugins = kit.backend().plugins();
    let hostile = plugins.iter().find(|p| p.id == "hostile").expect("loaded");
    let last = hostile.instances["romeo"]["last_crash"].to_string();
    for (place, text) in [("list", last), ("log", kit.logs("hostile"))] {
        assert!(text.contains(said), "{place}: {text}");
        assert!(text.contains(": asked to crash"), "{place}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standard_output_and_error_are_lines_of_the_log() {
    let (_server, kit) = start().await;
    let print = json!({"what": "print", "n": 10_000});
    kit.ok("romeo", "acme.hostile.do", print).await;
    let log = kit.backend().plugin_logs("hostile", Some("romeo"), 200);
    let log: Vec<_> = log
        .expect("there is a log")
        .into_iter()
        .map(|l| (l.level, l.message))
        .collect();
    let x = |n| ("info", "x".repeat(n));
    let expected = [
        ("info", "to standard output".to_owned()),
        x(4096),
        x(4096),
        x(10_000 - 2 * 4096),
        ("warn", "to standard error".to_owned()),
    ];
    assert_eq!(log, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_like_a_panic_is_not_taken_for_the_reason() {
    let (_server, kit) = start().await;
    let limit = Duration::from_secs(3);
    crashes(&kit, "print-and-spin", limit, "CALL_TICKS").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_recursion_is_a_crash_of_the_plugin_alone() {
    let (_server, kit) = start().await;
    crashes(&kit, "overflow", Duration::from_secs(3), "").await;
}

/// A loop that waits for the host each time never uses up the budget of a call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_through_the_host_is_ended_at_the_call_s_deadline() {
    let (_server, kit) = start().await;
    let start = Instant::now();
    let error = meanwhile(&kit, "spin-in-the-host", None, Duration::from_secs(40))
        .await
        .unwrap_err();
    assert!(
        matches!(&*error.kind, "timeout" | "plugin-crashed"),
        "{error} after {:?}",
        start.elapsed()
    );
    kit.ok("romeo", "acme.hostile.do", json!({"what": "nothing"}))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_query_is_cut() {
    let (_server, kit) = start().await;
    let error = meanwhile(&kit, "long-query", None, Duration::from_secs(10))
        .await
        .unwrap_err();
    assert!(
        matches!(&*error.kind, "limit-reached" | "sql-error" | "timeout"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn huge_values_are_refused_or_arrive_whole() {
    let (_server, kit) = start().await;
    match meanwhile(&kit, "huge", Some(1 << 20), Duration::from_secs(5)).await {
        Ok(text) => assert_eq!(text.as_str().map(str::len), Some(1 << 20)),
        Err(e) => assert_eq!(e.kind, "limit-reached", "{e}"),
    }
    let error = meanwhile(&kit, "huge", Some(40 << 20), Duration::from_secs(10))
        .await
        .unwrap_err();
    assert!(
        matches!(&*error.kind, "plugin-crashed" | "limit-reached"),
        "{error}"
    );
    let error = meanwhile(&kit, "store-huge", Some(8 << 20), Duration::from_secs(5))
        .await
        .unwrap_err();
    assert!(
        matches!(&*error.kind, "plugin-crashed" | "limit-reached"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_between_plugins_have_a_depth() {
    let (_server, kit) = start().await;
    let error = meanwhile(&kit, "bounce", None, Duration::from_secs(5))
        .await
        .unwrap_err();
    assert!(error.message.contains("CALL_DEPTH"), "{error}");
    kit.ok("romeo", "acme.hostile.do", json!({"what": "nothing"}))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_to_itself_does_not_go_round_for_ever() {
    let (_server, kit) = start().await;
    let loops = async || {
        let count = kit
            .ok("romeo", "acme.hostile.do", json!({"what": "count"}))
            .await;
        count
            .as_str()
            .and_then(|n| n.parse::<u64>().ok())
            .expect("a number")
    };
    meanwhile(&kit, "send-to-itself", None, wait::LONG)
        .await
        .unwrap();
    let before = loops().await;
    let begin = Instant::now();
    // It goes through the server each time, so nothing but the network bounds it; the others must
    // not notice.
    while begin.elapsed() < Duration::from_secs(3) {
        let asked = Instant::now();
        kit.ok("juliet", "ping.ping", json!({})).await;
        assert!(
            asked.elapsed() < Duration::from_secs(2),
            "the other profile waits"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(loops().await >= before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_are_counted_and_the_plugin_rests() {
    let (_server, kit) = start().await;
    let mut last = None;
    for _ in 0..8 {
        last = Some(
            kit.call("romeo", "acme.hostile.do", json!({"what": "crash"}))
                .await
                .unwrap_err(),
        );
    }
    let error = last.expect("eight calls");
    assert!(error.message.contains("rests"), "{error}");
    let hostile = kit
        .backend()
        .plugins()
        .into_iter()
        .find(|p| p.id == "hostile")
        .expect("loaded");
    assert_eq!(hostile.instances["romeo"]["state"], "resting");
    // Each profile has its own.
    kit.ok("juliet", "acme.hostile.do", json!({"what": "nothing"}))
        .await;
    kit.ok("romeo", "ping.ping", json!({})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_out_in_another_s_name() {
    let (server, kit) = start().await;
    let mut mallory = sat_tests::Peer::online(&server, "mallory", "raw").await;
    for what in ["foreign-from", "iq-as-message"] {
        let result = kit
            .call("romeo", "acme.hostile.do", json!({"what": what}))
            .await;
        assert!(result.is_err(), "{what} was sent: {result:?}");
    }
    // Of two stanzas at most the first one goes: filters and limits have seen no other.
    let two = json!({"what": "two-stanzas"});
    kit.call("romeo", "acme.hostile.do", two).await.ok();
    let got = mallory.collect(wait::QUIET).await;
    let says = |e: &minidom::Element| e.children().any(|c| c.name() == "body");
    assert!(!got.iter().any(says), "{got:?}");
    kit.ok("romeo", "ping.ping", json!({})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_sends_at_its_pace() {
    let server = Server::plain();
    let mut kit = Kit::folders();
    kit.drop_in(&build::guest("hostile"), "hostile");
    kit.plugins.stanzas_per_second = 10;
    kit.run().await;
    kit.connect(&server, "romeo").await;
    kit.connect(&server, "juliet").await;
    let flood = async |profile: &str, what: &str, n: u32| {
        let start = Instant::now();
        let params = json!({"what": what, "n": n});
        let result = kit.ok(profile, "acme.hostile.do", params).await;
        let (sent, why) = result
            .as_str()
            .and_then(|r| r.split_once(' '))
            .expect("both");
        (
            sent.parse::<u32>().expect("a number"),
            why.to_owned(),
            start.elapsed(),
        )
    };
    // Ten seconds' worth goes at once, the next stanzas wait.
    let (sent, why, time) = flood("romeo", "flood", 110).await;
    assert_eq!((sent, why.as_str()), (110, ""));
    assert!(time > Duration::from_millis(500), "{time:?}");
    // Of many at once, those of five seconds wait, and the rest is refused.
    let (sent, why, time) = flood("romeo", "flood-at-once", 200).await;
    assert!((50..70).contains(&sent), "{sent}");
    assert!(why.starts_with("limit-reached: "), "{why}");
    assert!(why.contains("stanzas_per_second"), "{why}");
    assert!(time > Duration::from_secs(4), "{time:?}");
    // Another profile has its own.
    let (sent, why, time) = flood("juliet", "flood-at-once", 100).await;
    assert_eq!((sent, why.as_str()), (100, ""));
    assert!(time < Duration::from_secs(4), "{time:?}");
}
