//! `events.poll`: events for any client that can do one HTTP POST after another.

use super::{Source, sources, topics, write_event};
use crate::{limits, params::Args, session::Session};
use futures::{StreamExt, stream::FuturesUnordered};
use sat_host::{Error, Event, Result};
use serde_json::{Map, Value, value::RawValue};
use std::time::Duration;

/// Room for what surrounds the events.
const FRAME: usize = 64 << 10;

/// Reads events behind cursors, and waits for the first one if there are none.
pub(crate) async fn poll(session: &Session, args: &Args) -> Result<Box<RawValue>> {
    let topics = topics(args)?;
    let mut sources = sources(session, args).await?;
    let limit = usize::try_from(args.number("limit").unwrap_or(100)).unwrap_or(limits::POLL);
    let limit = limit.clamp(1, limits::POLL);
    let wait = Duration::from_millis(args.number("wait_ms").unwrap_or(0)).min(limits::WAIT);

    let mut page = Page::default();
    page.read(&mut sources, &topics, limit).await?;
    if page.count == 0 && !wait.is_zero() && wait_for_one(session, &sources, &topics, wait).await {
        page.read(&mut sources, &topics, limit).await?;
    }
    page.finish(&sources)
}

#[derive(Default)]
struct Page {
    json: String,
    count: usize,
    full: bool,
}

impl Page {
    /// Adds what there is; the sources move on.
    async fn read(
        &mut self,
        sources: &mut [Source],
        topics: &[String],
        limit: usize,
    ) -> Result<()> {
        for source in sources.iter_mut().filter(|s| !s.is_locked()) {
            if self.full || self.count >= limit {
                break;
            }
            // Asked before reading: nothing that comes in between is skipped.
            let last = source.log.last_cursor().await?;
            let events = source
                .log
                .read(source.after, topics, limit - self.count)
                .await?;
            let all = self.count + events.len() < limit;
            for event in &events {
                if !self.add(event) {
                    break;
                }
                source.after = event.cursor;
            }
            // What didn't match need not be read again.
            if all && !self.full {
                source.after = source.after.max(last);
            }
        }
        Ok(())
    }

    /// Adds an event, unless it would be too much; the first always fits somehow.
    fn add(&mut self, event: &Event) -> bool {
        let room = limits::ANSWER - FRAME;
        if self.count > 0 && self.json.len() + event.data.len() + 1024 > room {
            self.full = true;
            return false;
        }
        if self.count > 0 {
            self.json.push(',');
        }
        write_event(event, room - 1024, &mut self.json);
        self.count += 1;
        true
    }

    fn finish(self, sources: &[Source]) -> Result<Box<RawValue>> {
        let since: Map<String, Value> = sources
            .iter()
            .map(|s| (s.log.key().to_owned(), Value::from(s.after.to_string())))
            .collect();
        let text = format!(
            r#"{{"events":[{}],"since":{}}}"#,
            self.json,
            Value::Object(since)
        );
        RawValue::from_string(text).map_err(|e| Error::internal("Write events", e))
    }
}

/// Waits until one of the logs has an event, or a profile was locked, or time is over.
async fn wait_for_one(
    session: &Session,
    sources: &[Source],
    topics: &[String],
    wait: Duration,
) -> bool {
    let mut locks = session.door.locks.subscribe();
    let mut followers: Vec<_> = sources
        .iter()
        .map(|s| s.log.follow(s.after, topics.to_vec()))
        .collect();
    let mut first: FuturesUnordered<_> = followers.iter_mut().map(|f| f.next()).collect();
    tokio::select! {
        found = first.next() => found.is_some(),
        _ = locks.changed() => false,
        () = tokio::time::sleep(wait) => false,
    }
}
