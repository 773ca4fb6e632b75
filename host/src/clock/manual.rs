//! A clock that stands still until somebody moves it.

use chrono::{DateTime, Utc};
use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};
use tokio::runtime::{Handle, RuntimeFlavor};

/// Looks at the runtime that must find it idle, one after the other, before the clock moves on.
const LOOKS: usize = 4;
/// Longest real time that work may keep the clock from moving on.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Manual {
    start: DateTime<Utc>,
    state: Mutex<State>,
    /// Work on blocking threads that somebody waits for.
    busy: AtomicUsize,
}

#[derive(Default)]
struct State {
    elapsed: Duration,
    /// By their time and in the order of coming.
    sleepers: BTreeMap<(Duration, u64), Waker>,
    last: u64,
}

impl Manual {
    pub(super) fn new(start: DateTime<Utc>) -> Self {
        Self {
            start,
            state: Mutex::default(),
            busy: AtomicUsize::new(0),
        }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        let elapsed = chrono::Duration::from_std(self.elapsed()).ok();
        elapsed
            .and_then(|elapsed| self.start.checked_add_signed(elapsed))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.state().elapsed
    }

    pub(super) fn busy(&self) -> Busy<'_> {
        self.busy.fetch_add(1, SeqCst);
        Busy(self)
    }

    pub(super) async fn advance(&self, by: Duration) {
        let target = self.elapsed().saturating_add(by);
        loop {
            self.settle().await;
            let Some(waker) = self.next(target) else {
                break;
            };
            waker.wake();
        }
        self.settle().await;
    }

    /// Goes to the next sleeper that is due until the target, or to the target.
    fn next(&self, target: Duration) -> Option<Waker> {
        let mut state = self.state();
        let due = state.sleepers.first_entry().filter(|s| s.key().0 <= target);
        let (at, waker) = match due {
            Some(sleeper) => (sleeper.key().0, Some(sleeper.remove())),
            None => (target, None),
        };
        state.elapsed = state.elapsed.max(at);
        waker
    }

    /// Waits until nothing goes on any more before time does.
    async fn settle(&self) {
        let began = Instant::now();
        let mut idle = 0;
        while idle < LOOKS && began.elapsed() < PATIENCE {
            tokio::task::yield_now().await;
            idle = if self.busy.load(SeqCst) == 0 && is_idle() {
                idle + 1
            } else {
                0
            };
        }
    }

    #[cfg(test)]
    pub(super) fn sleepers(&self) -> usize {
        self.state().sleepers.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether no task of the runtime can go on by itself, but for the one that asks.
fn is_idle() -> bool {
    let runtime = Handle::current();
    if runtime.runtime_flavor() == RuntimeFlavor::CurrentThread {
        // Everybody else had a turn before the caller has it again.
        return true;
    }
    let metrics = runtime.metrics();
    let parked = || -> Vec<u64> {
        let workers = 0..metrics.num_workers();
        workers
            .map(|worker| metrics.worker_park_unpark_count(worker))
            .collect()
    };
    let before = parked();
    // An even count is a worker at work; the caller's own is, unless it is in `block_on`.
    let at_work = before.iter().filter(|count| *count % 2 == 0).count();
    let own = usize::from(tokio::task::try_id().is_some());
    at_work <= own && metrics.global_queue_depth() == 0 && parked() == before
}

/// Keeps the clock from moving on.
pub(super) struct Busy<'a>(&'a Manual);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, SeqCst);
    }
}

/// Resolves when the clock has been moved to its time.
pub(super) struct ManualSleep {
    clock: Arc<Manual>,
    due: Duration,
    number: Option<u64>,
}

impl ManualSleep {
    pub(super) fn new(clock: &Arc<Manual>, duration: Duration) -> Self {
        Self {
            due: clock.elapsed().saturating_add(duration),
            clock: clock.clone(),
            number: None,
        }
    }
}

impl Future for ManualSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let mut state = this.clock.state();
        if state.elapsed >= this.due {
            return Poll::Ready(());
        }
        let number = *this.number.get_or_insert_with(|| {
            state.last += 1;
            state.last
        });
        state
            .sleepers
            .insert((this.due, number), cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for ManualSleep {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.clock.state().sleepers.remove(&(self.due, number));
        }
    }
}
