//! Publishing, subscribing and the cache, at a real server's PEP and service.

mod contacts;
mod hostile;

use sat_tests::{Kit, Server, backend::data, prosody::Options, wait};
use serde_json::{Value, json};

const PLUGINS: [&str; 4] = ["roster", "presence", "disco", "pubsub"];
const SERVICE: &str = "pubsub.localhost";
const NODE: &str = "urn:example:musings";
const ROMEO: &str = "romeo@localhost";

/// A server with a service of which romeo is the administrator.
fn server() -> Server {
    Server::start(Options {
        extra: "admins = { \"romeo@localhost\" }".to_owned(),
        extra_hosts: format!("Component \"{SERVICE}\" \"pubsub\"\n  expose_publisher = true\n"),
        ..Options::default()
    })
}

fn musing(text: &str) -> String {
    format!("<musing xmlns='urn:example:musing'><text>{text}</text></musing>")
}

/// Options of a node that all may read and that keeps its items.
fn open() -> Value {
    json!([
        ["access_model", "open"],
        ["persist_items", "true"],
        ["max_items", "256"]
    ])
}

async fn publish(kit: &Kit, who: &str, service: Option<&str>, id: &str, text: &str) {
    let request = json!({
        "service": service, "node": NODE, "id": id, "payload": musing(text), "options": open(),
    });
    kit.ok(who, "pubsub.publish", request).await;
}

fn ids(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("items").iter();
    items.map(|i| i["id"].as_str().expect("an id")).collect()
}

async fn cached(kit: &Kit, who: &str) -> Vec<String> {
    let page = kit.ok(who, "pubsub.cached", json!({"limit": 100})).await;
    ids(&page).into_iter().map(str::to_owned).collect()
}

async fn follow(kit: &Kit, who: &str, service: &str) -> Value {
    let request = json!({"service": service, "node": NODE});
    kit.ok(who, "pubsub.follow", request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_notified_changed_and_taken_back() {
    let server = server();
    let kit = Kit::connected(&server, &PLUGINS).await;
    for service in [None, Some(SERVICE)] {
        let at = service.unwrap_or(ROMEO);
        publish(&kit, "romeo", service, "one", "To be").await;
        let followed = follow(&kit, "juliet", at).await;
        assert_eq!(
            (
                &followed["items"],
                &followed["complete"],
                &followed["namespace"]
            ),
            (&json!(1), &json!(true), &json!("urn:example:musing"))
        );
        publish(&kit, "romeo", service, "two", "or not").await;
        let of = |id: &'static str, is_new| {
            move |e: &Value| e["service"] == at && e["item"]["id"] == id && e["is_new"] == is_new
        };
        let event = data(&kit.event("juliet", "pubsub.changed", of("two", true)).await);
        assert_eq!(
            (
                &event["node"],
                &event["namespace"],
                &event["item"]["element"]
            ),
            (&json!(NODE), &json!("urn:example:musing"), &json!("musing"))
        );
        if service.is_some() {
            // The service is told to say who published, and is believed about its own domain.
            assert_eq!(event["item"]["publisher"], ROMEO);
            assert_eq!(event["item"]["verified"], true);
        }
        publish(&kit, "romeo", service, "one", "To be, amended").await;
        let event = data(
            &kit.event("juliet", "pubsub.changed", of("one", false))
                .await,
        );
        assert!(event["item"]["stamp"].as_str() < event["item"]["updated"].as_str());
        let request = json!({"service": service, "node": NODE, "ids": ["one", "never-was"]});
        kit.ok("romeo", "pubsub.retract", request).await;
        let gone = |e: &Value| e["service"] == at && e["ids"] == json!(["one"]);
        let gone = data(&kit.event("juliet", "pubsub.retracted", gone).await);
        assert_eq!(gone["namespace"], "urn:example:musing");
        let request = json!({"service": at, "node": NODE, "source": "cache"});
        let here = kit.ok("juliet", "pubsub.items", request.clone()).await;
        assert_eq!(ids(&here), ["two"]);
        // The same from the service itself.
        let request = json!({"service": at, "node": NODE, "source": "service"});
        let there = kit.ok("juliet", "pubsub.items", request).await;
        assert_eq!(
            (ids(&there), &there["complete"]),
            (vec!["two"], &json!(true))
        );
        let node = json!({"service": service, "node": NODE});
        if service.is_some() {
            kit.ok("romeo", "pubsub.purge", node.clone()).await;
            kit.event("juliet", "pubsub.purged", |e| e["service"] == at)
                .await;
        }
        kit.ok("romeo", "pubsub.delete_node", node).await;
        kit.event("juliet", "pubsub.deleted", |e| e["service"] == at)
            .await;
        assert_eq!(cached(&kit, "juliet").await, [""; 0]);
    }
    // Everything was told once, though it was also notified to who did it.
    for topic in ["pubsub.deleted", "pubsub.purged", "pubsub.retracted"] {
        let told = kit.events("juliet", topic).await;
        let expected = if topic == "pubsub.purged" { 1 } else { 2 };
        assert_eq!(told.len(), expected, "{topic}: {told:?}");
    }
    assert_eq!(kit.events("juliet", "pubsub.changed").await.len(), 6);
    // Romeo's own went into his cache at once: PEP's only.
    let own = kit.events("romeo", "pubsub.changed").await;
    assert_eq!(own.len(), 3, "{own:?}");
    assert!(
        own.iter()
            .all(|e| e["service"] == ROMEO && e["item"]["verified"] == true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_made_what_options_say() {
    let server = server();
    let kit = Kit::connected(&server, &PLUGINS).await;
    let request = |service: Option<&str>, access: &str| {
        json!({
            "service": service, "node": NODE, "id": "one", "payload": musing("secret"),
            "options": [["access_model", access], ["max_items", "7"]],
        })
    };
    let access = async |service: Option<&str>| {
        let node = json!({"service": service, "node": NODE});
        let fields = kit.ok("romeo", "pubsub.get_configuration", node).await;
        let fields = fields.as_array().expect("fields").clone();
        let of = |name: &str| fields.iter().find(|f| f[0] == name).map(|f| f[1].clone());
        assert_eq!(of("max_items"), Some(json!("7")));
        of("access_model")
    };
    for service in [None, Some(SERVICE)] {
        // Made, and made anew.
        for model in ["whitelist", "open"] {
            kit.ok("romeo", "pubsub.publish", request(service, model))
                .await;
            assert_eq!(access(service).await, Some(json!(model)));
        }
        let change = json!({"service": service, "node": NODE, "options": [["title", "Musings"]]});
        kit.ok("romeo", "pubsub.configure", change).await;
        let nodes = kit
            .ok("romeo", "pubsub.nodes", json!({"service": service}))
            .await;
        let node = &nodes["items"][0];
        assert_eq!(
            (&node["node"], &node["name"]),
            (&json!(NODE), &json!("Musings"))
        );
    }
    // A publisher who isn't the owner can't make it what it shall be: nothing is published.
    let publisher = json!({
        "service": SERVICE, "node": NODE, "jid": "juliet@localhost", "affiliation": "publisher",
    });
    kit.ok("romeo", "pubsub.set_affiliation", publisher).await;
    let error = kit
        .call(
            "juliet",
            "pubsub.publish",
            request(Some(SERVICE), "whitelist"),
        )
        .await;
    assert_eq!(error.unwrap_err().kind, "precondition-not-met");
    kit.ok("juliet", "pubsub.publish", request(Some(SERVICE), "open"))
        .await;
    let node = json!({"service": SERVICE, "node": NODE});
    let affiliations = kit.ok("romeo", "pubsub.affiliations", node.clone()).await;
    let juliet = json!({"jid": "juliet@localhost", "node": NODE, "affiliation": "publisher"});
    assert!(
        affiliations.as_array().expect("a list").contains(&juliet),
        "{affiliations}"
    );
    // The service creates nodes for its administrator only.
    let other = json!({
        "service": SERVICE, "node": "other", "payload": musing("x"), "options": open(),
    });
    let error = kit
        .call("juliet", "pubsub.publish", other)
        .await
        .unwrap_err();
    assert_eq!(error.kind, "forbidden");
    let missing = json!({"node": "never", "payload": musing("x"), "create": false});
    let made = kit.call("romeo", "pubsub.publish", missing).await;
    // PEP creates nodes by itself.
    assert!(made.is_ok(), "{made:?}");
    // A node that the service names.
    let instant = json!({"service": SERVICE, "options": open()});
    let instant = kit.ok("romeo", "pubsub.create_node", instant).await;
    assert!(instant["node"].as_str().is_some_and(|n| !n.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_come_and_go() {
    let server = server();
    let kit = Kit::connected(&server, &PLUGINS).await;
    publish(&kit, "romeo", Some(SERVICE), "one", "To be").await;
    let node = json!({"service": SERVICE, "node": NODE});
    let done = kit.ok("juliet", "pubsub.subscribe", node.clone()).await;
    assert_eq!(done["subscription"], "subscribed");
    let list = kit
        .ok(
            "juliet",
            "pubsub.subscriptions",
            json!({"service": SERVICE}),
        )
        .await;
    assert_eq!(
        (&list[0]["node"], &list[0]["jid"]),
        (&json!(NODE), &json!("juliet@localhost"))
    );
    let list = kit.ok("romeo", "pubsub.subscribers", node.clone()).await;
    assert_eq!(list[0]["jid"], "juliet@localhost");
    // A subscription alone puts nothing into the cache.
    publish(&kit, "romeo", Some(SERVICE), "two", "or not").await;
    assert_eq!(cached(&kit, "juliet").await, [""; 0]);
    for _ in 0..2 {
        kit.ok("juliet", "pubsub.unsubscribe", node.clone()).await;
    }
    assert_eq!(
        kit.ok("romeo", "pubsub.subscribers", node.clone()).await,
        json!([])
    );
    let mut public = node.clone();
    public["public"] = json!(true);
    let error = kit
        .call("juliet", "pubsub.subscribe", public)
        .await
        .unwrap_err();
    assert_eq!(error.kind, "feature-not-implemented");
    assert!(error.to_string().contains("pam"), "{error}");
    // What a service can do, and can't.
    let pep = kit.ok("romeo", "pubsub.service", json!({})).await;
    assert_eq!(
        (&pep["kind"], &pep["service"]),
        (&json!("pep"), &json!(ROMEO))
    );
    let features = pep["features"].as_array().expect("features");
    assert!(features.contains(&json!("publish-options")), "{features:?}");
    let missing = pep["missing"].as_array().expect("missing");
    assert!(
        missing
            .iter()
            .any(|m| m.as_str().is_some_and(|m| m.starts_with("rsm: ")))
    );
    let error = kit
        .call("romeo", "pubsub.service", json!({"service": "localhost"}))
        .await;
    assert_eq!(error.unwrap_err().kind, "feature-not-implemented");
    // Unfollowing ends the subscription and empties the cache.
    follow(&kit, "juliet", SERVICE).await;
    assert_eq!(cached(&kit, "juliet").await, ["two", "one"]);
    kit.ok("juliet", "pubsub.unfollow", node.clone()).await;
    assert_eq!(cached(&kit, "juliet").await, [""; 0]);
    assert_eq!(kit.ok("romeo", "pubsub.subscribers", node).await, json!([]));
    // What can't be read can't be followed.
    let never = json!({"service": SERVICE, "node": "never"});
    let error = kit
        .call("juliet", "pubsub.follow", never)
        .await
        .unwrap_err();
    assert_eq!(error.kind, "item-not-found");
    let followed = kit.ok("juliet", "pubsub.followed", json!({})).await;
    assert_eq!(followed["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_paged_and_found_here_and_there() {
    let server = server();
    let kit = Kit::connected(&server, &PLUGINS).await;
    let items: Vec<Value> = (0..23)
        .map(|n| json!({"id": format!("i{n}"), "payload": musing(&format!("Line {n} of it"))}))
        .collect();
    let request = json!({"service": SERVICE, "node": NODE, "items": items, "options": open()});
    let done = kit.ok("romeo", "pubsub.publish_many", request).await;
    assert_eq!(done["ids"].as_array().map(Vec::len), Some(23));
    let expected: Vec<String> = (0..23).rev().map(|n| format!("i{n}")).collect();
    let pages = async |source: &str| {
        let (mut before, mut all) = (Value::Null, Vec::new());
        loop {
            let request = json!({
                "service": SERVICE, "node": NODE, "limit": 5, "before": before, "source": source,
            });
            let page = kit.ok("juliet", "pubsub.items", request).await;
            all.extend(ids(&page).into_iter().map(str::to_owned));
            if page["complete"] == true {
                return all;
            }
            assert_eq!(ids(&page).len(), 5);
            before = page["last"].clone();
        }
    };
    assert_eq!(pages("service").await, expected);
    let followed = follow(&kit, "juliet", SERVICE).await;
    assert_eq!(
        (&followed["items"], &followed["complete"]),
        (&json!(23), &json!(true))
    );
    assert_eq!(pages("cache").await, expected);
    assert_eq!(pages("auto").await, expected);
    // An amended item comes first by its modification, and stays by its creation.
    publish(&kit, "romeo", Some(SERVICE), "i3", "A line amended").await;
    kit.event("juliet", "pubsub.changed", |e| e["is_new"] == false)
        .await;
    let first = async |order: &str| {
        let request = json!({
            "service": SERVICE, "node": NODE, "limit": 1, "order": order, "source": "cache",
        });
        ids(&kit.ok("juliet", "pubsub.items", request).await)[0].to_owned()
    };
    assert_eq!(first("modification").await, "i3");
    assert_eq!(first("creation").await, "i22");
    let newest = json!({"limit": 3});
    let newest = kit.ok("juliet", "pubsub.cached", newest).await;
    assert_eq!(ids(&newest), ["i22", "i21", "i20"]);
    let newer = json!({"limit": 2, "after": newest["last"]});
    assert_eq!(
        ids(&kit.ok("juliet", "pubsub.cached", newer).await),
        ["i22", "i21"]
    );
    for (filter, count) in [
        (json!({"namespace": "urn:example:musing"}), 20),
        (json!({"namespace": "urn:example:other"}), 0),
        (json!({"node": NODE, "element": "musing", "limit": 100}), 23),
        (
            json!({"node": NODE, "limit": 3, "before": newest["last"]}),
            3,
        ),
        (
            json!({"service": SERVICE, "namespace": "urn:example:musing", "limit": 100}),
            23,
        ),
        (json!({"service": SERVICE, "node": NODE, "element": "x"}), 0),
        (json!({"service": "other.localhost"}), 0),
    ] {
        let page = kit.ok("juliet", "pubsub.cached", filter.clone()).await;
        assert_eq!(ids(&page).len(), count, "{filter}");
    }
    for (text, filter, expected) in [
        ("line 17", json!({}), vec!["i17"]),
        (
            "amend",
            json!({"service": SERVICE, "node": NODE}),
            vec!["i3"],
        ),
        (
            "\"of it\"",
            json!({"namespace": "urn:example:musing", "limit": 2}),
            vec!["i22", "i21"],
        ),
        ("line", json!({"namespace": "urn:example:other"}), vec![]),
        ("musing", json!({}), vec![]),
    ] {
        let mut request = filter;
        request["text"] = json!(text);
        let page = kit.ok("juliet", "pubsub.search", request).await;
        assert_eq!(ids(&page), expected, "{text}");
    }
    let one =
        json!({"service": SERVICE, "node": NODE, "ids": ["i4", "never"], "source": "service"});
    assert_eq!(ids(&kit.ok("juliet", "pubsub.items", one).await), ["i4"]);
    let error = kit
        .call(
            "juliet",
            "pubsub.items",
            json!({
                "service": SERVICE, "node": NODE, "order": "creation", "source": "service",
            }),
        )
        .await
        .unwrap_err();
    assert!(error.kind == "feature-not-implemented" && error.to_string().contains("order-by"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_caught_up_with() {
    let server = server();
    let kit = Kit::connected(&server, &PLUGINS).await;
    for service in [None, Some(SERVICE)] {
        for n in 0..3 {
            publish(&kit, "romeo", service, &format!("i{n}"), &format!("{n}")).await;
        }
        follow(&kit, "juliet", service.unwrap_or(ROMEO)).await;
    }
    kit.profile("juliet").disconnect().await.unwrap();
    for service in [None, Some(SERVICE)] {
        // More than one answer brings.
        let items: Vec<Value> = (3..90)
            .map(|n| json!({"id": format!("i{n}"), "payload": musing(&n.to_string())}))
            .collect();
        let request = json!({"service": service, "node": NODE, "items": items});
        kit.ok("romeo", "pubsub.publish_many", request).await;
        publish(&kit, "romeo", service, "i2", "amended").await;
        let request = json!({"service": service, "node": NODE, "ids": ["i0", "i50"]});
        kit.ok("romeo", "pubsub.retract", request).await;
    }
    kit.reconnect(&["juliet"]).await;
    let expected: Vec<String> = (1..90)
        .rev()
        .filter(|n| *n != 50)
        .map(|n| format!("i{n}"))
        .collect();
    for service in [ROMEO, SERVICE] {
        let node = json!({"service": service, "node": NODE});
        wait::until(&format!("{service} is caught up with"), || async {
            let followed = kit
                .ok("juliet", "pubsub.followed", json!({"service": service}))
                .await;
            (followed["items"][0]["items"] == 88).then_some(())
        })
        .await;
        let request = json!({"service": service, "node": NODE, "limit": 100, "order": "creation"});
        let page = kit.ok("juliet", "pubsub.items", request).await;
        assert_eq!(ids(&page), expected, "{service}");
        let gone = |e: &Value| e["service"] == service;
        let gone = data(&kit.event("juliet", "pubsub.retracted", gone).await);
        assert_eq!(gone["ids"], json!(["i0"]));
        kit.event("juliet", "pubsub.changed", |e| {
            e["service"] == service && e["item"]["id"] == "i2" && e["is_new"] == false
        })
        .await;
        // Comparing again finds nothing.
        let progress = kit.ok("juliet", "pubsub.sync", node).await;
        let nothing = json!({"nodes": 1, "failed": 0, "changed": 0, "retracted": 0});
        assert_eq!(progress, nothing);
    }
    // A node that went meanwhile.
    kit.profile("juliet").disconnect().await.unwrap();
    let node = json!({"service": SERVICE, "node": NODE});
    kit.ok("romeo", "pubsub.delete_node", node).await;
    kit.reconnect(&["juliet"]).await;
    kit.event("juliet", "pubsub.deleted", |e| e["service"] == SERVICE)
        .await;
    assert!(cached(&kit, "juliet").await.len() <= 100);
    // And is there again: it is subscribed to again.
    publish(&kit, "romeo", Some(SERVICE), "again", "Ay me").await;
    kit.ok("juliet", "pubsub.sync", json!({})).await;
    publish(&kit, "romeo", Some(SERVICE), "again2", "Ay me").await;
    kit.event("juliet", "pubsub.changed", |e| e["item"]["id"] == "again2")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_in_words() {
    let server = server();
    let kit = Kit::connected(&server, &PLUGINS).await;
    for (method, request, kind) in [
        (
            "publish",
            json!({"node": "", "payload": musing("x")}),
            "bad-request",
        ),
        (
            "publish",
            json!({"node": NODE, "payload": "no XML"}),
            "bad-request",
        ),
        (
            "publish",
            json!({"node": NODE, "payload": "<a/>"}),
            "bad-request",
        ),
        (
            "publish",
            json!({"node": NODE, "payload": musing(&"x".repeat(140_000))}),
            "limit-reached",
        ),
        (
            "publish",
            json!({"service": "a b", "node": NODE, "payload": musing("x")}),
            "jid-malformed",
        ),
        ("items", json!({"node": NODE, "limit": 0}), "bad-request"),
        (
            "items",
            json!({"node": NODE, "order": "size"}),
            "bad-request",
        ),
        (
            "items",
            json!({"node": NODE, "source": "elsewhere"}),
            "bad-request",
        ),
        ("items", json!({"node": "never"}), "item-not-found"),
        (
            "items",
            json!({"node": NODE, "before": "zzz", "source": "cache"}),
            "bad-request",
        ),
        (
            "cached",
            json!({"before": "1", "after": "2"}),
            "bad-request",
        ),
        ("search", json!({"text": "!!"}), "bad-request"),
        (
            "set_affiliation",
            json!({"node": NODE, "jid": ROMEO, "affiliation": "king"}),
            "bad-request",
        ),
        ("sync", json!({"node": "never"}), "item-not-found"),
        ("purge", json!({"node": "never"}), "item-not-found"),
    ] {
        let result = kit
            .call("romeo", &format!("pubsub.{method}"), request.clone())
            .await;
        let error = result.expect_err(method);
        assert_eq!(error.kind, kind, "{method} {request}: {error:?}");
    }
    // Signs of the query language are no orders.
    for text in [
        "\"",
        "NEAR(x",
        "a OR",
        "words:x",
        "'; DROP TABLE pubsub__item",
    ] {
        let result = kit
            .call("romeo", "pubsub.search", json!({"text": text}))
            .await;
        assert!(
            !matches!(&result, Err(e) if e.kind == "sql-error"),
            "{text}: {result:?}"
        );
    }
}
