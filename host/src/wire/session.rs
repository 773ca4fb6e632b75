//! The live stream: one loop that reads, writes, acknowledges and watches for silence.

mod closing;

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use futures::{FutureExt, Sink, Stream as _};
use minidom::Element;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_xmpp::xmlstream::ReadError;

use super::{
    Event, Incoming,
    fault::Fault,
    liveness::{Liveness, Silence},
    negotiate::read_fault,
    ns,
    report::Reporter,
    sm::{Handled, Inbound, Outgoing, Sm},
    stanza::{is_stanza, with_attr},
    transport::Xml,
};
use crate::error::kind;

/// Steps before others get their turn and what was written is flushed at the latest.
const BATCH: usize = 64;

/// A live stream and what it works with.
pub(super) struct Session<'a> {
    pub(super) xml: Xml,
    pub(super) sm: Option<Sm>,
    pub(super) liveness: Liveness,
    /// Whom a ping goes to.
    pub(super) domain: &'a str,
    /// Untracked stanzas of earlier sessions are not sent.
    pub(super) number: u64,
    pub(super) queue: &'a mut mpsc::Receiver<Outgoing>,
    pub(super) reporter: &'a mut Reporter,
    pub(super) close: &'a CancellationToken,
    pub(super) written: Written,
}

/// What was written since the last flush.
#[derive(Default)]
pub(super) struct Written {
    /// Something waits for a flush.
    dirty: bool,
    /// Stanzas among it, so that an acknowledgement is worth asking for.
    stanzas: bool,
    /// Steps since the last flush.
    steps: usize,
    /// Tracked stanzas among it.
    pub(super) tracked: Vec<u64>,
    /// Identifies the ping that is on its way.
    ping: Option<String>,
    pings: u64,
}

/// How a live stream ended.
pub(super) enum Outcome {
    Lost(Fault),
    Closed,
}

/// What the loop wakes up for.
enum Wake {
    Closing,
    Reported,
    AcknowledgementDue,
    Silent(Silence),
    Received(Option<Result<Element, ReadError>>),
    Written,
    Handed(Option<Outgoing>),
    Flushed,
    Failed(io::Error),
}

impl Session<'_> {
    /// Runs until the connection is lost or closed.
    pub(super) async fn run(&mut self) -> Outcome {
        loop {
            let mut wake = self.wait().await;
            // Many steps for one wake-up.
            for step in 1.. {
                match self.handle(wake) {
                    Ok(true) => {}
                    Ok(false) => {
                        self.finish().await;
                        return Outcome::Closed;
                    }
                    Err(fault) => return Outcome::Lost(fault),
                }
                if step == BATCH {
                    break;
                }
                match poll_fn(|cx| self.poll_io(cx)).now_or_never() {
                    Some(next) => wake = next,
                    None => break,
                }
            }
        }
    }

    async fn wait(&mut self) -> Wake {
        let notify = self.sm.as_ref().map(Sm::wake);
        let due = async {
            match &notify {
                Some(notify) => notify.notified().await,
                None => std::future::pending().await,
            }
        };
        let close = self.close;
        tokio::select! {
            biased;
            () = close.cancelled() => Wake::Closing,
            () = due => Wake::AcknowledgementDue,
            wake = poll_fn(|cx| self.poll_all(cx)) => wake,
        }
    }

    fn poll_all(&mut self, cx: &mut Context<'_>) -> Poll<Wake> {
        match self.reporter.poll_drain(cx) {
            Poll::Ready(Ok(true)) => return Poll::Ready(Wake::Reported),
            // Nobody listens any more.
            Poll::Ready(Err(())) => return Poll::Ready(Wake::Closing),
            Poll::Ready(Ok(false)) | Poll::Pending => {}
        }
        if let Poll::Ready(wake) = self.poll_io(cx) {
            return Poll::Ready(wake);
        }
        self.poll_silence(cx)
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Wake> {
        if self.reporter.has_room() {
            let reader = self.xml.get_stream().get_ref();
            self.liveness.received(reader.received());
        } else {
            self.liveness.alive();
        }
        self.liveness.poll(cx).map(Wake::Silent)
    }

    /// The next step of reading and writing; flushes only when there is nothing else to do.
    fn poll_io(&mut self, cx: &mut Context<'_>) -> Poll<Wake> {
        if self.written.dirty {
            self.written.steps += 1;
        }
        if self.written.dirty
            && self.written.steps > BATCH
            && let Poll::Ready(wake) = self.poll_flush(cx)
        {
            return Poll::Ready(wake);
        }
        if self.reporter.has_room()
            && let Poll::Ready(element) = Pin::new(&mut self.xml).poll_next(cx)
        {
            return Poll::Ready(Wake::Received(element));
        }
        match Sink::<&Element>::poll_ready(Pin::new(&mut self.xml), cx) {
            Poll::Ready(Ok(())) => {
                match self.write_unacknowledged() {
                    Ok(true) => return Poll::Ready(Wake::Written),
                    Ok(false) => {}
                    Err(error) => return Poll::Ready(Wake::Failed(error)),
                }
                let takes = match &self.sm {
                    Some(sm) => sm.out.has_room(),
                    None => true,
                };
                if takes && let Poll::Ready(outgoing) = self.queue.poll_recv(cx) {
                    return Poll::Ready(Wake::Handed(outgoing));
                }
            }
            Poll::Ready(Err(error)) => return Poll::Ready(Wake::Failed(error)),
            Poll::Pending => {}
        }
        if self.written.dirty {
            self.poll_flush(cx)
        } else {
            Poll::Pending
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Wake> {
        if self.written.stanzas && self.sm.is_some() {
            // Asked once for the whole burst.
            self.written.stanzas = false;
            if let Err(fault) = self.write(&Element::bare("r", ns::SM)) {
                return Poll::Ready(Wake::Failed(fault));
            }
        }
        match Sink::<&Element>::poll_flush(Pin::new(&mut self.xml), cx) {
            Poll::Ready(Ok(())) => Poll::Ready(Wake::Flushed),
            Poll::Ready(Err(error)) => Poll::Ready(Wake::Failed(error)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Does what the wake-up asks for; false: close the stream.
    fn handle(&mut self, wake: Wake) -> Result<bool, Fault> {
        match wake {
            Wake::Closing | Wake::Handed(None) => return Ok(false),
            Wake::Reported | Wake::Written => {}
            Wake::AcknowledgementDue => {
                if let Some(count) = self.sm.as_mut().and_then(Sm::due) {
                    self.acknowledge(count)?;
                }
            }
            Wake::Received(Some(Ok(element))) => self.receive(element)?,
            Wake::Silent(Silence::Ask) => self.ask_for_life()?,
            Wake::Silent(Silence::Dead) => {
                return Err(Fault::retry(
                    kind::TIMEOUT,
                    "The server doesn't answer any more.",
                ));
            }
            Wake::Received(Some(Err(error))) => return Err(read_fault(error)),
            Wake::Received(None) => return Err(read_fault(ReadError::StreamFooterReceived)),
            Wake::Handed(Some(outgoing)) => self.accept(outgoing)?,
            Wake::Flushed => self.flushed(),
            Wake::Failed(error) => return Err(self.write_fault(&error)),
        }
        Ok(true)
    }

    fn receive(&mut self, element: Element) -> Result<(), Fault> {
        if is_stanza(&element) {
            if self.is_pong(&element) {
                return Ok(());
            }
            let handled = match self.sm.as_mut().map(|sm| sm.receive(&element)) {
                None => Handled::none(),
                Some(Inbound::New(handled)) => handled,
                Some(Inbound::Known) => return Ok(()),
                Some(Inbound::Unsynchronised) => {
                    self.give_up();
                    return Err(Fault::negotiation(
                        "The server repeated other stanzas than it had sent.",
                    ));
                }
            };
            self.reporter.emit(Event::Stanza(Incoming {
                stanza: element,
                handled,
            }));
            return Ok(());
        }
        if element.is("error", ns::STREAM) {
            self.give_up();
            return Err(Fault::stream_error(&element));
        }
        let Some(sm) = self.sm.as_mut().filter(|_| element.has_ns(ns::SM)) else {
            tracing::debug!(
                name = element.name(),
                ns = element.ns(),
                "unknown stream element"
            );
            return Ok(());
        };
        match element.name() {
            "r" => {
                let count = sm.answer();
                self.acknowledge(count)
            }
            "a" => {
                let count = element.attr("h").and_then(|count| count.parse().ok());
                if !count.is_some_and(|count| sm.out.acknowledge(count)) {
                    self.give_up();
                    return Err(Fault::negotiation(
                        "The server acknowledged stanzas that weren't sent.",
                    ));
                }
                let acknowledged = sm.out.take_acknowledged();
                self.reporter
                    .emit_all(acknowledged.into_iter().map(Event::Acknowledged));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Takes a stanza from the host.
    fn accept(&mut self, outgoing: Outgoing) -> Result<(), Fault> {
        if outgoing.id.is_none() && outgoing.session != self.number {
            return Ok(());
        }
        if let Some(sm) = &mut self.sm {
            sm.out.push(outgoing);
            return Ok(());
        }
        self.write(&outgoing.stanza)
            .map_err(|error| self.write_fault(&error))?;
        self.written.tracked.extend(outgoing.id);
        Ok(())
    }

    /// Writes the next stanza that the current connection hasn't seen; false when there is none.
    fn write_unacknowledged(&mut self) -> io::Result<bool> {
        let Some(sm) = &mut self.sm else {
            return Ok(false);
        };
        let Some((stanza, tracked)) = sm.out.next() else {
            return Ok(false);
        };
        Sink::<&Element>::start_send(Pin::new(&mut self.xml), stanza)?;
        self.written.dirty = true;
        self.written.stanzas = true;
        self.written.tracked.extend(tracked);
        Ok(true)
    }

    fn acknowledge(&mut self, count: u32) -> Result<(), Fault> {
        let answer = with_attr(Element::bare("a", ns::SM), "h", &count.to_string());
        self.write(&answer)
            .map_err(|error| self.write_fault(&error))
    }

    fn write(&mut self, element: &Element) -> io::Result<()> {
        self.written.dirty = true;
        Sink::<&Element>::start_send(Pin::new(&mut self.xml), element)
    }

    fn write_fault(&mut self, error: &io::Error) -> Fault {
        if error.kind() == io::ErrorKind::InvalidInput {
            // Sending the same again would fail again.
            self.give_up();
        }
        Fault::io(error)
    }

    fn flushed(&mut self) {
        self.written.dirty = false;
        self.written.steps = 0;
        let tracked = std::mem::take(&mut self.written.tracked);
        self.reporter.emit_all(tracked.into_iter().map(Event::Sent));
    }

    /// After a silence: the server has to answer, or the connection counts as dead.
    fn ask_for_life(&mut self) -> Result<(), Fault> {
        let question = if self.sm.is_some() {
            Element::bare("r", ns::SM)
        } else {
            self.written.pings += 1;
            let id = format!("sat-life-{}", self.written.pings);
            let ping = Element::bare("alive", ns::LIVENESS);
            let iq = Element::builder("iq", ns::CLIENT).append(ping).build();
            let iq = with_attr(with_attr(iq, "type", "get"), "to", self.domain);
            let iq = with_attr(iq, "id", &id);
            self.written.ping = Some(id);
            iq
        };
        self.write(&question)
            .map_err(|error| self.write_fault(&error))
    }

    fn is_pong(&mut self, element: &Element) -> bool {
        let is_answer = matches!(element.attr("type"), Some("result" | "error"));
        let id = self.written.ping.as_deref();
        let ours = is_answer
            && id.is_some()
            && id == element.attr("id")
            && element.attr("from").is_none_or(|from| from == self.domain);
        if ours {
            self.written.ping = None;
        }
        ours
    }

    fn give_up(&mut self) {
        if let Some(sm) = &mut self.sm {
            sm.give_up();
        }
    }
}
