//! The wire against a real Prosody: connecting, losing connections, hostile stanzas.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this is a test"
)]
#![expect(clippy::indexing_slicing, reason = "this is a test")]
#![expect(unreachable_pub, reason = "the modules are shared with other tests")]

#[path = "../../tests/src/prosody.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod prosody;
#[path = "wire_prosody/proxy.rs"]
mod proxy;

use std::{sync::Arc, time::Duration};

use minidom::Element;
use sat_host::{
    error::{Error, kind},
    wire::{Account, Connector, Event, Incoming, Security, Stream, connect},
};
use tokio::{sync::mpsc::Receiver, time::timeout};
use zeroize::Zeroizing;

use self::{
    prosody::{Options, Prosody},
    proxy::Proxy,
};

const SOON: Duration = Duration::from_secs(20);

fn server(options: Options) -> Prosody {
    let server = Prosody::start(options);
    server.add_account("romeo", "secret");
    server.add_account("juliet", "secret");
    server
}

fn account(server: &Prosody, user: &str) -> Account {
    Account {
        jid: format!("{user}@{}", server.domain).parse().unwrap(),
        resource: Some("test".to_owned()),
        host: Some("127.0.0.1".to_owned()),
        port: Some(server.port),
        security: Security::StartTls,
        ca_file: Some(server.ca_file.clone()),
    }
}

/// One end of a conversation.
struct Client {
    stream: Stream,
    events: Receiver<Event>,
    /// The last stanza that the server acknowledged.
    acknowledged: Option<u64>,
}

impl Client {
    fn open(account: Account, password: &'static str) -> Self {
        let password = Arc::new(move || Ok(Zeroizing::new(password.to_owned())));
        let (stream, events) = connect(account, password, Connector::default());
        Self {
            stream,
            events,
            acknowledged: None,
        }
    }

    async fn bound(account: Account) -> Self {
        let mut client = Self::open(account, "secret");
        assert!(!client.next_bound().await);
        client
            .stream
            .send(parse("<presence xmlns='jabber:client'/>"))
            .await
            .unwrap();
        client
    }

    async fn next(&mut self) -> Event {
        let event = timeout(SOON, self.events.recv())
            .await
            .expect("nothing happened");
        let event = event.expect("the stream is over");
        if let Event::Acknowledged(id) = event {
            self.acknowledged = Some(id);
        }
        event
    }

    /// Waits for the next stream; tells whether it was resumed.
    async fn next_bound(&mut self) -> bool {
        loop {
            match self.next().await {
                Event::Bound {
                    jid,
                    features,
                    resumed,
                } => {
                    assert_eq!(jid.resource().as_str(), "test");
                    assert_eq!(features.name(), "features");
                    return resumed;
                }
                Event::Ended { error } => panic!("ended: {error:?}"),
                _ => {}
            }
        }
    }

    /// Waits for the next message.
    async fn next_message(&mut self) -> Incoming {
        loop {
            match self.next().await {
                Event::Stanza(incoming) if incoming.stanza.name() == "message" => return incoming,
                Event::Stanza(_) | Event::Sent(_) | Event::Acknowledged(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn next_body(&mut self) -> String {
        body(&self.next_message().await.stanza)
    }

    async fn ended(&mut self) -> Option<Error> {
        loop {
            if let Event::Ended { error } = self.next().await {
                assert!(self.events.recv().await.is_none());
                return error;
            }
        }
    }
}

fn parse(xml: &str) -> Element {
    xml.parse().unwrap()
}

fn body(stanza: &Element) -> String {
    stanza
        .get_child("body", "jabber:client")
        .map(Element::text)
        .unwrap_or_default()
}

fn message(to: &str, body: &str) -> Element {
    parse(&format!(
        "<message xmlns='jabber:client' type='chat' to='{to}'><body>{body}</body></message>"
    ))
}

async fn failure(account: Account, password: &'static str) -> Error {
    let error = Client::open(account, password)
        .ended()
        .await
        .expect("it worked");
    println!("{error}");
    error
}

#[tokio::test]
async fn messages_go_both_ways_over_starttls() {
    let server = server(Options {
        require_tls: true,
        ..Options::default()
    });
    let mut romeo = Client::bound(account(&server, "romeo")).await;
    let mut juliet = Client::bound(account(&server, "juliet")).await;
    romeo
        .stream
        .send_tracked(message("juliet@localhost/test", "O"), 7)
        .await
        .unwrap();
    assert_eq!(juliet.next_body().await, "O");
    juliet
        .stream
        .send(message("romeo@localhost/test", "Ay me!"))
        .await
        .unwrap();
    let (mut sent, mut acknowledged, mut answered) = (false, false, false);
    while !(sent && acknowledged && answered) {
        match romeo.next().await {
            Event::Sent(7) => sent = true,
            Event::Acknowledged(7) => acknowledged = true,
            Event::Stanza(incoming) if incoming.stanza.name() == "message" => answered = true,
            Event::Stanza(_) => {}
            other => panic!("{other:?}"),
        }
    }
    romeo.stream.close();
    assert_eq!(romeo.ended().await, None);
    let refused = romeo
        .stream
        .send(message("juliet@localhost", "?"))
        .await
        .unwrap_err();
    assert_eq!(refused.kind, kind::NOT_CONNECTED);
    assert!(
        server.log().contains("mechanism='SCRAM-SHA-256'"),
        "{}",
        server.log()
    );
}

#[tokio::test]
async fn tls_from_the_first_byte() {
    let server = server(Options {
        domain: "a.example".to_owned(),
        ..Options::default()
    });
    let direct = Account {
        port: Some(server.direct_tls_port),
        security: Security::DirectTls,
        ..account(&server, "romeo")
    };
    let mut client = Client::bound(direct).await;
    client.stream.close();
    assert_eq!(client.ended().await, None);
}

#[tokio::test]
async fn unencrypted_to_this_machine() {
    let server = server(Options::default());
    let plain = Account {
        security: Security::Plain,
        ca_file: None,
        ..account(&server, "romeo")
    };
    Client::bound(plain).await;
}

#[tokio::test]
async fn reasons_of_failure_are_told_apart() {
    let server = server(Options::default());
    let good = account(&server, "romeo");
    assert_eq!(failure(good.clone(), "wrong").await.kind, kind::AUTH_FAILED);
    let unknown = Account {
        ca_file: None,
        ..good.clone()
    };
    assert_eq!(failure(unknown, "secret").await.kind, kind::CERTIFICATE);
    let missing = Account {
        ca_file: Some("/nonexistent.pem".into()),
        ..good.clone()
    };
    assert_eq!(failure(missing, "secret").await.kind, kind::CERTIFICATE);
    let nobody = Account {
        port: Some(1),
        ..good.clone()
    };
    assert_eq!(
        failure(nobody, "secret").await.kind,
        kind::CONNECTION_FAILED
    );
    let nowhere = Account {
        host: Some("nowhere.invalid".to_owned()),
        ..good.clone()
    };
    assert_eq!(failure(nowhere, "secret").await.kind, kind::HOST_NOT_FOUND);
    let elsewhere = Account {
        jid: "romeo@b.example".parse().unwrap(),
        ..good
    };
    assert_eq!(
        failure(elsewhere, "secret").await.kind,
        kind::HOST_NOT_FOUND
    );
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let other = Options {
        certificate_name: Some("other.example".to_owned()),
        ..Options::default()
    };
    let server = server(other);
    let error = failure(account(&server, "romeo"), "secret").await;
    assert_eq!(error.kind, kind::CERTIFICATE);
    let direct = Account {
        port: Some(server.direct_tls_port),
        security: Security::DirectTls,
        ..account(&server, "romeo")
    };
    assert_eq!(failure(direct, "secret").await.kind, kind::CERTIFICATE);
}

#[tokio::test]
async fn the_second_client_with_a_resource_ends_the_first() {
    let server = server(Options::default());
    let mut first = Client::bound(account(&server, "romeo")).await;
    let _second = Client::bound(account(&server, "romeo")).await;
    assert_eq!(first.ended().await.unwrap().kind, kind::CONFLICT);
}

#[tokio::test]
async fn a_lost_connection_is_resumed_and_nothing_is_missing() {
    let server = server(Options::default());
    let proxy = Proxy::start(server.port).await;
    let through = Account {
        port: Some(proxy.port),
        ..account(&server, "romeo")
    };
    let mut romeo = Client::bound(through).await;
    let mut juliet = Client::bound(account(&server, "juliet")).await;

    juliet
        .stream
        .send(message("romeo@localhost/test", "held"))
        .await
        .unwrap();
    let held = romeo.next_message().await;
    assert_eq!(body(&held.stanza), "held");

    proxy.set_open(false);
    proxy.cut();
    assert!(matches!(romeo.next().await, Event::Lost { .. }));
    // An untracked stanza belongs to a live stream, a tracked one waits for it.
    let refused = romeo
        .stream
        .send(message("juliet@localhost", "x"))
        .await
        .unwrap_err();
    assert_eq!(refused.kind, kind::NOT_CONNECTED);
    for number in 0..50 {
        let text = number.to_string();
        juliet
            .stream
            .send(message("romeo@localhost/test", &text))
            .await
            .unwrap();
        romeo
            .stream
            .send_tracked(message("juliet@localhost/test", &text), number)
            .await
            .unwrap();
    }
    proxy.set_open(true);
    assert!(romeo.next_bound().await, "not resumed:\n{}", server.log());

    // Neither lost nor repeated, not even the one that isn't handled yet.
    for number in 0..50 {
        assert_eq!(juliet.next_body().await, number.to_string());
        assert_eq!(romeo.next_body().await, number.to_string());
    }
    drop(held);
    juliet
        .stream
        .send(message("romeo@localhost/test", "last"))
        .await
        .unwrap();
    assert_eq!(romeo.next_body().await, "last");
    while romeo.acknowledged != Some(49) {
        romeo.next().await;
    }

    // The counts are still right: it can be resumed once more.
    proxy.cut();
    assert!(
        romeo.next_bound().await,
        "not resumed again:\n{}",
        server.log()
    );
}

#[tokio::test]
async fn what_a_lost_session_left_open_is_reported() {
    let mut server = server(Options::default());
    let proxy = Proxy::start(server.port).await;
    let through = Account {
        port: Some(proxy.port),
        ..account(&server, "romeo")
    };
    let mut romeo = Client::bound(through).await;
    proxy.set_silent(true);
    romeo
        .stream
        .send_tracked(message("juliet@localhost", "lost"), 1)
        .await
        .unwrap();
    while !matches!(romeo.next().await, Event::Sent(1)) {}
    server.kill();
    proxy.set_silent(false);
    proxy.cut();
    server.restart();
    let mut seen = Vec::new();
    loop {
        match romeo.next().await {
            Event::Bound { resumed, .. } => {
                assert!(!resumed);
                break;
            }
            Event::Dropped(id) => seen.push(id),
            Event::Lost { error, .. } => println!("{error}"),
            Event::Stanza(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen, [1], "told before the new session begins");
    romeo
        .stream
        .send_tracked(message("romeo@localhost/test", "again"), 1)
        .await
        .unwrap();
    assert_eq!(romeo.next_body().await, "again");
}

#[tokio::test]
async fn hostile_stanzas_are_clipped_and_the_stream_lives() {
    let extra = "allow_unencrypted_plain_auth = true".to_owned();
    let server = server(Options {
        extra,
        ..Options::default()
    });
    let mut romeo = Client::bound(account(&server, "romeo")).await;
    let mut raw = proxy::Raw::log_in(server.port, "juliet", "secret").await;
    let depth = 30_000;
    let nested = format!("{}{}", "<x>".repeat(depth), "</x>".repeat(depth));
    let to = "to='romeo@localhost/test'";
    raw.send(&format!("<message type='headline' {to}>{nested}</message>"))
        .await;
    let text = "x".repeat(230_000);
    raw.send(&format!(
        "<message type='headline' {to}><body>{text}</body></message>"
    ))
    .await;
    raw.send(&format!(
        "<message type='headline' {to}><body>next</body></message>"
    ))
    .await;

    let deep = romeo.next_message().await;
    let mut levels = 1;
    let mut element = &deep.stanza;
    while let Some(child) = element.children().next() {
        element = child;
        levels += 1;
    }
    assert_eq!(levels, 64);
    assert_eq!(romeo.next_body().await, text);
    assert_eq!(romeo.next_body().await, "next");
}

#[tokio::test]
async fn what_is_not_handled_is_not_acknowledged() {
    let server = server(Options::default());
    let juliet = Client::bound(account(&server, "juliet")).await;
    let mut romeo = Client::bound(account(&server, "romeo")).await;
    for text in ["one", "two", "three"] {
        juliet
            .stream
            .send(message("romeo@localhost/test", text))
            .await
            .unwrap();
    }
    drop(romeo.next_message().await);
    let second = romeo.next_message().await;
    drop(romeo.next_message().await);
    romeo.stream.close();
    assert_eq!(romeo.ended().await, None);
    drop(second);

    // The server kept what follows the handled beginning.
    let mut romeo = Client::bound(account(&server, "romeo")).await;
    assert_eq!(romeo.next_body().await, "two", "{}", server.log());
    assert_eq!(romeo.next_body().await, "three");
}

#[tokio::test]
async fn without_stream_management_messages_still_go() {
    let server = server(Options {
        hibernation: None,
        ..Options::default()
    });
    let mut romeo = Client::bound(account(&server, "romeo")).await;
    romeo
        .stream
        .send_tracked(message("romeo@localhost/test", "self"), 3)
        .await
        .unwrap();
    let (mut sent, mut received) = (false, false);
    while !(sent && received) {
        match romeo.next().await {
            Event::Sent(3) => sent = true,
            Event::Stanza(incoming) if incoming.stanza.name() == "message" => received = true,
            Event::Stanza(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn thousands_of_messages_pass_and_are_acknowledged() {
    const COUNT: u64 = 5_000;
    let server = server(Options::default());
    let mut romeo = Client::bound(account(&server, "romeo")).await;
    let stream = romeo.stream.clone();
    let sending = tokio::spawn(async move {
        for id in 0..COUNT {
            let stanza = message("romeo@localhost/test", &id.to_string());
            stream.send_tracked(stanza, id).await.unwrap();
        }
    });
    let (mut received, mut acknowledged) = (0, 0);
    while received < COUNT || acknowledged < COUNT {
        match romeo.next().await {
            Event::Acknowledged(id) => {
                assert_eq!(id, acknowledged);
                acknowledged += 1;
            }
            Event::Stanza(incoming) if incoming.stanza.name() == "message" => {
                assert_eq!(body(&incoming.stanza), received.to_string());
                received += 1;
            }
            Event::Stanza(_) | Event::Sent(_) => {}
            other => panic!("{other:?}"),
        }
    }
    sending.await.unwrap();
}
