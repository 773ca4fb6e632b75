//! `jp events`: follows what happens.

use clap::Args;
use serde_json::Value;

use crate::{
    failure::Failure,
    json::{text, time},
    link::event_value,
    output::{Output, note},
    session::{DEFAULT, Session},
};

#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Topics such as chat.message or roster.*; without any, all
    topics: Vec<String>,
    /// Begin behind this cursor, or with `start`; without it, now
    #[arg(long, value_name = "CURSOR")]
    since: Option<String>,
}

/// Before the first event.
const START: &str = "0";

/// Follows until it is interrupted. `--profile @ALL@` means every profile that may be used,
/// `@HOST@` the backend itself.
pub(crate) async fn run(session: &mut Session, command: Events) -> Result<(), Failure> {
    let topics = if command.topics.is_empty() {
        vec!["*".to_owned()]
    } else {
        command.topics
    };
    let since = command
        .since
        .map(|c| if c == "start" { START.to_owned() } else { c });
    let out = session.out;
    let mut events = session.subscribe(&topics, since).await?;
    let mut broken: Option<Failure> = None;
    loop {
        match events.next().await {
            Some(Ok(event)) => show(out, &event_value(&event))?,
            // The end of one profile's events; there may be others.
            Some(Err(error)) => broken = Some(error.into()),
            None => {
                let mut since = events.since().clone();
                // Its events came under the profile's name, with cursors that are further.
                if since.len() > 1 {
                    since.remove(DEFAULT);
                }
                if let Some(failure) = broken {
                    for (profile, cursor) in since {
                        if let Some(cursor) = cursor {
                            note(&format!("-p {profile} --since {cursor} goes on from here"));
                        }
                    }
                    return Err(failure);
                }
                // We read more slowly than events came: what is missing lies on disk.
                events = session
                    .link()
                    .await?
                    .subscribe(&topics, Some(&since))
                    .await?;
            }
        }
    }
}

fn show(out: Output, event: &Value) -> Result<(), Failure> {
    if out.is_json() {
        return out.json_line(event);
    }
    let (cursor, profile) = (text(event, "cursor"), text(event, "profile"));
    let head = format!(
        "{} {cursor} {profile} {}",
        time(event, "at"),
        text(event, "topic")
    );
    let data = event
        .get("data")
        .map_or_else(|| "(too big)".to_owned(), Value::to_string);
    out.entry(&head, &data)
}
