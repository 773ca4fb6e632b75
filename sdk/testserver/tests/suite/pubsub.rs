//! XEP-0060, XEP-0163 and XEP-0115.

use crate::{all, announce, condition, find, is_result, server};
use sat_testserver::{Element, Peer, ns};

const SERVICE: Option<&str> = Some("pubsub.localhost");

fn pubsub(content: &str) -> String {
    format!("<pubsub xmlns='{}'>{content}</pubsub>", ns::PUBSUB)
}

fn owner(content: &str) -> String {
    format!("<pubsub xmlns='{}'>{content}</pubsub>", ns::PUBSUB_OWNER)
}

fn form(kind: &str, fields: &[(&str, &str)]) -> String {
    let fields: String = fields
        .iter()
        .map(|(name, value)| format!("<field var='pubsub#{name}'><value>{value}</value></field>"))
        .collect();
    format!(
        "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#{kind}</value></field>{fields}</x>"
    )
}

fn publish(node: &str, id: &str, options: &[(&str, &str)]) -> String {
    let options = match options {
        [] => String::new(),
        options => format!(
            "<publish-options>{}</publish-options>",
            form("publish-options", options)
        ),
    };
    pubsub(&format!(
        "<publish node='{node}'><item id='{id}'><entry xmlns='urn:example:e'>{id}</entry></item></publish>{options}"
    ))
}

fn items(node: &str) -> String {
    pubsub(&format!("<items node='{node}'/>"))
}

fn ids(answer: &Element) -> Vec<String> {
    let ids = all(answer, "item").into_iter().filter_map(|i| i.attr("id"));
    ids.map(str::to_owned).collect()
}

fn is_event(what: &'static str) -> impl Fn(&Element) -> bool {
    move |e| {
        e.get_child("event", ns::PUBSUB_EVENT)
            .is_some_and(|e| find(e, what).is_some())
    }
}

#[tokio::test]
async fn a_node_of_an_account_is_created_by_publishing() {
    let server = server();
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    let blog = publish("blog", "a", &[("max_items", "2"), ("access_model", "open")]);
    let answer = juliet.ask("set", None, &blog).await;
    assert_eq!(ids(&answer), ["a"]);
    for id in ["b", "a", "c"] {
        assert!(is_result(
            &juliet.ask("set", None, &publish("blog", id, &[])).await
        ));
    }
    assert_eq!(
        ids(&juliet.ask("get", None, &items("blog")).await),
        ["a", "c"]
    );
    let wrong = publish("blog", "d", &[("access_model", "whitelist")]);
    let error = juliet.ask("set", None, &wrong).await;
    assert_eq!(condition(&error), "conflict");
    assert!(find(&error, "precondition-not-met").is_some());
    let fine = publish(
        "blog",
        "d",
        &[("access_model", "open"), ("persist_items", "true")],
    );
    assert!(is_result(&juliet.ask("set", None, &fine).await));
    let one = pubsub("<items node='blog'><item id='d'/></items>");
    assert_eq!(ids(&juliet.ask("get", None, &one).await), ["d"]);
    let newest = pubsub("<items node='blog' max_items='1'/>");
    assert_eq!(ids(&juliet.ask("get", None, &newest).await), ["d"]);
    let page = pubsub(
        "<items node='blog'/><set xmlns='http://jabber.org/protocol/rsm'><max>1</max></set>",
    );
    let page = juliet.ask("get", None, &page).await;
    assert_eq!(ids(&page), ["c"]);
    assert_eq!(find(&page, "count").unwrap().text(), "2");
    let without = pubsub("<publish><item/></publish>");
    assert!(find(&juliet.ask("set", None, &without).await, "nodeid-required").is_some());
}

#[tokio::test]
async fn access_models_decide_who_reads() {
    let server = server();
    server.befriend("juliet", "romeo");
    server.add_account("paris", "x");
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    let mut romeo = Peer::login(&server, "romeo", "street").await;
    let mut paris = Peer::login(&server, "paris", "hall").await;
    for model in ["open", "presence", "whitelist"] {
        let publish = publish(model, "x", &[("access_model", model)]);
        assert!(is_result(&juliet.ask("set", None, &publish).await));
    }
    let to = Some("juliet@localhost");
    let read = |model: &str| items(model);
    assert!(is_result(&romeo.ask("get", to, &read("open")).await));
    assert!(is_result(&romeo.ask("get", to, &read("presence")).await));
    let closed = romeo.ask("get", to, &read("whitelist")).await;
    assert_eq!(condition(&closed), "not-allowed");
    assert!(is_result(&paris.ask("get", to, &read("open")).await));
    let error = paris.ask("get", to, &read("presence")).await;
    assert!(find(&error, "presence-subscription-required").is_some());
    let member = owner(
        "<affiliations node='whitelist'><affiliation jid='romeo@localhost' affiliation='member'/></affiliations>",
    );
    assert!(is_result(&juliet.ask("set", None, &member).await));
    assert!(is_result(&romeo.ask("get", to, &read("whitelist")).await));
    let error = romeo.ask("set", to, &publish("open", "y", &[])).await;
    assert_eq!(condition(&error), "forbidden");
    let error = romeo.ask("set", to, &publish("other", "y", &[])).await;
    assert_eq!(condition(&error), "item-not-found");
}

#[tokio::test]
async fn who_announces_notify_is_told() {
    let server = server();
    server.befriend("juliet", "romeo");
    let mut juliet = Peer::online(&server, "juliet", "balcony").await;
    let mut romeo = Peer::online(&server, "romeo", "street").await;
    announce(&mut romeo, "v1", &["mood+notify"]).await;
    announce(&mut juliet, "v2", &["tune+notify"]).await;
    juliet.ask("set", None, &publish("mood", "1", &[])).await;
    let event = romeo.take("the event", is_event("item")).await;
    assert_eq!(event.attr("from"), Some("juliet@localhost"));
    assert_eq!(event.attr("type"), Some("headline"));
    assert_eq!(find(&event, "entry").unwrap().text(), "1");
    juliet.ask("set", None, &publish("tune", "2", &[])).await;
    juliet.take("her own event", is_event("item")).await;
    assert!(!romeo.drain().await.iter().any(is_event("item")));
    // Who comes later gets the newest item, and is asked only when its hash is new.
    let mut late = Peer::login(&server, "romeo", "late").await;
    late.send(&format!(
        "<presence><c xmlns='{}' hash='sha-1' node='urn:test' ver='v1'/></presence>",
        ns::CAPS
    ))
    .await;
    let last = late.take("the newest item", is_event("item")).await;
    assert!(last.has_child("delay", ns::DELAY));
    assert!(
        !late
            .drain()
            .await
            .iter()
            .any(|e| e.attr("type") == Some("get"))
    );
    juliet
        .ask(
            "set",
            None,
            &pubsub("<retract node='mood'><item id='1'/></retract>"),
        )
        .await;
    romeo.take("the retraction", is_event("retract")).await;
    juliet
        .ask("set", None, &owner("<purge node='mood'/>"))
        .await;
    romeo.take("the purge", is_event("purge")).await;
    juliet
        .ask("set", None, &owner("<delete node='mood'/>"))
        .await;
    romeo.take("the end", is_event("delete")).await;
    let gone = juliet.ask("get", None, &items("mood")).await;
    assert_eq!(condition(&gone), "item-not-found");
}

#[tokio::test]
async fn the_service_has_nodes_for_everybody() {
    let server = server();
    let mut juliet = Peer::online(&server, "juliet", "balcony").await;
    let mut romeo = Peer::online(&server, "romeo", "street").await;
    let create = pubsub(&format!(
        "<create node='news'/><configure>{}</configure>",
        form(
            "node_config",
            &[("title", "News"), ("itemreply", "publisher")]
        )
    ));
    assert!(is_result(&juliet.ask("set", SERVICE, &create).await));
    assert_eq!(
        condition(&juliet.ask("set", SERVICE, &create).await),
        "conflict"
    );
    let error = romeo.ask("set", SERVICE, &publish("news", "x", &[])).await;
    assert_eq!(condition(&error), "forbidden");
    let subscribe = pubsub("<subscribe node='news' jid='romeo@localhost'/>");
    let answer = romeo.ask("set", SERVICE, &subscribe).await;
    assert_eq!(
        find(&answer, "subscription").unwrap().attr("subscription"),
        Some("subscribed")
    );
    let foreign = pubsub("<subscribe node='news' jid='juliet@localhost'/>");
    assert!(find(&romeo.ask("set", SERVICE, &foreign).await, "invalid-jid").is_some());
    juliet.ask("set", SERVICE, &publish("news", "1", &[])).await;
    let event = romeo.take("the event", is_event("item")).await;
    assert_eq!(event.attr("from"), Some("pubsub.localhost"));
    assert_eq!(
        find(&event, "item").unwrap().attr("publisher"),
        Some("juliet@localhost")
    );
    let list = romeo.ask("get", SERVICE, &pubsub("<subscriptions/>")).await;
    assert_eq!(all(&list, "subscription").len(), 1);
    let list = juliet.ask("get", SERVICE, &pubsub("<affiliations/>")).await;
    assert_eq!(
        find(&list, "affiliation").unwrap().attr("affiliation"),
        Some("owner")
    );
    let list = juliet
        .ask("get", SERVICE, &owner("<subscriptions node='news'/>"))
        .await;
    assert_eq!(
        find(&list, "subscription").unwrap().attr("jid"),
        Some("romeo@localhost")
    );
    let publisher = owner(
        "<affiliations node='news'><affiliation jid='romeo@localhost' affiliation='publisher'/></affiliations>",
    );
    juliet.ask("set", SERVICE, &publisher).await;
    assert!(is_result(
        &romeo.ask("set", SERVICE, &publish("news", "2", &[])).await
    ));
    let orphan = owner(
        "<affiliations node='news'><affiliation jid='juliet@localhost' affiliation='none'/></affiliations>",
    );
    assert_eq!(
        condition(&juliet.ask("set", SERVICE, &orphan).await),
        "not-acceptable"
    );
    let leave = pubsub("<unsubscribe node='news' jid='romeo@localhost'/>");
    assert!(is_result(&romeo.ask("set", SERVICE, &leave).await));
    assert!(find(&romeo.ask("set", SERVICE, &leave).await, "not-subscribed").is_some());
}

#[tokio::test]
async fn nodes_are_configured_and_described() {
    let server = server();
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    let instant = juliet.ask("set", SERVICE, &pubsub("<create/>")).await;
    let node = find(&instant, "create")
        .unwrap()
        .attr("node")
        .unwrap()
        .to_owned();
    let configure = |fields: &[(&str, &str)]| {
        owner(&format!(
            "<configure node='{node}'>{}</configure>",
            form("node_config", fields)
        ))
    };
    assert!(is_result(
        &juliet
            .ask("set", SERVICE, &configure(&[("title", "T")]))
            .await
    ));
    let wrong = configure(&[("access_model", "never")]);
    assert_eq!(
        condition(&juliet.ask("set", SERVICE, &wrong).await),
        "not-acceptable"
    );
    let current = juliet
        .ask(
            "get",
            SERVICE,
            &owner(&format!("<configure node='{node}'/>")),
        )
        .await;
    let title = all(&current, "field")
        .into_iter()
        .find(|f| f.attr("var") == Some("pubsub#title"));
    assert_eq!(find(title.unwrap(), "value").unwrap().text(), "T");
    let items = format!("<query xmlns='{}'/>", ns::DISCO_ITEMS);
    let list = juliet.ask("get", SERVICE, &items).await;
    assert_eq!(find(&list, "item").unwrap().attr("name"), Some("T"));
    let info = format!("<query xmlns='{}' node='{node}'/>", ns::DISCO_INFO);
    let info = juliet.ask("get", SERVICE, &info).await;
    assert_eq!(find(&info, "identity").unwrap().attr("type"), Some("leaf"));
    let default = juliet.ask("get", SERVICE, &owner("<default/>")).await;
    assert!(find(&default, "field").is_some());
}
