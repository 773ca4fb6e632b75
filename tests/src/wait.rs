//! Waiting for conditions, with deadlines.

use std::time::{Duration, Instant};

/// How long a test waits for what must come.
pub const LONG: Duration = Duration::from_secs(20);
/// How long a test looks on before it believes that something does not come.
pub const QUIET: Duration = Duration::from_millis(700);

/// Asks again and again until there is an answer; panics with `what` when none comes in time.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(start.elapsed() < LONG, "waited {LONG:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The same for things that need no waiting themselves.
pub fn until_now(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LONG, "waited {LONG:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
