//! Who is notified (XEP-0163 §4.3.2), and who is believed.

use super::{NODE, PLUGINS, ROMEO, SERVICE, cached, follow, ids, musing, publish, server};
use sat_tests::{Kit, Peer, build, wait};
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

#[tokio::test(flavor = "multi_thread")]
async fn nobody_speaks_for_another() {
    let server = server();
    let kit = Kit::start(&PLUGINS).await;
    kit.drop_in(&build::guest("reader"), "reader");
    kit.loaded("reader", Some("0.1.0")).await;
    kit.connect(&server, "romeo").await;
    kit.connect(&server, "juliet").await;
    publish(&kit, "romeo", Some(SERVICE), "true", "Said by the service").await;
    follow(&kit, "juliet", SERVICE).await;
    let juliet = kit.bound("juliet").await;
    let mut mallory = Peer::online(&server, "mallory", "raw").await;
    let event = |inside: &str| {
        format!(
            "<message type='headline' to='{juliet}'>\
             <event xmlns='http://jabber.org/protocol/pubsub#event'>{inside}</event></message>"
        )
    };
    let item = format!(
        "<item id='false' publisher='{ROMEO}'>{}</item>",
        musing("A lie")
    );
    for inside in [
        // As her own PEP, which she has no right to speak for as a client, and as if she were
        // the service.
        format!("<items node='{NODE}'>{item}</items>"),
        format!("<items node='{NODE}'><retract id='true'/></items>"),
        format!("<purge node='{NODE}'/>"),
        format!("<delete node='{NODE}'/>"),
    ] {
        mallory.send(&event(&inside)).await;
        let forwarded = format!(
            "<message to='{juliet}'><received xmlns='urn:xmpp:carbons:2'>\
             <forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' \
             from='{SERVICE}'><event xmlns='http://jabber.org/protocol/pubsub#event'>{inside}\
             </event></message></forwarded></received></message>"
        );
        mallory.send(&forwarded).await;
    }
    // Her real PEP: juliet doesn't know her.
    let publish_it = format!(
        "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='{NODE}'>{item}</publish>\
         <publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' \
         type='hidden'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>\
         <field var='pubsub#access_model'><value>open</value></field></x></publish-options></pubsub>"
    );
    mallory.ask("set", None, &publish_it).await;
    // Directed presence makes a server send what she has published (XEP-0163 §4.3.1).
    mallory.send(&format!("<presence to='{juliet}'/>")).await;
    mallory.settle().await;
    publish(&kit, "romeo", Some(SERVICE), "true2", "The end").await;
    kit.event("juliet", "pubsub.changed", |e| e["item"]["id"] == "true2")
        .await;
    assert_eq!(cached(&kit, "juliet").await, ["true2", "true"]);
    for topic in ["pubsub.retracted", "pubsub.purged", "pubsub.deleted"] {
        assert_eq!(
            kit.events("juliet", topic).await,
            [json!(null); 0],
            "{topic}"
        );
    }
}
