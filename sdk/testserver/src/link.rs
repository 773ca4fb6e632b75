//! The sending side of a connection.

use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

/// Texts that wait to be written. A client that doesn't read for so long is cut off, as by any
/// server; no scenario comes near.
const MAX_QUEUE: usize = 10_000;

pub(crate) enum Frame {
    Text(String),
    /// Close the connection once everything before is written.
    End,
}

/// Where to send what a connection shall get; never waits.
#[derive(Clone)]
pub(crate) struct Link {
    queue: mpsc::Sender<Frame>,
    /// Ends the connection at once, without a word.
    pub(crate) cut: CancellationToken,
}

impl Link {
    /// A connection that this token cuts.
    pub(crate) fn new(cut: CancellationToken) -> (Self, mpsc::Receiver<Frame>) {
        let (queue, frames) = mpsc::channel(MAX_QUEUE);
        (Self { queue, cut }, frames)
    }

    pub(crate) fn send(&self, text: String) {
        self.push(Frame::Text(text));
    }

    pub(crate) fn end(&self) {
        self.push(Frame::End);
    }

    fn push(&self, frame: Frame) {
        if self.queue.try_send(frame).is_err() {
            self.cut.cancel();
        }
    }
}

/// Writes what is queued until the connection ends.
pub(crate) async fn write_all(
    mut bytes: impl AsyncWrite + Unpin,
    mut frames: mpsc::Receiver<Frame>,
    cut: CancellationToken,
) {
    let work = async {
        while let Some(Frame::Text(text)) = frames.recv().await {
            bytes.write_all(text.as_bytes()).await?;
            bytes.flush().await?;
        }
        bytes.shutdown().await
    };
    tokio::select! {
        () = cut.cancelled() => {}
        // An error means that the other side is gone: the reading side notices it too.
        _ = work => {}
    }
    cut.cancel();
}
