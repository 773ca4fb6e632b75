//! Services that do what no decent one does.

use super::{NODE, PLUGINS, cached, ids, musing};
use minidom::Element;
use sat_tests::{Kit, Peer, Server, backend::data, prosody::Options, wait};
use serde_json::{Value, json};
use std::time::Duration;

const NAME: &str = "evil.localhost";
const SECRET: &str = "of-components";
const DISCO: &str = "http://jabber.org/protocol/disco#info";
const RSM: &str = "http://jabber.org/protocol/rsm";

/// How long a follower has, however much a service sends.
const SOON: Duration = Duration::from_secs(25);

/// What the service is asked for, besides what it is.
struct Asked {
    /// The `<pubsub/>` element, or another.
    payload: Element,
    /// Ids of single items.
    ids: Vec<String>,
    max_items: Option<usize>,
    /// `<max/>`, `<after/>` and whether there is a `<before/>`.
    max: Option<usize>,
    after: Option<String>,
    before: Option<String>,
}

impl Asked {
    fn of(payload: &Element) -> Self {
        let items = payload.children().find(|e| e.name() == "items");
        let set = payload.get_child("set", RSM);
        let text = |name| set.and_then(|s| s.get_child(name, RSM)).map(Element::text);
        Self {
            ids: items
                .into_iter()
                .flat_map(Element::children)
                .filter_map(|e| e.attr("id").map(str::to_owned))
                .collect(),
            max_items: items.and_then(|i| i.attr("max_items")?.parse().ok()),
            max: text("max").and_then(|n| n.parse().ok()),
            after: text("after"),
            before: text("before"),
            payload: payload.clone(),
        }
    }
}

fn item(id: &str) -> String {
    format!("<item id='{id}'>{}</item>", musing(id))
}

fn items(inside: &str, set: &str) -> String {
    format!(
        "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='{NODE}'>{inside}</items>\
         {set}</pubsub>"
    )
}

/// A service with these features, that answers questions for items as `answer` says. It goes on
/// until it is dropped.
async fn service(
    server: &Server,
    features: &'static [&'static str],
    mut answer: impl FnMut(Asked) -> String + Send + 'static,
) -> tokio::task::JoinHandle<()> {
    let mut peer = Peer::component(server, NAME, SECRET).await;
    tokio::spawn(async move {
        loop {
            let iq = peer.await_request().await;
            let payload = iq.children().next().expect("a payload").clone();
            let result = if payload.ns() == DISCO {
                let features: String = features
                    .iter()
                    .map(|f| format!("<feature var='{f}'/>"))
                    .collect();
                format!(
                    "<query xmlns='{DISCO}'><identity category='pubsub' type='service'/>\
                     <feature var='http://jabber.org/protocol/pubsub'/>{features}</query>"
                )
            } else {
                answer(Asked::of(&payload))
            };
            let (to, id) = (iq.attr("from").expect("from"), iq.attr("id").expect("id"));
            peer.send(&format!(
                "<iq type='result' from='{NAME}' to='{to}' id='{id}'>{result}</iq>"
            ))
            .await;
        }
    })
}

async fn start() -> (Server, Kit) {
    let server = Server::start(Options {
        components: vec![(NAME.to_owned(), SECRET.to_owned())],
        ..Options::default()
    });
    let kit = Kit::start(&PLUGINS).await;
    kit.connect(&server, "juliet").await;
    (server, kit)
}

async fn follow(kit: &Kit) -> Value {
    let request = json!({"service": NAME, "node": NODE});
    let done = kit.timed(SOON, "juliet", "pubsub.follow", request).await;
    done.expect("it is followed")
}

const WITH_PAGES: &[&str] = &["http://jabber.org/protocol/rsm"];

#[tokio::test(flavor = "multi_thread")]
async fn long_nodes_are_read_page_by_page_in_either_order() {
    for descending in [true, false] {
        let (server, kit) = start().await;
        // 130 items, n0 the oldest.
        let mut all: Vec<String> = (0..130).map(|n| format!("n{n}")).collect();
        let recent = all.clone();
        if descending {
            all.reverse();
        }
        let running = service(&server, WITH_PAGES, move |asked| {
            let page: &[String] = match (asked.max_items, asked.max) {
                (Some(max), _) => &recent[recent.len() - max.min(recent.len())..],
                (None, Some(max)) => {
                    let at = |id: &String| all.iter().position(|i| i == id).expect("known");
                    let (from, to) = match (&asked.after, &asked.before) {
                        (Some(id), _) => (at(id) + 1, (at(id) + 1 + max).min(all.len())),
                        (None, Some(id)) if id.is_empty() => {
                            (all.len() - max.min(all.len()), all.len())
                        }
                        (None, Some(id)) => (at(id).saturating_sub(max), at(id)),
                        (None, None) => (0, max.min(all.len())),
                    };
                    &all[from..to]
                }
                (None, None) => &[],
            };
            let set = match (asked.max, page.first(), page.last()) {
                (Some(_), Some(first), Some(last)) => format!(
                    "<set xmlns='{RSM}'><first>{first}</first><last>{last}</last>\
                     <count>{}</count></set>",
                    all.len()
                ),
                _ => String::new(),
            };
            items(&page.iter().map(|id| item(id)).collect::<String>(), &set)
        })
        .await;
        let followed = follow(&kit).await;
        assert_eq!(
            (&followed["items"], &followed["complete"]),
            (&json!(130), &json!(true))
        );
        let expected: Vec<String> = (30..130).rev().map(|n| format!("n{n}")).collect();
        assert_eq!(cached(&kit, "juliet").await, expected);
        let progress = kit.ok("juliet", "pubsub.sync", json!({})).await;
        assert_eq!(
            (&progress["changed"], &progress["retracted"]),
            (&json!(0), &json!(0))
        );
        // The same pages for whoever asks.
        let request = json!({"service": NAME, "node": NODE, "limit": 40, "source": "service"});
        let page = kit.ok("juliet", "pubsub.items", request).await;
        assert_eq!(ids(&page), expected[..40]);
        let request = json!({
            "service": NAME, "node": NODE, "limit": 40, "before": page["last"], "source": "service",
        });
        let page = kit.ok("juliet", "pubsub.items", request).await;
        assert_eq!(ids(&page), expected[40..80]);
        running.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_pages_end() {
    let (server, kit) = start().await;
    let mut number = 0;
    // Always another page, of the same items under another cursor.
    let running = service(&server, WITH_PAGES, move |asked| {
        number += 1;
        let count = asked.max_items.or(asked.max).unwrap_or(1);
        let list: String = (0..count).map(|n| item(&format!("same{n}"))).collect();
        let set =
            format!("<set xmlns='{RSM}'><first>f{number}</first><last>l{number}</last></set>");
        items(&list, &set)
    })
    .await;
    let followed = follow(&kit).await;
    assert_eq!(
        (&followed["items"], &followed["complete"]),
        (&json!(50), &json!(false))
    );
    running.abort();
    let (server, kit) = start().await;
    let mut number = 0;
    // Always another page, of other items.
    let running = service(&server, WITH_PAGES, move |asked| {
        let count = asked.max_items.or(asked.max).unwrap_or(1);
        let list: String = (0..count)
            .map(|_| {
                number += 1;
                item(&format!("new{number}"))
            })
            .collect();
        items(&list, "")
    })
    .await;
    let followed = follow(&kit).await;
    assert!(
        followed["items"].as_u64().is_some_and(|n| n <= 10_000),
        "{followed}"
    );
    running.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn giants_foreign_nodes_and_lies_are_left_out() {
    let (server, kit) = start().await;
    let running = service(&server, &[], |asked| {
        let giant = format!("<item id='giant'>{}</item>", musing(&"x".repeat(140_000)));
        let long_id = item(&"i".repeat(2000));
        match asked.payload.children().next().map(Element::name) {
            Some("items") if asked.ids.is_empty() => items(
                &format!("{giant}{long_id}<item/>{}{}", item("twice"), item("twice")),
                "",
            ),
            // Others than were asked for.
            Some("items") => items(&item("unasked"), ""),
            _ => String::new(),
        }
    })
    .await;
    let followed = follow(&kit).await;
    assert_eq!(followed["items"], json!(1));
    assert_eq!(cached(&kit, "juliet").await, ["twice"]);
    let request = json!({
        "service": NAME, "node": NODE, "ids": ["asked"], "source": "service",
    });
    let page = kit.ok("juliet", "pubsub.items", request).await;
    assert_eq!(ids(&page), [""; 0]);
    running.abort();
    drop(running);
    wait::until("the first service is gone", || async {
        let request = json!({"service": NAME, "node": NODE, "source": "service"});
        kit.call("juliet", "pubsub.items", request)
            .await
            .is_err()
            .then_some(())
    })
    .await;
    // What can't be reached stays in the cache.
    let progress = kit.ok("juliet", "pubsub.sync", json!({})).await;
    assert_eq!(
        (&progress["failed"], &progress["retracted"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(cached(&kit, "juliet").await, ["twice"]);
    let auto = json!({"service": NAME, "node": NODE});
    assert_eq!(
        ids(&kit.ok("juliet", "pubsub.items", auto).await),
        ["twice"]
    );
    let followed = kit.ok("juliet", "pubsub.followed", json!({})).await;
    assert!(
        followed["items"][0]["error"]
            .as_str()
            .is_some_and(|e| !e.is_empty())
    );
    let running = service(&server, &[], |_| {
        "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='another'>\
         <item id='x'><a xmlns='b'/></item></items></pubsub>"
            .to_owned()
    })
    .await;
    let request = json!({"service": NAME, "node": NODE, "source": "service"});
    let error = kit
        .call("juliet", "pubsub.items", request)
        .await
        .unwrap_err();
    assert_eq!(error.kind, "bad-answer");
    running.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn items_without_payload_are_fetched() {
    let (server, kit) = start().await;
    let mut evil = Peer::component(&server, NAME, SECRET).await;
    let followed = async {
        let request = json!({"service": NAME, "node": NODE});
        kit.ok("juliet", "pubsub.follow", request).await
    };
    let answers = async {
        // The subscription, the features, the items, and what comes after the notification.
        loop {
            let iq = evil.await_request().await;
            let payload = iq.children().next().expect("a payload");
            let asked = Asked::of(payload);
            let result = match payload.children().next().map(Element::name) {
                Some("items") if asked.ids.is_empty() => items("", ""),
                Some("items") => items(&item(&asked.ids[0]), ""),
                _ => String::new(),
            };
            let (to, id) = (iq.attr("from").expect("from"), iq.attr("id").expect("id"));
            evil.send(&format!(
                "<iq type='result' from='{NAME}' to='{to}' id='{id}'>{result}</iq>"
            ))
            .await;
            if asked.ids.is_empty() && asked.max_items.is_some() {
                evil.send(&format!(
                    "<message from='{NAME}' to='juliet@localhost'><event \
                     xmlns='http://jabber.org/protocol/pubsub#event'><items node='{NODE}'>\
                     <item id='bare'/></items></event></message>"
                ))
                .await;
            }
            if !asked.ids.is_empty() {
                return;
            }
        }
    };
    tokio::join!(followed, answers);
    let event = kit
        .event("juliet", "pubsub.changed", |e| e["item"]["id"] == "bare")
        .await;
    assert_eq!(data(&event)["item"]["element"], "musing");
}
