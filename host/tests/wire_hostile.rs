//! The wire against servers that lie: a scripted peer on loopback.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this is a test"
)]
#![expect(clippy::indexing_slicing, reason = "this is a test")]

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use sat_host::{
    error::{Error, kind},
    wire::{Account, Connector, Event, Security, connect},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc::Receiver,
    time::timeout,
};
use zeroize::Zeroizing;

const HEAD: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' \
    xmlns:stream='http://etherx.jabber.org/streams' id='x' from='localhost'>";
const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
const TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";

fn features(inner: &str) -> String {
    format!("{HEAD}<stream:features>{inner}</stream:features>")
}

fn mechanisms(name: &str) -> String {
    features(&format!(
        "<mechanisms xmlns='{SASL}'><mechanism>{name}</mechanism></mechanisms>"
    ))
}

/// The server's side of one connection.
struct Peer(TcpStream);

impl Peer {
    async fn say(&mut self, xml: &str) {
        self.0.write_all(xml.as_bytes()).await.unwrap();
    }

    /// Reads until the client has written this.
    async fn expect(&mut self, part: &str) -> String {
        let mut seen = String::new();
        let mut buffer = [0; 4096];
        while !seen.contains(part) {
            let length = self.0.read(&mut buffer).await.unwrap();
            assert!(length > 0, "no {part} in {seen}");
            seen += &String::from_utf8_lossy(&buffer[..length]);
        }
        seen
    }

    /// What the client writes until it hangs up.
    async fn rest(&mut self) -> String {
        let mut seen = Vec::new();
        let _ = self.0.read_to_end(&mut seen).await;
        String::from_utf8_lossy(&seen).into_owned()
    }

    /// A log-in without questions, and a session with stream management.
    async fn welcome(&mut self) {
        self.expect("version").await;
        self.say(&mechanisms("PLAIN")).await;
        self.expect("</auth>").await;
        self.say(&format!("<success xmlns='{SASL}'/>")).await;
        self.expect("version").await;
        self.say(&features("<sm xmlns='urn:xmpp:sm:3'/>")).await;
        self.expect("</iq>").await;
        let bind = "urn:ietf:params:xml:ns:xmpp-bind";
        let jid = "<jid>romeo@localhost/x</jid>";
        self.say(&format!(
            "<iq id='bind' type='result'><bind xmlns='{bind}'>{jid}</bind></iq>"
        ))
        .await;
        self.expect("<enable").await;
        self.say("<enabled xmlns='urn:xmpp:sm:3' id='s' resume='true'/>")
            .await;
    }
}

async fn serve<F: Future<Output = ()> + Send>(
    security: Security,
    script: impl Fn(Peer) -> F + Send + 'static,
) -> Receiver<Event> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let account = Account {
        jid: "romeo@localhost".parse().unwrap(),
        resource: None,
        host: Some("127.0.0.1".to_owned()),
        port: Some(listener.local_addr().unwrap().port()),
        security,
        ca_file: None,
    };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            script(Peer(stream)).await;
        }
    });
    let password = Arc::new(|| Ok(Zeroizing::new("secret".to_owned())));
    let (stream, events) = connect(account, password, Connector::default());
    tokio::spawn(async move {
        // Keeps the stream open for as long as the test runs.
        let _stream = stream;
        std::future::pending::<()>().await;
    });
    events
}

async fn next(events: &mut Receiver<Event>) -> Event {
    timeout(Duration::from_secs(20), events.recv())
        .await
        .expect("nothing happened")
        .unwrap()
}

async fn failure(mut events: Receiver<Event>) -> Error {
    match next(&mut events).await {
        Event::Ended { error: Some(error) } => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn without_tls_nothing_secret_is_said() {
    let stripped = serve(Security::StartTls, async |mut peer| {
        peer.expect("version").await;
        peer.say(&mechanisms("PLAIN")).await;
        let rest = peer.rest().await;
        assert!(!rest.contains("auth"), "{rest}");
    });
    assert_eq!(failure(stripped.await).await.kind, kind::STREAM_NEGOTIATION);
}

#[tokio::test]
async fn nothing_is_read_between_proceed_and_tls() {
    let injected = serve(Security::StartTls, async |mut peer| {
        peer.expect("version").await;
        peer.say(&features(&format!("<starttls xmlns='{TLS}'/>")))
            .await;
        peer.expect("starttls").await;
        peer.say(&format!("<proceed xmlns='{TLS}'/>{HEAD}")).await;
        assert_eq!(peer.rest().await, "");
    });
    assert_eq!(failure(injected.await).await.kind, kind::STREAM_NEGOTIATION);
}

#[tokio::test]
async fn costly_and_forged_log_ins_are_refused() {
    for (count, forged) in [("1000000000", false), ("4096", true)] {
        let events = serve(Security::Plain, move |mut peer| async move {
            peer.expect("version").await;
            peer.say(&mechanisms("SCRAM-SHA-256")).await;
            let auth = peer.expect("</auth>").await;
            let data = auth.split('>').nth(1).unwrap().split('<').next().unwrap();
            let first = String::from_utf8(BASE64.decode(data).unwrap()).unwrap();
            let nonce = first.split("r=").nth(1).unwrap();
            let challenge = BASE64.encode(format!("r={nonce}more,s=c2FsdA==,i={count}"));
            peer.say(&format!(
                "<challenge xmlns='{SASL}'>{challenge}</challenge>"
            ))
            .await;
            if forged {
                peer.expect("</response>").await;
                let proof = BASE64.encode("v=Zm9yZ2Vk");
                peer.say(&format!("<success xmlns='{SASL}'>{proof}</success>"))
                    .await;
            }
            assert_eq!(peer.rest().await, "");
        });
        let error = failure(events.await).await;
        assert_eq!(error.kind, kind::STREAM_NEGOTIATION, "{error}");
    }
}

async fn flood(mut peer: Peer, bad: Arc<str>) {
    peer.welcome().await;
    // Fails when the client has hung up before the end, as it should.
    let _ = peer.0.write_all(bad.as_bytes()).await;
    peer.rest().await;
}

#[tokio::test]
async fn endless_and_malformed_stanzas_only_lose_the_connection() {
    let endless = format!("<message><body>{}", "x".repeat(5 << 20));
    let cases: [&str; 5] = [
        &endless,
        "<!-- -->",
        "<a></b>",
        "<undeclared:a/>",
        "<message><?php?></message>",
    ];
    for bad in cases {
        let bad: Arc<str> = bad.into();
        let mut events = serve(Security::Plain, move |peer| flood(peer, bad.clone())).await;
        assert!(matches!(
            next(&mut events).await,
            Event::Bound { resumed: false, .. }
        ));
        match next(&mut events).await {
            Event::Lost { error, .. } => assert_eq!(error.kind, kind::CONNECTION_FAILED),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn wrong_counts_end_the_session_and_a_fresh_one_begins() {
    let mut events = serve(Security::Plain, async |mut peer| {
        // `welcome` waits for a bind: a `<resume/>` would fail the test.
        peer.welcome().await;
        peer.say("<message/><a xmlns='urn:xmpp:sm:3' h='7'/>").await;
        peer.rest().await;
    })
    .await;
    for _ in 0..2 {
        assert!(matches!(
            next(&mut events).await,
            Event::Bound { resumed: false, .. }
        ));
        assert!(matches!(next(&mut events).await, Event::Stanza(_)));
        match next(&mut events).await {
            Event::Lost { error, .. } => assert_eq!(error.kind, kind::STREAM_NEGOTIATION),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_conflict_ends_and_a_shutdown_is_waited_out() {
    for (condition, ends) in [("conflict", true), ("system-shutdown", false)] {
        let mut events = serve(Security::Plain, move |mut peer| async move {
            peer.welcome().await;
            let ns = "urn:ietf:params:xml:ns:xmpp-streams";
            peer.say(&format!(
                "<stream:error><{condition} xmlns='{ns}'/></stream:error>"
            ))
            .await;
        })
        .await;
        assert!(matches!(next(&mut events).await, Event::Bound { .. }));
        match next(&mut events).await {
            Event::Ended { error: Some(error) } if ends => assert_eq!(error.kind, kind::CONFLICT),
            Event::Lost { error, .. } if !ends => assert_eq!(error.kind, kind::CONNECTION_FAILED),
            other => panic!("{other:?}"),
        }
    }
}
