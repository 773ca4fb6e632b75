//! Plugins' durable timers at work: one sleeper for each profile, for the next timer of all.

use super::Profile;
use crate::{
    Error, Result,
    error::kind,
    plugin::instance::{Answer, Call},
    store::DueTimer,
};
use chrono::DateTime;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Notify,
    task::{AbortHandle, Id, JoinError, JoinSet},
};

/// The hook that timers call.
const HOOK: &str = "timer-handler";
/// Wait after a failure of a handler, doubled with each further one up to [`LONGEST_PAUSE`].
pub const TIMER_PAUSE: Duration = Duration::from_secs(1);
/// Longest such wait.
pub const TIMER_LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// How long after its first failure a timer is dropped when it fails again.
pub const TIMER_MAX_AGE: Duration = Duration::from_secs(7 * 24 * 3600);
/// Wait after a fault of the disk.
const FAULT_PAUSE: Duration = Duration::from_secs(5);

/// What is known of a profile's timers beyond their rows.
#[derive(Default)]
pub(crate) struct Timers {
    /// There are new rows, or other plugins.
    wake: Notify,
    task: Mutex<Option<AbortHandle>>,
}

impl Timers {
    /// There are new rows.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }
}

impl Profile {
    /// Starts and ends firing timers so that it fits the lock and the plugins that run now.
    pub(crate) fn fire_timers(self: &Arc<Self>) {
        let task = &self.timers.task;
        let mut task = task.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_unlocked() {
            task.take().inspect(AbortHandle::abort);
        } else if task.is_none() {
            *task = Some(tokio::spawn(run(self.clone())).abort_handle());
        } else {
            self.timers.wake();
        }
    }

    /// The plugins whose timers can fire now.
    fn timer_plugins(&self) -> Vec<String> {
        let catalog = self.catalog();
        let plugins = catalog.plugins.iter();
        plugins
            .filter(|p| p.hooks.contains_key(HOOK) && self.runs(p))
            .map(|p| p.id().to_owned())
            .collect()
    }
}

/// Waits for the next timer that is due, and has each plugin's worked off by a task of its own.
async fn run(profile: Arc<Profile>) {
    let mut at_work = AtWork::default();
    loop {
        let wait = match start_due(&profile, &mut at_work).await {
            Ok(next) => next,
            Err(e) => {
                tracing::warn!(profile = profile.name(), "Timers wait: {e}");
                Some(profile.clock().now() + FAULT_PAUSE)
            }
        };
        let due = async {
            match wait {
                Some(at) => profile.clock().sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = profile.timers.wake.notified() => {}
            () = at_work.ended() => {}
            () = due => {}
        }
    }
}

/// Starts what is due; returns when the next of the others is.
async fn start_due(
    profile: &Arc<Profile>,
    at_work: &mut AtWork,
) -> Result<Option<DateTime<chrono::Utc>>> {
    let mut plugins = profile.timer_plugins();
    plugins.retain(|plugin| !at_work.has(plugin));
    let now_ms = profile.clock().now_ms();
    let mut next = None;
    for (plugin, due_ms) in profile.db.timers_next(plugins).await? {
        if due_ms <= now_ms {
            at_work.start(profile, plugin);
        } else {
            next = Some(next.unwrap_or(due_ms).min(due_ms));
        }
    }
    Ok(next.and_then(DateTime::from_timestamp_millis))
}

/// The plugins whose timers are being worked off.
#[derive(Default)]
struct AtWork {
    tasks: JoinSet<()>,
    plugins: HashMap<Id, String>,
}

impl AtWork {
    fn has(&self, plugin: &str) -> bool {
        self.plugins.values().any(|p| p == plugin)
    }

    fn start(&mut self, profile: &Arc<Profile>, plugin: String) {
        let work = work_off(profile.clone(), plugin.clone());
        self.plugins.insert(self.tasks.spawn(work).id(), plugin);
    }

    /// Waits until one of them has no due timer left.
    async fn ended(&mut self) {
        let id = match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            Some(Err(panic)) => JoinError::id(&panic),
            None => return std::future::pending().await,
        };
        self.plugins.remove(&id);
    }
}

/// Fires a plugin's due timers, one after the other in the order of their times.
async fn work_off(profile: Arc<Profile>, plugin: String) {
    loop {
        match fire_next(&profile, &plugin).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(e) => {
                profile.log(&plugin, "warn", &format!("timers wait: {e}"));
                profile.clock().sleep(FAULT_PAUSE).await;
            }
        }
    }
}

/// Fires the first due timer; false when there is none, or nobody to hear of it.
async fn fire_next(profile: &Arc<Profile>, plugin: &str) -> Result<bool> {
    let catalog = profile.catalog();
    let loaded = catalog
        .plugin(plugin)
        .filter(|p| p.hooks.contains_key(HOOK));
    let Some(instance) = loaded.and_then(|p| profile.instance(p)) else {
        return Ok(false);
    };
    let now_ms = profile.clock().now_ms();
    let Some(due) = profile.db.timer_due(plugin, now_ms).await? else {
        return Ok(false);
    };
    let failure = match instance.call(Call::Timer(due.timer.clone()), 0).await {
        Ok(Answer::Done(Err(e))) => Error::new(e.code, e.message),
        Ok(_) => {
            profile.db.timer_done(due.id).await?;
            return Ok(true);
        }
        // It was taken out or replaced just now, which isn't the timer's failure.
        Err(e) if e.is(kind::NO_PROVIDER) => {
            let stays = profile.timer_plugins().iter().any(|p| p == plugin);
            return Ok(stays);
        }
        Err(e) => e,
    };
    failed(profile, plugin, due, &failure).await?;
    Ok(true)
}

/// Notes a failure: the timer is tried again later, or given up.
async fn failed(profile: &Profile, plugin: &str, due: DueTimer, failure: &Error) -> Result<()> {
    let name = &due.timer.name;
    let now_ms = profile.clock().now_ms();
    let since_ms = now_ms.saturating_sub(due.failed_at_ms.unwrap_or(now_ms));
    if since_ms >= TIMER_MAX_AGE.as_millis() as i64 {
        let text = format!(
            "timer {name:?} failed for {} days (TIMER_MAX_AGE) and is dropped: {failure}",
            TIMER_MAX_AGE.as_secs() / (24 * 3600)
        );
        profile.log(plugin, "error", &text);
        return profile.db.timer_done(due.id).await;
    }
    let pause = pause(due.failures);
    let text = format!("timer {name:?} failed, next try in {pause:?}: {failure}");
    profile.log(plugin, "warn", &text);
    let due_ms = now_ms.saturating_add(pause.as_millis() as i64);
    profile.db.timer_failed(due.id, now_ms, due_ms).await
}

fn pause(failures: u32) -> Duration {
    TIMER_PAUSE
        .saturating_mul(1 << failures.min(16))
        .min(TIMER_LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        assert_eq!(pause(0), TIMER_PAUSE);
        assert_eq!(pause(3), TIMER_PAUSE * 8);
        assert_eq!(pause(40), TIMER_LONGEST_PAUSE);
    }
}
