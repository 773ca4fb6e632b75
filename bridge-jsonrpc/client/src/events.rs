//! Events as they come in.

use crate::{RpcError, link::Link};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::mpsc;

/// From where on to follow each profile: a cursor, or nothing for "from now on".
pub type Since = BTreeMap<String, Option<String>>;

/// Something that happened.
#[derive(Debug, Clone, Deserialize)]
pub struct Event {
    /// Where it stands; give it as `since` to go on behind it.
    pub cursor: String,
    /// When, RFC 3339.
    pub at: String,
    /// Name of the profile, or `@HOST@`.
    pub profile: String,
    /// Such as `chat.message`.
    pub topic: String,
    /// What the topic's record says. Absent when it is too big for a notification: `events.poll`
    /// from the cursor before has it.
    #[serde(default)]
    pub data: Option<Box<RawValue>>,
}

/// A running subscription. Dropping it ends it.
pub struct Events {
    pub(crate) id: String,
    pub(crate) queue: mpsc::Receiver<Result<Event, RpcError>>,
    pub(crate) since: Since,
    pub(crate) link: Arc<Link>,
}

impl Events {
    /// The next event; an error ends one profile's events (`profile-locked`) or, when the
    /// connection broke or this reader was too slow, all of them; then comes `None`.
    pub async fn next(&mut self) -> Option<Result<Event, RpcError>> {
        let item = self.queue.recv().await?;
        if let Ok(event) = &item {
            self.since
                .insert(event.profile.clone(), Some(event.cursor.clone()));
        }
        Some(item)
    }

    /// What to subscribe with to go on behind the last event that [`Events::next`] gave.
    pub fn since(&self) -> &Since {
        &self.since
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.link.unsubscribe(&self.id);
    }
}
