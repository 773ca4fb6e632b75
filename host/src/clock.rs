//! The clock: every time that is behaviour comes from one handle, so that a test can let a week
//! pass in a moment. What protects against code that hangs goes by real time and not by this.

mod manual;

use chrono::{DateTime, SecondsFormat, Utc};
use manual::{Manual, ManualSleep};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Instant;

/// How long the system's clock is believed to go evenly: it may be set, and timers stand still
/// while the machine sleeps.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// A clock. Clones are handles of the same.
#[derive(Clone)]
pub struct Clock {
    source: Source,
}

#[derive(Clone)]
enum Source {
    /// Since when its monotonic readings count.
    System(Instant),
    Manual(Arc<Manual>),
}

/// The time was over before the work was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed;

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self {
            source: Source::System(Instant::now()),
        }
    }

    /// A clock that stands still until [`Self::advance`] moves it.
    #[must_use]
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self {
            source: Source::Manual(Arc::new(Manual::new(start))),
        }
    }

    /// Moves a manual clock on: to each due sleeper in the order of their times, each with the
    /// time that it waited for, and at last to the target. Between them it waits until nothing
    /// in the runtime can go on by itself, so that whoever was woken sees its own time and may
    /// sleep again within the same call.
    ///
    /// That sees what runs in this Tokio runtime and the databases, not other processes: let the
    /// other side of a stream run in memory. Does nothing to the system's clock.
    pub async fn advance(&self, by: Duration) {
        if let Source::Manual(manual) = &self.source {
            manual.advance(by).await;
        }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.source {
            Source::System(_) => Utc::now(),
            Source::Manual(manual) => manual.now(),
        }
    }

    /// Now, in milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.now().timestamp_millis()
    }

    /// Now, as it is stored and shown everywhere: RFC 3339, UTC, milliseconds.
    #[must_use]
    pub fn stamp(&self) -> String {
        stamp(self.now())
    }

    /// Time since some moment in the past; never goes backwards.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        match &self.source {
            Source::System(start) => start.elapsed(),
            Source::Manual(manual) => manual.elapsed(),
        }
    }

    /// Waits; the time counts from this call.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        Sleep(match &self.source {
            Source::System(_) => Kind::System(Box::pin(tokio::time::sleep(duration))),
            Source::Manual(manual) => Kind::Manual(ManualSleep::new(manual, duration)),
        })
    }

    /// Waits until a moment of the calendar, also when the clock is set meanwhile.
    pub async fn sleep_until(&self, at: DateTime<Utc>) {
        loop {
            let left = at.signed_duration_since(self.now()).to_std();
            let left = left.unwrap_or_default();
            if left.is_zero() {
                return;
            }
            let step = match &self.source {
                Source::System(_) => left.min(LOOK_AGAIN),
                Source::Manual(_) => left,
            };
            self.sleep(step).await;
        }
    }

    /// Waits for work, but not longer than this.
    ///
    /// # Errors
    /// [`Elapsed`] when the time was over first; the work is dropped then.
    pub async fn timeout<F: Future>(&self, limit: Duration, work: F) -> Result<F::Output, Elapsed> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = self.sleep(limit) => Err(Elapsed),
        }
    }

    /// Waits for work on a blocking thread, which a manual clock can't see otherwise.
    pub(crate) async fn off_thread<F: Future>(&self, work: F) -> F::Output {
        let _busy = match &self.source {
            Source::System(_) => None,
            Source::Manual(manual) => Some(manual.busy()),
        };
        work.await
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.source {
            Source::System(_) => "system",
            Source::Manual(_) => "manual",
        };
        write!(f, "Clock({name}, {})", self.stamp())
    }
}

/// A moment as it is stored and shown everywhere: RFC 3339, UTC, milliseconds.
pub(crate) fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Resolves when its time has come.
#[must_use = "nothing waits until this is awaited"]
pub struct Sleep(Kind);

enum Kind {
    System(Pin<Box<tokio::time::Sleep>>),
    Manual(ManualSleep),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.get_mut().0 {
            Kind::System(sleep) => sleep.as_mut().poll(cx),
            Kind::Manual(sleep) => Pin::new(sleep).poll(cx),
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sleep")
    }
}

#[cfg(test)]
mod tests;
