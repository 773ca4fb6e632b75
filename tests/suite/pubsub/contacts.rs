//! Nodes of contacts, which notify whoever wants to know (XEP-0163 §4.3.2).

use super::{NODE, PLUGINS, ROMEO, cached, ids, musing, server};
use sat_tests::{Kit, build, wait};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn contacts_notify_who_wants_to_know() {
    let server = server();
    let kit = Kit::start(&PLUGINS).await;
    kit.drop_in(&build::guest("reader"), "reader");
    kit.loaded("reader", Some("0.1.0")).await;
    kit.connect(&server, "romeo").await;
    kit.connect(&server, "juliet").await;
    for (who, whom) in [("romeo", "juliet"), ("juliet", "romeo")] {
        let jid = json!({"jid": format!("{whom}@localhost")});
        kit.ok(who, "presence.subscribe", jid.clone()).await;
        let from = format!("{who}@localhost");
        kit.event(whom, "presence.requested", |e| e["jid"] == from.as_str())
            .await;
        kit.ok(whom, "presence.approve", json!({"jid": from})).await;
    }
    // The server asks for the capabilities first; from when on it notifies can't be seen.
    let request = |n: u32| json!({"node": NODE, "id": n.to_string(), "payload": musing("Ay me")});
    let mut count = 0;
    wait::until("juliet is notified", async || {
        count += 1;
        kit.ok("romeo", "pubsub.publish", request(count)).await;
        tokio::time::sleep(wait::QUIET).await;
        (!cached(&kit, "juliet").await.is_empty()).then_some(())
    })
    .await;
    let followed = kit.ok("juliet", "pubsub.followed", json!({})).await;
    let node = &followed["items"][0];
    assert_eq!(
        (&node["service"], &node["reason"]),
        (&json!(ROMEO), &json!("notify"))
    );
    // The receiver gets what its manifest names, and reads by itself.
    let last = format!("changed {ROMEO} {NODE} {count}");
    wait::until("the reader has seen it", || async {
        let seen = kit.ok("juliet", "acme.reader.seen", json!({})).await;
        seen.as_array()?.contains(&json!(last)).then_some(())
    })
    .await;
    let read = kit.ok("juliet", "acme.reader.read", json!({})).await;
    assert_eq!(read[0], count.to_string());
    // Not of other namespaces, and not by nodes that nobody wants.
    let other = json!({
        "node": NODE, "id": "other", "payload": "<other xmlns='urn:example:other'/>",
    });
    kit.ok("romeo", "pubsub.publish", other).await;
    kit.event("juliet", "pubsub.changed", |e| e["item"]["id"] == "other")
        .await;
    let unwanted = json!({"node": "urn:example:unwanted", "payload": musing("x")});
    kit.ok("romeo", "pubsub.publish", unwanted).await;
    // The server keeps one item of such a node: what shall be retracted must be it.
    kit.ok("romeo", "pubsub.publish", request(count)).await;
    kit.ok(
        "romeo",
        "pubsub.retract",
        json!({"node": NODE, "ids": [count.to_string()]}),
    )
    .await;
    let gone = format!("retracted {ROMEO} {NODE} {count}");
    wait::until("the reader has seen it go", || async {
        let seen = kit.ok("juliet", "acme.reader.seen", json!({})).await;
        assert!(!seen.to_string().contains("other"), "{seen}");
        seen.as_array()?.contains(&json!(gone)).then_some(())
    })
    .await;
    let unwanted = json!({"node": "urn:example:unwanted"});
    let page = kit.ok("juliet", "pubsub.cached", unwanted).await;
    assert_eq!(ids(&page), [""; 0]);
    // Without its provider a feature is an error, and comes back with it.
    kit.remove("pubsub", "pubsub").await;
    let error = kit
        .call("juliet", "acme.reader.read", json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.kind, "no-provider");
    kit.add(&build::plugin("pubsub"), "pubsub", "pubsub", "0.1.0")
        .await;
    kit.ok("juliet", "acme.reader.read", json!({})).await;
}
