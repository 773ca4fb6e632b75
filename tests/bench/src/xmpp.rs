//! A server for one client that does as little as an XMPP server can: prebuilt bytes, no parser,
//! no runtime. What remains of it in the figures is the loopback.

use crate::Result;
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
    xmlns:stream='http://etherx.jabber.org/streams' id='bench' from='bench.test' version='1.0'>";
const LOGIN: &str = "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
    <mechanism>PLAIN</mechanism></mechanisms></stream:features>";
const SUCCESS: &str = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";
const FEATURES: &str = "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>\
    <sm xmlns='urn:xmpp:sm:3'/></stream:features>";

/// How long a bot may be silent.
const PATIENCE: Duration = Duration::from_secs(20);

/// A listener for one client.
pub(crate) struct Door(TcpListener);

impl Door {
    pub(crate) fn open() -> Result<Self> {
        Ok(Self(TcpListener::bind("127.0.0.1:0")?))
    }

    pub(crate) fn port(&self) -> Result<u16> {
        Ok(self.0.local_addr()?.port())
    }

    /// Lets the client in, up to the bound stream.
    pub(crate) fn admit(&self) -> Result<Session> {
        let (socket, _) = self.0.accept()?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut session = Session {
            socket,
            buffer: Vec::new(),
            start: 0,
            counted: None,
        };
        session.header()?;
        session.write(&format!("{HEADER}{LOGIN}"))?;
        session.element()?;
        session.write(SUCCESS)?;
        session.header()?;
        session.write(&format!("{HEADER}{FEATURES}"))?;
        let bind = session.element()?;
        let id = attribute(&bind, "id").unwrap_or_default();
        session.write(&format!(
            "<iq type='result' id='{id}'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
             <jid>bot@bench.test/bot</jid></bind></iq>"
        ))?;
        let enable = session.element()?;
        session.other(&enable)?;
        Ok(session)
    }
}

/// The stream of a client.
pub(crate) struct Session {
    socket: TcpStream,
    buffer: Vec<u8>,
    start: usize,
    /// Stanzas received since stream management was enabled.
    counted: Option<u32>,
}

impl Session {
    fn write(&mut self, text: &str) -> Result<()> {
        Ok(self.socket.write_all(text.as_bytes())?)
    }

    fn more(&mut self) -> Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let mut chunk = [0; 32 * 1024];
        let n = self
            .socket
            .read(&mut chunk)
            .map_err(|e| format!("the bot sent nothing for {} s: {e}", PATIENCE.as_secs()))?;
        if n == 0 {
            return Err("the client left".into());
        }
        self.buffer.extend_from_slice(&chunk[..n]);
        Ok(())
    }

    /// Takes a stream header.
    fn header(&mut self) -> Result<()> {
        loop {
            let text = &self.buffer[self.start..];
            let at = text
                .windows(8)
                .position(|w| w == b":stream ")
                .or_else(|| text.windows(8).position(|w| w == b"<stream "));
            if let Some(end) = at.and_then(|at| Some(at + end_of_tag(&text[at..])?)) {
                self.start += end;
                return Ok(());
            }
            self.more()?;
        }
    }

    /// The next element.
    fn element(&mut self) -> Result<String> {
        loop {
            if let Some(length) = element(&self.buffer[self.start..]) {
                let text = &self.buffer[self.start..self.start + length];
                let text = String::from_utf8_lossy(text).into_owned();
                self.start += length;
                return Ok(text);
            }
            self.more()?;
        }
    }

    /// Answers what isn't a message.
    fn other(&mut self, text: &str) -> Result<()> {
        if text.starts_with("<enable") {
            self.counted = Some(0);
            return self.write("<enabled xmlns='urn:xmpp:sm:3'/>");
        }
        if text.starts_with("<r ") || text.starts_with("<r>") || text.starts_with("<r/") {
            let h = self.counted.unwrap_or(0);
            return self.write(&format!("<a xmlns='urn:xmpp:sm:3' h='{h}'/>"));
        }
        if text.starts_with("<iq") {
            self.count(1);
            if attribute(text, "type").is_some_and(|t| t == "get" || t == "set") {
                let id = attribute(text, "id").unwrap_or_default();
                return self.write(&format!("<iq type='result' id='{id}'/>"));
            }
        } else if text.starts_with("<presence") {
            self.count(1);
        }
        Ok(())
    }

    fn count(&mut self, stanzas: u32) {
        self.counted = self.counted.map(|c| c.wrapping_add(stanzas));
    }

    /// Sends `total` messages with at most `in_flight` unanswered, from so many senders in turn,
    /// and waits for all the answers; the time that it took.
    pub(crate) fn echo(
        &mut self,
        total: usize,
        in_flight: usize,
        senders: usize,
    ) -> Result<Duration> {
        let messages: Vec<_> = (0..senders.max(1)).map(message).collect();
        let (mut sent, mut answered) = (0, 0);
        let mut out = String::new();
        let start = Instant::now();
        while answered < total {
            while sent < total && sent - answered < in_flight {
                out.push_str(&messages[sent % messages.len()]);
                sent += 1;
            }
            if !out.is_empty() {
                self.write(&out)?;
                out.clear();
            }
            let (mut seen, mut others) = (0, Vec::new());
            while let Some(length) = element(&self.buffer[self.start..]) {
                let text = &self.buffer[self.start..self.start + length];
                if text.starts_with(b"<message") {
                    seen += 1;
                } else {
                    // Acknowledged is what came before it.
                    others.push((seen, String::from_utf8_lossy(text).into_owned()));
                }
                self.start += length;
            }
            let mut counted = 0;
            for (before, other) in others {
                self.count(before - counted);
                counted = before;
                self.other(&other)?;
            }
            self.count(seen - counted);
            answered += seen as usize;
            if seen == 0 {
                self.more()?;
            }
        }
        Ok(start.elapsed())
    }
}

/// A message of the usual size: what clients put into each besides the body.
fn message(sender: usize) -> String {
    format!(
        "<message xmlns='jabber:client' from='friend{sender}@bench.test/phone' to='bot@bench.test/bot' \
         type='chat' id='3f2504e0-4f89-11d3-9a0c-0305e82c3301'><body>Shall I hear more, or shall I \
         speak at this?</body><origin-id xmlns='urn:xmpp:sid:0' id='3f2504e0-4f89-11d3-9a0c-0305e82c3301'/>\
         <active xmlns='http://jabber.org/protocol/chatstates'/></message>"
    )
}

/// The length of the first complete element, with space before it.
fn element(text: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0usize);
    loop {
        at += text[at..].iter().position(|b| *b == b'<')?;
        let end = at + end_of_tag(&text[at..])?;
        match (text[at + 1], text[end - 2]) {
            (b'/', _) => depth = depth.saturating_sub(1),
            (_, b'/' | b'?') => {}
            _ => depth += 1,
        }
        at = end;
        if depth == 0 {
            return Some(end);
        }
    }
}

/// Where the first tag ends.
fn end_of_tag(text: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (n, b) in text.iter().enumerate() {
        match (quote, b) {
            (None, b'\'' | b'"') => quote = Some(*b),
            (Some(q), b) if q == *b => quote = None,
            (None, b'>') => return Some(n + 1),
            _ => {}
        }
    }
    None
}

/// An attribute of the first tag.
fn attribute(text: &str, name: &str) -> Option<String> {
    let tag = text.split('>').next()?;
    let (_, rest) = tag.split_once(&format!(" {name}="))?;
    let quote = rest.chars().next()?;
    rest[1..].split(quote).next().map(str::to_owned)
}
