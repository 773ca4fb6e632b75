//! Stream management (XEP-0198): what was handled here, and what the server has received.

mod ledger;
mod outbound;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, sync::Arc};

use minidom::Element;
use tokio::sync::Notify;

pub use self::ledger::Handled;
use self::ledger::{Ledger, fingerprint};
pub(super) use self::outbound::{Outbound, Outgoing};

/// So many handled stanzas are acknowledged without being asked.
const UNASKED: u32 = 100;

/// The bookkeeping of one session, across resumptions.
pub(super) struct Sm {
    resume_id: Option<String>,
    ledger: Arc<Ledger>,
    /// The server asked while some stanzas weren't handled yet: it gets the rest later.
    owed: bool,
    /// The count that the server was told last.
    told: u32,
    /// Stanzas that a resumed server sends again, and that are being handled already.
    replay: VecDeque<u64>,
    pub(super) out: Outbound,
}

/// What is to be done with a stanza that came in.
pub(super) enum Inbound {
    New(Handled),
    /// A repetition after resumption.
    Known,
    /// The server repeats other stanzas than it has sent: the counts can't be trusted.
    Unsynchronised,
}

impl Sm {
    /// The bookkeeping of a fresh session; `resume_id` when the server lets it be resumed.
    pub(super) fn new(resume_id: Option<String>) -> Self {
        Self {
            resume_id,
            ledger: Arc::new(Ledger::default()),
            owed: false,
            told: 0,
            replay: VecDeque::new(),
            out: Outbound::default(),
        }
    }

    /// Notified when an acknowledgement may be due.
    pub(super) fn wake(&self) -> Arc<Notify> {
        self.ledger.wake().clone()
    }

    pub(super) fn receive(&mut self, stanza: &Element) -> Inbound {
        let print = fingerprint(stanza);
        match self.replay.pop_front() {
            None => Inbound::New(Ledger::receive(&self.ledger, print)),
            Some(expected) if expected == print => Inbound::Known,
            Some(_) => Inbound::Unsynchronised,
        }
    }

    /// The answer to the server's request.
    pub(super) fn answer(&mut self) -> u32 {
        let (handled, open) = self.ledger.counts();
        self.owed = open > 0;
        self.told = handled;
        handled
    }

    /// An acknowledgement that is due though nobody asked just now.
    pub(super) fn due(&mut self) -> Option<u32> {
        let (handled, open) = self.ledger.counts();
        let news = handled.wrapping_sub(self.told);
        let catches_up = self.owed && open == 0 && news > 0;
        (news >= UNASKED || catches_up).then(|| self.answer())
    }

    pub(super) fn resume_id(&self) -> Option<&str> {
        self.resume_id.as_deref()
    }

    /// This session can't be resumed any more.
    pub(super) fn give_up(&mut self) {
        self.resume_id = None;
    }

    /// The count for `<resume/>`. The server repeats what isn't handled; all of that is in the
    /// host's hands already, so the repetitions are swallowed.
    pub(super) fn begin_resume(&mut self) -> u32 {
        let (handled, open) = self.ledger.snapshot();
        self.replay = open;
        self.told = handled;
        handled
    }

    /// The server resumed and has received `count`; false when that can't be.
    pub(super) fn resumed(&mut self, count: u32) -> bool {
        self.out.acknowledge(count) && {
            self.out.rewind();
            true
        }
    }

    /// The server forgot the session, but not how far it came.
    pub(super) fn acknowledge_failed(&mut self, count: u32) {
        if !self.out.acknowledge(count) {
            tracing::debug!(count, "the server counted stanzas that weren't sent");
        }
    }
}
