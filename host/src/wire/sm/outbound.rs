//! Stanzas that were sent and that the server hasn't acknowledged.

use std::collections::VecDeque;

use minidom::Element;

/// More than this many unacknowledged stanzas, and no further ones are taken.
const MAX_UNACKED: usize = 1000;

/// A stanza on its way out.
#[derive(Debug)]
pub(in crate::wire) struct Outgoing {
    pub(in crate::wire) stanza: Element,
    /// The sender wants to know what becomes of it.
    pub(in crate::wire) id: Option<u64>,
    /// The session it was handed in for; untracked stanzas belong to no other.
    pub(in crate::wire) session: u64,
}

/// The queue of unacknowledged stanzas.
#[derive(Debug, Default)]
pub(in crate::wire) struct Outbound {
    acked: u32,
    unacked: VecDeque<Outgoing>,
    /// How many of `unacked` were written to the current connection.
    written: usize,
    /// How many of `unacked` were written to any connection.
    sent: usize,
    acknowledged: Vec<u64>,
}

impl Outbound {
    pub(in crate::wire) fn has_room(&self) -> bool {
        self.unacked.len() < MAX_UNACKED
    }

    /// Whether all were written to the current connection.
    #[cfg(test)]
    pub(in crate::wire) fn is_written(&self) -> bool {
        self.written == self.unacked.len()
    }

    pub(in crate::wire) fn push(&mut self, outgoing: Outgoing) {
        self.unacked.push_back(outgoing);
    }

    /// The next stanza to write to the current connection, and its id when it's tracked and
    /// written for the first time.
    pub(in crate::wire) fn next(&mut self) -> Option<(&Element, Option<u64>)> {
        let outgoing = self.unacked.get(self.written)?;
        self.written += 1;
        let first = self.written > self.sent;
        self.sent = self.sent.max(self.written);
        Some((&outgoing.stanza, outgoing.id.filter(|_| first)))
    }

    /// The server has received `count` stanzas in all; false when it can't have.
    #[must_use]
    pub(in crate::wire) fn acknowledge(&mut self, count: u32) -> bool {
        let news = count.wrapping_sub(self.acked) as usize;
        if news > self.sent {
            return false;
        }
        self.acknowledged.extend(
            self.unacked
                .drain(..news)
                .filter_map(|outgoing| outgoing.id),
        );
        self.acked = count;
        self.written = self.written.saturating_sub(news);
        self.sent -= news;
        if self.unacked.is_empty() {
            self.unacked.shrink_to(64);
        }
        true
    }

    /// Tracked stanzas that were acknowledged since the last call.
    pub(in crate::wire) fn take_acknowledged(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.acknowledged)
    }

    /// All that isn't acknowledged is to be written to the new connection.
    pub(in crate::wire) fn rewind(&mut self) {
        self.written = 0;
    }

    /// Tracked stanzas of which nobody knows whether they arrived.
    pub(in crate::wire) fn into_dropped(self) -> Vec<u64> {
        self.unacked
            .into_iter()
            .filter_map(|outgoing| outgoing.id)
            .collect()
    }

    #[cfg(test)]
    pub(super) fn set_acked(&mut self, count: u32) {
        self.acked = count;
    }
}
