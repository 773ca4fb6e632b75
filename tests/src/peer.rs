//! A raw XMPP client that sends whatever a test wants, also what no decent client sends.

use crate::{server::Server, wait};
use base64::{Engine, engine::general_purpose::STANDARD};
use minidom::Element;
use std::{
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const STREAM: &str =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'";

/// A logged-in raw client.
pub struct Peer {
    socket: TcpStream,
    buffer: Vec<u8>,
    jid: String,
    /// Elements that came and were not asked for yet.
    waiting: Vec<Element>,
    ids: u32,
}

impl Peer {
    /// Logs in without announcing itself.
    pub async fn login(server: &Server, account: &str, resource: &str) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", server.port))
            .await
            .expect("the server listens");
        let mut peer = Self {
            socket,
            buffer: Vec::new(),
            jid: String::new(),
            waiting: Vec::new(),
            ids: 0,
        };
        peer.open().await;
        let password = crate::server::password(account);
        let plain = STANDARD.encode(format!("\0{account}\0{password}"));
        peer.send(&format!(
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{plain}</auth>"
        ))
        .await;
        let answer = peer.next().await;
        assert_eq!(
            answer.name(),
            "success",
            "{account} can't log in: {answer:?}"
        );
        peer.open().await;
        let bind = format!(
            "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>{resource}</resource></bind>"
        );
        let answer = peer.ask("set", None, &bind).await;
        let ns = "urn:ietf:params:xml:ns:xmpp-bind";
        let jid = answer
            .get_child("bind", ns)
            .and_then(|b| b.get_child("jid", ns));
        peer.jid = jid.expect("the server binds").text();
        peer
    }

    /// Logs in and announces itself.
    pub async fn online(server: &Server, account: &str, resource: &str) -> Self {
        let mut peer = Self::login(server, account, resource).await;
        peer.send("<presence/>").await;
        let own = peer.jid.clone();
        peer.take("its own presence", |e| {
            e.name() == "presence" && e.attr("from") == Some(&own)
        })
        .await;
        peer
    }

    /// An external component (XEP-0114) of the server, which has it with this secret.
    pub async fn component(server: &Server, name: &str, secret: &str) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", server.component_port))
            .await
            .expect("the server listens");
        let mut peer = Self {
            socket,
            buffer: Vec::new(),
            jid: name.to_owned(),
            waiting: Vec::new(),
            ids: 0,
        };
        let stream = STREAM.replace("jabber:client", "jabber:component:accept");
        peer.send(&format!("{stream} to='{name}'>")).await;
        let start = peer.stream_start().await;
        let id = start
            .split(" id='")
            .nth(1)
            .and_then(|rest| rest.split('\'').next())
            .expect("the stream has an id");
        let proof = sha1_hex(&format!("{id}{secret}"));
        peer.send(&format!("<handshake>{proof}</handshake>")).await;
        let answer = peer.next().await;
        assert_eq!(answer.name(), "handshake", "{answer:?}");
        peer
    }

    /// Its full JID.
    pub fn jid(&self) -> &str {
        &self.jid
    }

    async fn open(&mut self) {
        self.buffer.clear();
        self.send(&format!("{STREAM} to='localhost' version='1.0'>"))
            .await;
        self.stream_start().await;
        let features = self.next().await;
        assert_eq!(features.name(), "features");
    }

    /// The start of the server's stream, which is no element of its own.
    async fn stream_start(&mut self) -> String {
        loop {
            if let Some(start) = find(&self.buffer, b"<stream:stream")
                && let Some(end) = find(&self.buffer[start..], b">")
            {
                let tag: Vec<u8> = self.buffer.drain(..start + end + 1).collect();
                return String::from_utf8_lossy(&tag).into_owned();
            }
            assert!(self.read().await, "the server closed the stream");
        }
    }

    /// Sends text as it is.
    pub async fn send(&mut self, xml: &str) {
        self.socket
            .write_all(xml.as_bytes())
            .await
            .expect("the stream is open");
    }

    /// Sends text as it is, to a server that may have closed the stream.
    pub async fn try_send(&mut self, xml: &str) -> bool {
        self.socket.write_all(xml.as_bytes()).await.is_ok()
    }

    /// Sends an IQ and waits for its answer, an error too.
    pub async fn ask(&mut self, kind: &str, to: Option<&str>, payload: &str) -> Element {
        self.ids += 1;
        let id = format!("ask-{}", self.ids);
        let to = to.map(|to| format!(" to='{to}'")).unwrap_or_default();
        self.send(&format!("<iq type='{kind}' id='{id}'{to}>{payload}</iq>"))
            .await;
        self.take(&format!("the answer to {payload:.60}"), |e| {
            e.name() == "iq"
                && e.attr("id") == Some(&id)
                && matches!(e.attr("type"), Some("result" | "error"))
        })
        .await
    }

    /// The next question to it, however long that takes.
    pub async fn await_request(&mut self) -> Element {
        loop {
            let element = self.next().await;
            if element.name() == "iq" && matches!(element.attr("type"), Some("get" | "set")) {
                return element;
            }
            self.waiting.push(element);
        }
    }

    /// The first element, old or new, that fits.
    pub async fn take(&mut self, what: &str, fits: impl Fn(&Element) -> bool) -> Element {
        if let Some(found) = self.waiting.iter().position(&fits) {
            return self.waiting.remove(found);
        }
        let find = async {
            loop {
                let element = self.next().await;
                if fits(&element) {
                    return element;
                }
                self.waiting.push(element);
            }
        };
        match tokio::time::timeout(wait::LONG, find).await {
            Ok(found) => found,
            Err(_) => panic!(
                "{} waited in vain for {what}; got {:#?}",
                self.jid,
                self.texts()
            ),
        }
    }

    /// Everything that came until now and for a moment more.
    pub async fn collect(&mut self, moment: Duration) -> Vec<Element> {
        let mut all = std::mem::take(&mut self.waiting);
        while let Ok(element) = tokio::time::timeout(moment, self.next()).await {
            all.push(element);
        }
        all
    }

    /// Waits until the server has handled everything sent before.
    pub async fn settle(&mut self) {
        self.ask("get", Some("localhost"), "<ping xmlns='urn:xmpp:ping'/>")
            .await;
    }

    fn texts(&self) -> Vec<String> {
        self.waiting.iter().map(String::from).collect()
    }

    /// The next element of the stream.
    async fn next(&mut self) -> Element {
        loop {
            if let Some(length) = element_length(&self.buffer) {
                let text: Vec<u8> = self.buffer.drain(..length).collect();
                let text = String::from_utf8(text).expect("the server sends UTF-8");
                let wrapped: Element = format!("{STREAM}>{text}</stream:stream>")
                    .parse()
                    .expect("the server sends XML");
                return wrapped.children().next().expect("one element").clone();
            }
            assert!(
                self.read().await,
                "the server closed the stream of {}",
                self.jid
            );
        }
    }

    async fn read(&mut self) -> bool {
        let read = self.socket.read_buf(&mut self.buffer).await;
        read.is_ok_and(|n| n > 0)
    }
}

/// By the program that every system has: no test needs this hash for anything else.
fn sha1_hex(text: &str) -> String {
    let mut program = Command::new("sha1sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sha1sum is installed");
    let mut input = program.stdin.take().expect("it reads");
    input.write_all(text.as_bytes()).expect("it reads");
    drop(input);
    let output = program.wait_with_output().expect("it ends");
    let hash = String::from_utf8_lossy(&output.stdout);
    hash.chars().take(40).collect()
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|w| w == what)
}

/// Length of the whole element at the beginning, with space before it; none while it is not
/// there to its end. Prosody sends neither comments nor CDATA.
fn element_length(text: &[u8]) -> Option<usize> {
    let (mut depth, mut at) = (0u32, 0);
    loop {
        let start = at + text.get(at..)?.iter().position(|b| *b == b'<')?;
        let mut quote = None;
        let end = start
            + text.get(start..)?.iter().position(|b| match (quote, b) {
                (None, b'\'' | b'"') => {
                    quote = Some(*b);
                    false
                }
                (Some(q), b) if q == *b => {
                    quote = None;
                    false
                }
                (None, b'>') => true,
                _ => false,
            })?;
        let closing = text.get(start + 1) == Some(&b'/');
        let empty = text.get(end - 1) == Some(&b'/');
        match (closing, empty) {
            (true, _) => depth = depth.saturating_sub(1),
            (false, false) => depth += 1,
            (false, true) => {}
        }
        at = end + 1;
        if depth == 0 {
            return Some(at);
        }
    }
}
