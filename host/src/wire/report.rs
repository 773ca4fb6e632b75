//! Events on their way to the host; a slow host slows reading, never writing.

use std::{
    collections::VecDeque,
    task::{Context, Poll, ready},
};

use tokio::sync::mpsc;
use tokio_util::sync::PollSender;

use super::Event;

/// Events kept here while the host's channel is full, before reading from the server stops.
const SLACK: usize = 64;

/// Hands events to the host, in order.
pub(super) struct Reporter {
    events: PollSender<Event>,
    sender: mpsc::Sender<Event>,
    pending: VecDeque<Event>,
}

impl Reporter {
    pub(super) fn new(events: mpsc::Sender<Event>) -> Self {
        Self {
            events: PollSender::new(events.clone()),
            sender: events,
            pending: VecDeque::new(),
        }
    }

    /// Whether stanzas may be read from the server.
    pub(super) fn has_room(&self) -> bool {
        self.pending.len() < SLACK
    }

    /// Hands over when there is room, or keeps the event until then.
    pub(super) fn emit(&mut self, event: Event) {
        self.pending.push_back(event);
    }

    pub(super) fn emit_all(&mut self, events: impl Iterator<Item = Event>) {
        self.pending.extend(events);
    }

    /// Hands over what it can; true when something went, an error when nobody listens.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, ()>> {
        let mut went = false;
        while !self.pending.is_empty() {
            match self.events.poll_reserve(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Poll::Ready(Err(())),
                Poll::Pending => {
                    return if went {
                        Poll::Ready(Ok(true))
                    } else {
                        Poll::Pending
                    };
                }
            }
            if let Some(event) = self.pending.pop_front() {
                self.events.send_item(event).map_err(|_| ())?;
                went = true;
            }
        }
        Poll::Ready(Ok(went))
    }

    /// Waits until nobody listens any more.
    pub(super) async fn closed(&self) {
        self.sender.closed().await;
    }

    /// Waits until all is handed over; false when nobody listens.
    pub(super) async fn flush(&mut self) -> bool {
        let drained = std::future::poll_fn(|cx| {
            loop {
                let went = ready!(self.poll_drain(cx));
                if self.pending.is_empty() || went.is_err() {
                    return Poll::Ready(went);
                }
            }
        });
        drained.await.is_ok()
    }
}
