//! `events.subscribe` and `events.poll`: the same events, by the same cursors, at two doors.

mod poll;
mod subscribe;

pub(crate) use poll::poll;
pub(crate) use subscribe::callback;

use crate::{
    limits,
    params::{Args, bad},
    session::{Access, Session, locked},
    tokens::Grant,
};
use sat_host::{EventLog, Profile, Result};
use serde_json::Value;
use std::{collections::BTreeMap, fmt::Write, sync::Arc};

/// The method that needs a WebSocket.
pub(crate) const SUBSCRIBE: &str = "events.subscribe";
/// Key of the host's own events.
const HOST: &str = "@HOST@";

/// A profile, and what the right to read its events stands on.
type Right = (Arc<Profile>, Grant);

/// One log that is asked for.
struct Source {
    log: EventLog,
    /// The cursor behind which to begin.
    after: i64,
    /// What the right to read it stands on; nothing for the host's and for open profiles.
    grant: Option<Right>,
}

impl Source {
    /// Whether the profile was locked since.
    fn is_locked(&self) -> bool {
        self.grant
            .as_ref()
            .is_some_and(|(profile, grant)| profile.lock_epoch() != grant.epoch)
    }
}

/// The topics of a request.
fn topics(args: &Args) -> Result<Vec<String>> {
    let topics = args.texts("topics").unwrap_or_else(|| vec!["*".to_owned()]);
    if topics.is_empty() || topics.len() > limits::TOPICS {
        return Err(bad(format!(
            "topics: expected 1 to {} of them",
            limits::TOPICS
        )));
    }
    let is_name = |name: &str| !name.is_empty() && !name.contains('*') && name.len() <= 200;
    match topics
        .iter()
        .find(|t| *t != "*" && !is_name(t.strip_suffix(".*").unwrap_or(t)))
    {
        Some(topic) => Err(bad(format!(
            "topics: {topic:.50?} is neither `*`, nor `chat.*`, nor `chat.message`"
        ))),
        None => Ok(topics),
    }
}

/// The logs of a request: those of `since`, those of `profiles`, or all that there are for this
/// session.
async fn sources(session: &Session, args: &Args) -> Result<Vec<Source>> {
    let mut wanted: BTreeMap<String, Option<i64>> = BTreeMap::new();
    for (key, cursor) in args.object("since").into_iter().flatten() {
        let cursor = match cursor {
            Value::String(text) => {
                let cursor = text.parse().ok().filter(|c: &i64| *c >= 0);
                Some(cursor.ok_or_else(|| bad(format!("since.{key}: {text:.50?} is no cursor")))?)
            }
            _ => None,
        };
        wanted.insert(key.clone(), cursor);
    }
    let further = args.texts("profiles");
    if args.object("since").is_none() && further.is_none() {
        wanted.extend(session.usable().into_iter().map(|name| (name, None)));
        if session.is_admin() {
            wanted.insert(HOST.to_owned(), None);
        }
    }
    for key in further.into_iter().flatten() {
        wanted.entry(key).or_default();
    }
    let mut sources: BTreeMap<String, Source> = BTreeMap::new();
    for (key, cursor) in wanted {
        let (log, grant) = log(session, &key)?;
        let after = match cursor {
            Some(cursor) => cursor,
            None => log.last_cursor().await?,
        };
        // `@DEFAULT@` and the name of the same profile are one.
        sources
            .entry(log.key().to_owned())
            .or_insert(Source { log, after, grant });
    }
    Ok(sources.into_values().collect())
}

fn log(session: &Session, key: &str) -> Result<(EventLog, Option<Right>)> {
    if key == HOST {
        session.need_admin()?;
        return Ok((session.door.backend.events().clone(), None));
    }
    let profile = session.door.backend.profile(key)?;
    let log = profile.events().clone();
    match session.access(&profile) {
        Access::Granted(grant) => Ok((log, Some((profile, grant)))),
        Access::Open => Ok((log, None)),
        Access::Denied => Err(locked(profile.name())),
    }
}

/// Appends an event as JSON; `data` is left out when it is bigger than that.
fn write_event(event: &sat_host::Event, most: usize, out: &mut String) {
    // Strings of the host; only the profile's name may need escapes.
    let profile = Value::from(&*event.profile);
    let topic = Value::from(event.topic.as_str());
    let (cursor, at) = (event.cursor, &event.at);
    let _ = write!(
        out,
        r#"{{"cursor":"{cursor}","at":"{at}","profile":{profile},"topic":{topic}"#
    );
    if event.data.len() <= most {
        let _ = write!(out, r#","data":{}}}"#, event.data);
    } else {
        let _ = write!(out, r#","oversize":{}}}"#, event.data.len());
    }
}
