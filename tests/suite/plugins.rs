//! Plugins come, change and go while the stream stays.

use minidom::Element;
use sat_tests::{Kit, Peer, Server, build, wait};
use serde_json::json;
use std::time::{Duration, Instant};

/// The features that juliet tells when asked.
async fn features(peer: &mut Peer, juliet: &str) -> Vec<String> {
    let ns = "http://jabber.org/protocol/disco#info";
    let answer = peer
        .ask("get", Some(juliet), &format!("<query xmlns='{ns}'/>"))
        .await;
    let query = answer
        .get_child("query", ns)
        .unwrap_or_else(|| panic!("no features: {}", String::from(&answer)));
    query
        .children()
        .filter(|c| c.name() == "feature")
        .filter_map(|c| c.attr("var"))
        .map(str::to_owned)
        .collect()
}

/// The caps hash of a presence of juliet that is not `old`.
async fn caps(peer: &mut Peer, juliet: &str, old: Option<&str>) -> String {
    let hash = |e: &Element| {
        let caps = e.get_child("c", "http://jabber.org/protocol/caps")?;
        caps.attr("ver").map(str::to_owned)
    };
    let presence = peer
        .take("a presence with another caps hash", |e| {
            let of_juliet = e.name() == "presence" && e.attr("from") == Some(juliet);
            assert!(
                !of_juliet || e.attr("type") != Some("unavailable"),
                "juliet's stream was dropped"
            );
            of_juliet && hash(e).is_some_and(|h| Some(h.as_str()) != old)
        })
        .await;
    hash(&presence).expect("just seen")
}

/// Juliet lets Romeo see her presence.
async fn befriend(kit: &Kit, romeo: &mut Peer) {
    kit.ok(
        "juliet",
        "roster.add",
        json!({"jid": "romeo@localhost", "name": "Romeo", "groups": []}),
    )
    .await;
    romeo
        .send("<presence type='subscribe' to='juliet@localhost'/>")
        .await;
    kit.event("juliet", "presence.requested", |e| {
        e["jid"] == "romeo@localhost"
    })
    .await;
    kit.ok(
        "juliet",
        "presence.approve",
        json!({"jid": "romeo@localhost"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feature_comes_changes_and_goes_on_an_open_stream() {
    let server = Server::plain();
    let kit = Kit::start(&["disco", "presence", "roster"]).await;
    kit.connect(&server, "juliet").await;
    let juliet = kit.bound("juliet").await;
    let mut peer = Peer::online(&server, "romeo", "raw").await;
    befriend(&kit, &mut peer).await;
    let start = caps(&mut peer, &juliet, None).await;
    let (old, new) = (
        "urn:example:weather:0".to_owned(),
        "urn:example:weather:1".to_owned(),
    );
    assert!(!features(&mut peer, &juliet).await.contains(&old));

    // Dropped in: a method, a disco feature, an IQ handler, another caps hash.
    let weather = build::guest("weather");
    let began = Instant::now();
    kit.add(&weather, "weather", "weather", "0.1.0").await;
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "loading took {:?}",
        began.elapsed()
    );
    let today = kit
        .ok(
            "juliet",
            "acme.weather.get_today",
            json!({"city": "Verona"}),
        )
        .await;
    assert_eq!(today, json!({"city": "Verona", "temperature": 20}));
    assert!(features(&mut peer, &juliet).await.contains(&old));
    let with = caps(&mut peer, &juliet, Some(&start)).await;
    let answer = peer
        .ask(
            "get",
            Some(&juliet),
            "<weather xmlns='urn:example:weather:0'/>",
        )
        .await;
    assert_eq!(answer.attr("type"), Some("result"));

    // Replaced.
    kit.add(&build::guest("weather-next"), "weather", "weather", "0.2.0")
        .await;
    let today = kit
        .ok(
            "juliet",
            "acme.weather.get_today",
            json!({"city": "Verona"}),
        )
        .await;
    assert_eq!(today["temperature"], 30);
    let now = features(&mut peer, &juliet).await;
    assert!(now.contains(&new) && !now.contains(&old), "{now:?}");
    caps(&mut peer, &juliet, Some(&with)).await;

    // Taken out: all as before.
    kit.remove("weather", "weather").await;
    let error = kit
        .call(
            "juliet",
            "acme.weather.get_today",
            json!({"city": "Verona"}),
        )
        .await
        .unwrap_err();
    assert_eq!(error.kind, "no-provider");
    assert!(!features(&mut peer, &juliet).await.contains(&new));
    let answer = peer
        .ask(
            "get",
            Some(&juliet),
            "<weather xmlns='urn:example:weather:1'/>",
        )
        .await;
    assert_eq!(answer.attr("type"), Some("error"));
    loop {
        // The hash of the version in between may still be on its way.
        if caps(&mut peer, &juliet, None).await == start {
            break;
        }
    }

    assert_eq!(kit.bound("juliet").await, juliet);
    assert_eq!(kit.events("juliet", "profile.connected").await.len(), 1);
    let rest = peer.collect(wait::QUIET).await;
    let left =
        |e: &Element| e.attr("from") == Some(&juliet) && e.attr("type") == Some("unavailable");
    assert!(!rest.iter().any(left), "juliet was seen leaving");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_is_refused_and_the_old_one_stays() {
    let kit = Kit::start(&["ping"]).await;
    kit.add(&build::guest("weather"), "weather", "weather", "0.1.0")
        .await;
    let broken = kit.local_dir().join("broken");
    std::fs::write(&broken, "this is no component").unwrap();
    kit.drop_in(&broken, "nonsense");
    let refused = wait::until("the file is refused", || async {
        kit.backend()
            .plugins()
            .into_iter()
            .find(|p| p.state == "refused")
    })
    .await;
    assert_eq!(refused.file, "nonsense.wasm");
    assert!(
        refused.error.is_some_and(|e| e.contains("WebAssembly")),
        "the reason is a sentence"
    );
    // A second one with the same id does not push the first one out.
    kit.drop_in(&build::guest("weather-next"), "zweather");
    wait::until("the second is refused", || async {
        kit.backend()
            .plugins()
            .into_iter()
            .find(|p| p.state == "refused" && p.file == "zweather.wasm")
    })
    .await;
    kit.loaded("weather", Some("0.1.0")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_run_while_a_plugin_is_replaced_end() {
    let server = Server::plain();
    let kit = Kit::start(&["ping"]).await;
    kit.add(&build::guest("weather"), "weather", "weather", "0.1.0")
        .await;
    kit.create(&server, "juliet", "").await;
    kit.profile("juliet").unlock("").await.unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let calls = async {
        let mut answers = 0;
        while !stop.load(std::sync::atomic::Ordering::SeqCst) {
            kit.ok(
                "juliet",
                "acme.weather.get_today",
                json!({"city": "Verona"}),
            )
            .await;
            answers += 1;
        }
        answers
    };
    let swaps = async {
        for round in 0..6 {
            let (file, version) = if round % 2 == 0 {
                ("weather-next", "0.2.0")
            } else {
                ("weather", "0.1.0")
            };
            kit.add(&build::guest(file), "weather", "weather", version)
                .await;
        }
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
    };
    let (answers, ()) = tokio::join!(calls, swaps);
    assert!(answers > 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_can_be_switched_off_for_one_profile() {
    let server = Server::plain();
    let kit = Kit::connected(&server, &["ping", "disco"]).await;
    kit.backend()
        .disable_plugin("ping", Some("romeo"))
        .await
        .unwrap();
    let error = kit.call("romeo", "ping.ping", json!({})).await.unwrap_err();
    assert_eq!(error.kind, "no-provider");
    kit.ok("juliet", "ping.ping", json!({})).await;
    let mut peer = Peer::online(&server, "mallory", "raw").await;
    let (romeo, juliet) = (kit.bound("romeo").await, kit.bound("juliet").await);
    let ping = "urn:xmpp:ping".to_owned();
    assert!(!features(&mut peer, &romeo).await.contains(&ping));
    assert!(features(&mut peer, &juliet).await.contains(&ping));
    kit.backend()
        .enable_plugin("ping", Some("romeo"))
        .await
        .unwrap();
    kit.ok("romeo", "ping.ping", json!({})).await;
    assert!(features(&mut peer, &romeo).await.contains(&ping));
}
