//! Back-pressure: nothing is read from a client that doesn't read.
//!
//! jsonrpsee starts a task for each message that it can read, whether or not the client takes
//! the answers. Behind this wrapper a client that only sends stops being read, and is cut off
//! when it goes on like that.

use crate::limits;
use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// A connection that is read only while it takes what is written to it.
pub(crate) struct Gated<T> {
    io: T,
    /// When the write that waits has to be done.
    write_by: Option<Pin<Box<Sleep>>>,
    /// Who wants to read once it is.
    reader: Option<Waker>,
    /// When something has to come in.
    read_by: Pin<Box<Sleep>>,
}

impl<T> Gated<T> {
    pub(crate) fn new(io: T) -> Self {
        Self {
            io,
            write_by: None,
            reader: None,
            read_by: Box::pin(sleep(limits::IDLE)),
        }
    }

    /// Keeps the books on a write that returned this.
    fn wrote<R>(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if result.is_pending() {
            let write_by = self
                .write_by
                .get_or_insert_with(|| Box::pin(sleep(limits::WRITE)));
            ready!(write_by.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.write_by = None;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        result
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Gated<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.write_by.is_some() {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let result = Pin::new(&mut self.io).poll_read(cx, buf);
        if result.is_ready() {
            self.read_by.as_mut().reset(Instant::now() + limits::IDLE);
            return result;
        }
        ready!(self.read_by.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Gated<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write(cx, buf);
        self.wrote(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.wrote(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};

    #[tokio::test(start_paused = true)]
    async fn reads_only_while_writes_get_through() {
        let (near, mut far) = duplex(16);
        let (mut reader, mut writer) = split(Gated::new(near));
        let writing = tokio::spawn(async move { writer.write_all(&[1; 20]).await });
        tokio::task::yield_now().await;
        far.write_all(b"x").await.unwrap();
        let mut byte = [0];
        let reading = tokio::spawn(async move { reader.read_exact(&mut byte).await.map(|_| ()) });
        tokio::task::yield_now().await;
        assert!(!reading.is_finished());
        far.read_exact(&mut [0; 20]).await.unwrap();
        writing.await.unwrap().unwrap();
        reading.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_on_a_peer_that_does_not_read() {
        let (near, _far) = duplex(16);
        let started = Instant::now();
        let error = Gated::new(near).write_all(&[1; 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(started.elapsed() >= limits::WRITE);
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_on_a_silent_peer() {
        let (near, _far) = duplex(16);
        let error = Gated::new(near).read_exact(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
