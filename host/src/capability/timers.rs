//! `sat:host/timers`: durable timers, fired by `profile/timers.rs`.

use super::Caller;
use crate::{
    Error, Result, clock,
    error::kind,
    plugin::{
        bindings::sat::host::{
            timers::{self, Timer},
            types::Error as GuestError,
        },
        instance::{Ctx, Host},
    },
    store,
};
use chrono::{DateTime, Utc};
use wasmtime::component::Accessor;

impl timers::Host for Ctx {}

impl timers::HostWithStore<Ctx> for Host {
    async fn set(accessor: &Accessor<Ctx, Self>, timer: Timer) -> Result<(), GuestError> {
        let caller = Caller::of(accessor);
        let timer = read(timer)?;
        caller.profile.db.timer_set(caller.id(), timer).await?;
        caller.profile.timers.wake();
        Ok(())
    }

    async fn cancel(accessor: &Accessor<Ctx, Self>, name: String) -> Result<bool, GuestError> {
        let caller = Caller::of(accessor);
        Ok(caller.profile.db.timer_cancel(caller.id(), &name).await?)
    }

    async fn list(
        accessor: &Accessor<Ctx, Self>,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<Timer>, GuestError> {
        let caller = Caller::of(accessor);
        let timers = caller
            .profile
            .db
            .timers(caller.id(), after.as_deref(), limit)
            .await?;
        Ok(timers.into_iter().map(Timer::from).collect())
    }
}

fn read(timer: Timer) -> Result<store::Timer> {
    let at = DateTime::parse_from_rfc3339(&timer.at).map_err(|e| {
        let sentence = format!(
            "at: {:?} is no time of RFC 3339, such as 2026-03-01T12:00:00.000Z: {e}",
            timer.at
        );
        Error::new(kind::BAD_REQUEST, sentence)
    })?;
    // Up to the next millisecond: a timer never fires before its time.
    let under_a_ms = i64::from(!at.timestamp_subsec_nanos().is_multiple_of(1_000_000));
    Ok(store::Timer {
        name: timer.name,
        at_ms: at.timestamp_millis().saturating_add(under_a_ms),
        payload: timer.payload,
    })
}

impl From<store::Timer> for Timer {
    fn from(timer: store::Timer) -> Self {
        let at = DateTime::from_timestamp_millis(timer.at_ms).unwrap_or(DateTime::<Utc>::MAX_UTC);
        Self {
            name: timer.name,
            at: clock::stamp(at),
            payload: timer.payload,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_at(at: &str) -> Result<Timer> {
        let (name, payload) = ("n".to_owned(), "p".to_owned());
        read(Timer {
            name,
            at: at.into(),
            payload,
        })
        .map(Timer::from)
    }

    #[test]
    fn times_come_back_in_utc_and_never_earlier() {
        for (at, back) in [
            ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000Z"),
            ("2026-03-01T12:00:00.25+01:00", "2026-03-01T11:00:00.250Z"),
            ("2026-03-01T12:00:00.0001Z", "2026-03-01T12:00:00.001Z"),
            ("1969-12-31T23:59:59.9991Z", "1970-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(read_at(at).unwrap().at, back);
        }
        let error = read_at("tomorrow").unwrap_err();
        assert!(error.is(kind::BAD_REQUEST) && error.message.starts_with("at:"));
    }
}
