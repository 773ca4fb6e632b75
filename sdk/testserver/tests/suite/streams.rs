//! Streams, log-in, binding and stream management.

use crate::{is_message, options, server};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use sasl::{
    client::{Mechanism, mechanisms::Scram},
    common::{
        ChannelBinding, Credentials,
        scram::{ScramProvider, Sha1, Sha256},
    },
};
use sat_testserver::{Element, Filter, Options, Peer, Server, ns};
use std::time::Duration;

#[tokio::test]
async fn features_follow_the_log_in() {
    let server = server();
    let (_, before) = Peer::connect(&server).await;
    let mechanisms = before.get_child("mechanisms", ns::SASL).unwrap();
    let names: Vec<String> = mechanisms.children().map(Element::text).collect();
    assert_eq!(names, ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]);
    let (_, after) = Peer::authenticate(&server, "juliet").await;
    assert!(after.has_child("bind", ns::BIND) && after.has_child("sm", ns::SM));
    assert!(!after.has_child("mechanisms", ns::SASL));
}

#[tokio::test]
async fn a_wrong_password_is_refused_three_times_and_then_the_client() {
    let server = server();
    let (mut peer, _) = Peer::connect(&server).await;
    for _ in 0..3 {
        peer.send(&format!(
            "<auth xmlns='{}' mechanism='PLAIN'>AGp1bGlldAB3cm9uZw==</auth>",
            ns::SASL
        ))
        .await;
        let answer = peer.next().await;
        assert!(answer.has_child("not-authorized", ns::SASL), "{answer:?}");
    }
    assert_eq!(peer.end().await.as_deref(), Some("policy-violation"));
}

#[tokio::test]
async fn wrong_input_ends_the_stream_with_its_condition() {
    for (text, condition) in [
        ("<message></presence>", "not-well-formed"),
        ("<!-- x --><message/>", "restricted-xml"),
        ("<message xmlns='other'/>", "unsupported-stanza-type"),
        ("<message from='romeo@localhost'/>", "invalid-from"),
    ] {
        let server = server();
        let mut peer = Peer::login(&server, "juliet", "balcony").await;
        peer.send(text).await;
        assert_eq!(peer.end().await.as_deref(), Some(condition), "{text}");
    }
    let server = server();
    let (mut peer, _) = Peer::connect(&server).await;
    peer.send("<presence/>").await;
    assert_eq!(peer.end().await.as_deref(), Some("not-authorized"));
}

#[tokio::test]
async fn a_resource_belongs_to_the_last_who_binds_it() {
    let server = server();
    let mut old = Peer::login(&server, "juliet", "balcony").await;
    let mut new = Peer::login(&server, "juliet", "balcony").await;
    assert_eq!(old.end().await.as_deref(), Some("conflict"));
    new.settle().await;
    assert_eq!(server.sessions(), ["juliet@localhost/balcony"]);
}

#[tokio::test]
async fn a_session_may_be_resumed_and_misses_nothing() {
    let server = server();
    let mut juliet = Peer::online(&server, "juliet", "balcony").await;
    juliet
        .send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        .await;
    let enabled = juliet.take("enabled", |e| e.name() == "enabled").await;
    let id = enabled.attr("id").unwrap().to_owned();
    assert_eq!(enabled.attr("max"), Some("300"));
    juliet
        .send("<message to='juliet@localhost/x' type='headline'/>")
        .await;

    let mut romeo = Peer::login(&server, "romeo", "street").await;
    romeo
        .send("<message to='juliet@localhost' type='chat'><body>one</body></message>")
        .await;
    juliet.take("one", is_message("one")).await;
    server.cut("juliet@localhost/balcony");
    juliet.end().await;
    romeo
        .send("<message to='juliet@localhost' type='chat'><body>two</body></message>")
        .await;
    romeo.settle().await;

    let (mut juliet, _) = Peer::authenticate(&server, "juliet").await;
    juliet
        .send(&format!(
            "<resume xmlns='urn:xmpp:sm:3' previd='{id}' h='0'/>"
        ))
        .await;
    let resumed = juliet.next().await;
    assert_eq!((resumed.name(), resumed.attr("h")), ("resumed", Some("1")));
    juliet.take("one again", is_message("one")).await;
    juliet.take("two", is_message("two")).await;
    juliet.send("<a xmlns='urn:xmpp:sm:3' h='2'/>").await;
    juliet.send("<r xmlns='urn:xmpp:sm:3'/>").await;
    let ack = juliet.take("the ack", |e| e.name() == "a").await;
    assert_eq!(ack.attr("h"), Some("1"));
    juliet.send("<a xmlns='urn:xmpp:sm:3' h='9'/>").await;
    assert_eq!(juliet.end().await.as_deref(), Some("undefined-condition"));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_nobody_resumes_ends() {
    let server = Server::new(
        Options::new("localhost")
            .account("juliet", "r0m30")
            .hibernation(Duration::from_secs(60)),
    );
    let mut juliet = Peer::online(&server, "juliet", "balcony").await;
    juliet
        .send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        .await;
    let enabled = juliet.take("enabled", |e| e.name() == "enabled").await;
    let id = enabled.attr("id").unwrap().to_owned();
    server.cut(juliet.jid());
    juliet.end().await;
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(server.sessions().len(), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(server.sessions().is_empty());
    let (mut juliet, _) = Peer::authenticate(&server, "juliet").await;
    juliet
        .send(&format!(
            "<resume xmlns='urn:xmpp:sm:3' previd='{id}' h='0'/>"
        ))
        .await;
    assert!(juliet.next().await.has_child("item-not-found", ns::STANZAS));
}

#[tokio::test]
async fn what_was_never_acknowledged_is_delivered_later() {
    let server = Server::new(
        Options::new("localhost")
            .account("juliet", "r0m30")
            .account("romeo", "jul13t")
            .without("0313"),
    );
    let mut juliet = Peer::online(&server, "juliet", "balcony").await;
    juliet
        .send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        .await;
    juliet.take("enabled", |e| e.name() == "enabled").await;
    let mut romeo = Peer::login(&server, "romeo", "street").await;
    romeo
        .send("<message to='juliet@localhost' type='chat'><body>lost?</body></message>")
        .await;
    romeo.settle().await;
    server.kick("juliet@localhost/balcony");
    assert_eq!(juliet.end().await.as_deref(), Some("policy-violation"));
    let mut juliet = Peer::online(&server, "juliet", "garden").await;
    let late = juliet.take("it, late", is_message("lost?")).await;
    assert!(late.has_child("delay", ns::DELAY));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_play() {
    let mut plays = Vec::new();
    for _ in 0..2 {
        let server = Server::new(
            Options::new("localhost")
                .account("juliet", "r0m30")
                .clock(std::sync::Arc::new(|| {
                    "1597-01-29T20:00:00Z".parse().unwrap()
                }))
                .seed(7),
        );
        let mut juliet = Peer::online(&server, "juliet", "balcony").await;
        juliet
            .send("<message to='juliet@localhost' type='chat'><body>O</body></message>")
            .await;
        juliet.take("it", is_message("O")).await;
        plays.push(server.log());
    }
    assert_eq!(plays[0], plays[1]);
    assert!(
        plays[0].contains("juliet@localhost/balcony -> server"),
        "{}",
        plays[0]
    );
    assert!(
        !plays[0].contains("AGp1bGlldAByMG0zMA"),
        "no password is written down"
    );
}

#[tokio::test]
async fn components_connect_by_their_secret() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = Server::new(
        Options::new("localhost")
            .account("juliet", "r0m30")
            .component("echo.localhost", "s3cret"),
    );
    let mut juliet = Peer::online(&server, "juliet", "balcony").await;
    let mut socket = server.component_connect();
    let header = format!(
        "<stream:stream xmlns='{}' xmlns:stream='{}' to='echo.localhost'>",
        ns::COMPONENT,
        ns::STREAM
    );
    socket.write_all(header.as_bytes()).await.unwrap();
    let mut text = String::new();
    while !text.contains('>') {
        text.push(char::from(socket.read_u8().await.unwrap()));
    }
    let id = text
        .split("id='")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    use sha1::Digest;
    let digest: String = sha1::Sha1::digest(format!("{id}s3cret"))
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    socket
        .write_all(format!("<handshake>{digest}</handshake>").as_bytes())
        .await
        .unwrap();
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"<handshake/>");

    juliet
        .send("<message to='a@echo.localhost'><body>hello</body></message>")
        .await;
    let mut text = String::new();
    while !text.ends_with("</message>") {
        text.push(char::from(socket.read_u8().await.unwrap()));
    }
    assert!(text.starts_with("<message "), "{text}");
    socket
        .write_all(
            b"<message from='b@echo.localhost' to='juliet@localhost'><body>you</body></message>",
        )
        .await
        .unwrap();
    let answer = juliet.take("the answer", is_message("you")).await;
    assert_eq!(answer.attr("from"), Some("b@echo.localhost"));
    server
        .received(Filter::message().from("b@echo.localhost"))
        .await;
}

/// Logs in by SCRAM with a client of another make; what the server says at the end.
async fn scram<H: ScramProvider + 'static>(server: &Server, name: &str, password: &str) -> String {
    let credentials = Credentials::default()
        .with_username(name)
        .with_password(password)
        .with_channel_binding(ChannelBinding::None);
    let mut client = Scram::<H>::from_credentials(credentials).unwrap();
    let (mut peer, _) = Peer::connect(server).await;
    let first = BASE64.encode(client.initial());
    let mechanism = format!("SCRAM-{}", H::name());
    peer.send(&format!(
        "<auth xmlns='{}' mechanism='{mechanism}'>{first}</auth>",
        ns::SASL
    ))
    .await;
    let challenge = peer.next().await;
    if challenge.name() != "challenge" {
        return challenge.children().next().unwrap().name().to_owned();
    }
    let challenge = BASE64.decode(challenge.text()).unwrap();
    let response = BASE64.encode(client.response(&challenge).unwrap());
    peer.send(&format!(
        "<response xmlns='{}'>{response}</response>",
        ns::SASL
    ))
    .await;
    let end = peer.next().await;
    if end.name() == "success" {
        let proof = BASE64.decode(end.text()).unwrap();
        client.success(&proof).unwrap();
        return "success".to_owned();
    }
    end.children().next().unwrap().name().to_owned()
}

#[tokio::test]
async fn scram_proves_both_sides() {
    let server = server();
    assert_eq!(scram::<Sha1>(&server, "juliet", "r0m30").await, "success");
    assert_eq!(scram::<Sha256>(&server, "juliet", "r0m30").await, "success");
    for (name, password) in [("juliet", "wrong"), ("nobody", "")] {
        let refused = scram::<Sha256>(&server, name, password).await;
        assert_eq!(refused, "not-authorized", "{name}");
    }
    let server = Server::new(options().mechanisms(&["PLAIN"]));
    let refused = scram::<Sha1>(&server, "juliet", "r0m30").await;
    assert_eq!(refused, "invalid-mechanism");
}

#[tokio::test]
async fn stopping_ends_every_connection() {
    let server = server();
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    server.stop();
    assert_eq!(juliet.end().await, None);
}
