//! One profile's connection for as long as it's wanted: connect, run, wait, connect again.

use std::{sync::Arc, time::Duration};

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{
    Account, Connector, Event, Incoming, PasswordSource,
    backoff::Backoff,
    fault::Fault,
    liveness::Liveness,
    negotiate::{Previous, Ready, negotiate},
    report::Reporter,
    session::{Outcome, Session, Written},
    sm::{Handled, Outgoing, Sm},
};
use crate::error::Error;

/// What senders have to know about the stream.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Live {
    /// Whether stanzas can be written now.
    pub(super) is_up: bool,
    /// Counts the sessions; a resumed one keeps its number.
    pub(super) session: u64,
}

/// The task behind a [`Stream`](super::Stream).
pub(super) struct Task {
    pub(super) account: Account,
    pub(super) password: PasswordSource,
    pub(super) connector: Connector,
    pub(super) queue: mpsc::Receiver<Outgoing>,
    pub(super) reporter: Reporter,
    pub(super) live: watch::Sender<Live>,
    pub(super) close: CancellationToken,
    pub(super) previous: Option<Previous>,
}

impl Task {
    pub(super) async fn run(mut self) {
        let error = self.serve().await;
        self.live.send_modify(|live| live.is_up = false);
        self.queue.close();
        while let Ok(outgoing) = self.queue.try_recv() {
            self.reporter
                .emit_all(outgoing.id.into_iter().map(Event::Dropped));
        }
        self.forget_previous();
        self.reporter.emit(Event::Ended { error });
        self.reporter.flush().await;
    }

    /// Returns why it ended; `None` when that was wanted.
    async fn serve(&mut self) -> Option<Error> {
        let mut backoff = Backoff::default();
        let mut was_bound = false;
        let close = self.close.clone();
        loop {
            let attempt = tokio::select! {
                biased;
                () = close.cancelled() => return None,
                attempt = self.connect() => attempt,
            };
            let began = self.connector.clock.monotonic();
            let fault = match attempt {
                Ok(ready) => {
                    was_bound = true;
                    match self.session(ready).await {
                        Outcome::Closed => return None,
                        Outcome::Lost(fault) => fault,
                    }
                }
                Err(fault) => fault,
            };
            if fault.is_final || !was_bound {
                return Some(fault.error);
            }
            let lifetime = self.connector.clock.monotonic().saturating_sub(began);
            let retry_in = backoff.next(lifetime, self.draw());
            tracing::debug!(error = %fault.error, ?retry_in, "stream lost");
            self.reporter.emit(Event::Lost {
                error: fault.error,
                retry_in,
            });
            if !self.wait(retry_in).await {
                return None;
            }
        }
    }

    async fn connect(&mut self) -> Result<Ready, Fault> {
        let handshakes = Arc::clone(&self.connector.handshakes);
        let _turn = handshakes
            .acquire_owned()
            .await
            .map_err(|error| Error::internal("Wait for other profiles", error))?;
        negotiate(
            &self.connector,
            &self.account,
            &self.password,
            &mut self.previous,
        )
        .await
    }

    async fn session(&mut self, ready: Ready) -> Outcome {
        let Ready {
            xml,
            jid,
            features,
            sm,
            resumed,
            early,
        } = ready;
        if !resumed {
            self.forget_previous();
        }
        let mut session = self.live.borrow().session;
        if !resumed {
            session += 1;
        }
        self.live.send_replace(Live {
            is_up: true,
            session,
        });
        self.reporter.emit(Event::Bound {
            jid: jid.clone(),
            features,
            resumed,
        });
        let early = early.into_iter().map(|stanza| Incoming {
            stanza,
            handled: Handled::none(),
        });
        self.reporter.emit_all(early.map(Event::Stanza));
        let mut running = Session {
            xml,
            sm,
            liveness: Liveness::new(&self.connector.clock),
            domain: self.account.jid.domain().as_str(),
            number: session,
            queue: &mut self.queue,
            reporter: &mut self.reporter,
            close: &self.close,
            written: Written::default(),
        };
        let outcome = running.run().await;
        let Session { sm, written, .. } = running;
        self.live.send_modify(|live| live.is_up = false);
        match sm {
            Some(sm) => {
                let resumable = sm.resume_id().is_some();
                self.previous = Some(Previous { jid, sm });
                if !resumable {
                    self.forget_previous();
                }
            }
            None => self
                .reporter
                .emit_all(written.tracked.into_iter().map(Event::Dropped)),
        }
        outcome
    }

    /// Says what became of the stanzas of a session that is over for good.
    fn forget_previous(&mut self) {
        let Some(Previous {
            sm: Sm { mut out, .. },
            ..
        }) = self.previous.take()
        else {
            return;
        };
        self.reporter
            .emit_all(out.take_acknowledged().into_iter().map(Event::Acknowledged));
        self.reporter
            .emit_all(out.into_dropped().into_iter().map(Event::Dropped));
    }

    fn draw(&self) -> f64 {
        self.connector.random.fraction(self.account.jid.as_str())
    }

    /// Waits for the next try; false when none is wanted any more.
    async fn wait(&mut self, delay: Duration) -> bool {
        let close = self.close.clone();
        let waiting = async {
            // Whoever doesn't read events doesn't need a connection either, until it does.
            if !self.reporter.flush().await {
                return false;
            }
            tokio::select! {
                () = self.connector.clock.sleep(delay) => true,
                () = self.reporter.closed() => false,
            }
        };
        tokio::select! {
            biased;
            () = close.cancelled() => false,
            goes_on = waiting => goes_on,
        }
    }
}
