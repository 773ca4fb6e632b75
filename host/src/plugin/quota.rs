//! What one plugin in one profile may use at once, whatever becomes of its actor.

use crate::{Clock, Error, Result, error::kind, web::client::REQUESTS};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Semaphore;

/// Stanzas that a plugin may send at once in a second, unless `sat.conf` says otherwise.
pub(crate) const STANZAS_PER_SECOND: u32 = 500;
/// How many seconds' worth of stanzas may go out together: 5,000.
const BURST: Duration = Duration::from_secs(10);
/// How long a stanza waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// The quota of a plugin in a profile.
pub(crate) struct Quota {
    /// Turns of requests to the web.
    pub(crate) requests: Semaphore,
    stanzas: Pace,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            requests: Semaphore::new(REQUESTS),
            stanzas: Pace::default(),
        }
    }
}

impl Quota {
    /// Waits until one more stanza may be sent. `per_second` 0: there is no limit.
    ///
    /// # Errors
    /// `limit-reached` when its turn is further away than [`PATIENCE`].
    pub(crate) async fn stanza(&self, per_second: u32, clock: &Clock) -> Result<()> {
        if per_second == 0 {
            return Ok(());
        }
        match self.stanzas.next(clock.monotonic(), per_second) {
            Some(Duration::ZERO) => Ok(()),
            Some(wait) => {
                clock.sleep(wait).await;
                Ok(())
            }
            None => Err(Error::new(
                kind::LIMIT,
                format!(
                    "The plugin sends more than {per_second} stanzas a second (stanzas_per_second): \
                     send fewer, or make messages durable"
                ),
            )),
        }
    }
}

/// A token bucket, kept as the time until which it is used up. Times are the clock's monotonic
/// readings.
#[derive(Default)]
struct Pace(Mutex<Duration>);

impl Pace {
    /// How long to wait for the next turn, which is taken; none when that is too long.
    fn next(&self, now: Duration, per_second: u32) -> Option<Duration> {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let after = (*used).max(now) + Duration::from_secs(1) / per_second.max(1);
        let wait = (after - now).saturating_sub(BURST);
        (wait <= PATIENCE).then(|| {
            *used = after;
            wait
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_its_pace() {
        let (pace, start) = (Pace::default(), Duration::from_secs(7));
        let next = |after| pace.next(start + after, 500);
        for n in 0..5000 {
            assert_eq!(next(Duration::ZERO), Some(Duration::ZERO), "{n}");
        }
        for n in 1..=2500 {
            assert_eq!(next(Duration::ZERO), Some(Duration::from_millis(2) * n));
        }
        // Five seconds of work wait: no more until some of it is done.
        assert_eq!(next(Duration::ZERO), None);
        assert_eq!(next(Duration::from_millis(1)), None);
        let wait = next(Duration::from_millis(2));
        assert_eq!(wait, Some(Duration::from_secs(5)));
        // After a long rest there is one burst again, not more.
        let later = Duration::from_secs(3600);
        let free = (0..6000).filter(|_| next(later) == Some(Duration::ZERO));
        assert_eq!(free.count(), 5000);
    }
}
