//! A WebSocket client for JSON-RPC that does as little as it can: prebuilt frames over a
//! blocking Unix socket, the same for both sides that are compared.

use crate::Result;
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

/// An open connection.
pub(crate) struct Socket {
    io: UnixStream,
    buffer: Vec<u8>,
}

impl Socket {
    pub(crate) fn connect(path: &Path) -> Result<Self> {
        let mut io = UnixStream::connect(path)?;
        io.set_read_timeout(Some(Duration::from_secs(60)))?;
        io.write_all(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            io.read_exact(&mut byte)?;
            head.extend_from_slice(&byte);
        }
        if !head.starts_with(b"HTTP/1.1 101") {
            return Err(String::from_utf8_lossy(&head).into_owned().into());
        }
        Ok(Self {
            io,
            buffer: Vec::new(),
        })
    }

    /// Calls a method; its result.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        self.io.write_all(&request(method, params))?;
        let answer = loop {
            if let Some((kind, text)) = self.frame() {
                if kind == TEXT {
                    break text;
                }
                continue;
            }
            self.more()?;
        };
        let mut answer: Value = serde_json::from_slice(&answer)?;
        match answer.get("error") {
            Some(error) => Err(format!("{method}: {error}").into()),
            None => Ok(answer["result"].take()),
        }
    }

    /// Makes `total` calls with `in_flight` of them unanswered; the time that it took.
    pub(crate) fn rate(
        &mut self,
        method: &str,
        params: Value,
        total: usize,
        in_flight: usize,
    ) -> Result<Duration> {
        let request = request(method, params);
        let (mut sent, mut answered) = (0, 0);
        let start = Instant::now();
        while answered < total {
            let room = (total - sent).min(in_flight - (sent - answered));
            if room > 0 {
                self.io.write_all(&request.repeat(room))?;
                sent += room;
            }
            self.more()?;
            while let Some((kind, text)) = self.frame() {
                if kind == TEXT {
                    if text.windows(8).any(|w| w == b"\"error\":") {
                        return Err(String::from_utf8_lossy(&text).into_owned().into());
                    }
                    answered += 1;
                }
            }
        }
        Ok(start.elapsed())
    }

    fn more(&mut self) -> Result<()> {
        let mut chunk = [0; 32 * 1024];
        let n = self.io.read(&mut chunk)?;
        if n == 0 {
            return Err("the server left".into());
        }
        self.buffer.extend_from_slice(&chunk[..n]);
        Ok(())
    }

    /// The next whole frame: RFC 6455 §5.2, as servers send them.
    fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (kind, short) = (self.buffer.first()? & 15, self.buffer.get(1)? & 127);
        let (head, length) = match short {
            126 => (
                4,
                self.buffer
                    .get(2..4)?
                    .iter()
                    .fold(0, |n, b| n << 8 | usize::from(*b)),
            ),
            127 => (
                10,
                self.buffer
                    .get(2..10)?
                    .iter()
                    .fold(0, |n, b| n << 8 | usize::from(*b)),
            ),
            n => (2, usize::from(n)),
        };
        let text = self.buffer.get(head..head + length)?.to_vec();
        self.buffer.drain(..head + length);
        Some((kind, text))
    }
}

const TEXT: u8 = 1;

/// A call as one frame, masked with zeros: a benchmark's proxies need no protection.
fn request(method: &str, params: Value) -> Vec<u8> {
    let text = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let mut frame = vec![0x80 | TEXT];
    match u16::try_from(text.len()) {
        Ok(n) if n < 126 => frame.push(0x80 | n as u8),
        n => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&n.unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text.as_bytes());
    frame
}
