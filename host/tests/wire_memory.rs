//! Streams that are dialled in memory, with a clock that the test moves.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use sat_host::{
    Clock,
    error::kind,
    random::Random,
    wire::{Account, Connector, Dialer, Event, Security, Target, connect},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::mpsc,
    time::timeout,
};
use zeroize::Zeroizing;

const HEAD: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' \
    xmlns:stream='http://etherx.jabber.org/streams' id='x' from='localhost'>";
const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
const BIND: &str = "urn:ietf:params:xml:ns:xmpp-bind";

/// How long, in real time, the test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server's side of a connection.
struct Peer(DuplexStream);

impl Peer {
    async fn expect(&mut self, part: &str) -> String {
        let mut seen = String::new();
        let mut buffer = [0; 4096];
        while !seen.contains(part) {
            let read = timeout(PATIENCE, self.0.read(&mut buffer)).await;
            let length = read
                .unwrap_or_else(|_| panic!("no {part} in {seen}"))
                .unwrap();
            assert!(length > 0, "no {part} in {seen}");
            seen += &String::from_utf8_lossy(&buffer[..length]);
        }
        seen
    }

    async fn say(&mut self, xml: &str) {
        self.0.write_all(xml.as_bytes()).await.unwrap();
    }

    async fn welcome(&mut self) {
        let features = |inner: &str| format!("{HEAD}<stream:features>{inner}</stream:features>");
        let plain = format!("<mechanisms xmlns='{SASL}'><mechanism>PLAIN</mechanism></mechanisms>");
        self.expect("version").await;
        self.say(&features(&plain)).await;
        self.expect("</auth>").await;
        self.say(&format!("<success xmlns='{SASL}'/>")).await;
        self.expect("version").await;
        self.say(&features("")).await;
        self.expect("</iq>").await;
        let jid = format!("<bind xmlns='{BIND}'><jid>romeo@localhost/x</jid></bind>");
        self.say(&format!("<iq id='bind' type='result'>{jid}</iq>"))
            .await;
    }
}

async fn next(events: &mut mpsc::Receiver<Event>) -> Event {
    let event = timeout(PATIENCE, events.recv()).await;
    event.unwrap().unwrap()
}

fn account() -> Account {
    Account {
        jid: "romeo@localhost".parse().unwrap(),
        resource: None,
        host: Some("localhost".into()),
        port: None,
        security: Security::Plain,
        ca_file: None,
    }
}

/// Connects, is silent until the connection counts as dead, and comes back. Returns the waits.
async fn silence(seed: u64) -> Vec<Duration> {
    let clock = Clock::manual("2026-03-01T12:00:00Z".parse().unwrap());
    let (dialled, mut connections) = mpsc::channel(8);
    let dialer = Dialer::new(move |target: Target| {
        let dialled = dialled.clone();
        async move {
            let (ours, theirs) = duplex(64 << 10);
            dialled.send((target, Peer(theirs))).await.unwrap();
            Ok(ours)
        }
    });
    let connector = Connector::new(clock.clone(), Random::seeded(seed), Some(dialer));
    let password = Arc::new(|| Ok(Zeroizing::new("secret".to_owned())));
    let (_stream, mut events) = connect(account(), password, connector);
    let mut waits = Vec::new();
    for _ in 0..3 {
        let (target, mut peer) = connections.recv().await.unwrap();
        assert_eq!((target.host.as_str(), target.port), ("localhost", 5222));
        peer.welcome().await;
        assert!(matches!(next(&mut events).await, Event::Bound { .. }));
        clock.advance(Duration::from_secs(60)).await;
        let asked = peer.expect("</iq>").await;
        assert!(asked.contains("sat-life-1"), "{asked}");
        // Any sign of life will do.
        peer.say(" ").await;
        clock.advance(Duration::from_secs(59)).await;
        clock.advance(Duration::from_secs(1)).await;
        peer.expect("sat-life-2").await;
        clock.advance(Duration::from_secs(15)).await;
        let Event::Lost { error, retry_in } = next(&mut events).await else {
            panic!("the stream is not lost");
        };
        assert!(error.is(kind::TIMEOUT), "{error}");
        waits.push(retry_in);
        clock.advance(retry_in - Duration::from_nanos(1)).await;
        assert!(connections.try_recv().is_err());
        clock.advance(Duration::from_nanos(1)).await;
    }
    waits
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_and_waits_go_by_the_clock_and_the_seed() {
    let waits = silence(1).await;
    assert_eq!(waits, silence(1).await);
    assert_ne!(waits, silence(2).await);
}

#[tokio::test]
async fn what_cannot_be_dialled_is_a_server_that_cannot_be_reached() {
    let targets = Arc::new(Mutex::new(Vec::new()));
    let seen = targets.clone();
    let dialer = Dialer::new(move |target: Target| {
        seen.lock().unwrap().push(target);
        async { io::Result::<DuplexStream>::Err(io::ErrorKind::ConnectionRefused.into()) }
    });
    let connector = Connector::new(Clock::system(), Random::system(), Some(dialer));
    let password = Arc::new(|| Ok(Zeroizing::new("secret".to_owned())));
    let (_stream, mut events) = connect(account(), password, connector);
    let Event::Ended { error: Some(error) } = next(&mut events).await else {
        panic!("the stream goes on");
    };
    assert!(error.is(kind::CONNECTION_FAILED), "{error}");
    assert_eq!(targets.lock().unwrap().len(), 1);
}
