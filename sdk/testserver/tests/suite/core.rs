//! Roster, presence, messages, and the script's own words.

use crate::{condition, is_message, is_presence, server};
use sat_testserver::{Answer, Filter, Peer, ns};
use std::time::Duration;

#[tokio::test]
async fn the_roster_is_kept_and_pushed() {
    let server = server();
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    let mut other = Peer::login(&server, "juliet", "garden").await;
    let empty = "<query xmlns='jabber:iq:roster' ver=''/>";
    let roster = other.ask("get", None, empty).await;
    assert_eq!(roster.children().next().unwrap().attr("ver"), Some("0"));
    let item = "<query xmlns='jabber:iq:roster'><item jid='romeo@localhost' name='R'><group>Friends</group></item></query>";
    assert_eq!(
        juliet.ask("set", None, item).await.attr("type"),
        Some("result")
    );
    let push = other
        .take("the push", |e| e.attr("type") == Some("set"))
        .await;
    let item = push.children().next().unwrap().children().next().unwrap();
    assert_eq!(
        (item.attr("subscription"), item.attr("name")),
        (Some("none"), Some("R"))
    );
    let current = other
        .ask("get", None, "<query xmlns='jabber:iq:roster' ver='1'/>")
        .await;
    assert_eq!(current.children().count(), 0, "the version is the same");
    let foreign = juliet.ask("get", Some("romeo@localhost"), empty).await;
    assert_eq!(condition(&foreign), "forbidden");
    let remove = "<query xmlns='jabber:iq:roster'><item jid='romeo@localhost' subscription='remove'/></query>";
    juliet.ask("set", None, remove).await;
    other
        .take("the push", |e| e.attr("type") == Some("set"))
        .await;
    assert_eq!(
        condition(&juliet.ask("set", None, remove).await),
        "item-not-found"
    );
}

#[tokio::test]
async fn a_subscription_is_asked_for_given_and_taken_back() {
    let server = server();
    let mut juliet = Peer::online(&server, "juliet", "balcony").await;
    juliet
        .ask("get", None, "<query xmlns='jabber:iq:roster'/>")
        .await;
    juliet
        .send("<presence type='subscribe' to='romeo@localhost'/>")
        .await;
    let push = juliet
        .take("the push", |e| e.attr("type") == Some("set"))
        .await;
    let item = push.children().next().unwrap().children().next().unwrap();
    assert_eq!(item.attr("ask"), Some("subscribe"));
    // The request waits for romeo.
    let mut romeo = Peer::online(&server, "romeo", "street").await;
    romeo
        .take(
            "the request",
            is_presence("juliet@localhost", Some("subscribe")),
        )
        .await;
    romeo
        .send("<presence type='subscribed' to='juliet@localhost'/>")
        .await;
    juliet
        .take(
            "his yes",
            is_presence("romeo@localhost", Some("subscribed")),
        )
        .await;
    juliet
        .take("his presence", is_presence("romeo@localhost/street", None))
        .await;
    romeo.send("<presence><show>away</show></presence>").await;
    let away = juliet
        .take("away", is_presence("romeo@localhost/street", None))
        .await;
    assert!(away.has_child("show", ns::CLIENT));
    // Who comes later gets it too, by a probe.
    let mut late = Peer::online(&server, "juliet", "garden").await;
    late.take("his presence", is_presence("romeo@localhost/street", None))
        .await;
    romeo
        .send("<presence type='unsubscribed' to='juliet@localhost'/>")
        .await;
    juliet
        .take(
            "gone",
            is_presence("romeo@localhost/street", Some("unavailable")),
        )
        .await;
    juliet
        .take(
            "his no",
            is_presence("romeo@localhost", Some("unsubscribed")),
        )
        .await;
    romeo.send("<presence><show>dnd</show></presence>").await;
    romeo.settle().await;
    let seen = juliet.drain().await;
    assert!(!seen.iter().any(is_presence("romeo@localhost/street", None)));
}

#[tokio::test]
async fn presence_follows_friends_and_those_who_were_told() {
    let server = server();
    server.befriend("juliet", "romeo");
    server.add_account("nurse", "x");
    let mut juliet = Peer::online(&server, "juliet", "balcony").await;
    juliet
        .take(
            "romeo is away",
            is_presence("romeo@localhost", Some("unavailable")),
        )
        .await;
    let mut romeo = Peer::online(&server, "romeo", "street").await;
    romeo
        .take("juliet", is_presence("juliet@localhost/balcony", None))
        .await;
    juliet
        .take("romeo", is_presence("romeo@localhost/street", None))
        .await;
    let mut nurse = Peer::online(&server, "nurse", "house").await;
    juliet.send("<presence to='nurse@localhost/house'/>").await;
    nurse
        .take("juliet", is_presence("juliet@localhost/balcony", None))
        .await;
    juliet.close().await;
    let gone = || is_presence("juliet@localhost/balcony", Some("unavailable"));
    romeo.take("juliet leaves", gone()).await;
    nurse.take("juliet leaves", gone()).await;
}

#[tokio::test]
async fn messages_go_to_the_best_resources() {
    let server = server();
    let mut low = Peer::online(&server, "juliet", "low").await;
    let mut high = Peer::online(&server, "juliet", "high").await;
    let mut never = Peer::online(&server, "juliet", "never").await;
    high.send("<presence><priority>5</priority></presence>")
        .await;
    never
        .send("<presence><priority>-1</priority></presence>")
        .await;
    high.settle().await;
    never.settle().await;
    let mut romeo = Peer::login(&server, "romeo", "street").await;
    romeo
        .send("<message to='juliet@localhost'><body>bare</body></message>")
        .await;
    high.take("it", is_message("bare")).await;
    romeo
        .send("<message to='juliet@localhost/low' type='chat'><body>full</body></message>")
        .await;
    low.take("it", is_message("full")).await;
    romeo
        .send("<message to='juliet@localhost/gone' type='chat'><body>else</body></message>")
        .await;
    high.take("it", is_message("else")).await;
    romeo.settle().await;
    for peer in [&mut low, &mut never] {
        let rest = peer.drain().await;
        assert!(!rest.iter().any(|e| e.name() == "message"), "{rest:?}");
    }
    romeo
        .send("<message to='nobody@localhost' id='m'><body>x</body></message>")
        .await;
    let error = romeo.take("the error", |e| e.attr("id") == Some("m")).await;
    assert_eq!(condition(&error), "service-unavailable");
    romeo
        .send("<message to='a@elsewhere.example' id='n'><body>x</body></message>")
        .await;
    let error = romeo.take("the error", |e| e.attr("id") == Some("n")).await;
    assert_eq!(condition(&error), "remote-server-not-found");
}

#[tokio::test]
async fn iqs_are_answered_relayed_or_refused() {
    let server = server();
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    let mut romeo = Peer::login(&server, "romeo", "street").await;
    let odd = "<odd xmlns='urn:example:odd'/>";
    for to in [
        "localhost",
        "juliet@localhost",
        "juliet@localhost/gone",
        "nobody@localhost",
    ] {
        assert_eq!(
            condition(&romeo.ask("get", Some(to), odd).await),
            "service-unavailable"
        );
    }
    romeo
        .send(&format!(
            "<iq type='get' id='7' to='{}'>{odd}</iq>",
            juliet.jid()
        ))
        .await;
    let request = juliet
        .take("the request", |e| e.attr("id") == Some("7"))
        .await;
    assert_eq!(request.attr("from"), Some("romeo@localhost/street"));
    juliet
        .send("<iq type='result' id='7' to='romeo@localhost/street'/>")
        .await;
    romeo
        .take("the answer", |e| e.attr("type") == Some("result"))
        .await;
    romeo.send("<iq type='get' id='8'/>").await;
    let error = romeo.take("the error", |e| e.attr("id") == Some("8")).await;
    assert_eq!(condition(&error), "bad-request");
    romeo.send("<message to='@' id='9'/>").await;
    let error = romeo.take("the error", |e| e.attr("id") == Some("9")).await;
    assert_eq!(condition(&error), "jid-malformed");
}

#[tokio::test]
async fn the_script_answers_in_place_of_the_server() {
    let server = server();
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    let ping = "<ping xmlns='urn:xmpp:ping'/>";
    let odd = || Filter::iq("get").ns("urn:xmpp:ping");
    server.answer(odd(), Answer::error("forbidden").times(1));
    assert_eq!(condition(&juliet.ask("get", None, ping).await), "forbidden");
    assert_eq!(
        juliet.ask("get", None, ping).await.attr("type"),
        Some("result")
    );
    server.answer(
        odd().to("weather.example"),
        Answer::xml("<sun xmlns='urn:example:w'/>"),
    );
    let sun = juliet.ask("get", Some("weather.example"), ping).await;
    assert!(sun.has_child("sun", "urn:example:w"));
    assert_eq!(sun.attr("from"), Some("weather.example"));
    server.answer(
        odd(),
        Answer::xml("<iq type='result' from='romeo@localhost'/>"),
    );
    let forged = juliet.ask("get", None, ping).await;
    assert_eq!(forged.attr("from"), Some("romeo@localhost"));
    server.answer_as_usual();
    server.answer(odd(), Answer::silence());
    juliet
        .send(&format!("<iq type='get' id='s'>{ping}</iq>"))
        .await;
    juliet
        .send("<iq type='get' id='t'><query xmlns='jabber:iq:roster'/></iq>")
        .await;
    let next = juliet.next().await;
    assert_eq!(next.attr("id"), Some("t"));
}

#[tokio::test]
async fn the_script_hears_and_injects() {
    let server = server();
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    juliet
        .send("<message to='romeo@localhost' id='1'/><message to='romeo@localhost' id='2'/>")
        .await;
    let filter = || Filter::message().from("juliet").to("romeo@localhost");
    assert_eq!(server.take(filter()).await.attr("id"), Some("1"));
    assert_eq!(server.take(filter()).await.attr("id"), Some("2"));
    assert_eq!(server.received(filter()).await.attr("id"), Some("1"));
    assert!(
        server
            .try_take(&filter(), Duration::from_millis(1))
            .await
            .is_none()
    );
    assert_eq!(server.arrived(&filter()).len(), 2);
    server.inject(juliet.jid(), "<message from='evil@example' to='x'/>");
    assert_eq!(juliet.next().await.attr("from"), Some("evil@example"));
    server.inject(juliet.jid(), "<message>");
    server.inject(juliet.jid(), "</message>");
    assert_eq!(juliet.next().await.name(), "message");
    server.route("<message from='romeo@verona.lit/x' to='juliet@localhost/balcony'><body>hi</body></message>");
    juliet.take("it", is_message("hi")).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "waited in vain for the moon")]
async fn who_waits_in_vain_gets_the_play() {
    let server = server();
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    juliet.take("the moon", |_| false).await;
}
