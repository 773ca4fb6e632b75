//! Standard output and error of a guest: lines of the plugin's log, and what a panic says.

use super::loaded::LoadedPlugin;
use crate::profile::Profile;
use bytes::Bytes;
use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamError},
};

/// Longest line; what is longer becomes more than one.
const LINE: usize = 4096;
/// Last lines of standard error that are kept for the reason of a crash.
const KEPT: usize = 16;
/// Bytes that a guest may write at once.
const PERMIT: usize = 64 << 10;

/// What one running instance writes.
pub(crate) struct Output {
    profile: Arc<Profile>,
    plugin: Arc<LoadedPlugin>,
    /// Of each stream the line that has no end yet.
    stdout: Mutex<Vec<u8>>,
    stderr: Mutex<Vec<u8>>,
    last: Mutex<VecDeque<String>>,
}

impl Output {
    pub(crate) fn new(profile: Arc<Profile>, plugin: Arc<LoadedPlugin>) -> Arc<Self> {
        Arc::new(Self {
            profile,
            plugin,
            stdout: Mutex::default(),
            stderr: Mutex::default(),
            last: Mutex::default(),
        })
    }

    /// Standard output, for WASI.
    pub(crate) fn stdout(self: &Arc<Self>) -> Stream {
        Stream {
            output: self.clone(),
            error: false,
        }
    }

    /// Standard error, for WASI.
    pub(crate) fn stderr(self: &Arc<Self>) -> Stream {
        Stream {
            output: self.clone(),
            error: true,
        }
    }

    /// What the last panic said, and where: `panicked at src/lib.rs:12:5: index out of bounds`.
    pub(crate) fn panic(&self) -> Option<String> {
        panic_message(&lock(&self.last))
    }

    fn write(&self, error: bool, bytes: &[u8]) {
        let (buffer, level) = if error {
            (&self.stderr, "warn")
        } else {
            (&self.stdout, "info")
        };
        lines(&mut lock(buffer), bytes, |line| {
            if error {
                let mut last = lock(&self.last);
                if last.len() == KEPT {
                    last.pop_front();
                }
                last.push_back(line.to_owned());
            }
            self.profile.log(self.plugin.id(), level, line);
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Splits what a guest writes into lines that aren't empty; what has no end yet stays in `buffer`.
fn lines(buffer: &mut Vec<u8>, bytes: &[u8], mut line: impl FnMut(&str)) {
    for byte in bytes {
        if *byte != b'\n' {
            buffer.push(*byte);
        }
        if *byte == b'\n' || buffer.len() >= LINE {
            let text = String::from_utf8_lossy(buffer);
            if !text.trim().is_empty() {
                line(text.trim_end());
            }
            buffer.clear();
        }
    }
}

/// The message of a panic among lines of standard error, as Rust's `std` writes it:
/// `thread 'main' panicked at src/lib.rs:12:5:`, the message on the next lines, and a note.
fn panic_message(lines: &VecDeque<String>) -> Option<String> {
    let start = lines.iter().rposition(|l| l.contains("panicked at "))?;
    let mut lines = lines.iter().skip(start);
    let (_, place) = lines.next()?.split_once("panicked at ")?;
    let message: Vec<_> = lines
        .map(|line| line.trim())
        .take_while(|line| !line.starts_with("note: "))
        .collect();
    Some(format!("panicked at {place} {}", message.join("; ")))
}

/// One of both streams, as WASI sees it. Never waits.
#[derive(Clone)]
pub(crate) struct Stream {
    output: Arc<Output>,
    error: bool,
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    // Without the task in between that the default has, so that a line is there before a trap.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl OutputStream for Stream {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        self.output.write(self.error, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(PERMIT)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.output.write(self.error, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(writes: &[&[u8]]) -> Vec<String> {
        let (mut buffer, mut found) = (Vec::new(), Vec::new());
        for bytes in writes {
            lines(&mut buffer, bytes, |line| found.push(line.to_owned()));
        }
        found
    }

    #[test]
    fn lines_are_put_together_and_bounded() {
        assert_eq!(split(&[b"on", b"e\n\ntwo  \nthr", b"ee"]), ["one", "two"]);
        assert_eq!(split(&[b"\xff\n"]), ["\u{fffd}"]);
        let long = split(&[&[b'x'; LINE * 2 + 1], b"\n"]);
        assert_eq!(
            long.iter().map(String::len).collect::<Vec<_>>(),
            [LINE, LINE, 1]
        );
    }

    #[test]
    fn a_panic_says_what_and_where() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect();
        let said = |text| panic_message(&lines(text));
        let one = "before\nthread 'main' (1) panicked at src/lib.rs:12:5:\nindex out of bounds\n\
                   note: run with `RUST_BACKTRACE=1`";
        assert_eq!(
            said(one).as_deref(),
            Some("panicked at src/lib.rs:12:5: index out of bounds")
        );
        let compared =
            "thread '<unnamed>' panicked at src/a.rs:1:2:\nassertion failed\n  left: 1\n right: 2";
        assert_eq!(
            said(compared).as_deref(),
            Some("panicked at src/a.rs:1:2: assertion failed; left: 1; right: 2")
        );
        assert_eq!(said("nothing of that kind"), None);
    }
}
