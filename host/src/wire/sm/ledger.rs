//! Which of the received stanzas were handled.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use minidom::Element;
use tokio::sync::Notify;

use super::UNASKED;

/// Received stanzas from the first that isn't handled on.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    inner: Mutex<Inner>,
    wake: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Inner {
    /// How many stanzas left the window, all handled.
    passed: u64,
    window: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    done: bool,
    print: u64,
}

impl Ledger {
    pub(super) fn wake(&self) -> &Arc<Notify> {
        &self.wake
    }

    pub(super) fn receive(this: &Arc<Self>, print: u64) -> Handled {
        let mut inner = this.lock();
        let number = inner.passed + inner.window.len() as u64;
        inner.window.push_back(Entry { done: false, print });
        drop(inner);
        Handled {
            slot: Some((this.clone(), number)),
        }
    }

    /// How many were handled without a gap (modulo 2^32, as the protocol counts), and how many
    /// came after those.
    pub(super) fn counts(&self) -> (u32, usize) {
        let inner = self.lock();
        (inner.passed as u32, inner.window.len())
    }

    /// The same with the fingerprints of those that came after.
    pub(super) fn snapshot(&self) -> (u32, VecDeque<u64>) {
        let inner = self.lock();
        (
            inner.passed as u32,
            inner.window.iter().map(|entry| entry.print).collect(),
        )
    }

    fn done(&self, number: u64) {
        let mut inner = self.lock();
        let Some(index) = number.checked_sub(inner.passed) else {
            return;
        };
        if let Some(entry) = usize::try_from(index)
            .ok()
            .and_then(|at| inner.window.get_mut(at))
        {
            entry.done = true;
        }
        let before = inner.passed;
        while inner.window.front().is_some_and(|entry| entry.done) {
            inner.window.pop_front();
            inner.passed += 1;
        }
        if inner.window.is_empty() {
            // A burst shouldn't hold memory for ever.
            inner.window.shrink_to(64);
        }
        let crossed = before / u64::from(UNASKED) != inner.passed / u64::from(UNASKED);
        let wakes = crossed || inner.window.is_empty();
        drop(inner);
        if wakes {
            self.wake.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No code that holds the lock can leave it half changed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Dropping it says: this stanza is handled, the server may forget it.
///
/// After the session it belongs to has ended it does nothing.
#[derive(Debug)]
#[must_use = "dropping it acknowledges the stanza"]
pub struct Handled {
    slot: Option<(Arc<Ledger>, u64)>,
}

impl Handled {
    /// A guard of nothing, for streams without stream management and for tests.
    pub const fn none() -> Self {
        Self { slot: None }
    }
}

impl Drop for Handled {
    fn drop(&mut self) {
        if let Some((ledger, number)) = self.slot.take() {
            ledger.done(number);
        }
    }
}

/// Tells stanzas apart well enough to recognise a repetition; servers may add children to it.
pub(super) fn fingerprint(stanza: &Element) -> u64 {
    let mut hasher = DefaultHasher::new();
    stanza.name().hash(&mut hasher);
    for name in ["id", "from", "type"] {
        stanza.attr(name).hash(&mut hasher);
    }
    hasher.finish()
}
