//! The clipping reader: bounds the depth and the size of a stanza before any parser sees it.
//!
//! XML builders recurse, so one small message of thousands of nested elements would end the
//! process. Excess content is left out and the stanza stays well-formed, so that the counters of
//! stream management stay right and the connection lives on.

mod machine;
#[cfg(test)]
mod tests;

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use self::machine::{Machine, Plan};

/// Elements deeper than this are left out; the stanza itself is level 1.
pub const MAX_DEPTH: u32 = 64;
/// Content beyond this many bytes of a stanza is left out.
pub const MAX_STANZA: usize = 512 * 1024;
/// A stanza of more bytes than this ends the stream.
pub const HARD_LIMIT: usize = 4 * 1024 * 1024;

/// Reads through `R` and leaves out what is too deep or too much; writes pass unchanged.
#[derive(Debug)]
pub struct ClipReader<R> {
    inner: R,
    machine: Machine,
    /// What is to be done with the bytes at the head of `inner`'s buffer.
    plan: Plan,
    /// Bytes that have come.
    received: u64,
}

impl<R> ClipReader<R> {
    /// A reader at the start of a stream, before the stream header.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            machine: Machine::default(),
            plan: Plan::default(),
            received: 0,
        }
    }

    /// Expects a new stream header next, as after authentication (RFC 6120 §4.3.3).
    ///
    /// A reset is never guessed from the input: a server could nest stream headers to go deeper
    /// than the limit.
    pub fn reset(&mut self) {
        let clips = self.machine.clips();
        self.machine = Machine::default();
        self.machine.add_clips(clips);
        // What is buffered but not consumed belongs to the new stream and is judged again.
        self.plan = Plan::default();
    }

    /// How many stanzas were clipped so far.
    pub fn clips(&self) -> u64 {
        self.machine.clips()
    }

    /// How many bytes have come so far, what was left out included.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The reader inside.
    pub fn get_ref(&self) -> &R {
        &self.inner
    }

    /// The reader inside; what was planned for its buffered bytes is forgotten.
    pub fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: AsyncBufRead + Unpin> AsyncBufRead for ClipReader<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        loop {
            if this.plan.keep > 0 || (this.plan.skip == 0 && !this.plan.insert.is_empty()) {
                break;
            }
            if this.plan.skip > 0 {
                this.received += this.plan.skip as u64;
                Pin::new(&mut this.inner).consume(this.plan.skip);
                this.plan.skip = 0;
                continue;
            }
            let buffer = ready!(Pin::new(&mut this.inner).poll_fill_buf(cx))?;
            if buffer.is_empty() {
                return Poll::Ready(Ok(&[]));
            }
            this.plan = this.machine.scan(buffer)?;
        }
        if this.plan.keep == 0 {
            return Poll::Ready(Ok(this.plan.insert));
        }
        let keep = this.plan.keep;
        // The plan was made for bytes that are still buffered, so this doesn't wait.
        let buffer = ready!(Pin::new(&mut this.inner).poll_fill_buf(cx))?;
        Poll::Ready(Ok(buffer.get(..keep).unwrap_or(buffer)))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        if this.plan.keep > 0 {
            let amount = amount.min(this.plan.keep);
            this.plan.keep -= amount;
            this.received += amount as u64;
            Pin::new(&mut this.inner).consume(amount);
        } else {
            this.plan.insert = this.plan.insert.get(amount..).unwrap_or_default();
        }
    }
}

impl<R: AsyncBufRead + Unpin> AsyncRead for ClipReader<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let buffer = ready!(self.as_mut().poll_fill_buf(cx))?;
        let amount = buffer.len().min(out.remaining());
        out.put_slice(buffer.get(..amount).unwrap_or_default());
        self.consume(amount);
        Poll::Ready(Ok(()))
    }
}

impl<R: AsyncWrite + Unpin> AsyncWrite for ClipReader<R> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, data)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
