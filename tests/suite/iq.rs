//! Every IQ request gets its answer (RFC 6120 §8.2.3).

use minidom::Element;
use sat_tests::{Kit, Peer, Server, build};

/// `result`, or the condition of the error.
fn outcome(answer: &Element) -> &str {
    if answer.attr("type") == Some("result") {
        return "result";
    }
    let error = answer.get_child("error", "jabber:client");
    error
        .and_then(|e| e.children().next())
        .map_or("no condition", Element::name)
}

async fn start(plugins: &[&str]) -> (Server, Kit, Peer, String) {
    let server = Server::plain();
    let kit = Kit::start(plugins).await;
    kit.connect(&server, "juliet").await;
    let peer = Peer::online(&server, "romeo", "raw").await;
    let juliet = kit.bound("juliet").await;
    (server, kit, peer, juliet)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_plugins_know_is_answered() {
    let (_server, _kit, mut peer, juliet) = start(&["ping", "version", "time", "disco"]).await;
    for (payload, part) in [
        ("<ping xmlns='urn:xmpp:ping'/>", ""),
        ("<query xmlns='jabber:iq:version'/>", "Salut"),
        ("<time xmlns='urn:xmpp:time'/>", "<utc>"),
        (
            "<query xmlns='http://jabber.org/protocol/disco#info'/>",
            "urn:xmpp:ping",
        ),
    ] {
        let answer = peer.ask("get", Some(&juliet), payload).await;
        assert_eq!(outcome(&answer), "result", "{payload}");
        assert_eq!(answer.attr("from"), Some(juliet.as_str()));
        assert!(
            String::from(&answer).contains(part),
            "{payload}: {}",
            String::from(&answer)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_knows_is_refused() {
    let (_server, kit, mut peer, juliet) = start(&["ping"]).await;
    let ping = "<ping xmlns='urn:xmpp:ping'/>";
    for (kind, payload, expected) in [
        (
            "get",
            "<unknown xmlns='urn:example:unknown'/>".to_owned(),
            "service-unavailable",
        ),
        (
            "set",
            "<unknown xmlns='urn:example:unknown'/>".to_owned(),
            "service-unavailable",
        ),
        // Declared for `get` only, in another namespace, or under another name.
        ("set", ping.to_owned(), "service-unavailable"),
        (
            "get",
            "<ping xmlns='urn:xmpp:pong'/>".to_owned(),
            "service-unavailable",
        ),
        (
            "get",
            "<pong xmlns='urn:xmpp:ping'/>".to_owned(),
            "service-unavailable",
        ),
        ("get", ping.to_owned(), "result"),
    ] {
        assert_eq!(
            outcome(&peer.ask(kind, Some(&juliet), &payload).await),
            expected,
            "{kind} {payload}"
        );
    }
    kit.remove("ping", "ping").await;
    assert_eq!(
        outcome(&peer.ask("get", Some(&juliet), ping).await),
        "service-unavailable"
    );
}

/// Prosody refuses these itself when a client sends them to it, but passes them on between
/// clients; where a server doesn't, its own answer is the same.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_are_refused() {
    let (_server, _kit, mut peer, juliet) = start(&["ping"]).await;
    let two = "<ping xmlns='urn:xmpp:ping'/><ping xmlns='urn:xmpp:ping'/>";
    assert_eq!(
        outcome(&peer.ask("get", Some(&juliet), two).await),
        "bad-request"
    );
    assert_eq!(
        outcome(&peer.ask("get", Some(&juliet), "").await),
        "bad-request"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_fails_still_leads_to_an_answer() {
    let (_server, kit, mut peer, juliet) = start(&["ping"]).await;
    kit.add(&build::guest("mirror"), "mirror", "mirror", "0.1.0")
        .await;
    kit.add(&build::guest("hostile"), "hostile", "hostile", "0.1.0")
        .await;
    for element in ["trap", "garbage", "spin"] {
        let payload = format!("<{element} xmlns='urn:example:hostile'/>");
        let answer = peer.ask("get", Some(&juliet), &payload).await;
        assert_eq!(outcome(&answer), "internal-server-error", "{payload}");
    }
    // Two payloads are never sent; whether that is an error or the first one goes is the host's.
    let two = "<two xmlns='urn:example:hostile'/>";
    let two = peer.ask("get", Some(&juliet), two).await;
    assert!(two.attr("type") == Some("error") || two.children().count() == 1);
    assert_eq!(
        outcome(
            &peer
                .ask("get", Some(&juliet), "<ping xmlns='urn:xmpp:ping'/>")
                .await
        ),
        "result"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_entity_asked_can_answer() {
    let server = Server::plain();
    let kit = Kit::start(&["ping"]).await;
    kit.connect(&server, "juliet").await;
    let juliet = kit.bound("juliet").await;
    let mut romeo = Peer::online(&server, "romeo", "raw").await;
    let mut mallory = Peer::online(&server, "mallory", "raw").await;
    let to = romeo.jid().to_owned();
    let call = kit.call("juliet", "ping.ping", serde_json::json!({"to": to}));
    let attack = async {
        let question = romeo
            .take("the ping", |e| {
                e.name() == "iq" && e.attr("type") == Some("get")
            })
            .await;
        let id = question.attr("id").expect("an id").to_owned();
        mallory
            .send(&format!("<iq type='error' id='{id}' to='{juliet}'/>"))
            .await;
        mallory
            .send(&format!("<iq type='result' id='{id}' to='{juliet}'/>"))
            .await;
        mallory.settle().await;
        romeo
            .send(&format!("<iq type='result' id='{id}' to='{juliet}'/>"))
            .await;
        romeo
            .send(&format!("<iq type='error' id='{id}' to='{juliet}'/>"))
            .await;
        romeo.settle().await;
    };
    let (result, ()) = tokio::join!(call, attack);
    assert_eq!(result.expect("Romeo's answer counts")["jid"], *to);
}
