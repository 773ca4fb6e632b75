//! When to connect again: full jitter, so that a thousand profiles don't return at once.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);
/// A connection that lived so long starts the series anew.
const STABLE: Duration = Duration::from_secs(60);

/// The series of waits between tries.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// How long to wait after another failure of a connection that lived for `lifetime`.
    /// `draw` is above 0 and up to 1.
    pub(super) fn next(&mut self, lifetime: Duration, draw: f64) -> Duration {
        if lifetime >= STABLE {
            self.failures = 0;
        }
        let longest = FIRST
            .saturating_mul(1 << self.failures.min(16))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        longest.mul_f64(draw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_limit_and_start_anew() {
        let mut backoff = Backoff::default();
        for failures in 0..20 {
            let longest = FIRST.saturating_mul(1 << failures).min(LONGEST);
            assert!(backoff.next(Duration::ZERO, 1.0) <= longest);
        }
        assert!(backoff.next(STABLE, 1.0) <= FIRST);
    }
}
