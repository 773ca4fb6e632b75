//! The outbox: committed messages go to the server in their order, are repeated until it has
//! them, and their senders are told what became of them.

use super::{matcher::Hook, outgoing::filter};
use crate::{
    Error, Result,
    error::kind,
    plugin::{
        bindings::sat::host::types::Error as GuestError,
        instance::{Call, Instance},
    },
    profile::Profile,
    store::{OutboxId, OutboxRow},
    wire::Stream,
};
use chrono::DateTime;
use minidom::Element;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// Messages read from disk at once.
const PAGE: usize = 64;
/// How often expired messages are looked for at most.
const EXPIRY_CHECK: Duration = Duration::from_secs(60);
/// Wait after a fault of the disk.
const FAULT_PAUSE: Duration = Duration::from_secs(5);

/// What is known of a profile's outbox beyond its rows.
#[derive(Default)]
pub(crate) struct Outbox {
    /// There are new rows, or news of old ones.
    wake: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Rows up to here were handed to the stream, unless they came back.
    position: OutboxId,
    /// Handed over, not yet acknowledged nor come back: plugin and stanza id.
    handed: HashMap<OutboxId, (String, String)>,
    /// Acknowledged, their senders not yet told.
    acknowledged: Vec<(OutboxId, String, String)>,
}

impl Outbox {
    /// There are new rows.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// The server has it.
    pub(crate) fn acknowledged(&self, id: OutboxId) {
        let mut state = self.state();
        if let Some((plugin, stanza_id)) = state.handed.remove(&id) {
            state.acknowledged.push((id, plugin, stanza_id));
            drop(state);
            self.wake.notify_one();
        }
    }

    /// Nobody knows whether it arrived: it is sent again.
    pub(crate) fn dropped(&self, id: OutboxId) {
        let mut state = self.state();
        state.handed.remove(&id);
        state.position = state.position.min(id - 1);
        drop(state);
        self.wake.notify_one();
    }

    /// The stream has ended, and with it everything that it held.
    fn reset(&self) {
        *self.state() = State::default();
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Works the outbox off for as long as the stream lives.
pub(crate) async fn run(profile: Arc<Profile>, stream: Stream) {
    profile.outbox.reset();
    loop {
        let done = match step(&profile, &stream).await {
            Ok(true) => continue,
            Ok(false) => {
                let woken = profile.outbox.wake.notified();
                tokio::select! {
                    biased;
                    () = woken => continue,
                    done = expiry(&profile) => match done {
                        Ok(()) => expire(&profile).await,
                        Err(e) => Err(e),
                    },
                }
            }
            Err(e) => Err(e),
        };
        match done {
            Ok(()) => {}
            Err(e) if e.is(kind::NOT_CONNECTED) => return,
            Err(e) => {
                tracing::warn!(profile = profile.name(), "The outbox pauses: {e}");
                profile.clock().sleep(FAULT_PAUSE).await;
            }
        }
    }
}

/// Waits until a message is no longer worth sending.
async fn expiry(profile: &Arc<Profile>) -> Result<()> {
    let next = profile.db.outbox_next_expiry().await?;
    let Some(at) = next.and_then(DateTime::from_timestamp_millis) else {
        return std::future::pending().await;
    };
    let earliest = profile.clock().now() + EXPIRY_CHECK;
    profile.clock().sleep_until(at.max(earliest)).await;
    Ok(())
}

/// Fails what is no longer worth sending.
async fn expire(profile: &Arc<Profile>) -> Result<()> {
    let now = profile.clock().now_ms();
    for row in profile.db.outbox_expire(now, expired()).await? {
        tell_failed(profile, row, expired()).await?;
    }
    Ok(())
}

/// Does what can be done now; false when there is nothing left.
async fn step(profile: &Arc<Profile>, stream: &Stream) -> Result<bool> {
    tell_acknowledged(profile).await?;
    let position = profile.outbox.state().position;
    let rows = profile.db.outbox_due_after(position, PAGE).await?;
    if rows.is_empty() {
        return Ok(!profile.outbox.state().acknowledged.is_empty());
    }
    for row in rows {
        {
            let mut state = profile.outbox.state();
            // A message that came back meanwhile comes first.
            if state.position + 1 < row.id && state.position < position {
                return Ok(true);
            }
            state.position = row.id;
            if state.handed.contains_key(&row.id)
                || state.acknowledged.iter().any(|(id, ..)| *id == row.id)
            {
                continue;
            }
        }
        hand_over(profile, stream, row).await?;
    }
    Ok(true)
}

async fn hand_over(profile: &Arc<Profile>, stream: &Stream, row: OutboxRow) -> Result<()> {
    if row
        .expires_at_ms
        .is_some_and(|at| at <= profile.clock().now_ms())
    {
        profile.db.outbox_mark_failed(row.id, expired()).await?;
        return tell_failed(profile, row, expired()).await;
    }
    let stanza: Element = match row.xml.parse() {
        Ok(stanza) => stanza,
        Err(e) => {
            let error = Error::internal("Read a message of the outbox", e);
            profile.db.outbox_mark_failed(row.id, error.clone()).await?;
            return tell_failed(profile, row, error).await;
        }
    };
    let stanza = if row.sealed || !profile.catalog().matcher.has(Hook::Seal) {
        stanza
    } else {
        match filter(profile, Hook::Seal, stanza, 0).await {
            Ok(sealed) => {
                profile
                    .db
                    .outbox_replace_xml(row.id, String::from(&sealed))
                    .await?;
                sealed
            }
            Err(e) => {
                profile.db.outbox_mark_failed(row.id, e.clone()).await?;
                return tell_failed(profile, row, e).await;
            }
        }
    };
    profile
        .outbox
        .state()
        .handed
        .insert(row.id, (row.plugin, row.stanza_id));
    let id = u64::try_from(row.id).map_err(|e| Error::internal("Number a message", e))?;
    stream.send_tracked(stanza, id).await
}

/// Tells senders what the server has, and only then forgets the rows: after a crash in between
/// a message is sent twice with one id rather than shown as waiting for ever.
async fn tell_acknowledged(profile: &Arc<Profile>) -> Result<()> {
    let acknowledged = std::mem::take(&mut profile.outbox.state().acknowledged);
    if acknowledged.is_empty() {
        return Ok(());
    }
    let mut by_plugin: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (_, plugin, stanza_id) in &acknowledged {
        by_plugin.entry(plugin).or_default().push(stanza_id.clone());
    }
    for (plugin, ids) in by_plugin {
        if let Some(instance) = handler(profile, plugin)
            && let Err(e) = instance.call(Call::OutboxSent(ids), 0).await
        {
            profile.log(plugin, "warn", &format!("was not told what was sent: {e}"));
        }
    }
    let ids = acknowledged.iter().map(|(id, ..)| *id).collect();
    profile.db.outbox_mark_acknowledged(ids).await
}

async fn tell_failed(profile: &Arc<Profile>, row: OutboxRow, error: Error) -> Result<()> {
    if let Some(instance) = handler(profile, &row.plugin) {
        let reason = GuestError {
            code: error.kind.to_string(),
            message: error.message,
        };
        if let Err(e) = instance
            .call(Call::OutboxFailed(row.stanza_id.clone(), reason), 0)
            .await
        {
            profile.log(
                &row.plugin,
                "warn",
                &format!("was not told what failed: {e}"),
            );
        }
    }
    profile.db.outbox_remove(row.id).await
}

fn handler(profile: &Arc<Profile>, plugin: &str) -> Option<Arc<Instance>> {
    let catalog = profile.catalog();
    let plugin = catalog
        .plugin(plugin)
        .filter(|p| p.hooks.contains_key("outbox-handler"))?;
    profile.instance(plugin)
}

fn expired() -> Error {
    Error::new(
        kind::TIMEOUT,
        "The message could not be sent within its time to live",
    )
}
