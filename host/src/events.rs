//! Events with durable cursors: rows in a file, followed from any cursor on, live or not.

use crate::{
    Result,
    store::{self, Cursor, NewEvent},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::watch;

/// Recent events kept in memory, so that followers who are up to date need not read the disk.
const RECENT: usize = 128;
/// Events that a follower reads from disk at once.
const PAGE: usize = 256;

/// An event as everybody sees it.
#[derive(Debug, Clone)]
pub struct Event {
    /// Where it stands in its log.
    pub cursor: Cursor,
    /// When it was written, RFC 3339.
    pub at: String,
    /// Name of the profile, or `@HOST@`.
    pub profile: Arc<str>,
    /// Such as `chat.message`.
    pub topic: String,
    /// JSON text.
    pub data: Arc<str>,
}

/// The events of a profile, or of the host.
#[derive(Clone)]
pub struct EventLog {
    inner: Arc<Inner>,
}

struct Inner {
    key: Arc<str>,
    log: store::EventLog,
    recent: Mutex<VecDeque<Event>>,
    head: watch::Sender<Cursor>,
}

impl EventLog {
    pub(crate) async fn open(key: &str, log: store::EventLog) -> Result<Self> {
        let head = watch::Sender::new(log.last_cursor().await?);
        Ok(Self {
            inner: Arc::new(Inner {
                key: key.into(),
                log,
                recent: Mutex::default(),
                head,
            }),
        })
    }

    /// Name of the profile, or `@HOST@`.
    pub fn key(&self) -> &str {
        &self.inner.key
    }

    /// The cursor of the newest event, 0 before the first.
    pub async fn last_cursor(&self) -> Result<Cursor> {
        self.inner.log.last_cursor().await
    }

    /// Events behind a cursor, oldest first. A topic is a name, `prefix.*` or `*`.
    pub async fn read(&self, after: Cursor, topics: &[String], limit: usize) -> Result<Vec<Event>> {
        let rows = self.inner.log.read(after, topics, limit).await?;
        Ok(rows
            .into_iter()
            .map(|r| self.event(r.cursor, r.at, r.topic, r.data))
            .collect())
    }

    /// Everything behind a cursor, and then what comes.
    pub fn follow(&self, after: Cursor, topics: Vec<String>) -> Follower {
        Follower {
            log: self.clone(),
            head: self.inner.head.subscribe(),
            position: after,
            topics,
        }
    }

    /// Writes events of the host's own.
    pub(crate) async fn append(&self, events: Vec<NewEvent>) -> Result<()> {
        let cursors = self.inner.log.append(events.clone()).await?;
        self.committed(events, &cursors);
        Ok(())
    }

    /// Tells followers of events that were committed.
    pub(crate) fn committed(&self, events: Vec<NewEvent>, cursors: &[Cursor]) {
        let Some(last) = cursors.iter().max().copied() else {
            return;
        };
        {
            let mut recent = self
                .inner
                .recent
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            for (event, cursor) in events.into_iter().zip(cursors) {
                // Commits are told in any order, the memory is kept in theirs.
                let at = recent.partition_point(|e| e.cursor < *cursor);
                recent.insert(at, self.event(*cursor, event.at, event.topic, event.data));
            }
            let surplus = recent.len().saturating_sub(RECENT);
            recent.drain(..surplus);
        }
        self.inner.head.send_if_modified(|head| {
            let newer = last > *head;
            *head = last.max(*head);
            newer
        });
    }

    fn event(&self, cursor: Cursor, at: String, topic: String, data: String) -> Event {
        Event {
            cursor,
            at,
            profile: self.inner.key.clone(),
            topic,
            data: data.into(),
        }
    }

    /// Events right behind a cursor, from memory, if they are all there.
    fn recent(&self, after: Cursor) -> Vec<Event> {
        let recent = self
            .inner
            .recent
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let start = recent.partition_point(|e| e.cursor <= after);
        recent
            .iter()
            .skip(start)
            .zip(after + 1..)
            .take_while(|(e, expected)| e.cursor == *expected)
            .map(|(e, _)| e.clone())
            .collect()
    }
}

/// Reads a log from a cursor on.
pub struct Follower {
    log: EventLog,
    head: watch::Receiver<Cursor>,
    position: Cursor,
    topics: Vec<String>,
}

impl Follower {
    /// The next events that match, at least one; waits for them. May be dropped while waiting.
    pub async fn next(&mut self) -> Result<Vec<Event>> {
        loop {
            let head = *self.head.borrow_and_update();
            if self.position >= head {
                if self.head.changed().await.is_err() {
                    // The log lives as long as this follower does.
                    std::future::pending::<()>().await;
                }
                continue;
            }
            let recent = self.log.recent(self.position);
            if let Some(last) = recent.last() {
                let position = last.cursor;
                let matching: Vec<_> = recent
                    .into_iter()
                    .filter(|e| matches(&self.topics, &e.topic))
                    .collect();
                self.position = position;
                if !matching.is_empty() {
                    return Ok(matching);
                }
                continue;
            }
            let events = self.log.read(self.position, &self.topics, PAGE).await?;
            self.position = match events.last() {
                Some(last) => last.cursor,
                None => head,
            };
            if !events.is_empty() {
                return Ok(events);
            }
        }
    }

    /// The cursor up to which everything that matches was returned.
    pub fn position(&self) -> Cursor {
        self.position
    }
}

/// Whether a topic is one of the wanted.
pub fn matches(topics: &[String], topic: &str) -> bool {
    topics.iter().any(|t| {
        t == "*"
            || t == topic
            || t.strip_suffix('*')
                .is_some_and(|p| p.ends_with('.') && topic.starts_with(p))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::HostDb;

    fn numbers(events: &[Event]) -> Vec<i64> {
        events.iter().map(|e| e.cursor).collect()
    }

    #[tokio::test]
    async fn followers_see_each_event_once_whether_from_disk_or_memory() {
        let folder = tempfile::tempdir().unwrap();
        let db = HostDb::open(
            &folder.path().join("sat.db"),
            &crate::clock::Clock::system(),
        )
        .await
        .unwrap();
        let log = EventLog::open("@HOST@", db.events().clone()).await.unwrap();
        let event = |n: usize| {
            NewEvent::new(
                "2026-01-01T00:00:00.000Z",
                if n.is_multiple_of(2) {
                    "a.even"
                } else {
                    "b.odd"
                },
                n.to_string(),
            )
        };
        log.append((0..500).map(event).collect()).await.unwrap();
        let mut all = log.follow(0, vec!["*".into()]);
        let mut even = log.follow(100, vec!["a.*".into()]);
        let mut seen = Vec::new();
        while seen.len() < 500 {
            seen.extend(numbers(&all.next().await.unwrap()));
        }
        log.append((500..510).map(event).collect()).await.unwrap();
        while seen.len() < 510 {
            seen.extend(numbers(&all.next().await.unwrap()));
        }
        assert_eq!(seen, (1..=510).collect::<Vec<_>>());
        let mut seen = Vec::new();
        while seen.len() < 205 {
            seen.extend(numbers(&even.next().await.unwrap()));
        }
        assert_eq!(seen, (101..=510).step_by(2).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn commits_told_in_the_wrong_order_are_read_in_the_right_one() {
        let folder = tempfile::tempdir().unwrap();
        let db = HostDb::open(
            &folder.path().join("sat.db"),
            &crate::clock::Clock::system(),
        )
        .await
        .unwrap();
        let log = EventLog::open("@HOST@", db.events().clone()).await.unwrap();
        let events: Vec<_> = (0..2)
            .map(|n| NewEvent::new("2026-01-01T00:00:00.000Z", "a.b", n.to_string()))
            .collect();
        db.events().append(events.clone()).await.unwrap();
        let mut follower = log.follow(0, vec!["*".into()]);
        log.committed(events[1..].to_vec(), &[2]);
        assert_eq!(numbers(&follower.next().await.unwrap()), [1, 2]);
        log.committed(events[..1].to_vec(), &[1]);
        assert!(
            tokio::time::timeout(std::time::Duration::from_millis(50), follower.next())
                .await
                .is_err()
        );
    }
}
