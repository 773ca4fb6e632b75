//! Durable timers: they outlive the instance, the stream and the backend.
//!
//! Implement [`crate::TimerHandler`] and name it in `plugin!` to hear of them.

pub use crate::bindings::sat::host::timers::{Timer, cancel, list, set};
use crate::{Error, datetime};
use std::time::Duration;

/// Sets a timer for a moment, in milliseconds since 1970. Replaces an earlier one of this name.
pub async fn set_at(name: &str, ms: i64, payload: &str) -> Result<(), Error> {
    set(Timer {
        name: name.into(),
        at: datetime::format(ms),
        payload: payload.into(),
    })
    .await
}

/// Sets a timer for a while from now. Replaces an earlier one of this name.
pub async fn set_in(name: &str, delay: Duration, payload: &str) -> Result<(), Error> {
    let delay = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
    set_at(name, datetime::now_ms().saturating_add(delay), payload).await
}
