//! Plugins that receive events: each has a durable cursor and sees every event at least once.

use super::Profile;
use crate::{plugin::instance::Call, plugin::loaded::LoadedPlugin};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::task::AbortHandle;

/// Wait after a failure, doubled up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_secs(1);
/// Longest wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The tasks that feed receiving plugins, by plugin id.
#[derive(Default)]
pub(crate) struct Receivers {
    tasks: Mutex<HashMap<String, (Arc<LoadedPlugin>, AbortHandle)>>,
}

impl Profile {
    /// Starts and ends feeding so that it fits the plugins that run now.
    pub(crate) fn feed_receivers(self: &Arc<Self>) {
        let catalog = self.catalog();
        let wanted: Vec<_> = catalog
            .plugins
            .iter()
            .filter(|p| self.is_unlocked() && self.runs(p) && !p.receivers.is_empty())
            .collect();
        let mut tasks = self
            .receivers
            .tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        tasks.retain(|_, (plugin, task)| {
            let keep = wanted.iter().any(|w| Arc::ptr_eq(w, plugin));
            if !keep {
                task.abort();
            }
            keep
        });
        for plugin in wanted {
            tasks.entry(plugin.id().to_owned()).or_insert_with(|| {
                let task = tokio::spawn(feed(self.clone(), plugin.clone()));
                (plugin.clone(), task.abort_handle())
            });
        }
    }
}

async fn feed(profile: Arc<Profile>, plugin: Arc<LoadedPlugin>) {
    let mut pause = PAUSE;
    loop {
        if let Err(e) = feed_from_cursor(&profile, &plugin, &mut pause).await {
            profile.log(plugin.id(), "warn", &format!("events wait: {e}"));
        }
        profile.clock().sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// One cursor for all of a plugin's topics, so that it sees events in their order.
const ALL: &str = "*";

async fn feed_from_cursor(
    profile: &Arc<Profile>,
    plugin: &Arc<LoadedPlugin>,
    pause: &mut Duration,
) -> crate::Result<()> {
    let cursor = match profile.db.event_cursor(plugin.id(), ALL).await? {
        Some(cursor) => cursor,
        None => {
            // A new receiver begins with what comes.
            let last = profile.events.last_cursor().await?;
            profile.db.set_event_cursor(plugin.id(), ALL, last).await?;
            last
        }
    };
    let topics: Vec<String> = plugin.receivers.iter().map(|r| r.topic.clone()).collect();
    let mut follower = profile.events.follow(cursor, topics);
    loop {
        let events = follower.next().await?;
        let last = events.last().map(|e| e.cursor);
        let mut unwritten = None;
        for event in events {
            if !plugin.manifest.wants_event(&event.topic, &event.data) {
                // Written once for all that aren't wanted.
                unwritten = last;
                continue;
            }
            let receivers = plugin.receivers.iter().filter(|r| r.topic == event.topic);
            for receiver in receivers {
                let Some(instance) = profile.instance(plugin) else {
                    return Ok(());
                };
                let call = Call::Event {
                    interface: receiver.interface.clone(),
                    topic: event.topic.clone(),
                    data: event.data.clone(),
                };
                instance.call(call, 0).await?;
            }
            profile
                .db
                .set_event_cursor(plugin.id(), ALL, event.cursor)
                .await?;
            *pause = PAUSE;
            unwritten = unwritten.filter(|at| *at > event.cursor);
        }
        if let Some(cursor) = unwritten {
            profile
                .db
                .set_event_cursor(plugin.id(), ALL, cursor)
                .await?;
        }
    }
}
