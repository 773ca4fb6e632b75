//! Silence of the server: it is asked for a sign of life, and then the connection counts as dead.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio_xmpp::xmlstream::Timeouts;

use crate::clock::{Clock, Sleep};

/// Silence after which the server is asked for a sign of life.
const LIVENESS: Duration = Duration::from_secs(60);
/// How long it has for it.
const ANSWER: Duration = Duration::from_secs(15);

/// The XML stream's own watch goes by real time: ten years keep it quiet.
pub(super) const UNWATCHED: Timeouts = Timeouts {
    read_timeout: Duration::from_secs(10 * 365 * 24 * 3600),
    response_timeout: Duration::from_secs(10 * 365 * 24 * 3600),
};

/// Watches for silence.
pub(super) struct Liveness {
    clock: Clock,
    sleep: Sleep,
    /// When something came last.
    heard: Duration,
    /// What had come until then, in bytes.
    bytes: u64,
    asked: bool,
}

/// What silence calls for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Silence {
    Ask,
    Dead,
}

impl Liveness {
    pub(super) fn new(clock: &Clock) -> Self {
        Self {
            sleep: clock.sleep(LIVENESS),
            heard: clock.monotonic(),
            clock: clock.clone(),
            bytes: 0,
            asked: false,
        }
    }

    /// Notes how many bytes have come so far.
    pub(super) fn received(&mut self, bytes: u64) {
        if bytes != self.bytes {
            self.bytes = bytes;
            self.alive();
        }
    }

    /// Nothing can be said of the server now, since nobody reads what it sends.
    pub(super) fn alive(&mut self) {
        self.heard = self.clock.monotonic();
        self.asked = false;
    }

    /// Waits for a silence that calls for something.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Silence> {
        loop {
            ready!(Pin::new(&mut self.sleep).poll(cx));
            let patience = if self.asked {
                LIVENESS + ANSWER
            } else {
                LIVENESS
            };
            let silence = self.clock.monotonic().saturating_sub(self.heard);
            if silence < patience {
                // Stanzas only note that they came: moving a timer for each costs more.
                self.sleep = self.clock.sleep(patience - silence);
            } else if self.asked {
                self.sleep = self.clock.sleep(ANSWER);
                return Poll::Ready(Silence::Dead);
            } else {
                self.asked = true;
                self.sleep = self.clock.sleep(ANSWER);
                return Poll::Ready(Silence::Ask);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test]
    async fn silence_is_asked_about_once_and_ends_the_connection() {
        let clock = Clock::manual(chrono::DateTime::UNIX_EPOCH);
        let mut liveness = Liveness::new(&clock);
        let start = clock.monotonic();
        let at = |seconds| start + Duration::from_secs(seconds);
        clock.advance(Duration::from_secs(50)).await;
        liveness.received(10);
        let watch = async {
            let first = poll_fn(|cx| liveness.poll(cx)).await;
            assert_eq!((first, clock.monotonic()), (Silence::Ask, at(110)));
            // Bytes of a stanza that is still on its way are a sign of life.
            liveness.received(11);
            let second = poll_fn(|cx| liveness.poll(cx)).await;
            assert_eq!((second, clock.monotonic()), (Silence::Ask, at(170)));
            // The same bytes are none.
            liveness.received(11);
            let end = poll_fn(|cx| liveness.poll(cx)).await;
            assert_eq!((end, clock.monotonic()), (Silence::Dead, at(185)));
        };
        tokio::join!(watch, clock.advance(Duration::from_secs(200)));
    }
}
