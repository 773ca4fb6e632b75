//! `jp events`: follows what happens.

use clap::Args;
use serde_json::{Value, json};

use crate::{
    arguments::guess,
    failure::Failure,
    json::{plain, text, time},
    output::{Output, note},
    session::Session,
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
const START: u64 = 0;

pub(crate) async fn run(session: &mut Session, command: Events) -> Result<(), Failure> {
    let topics = if command.topics.is_empty() { vec!["*".to_owned()] } else { command.topics };
    let since = match command.since.as_deref() {
        None => Value::Null,
        Some("start") => json!(START),
        Some(cursor) => guess(cursor),
    };
    let out = session.out;
    let link = session.subscribe(&topics, since).await?;
    let mut cursor = None;
    loop {
        match link.next_event().await {
            Ok(event) => {
                cursor = event.get("cursor").map(plain).or(cursor);
                show(out, &event)?;
            }
            Err(failure) => {
                if let Some(cursor) = cursor {
                    note(&format!("--since {cursor} goes on from here"));
                }
                return Err(failure);
            }
        }
    }
}

fn show(out: Output, event: &Value) -> Result<(), Failure> {
    if out.is_json() {
        return out.json_line(event);
    }
    let (cursor, profile) = (text(event, "cursor"), text(event, "profile"));
    let head = format!("{} {cursor} {profile} {}", time(event, "at"), text(event, "topic"));
    let data = event.get("data").map(Value::to_string).unwrap_or_default();
    out.entry(&head, &data)
}
