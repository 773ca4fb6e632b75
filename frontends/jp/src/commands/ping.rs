//! `jp ping`: is an entity there.

use clap::Args;
use serde_json::{Value, json};

use crate::{failure::Failure, json::text, session::Session};

#[derive(Debug, Args)]
pub(crate) struct Ping {
    /// JID; without it, the account's own server
    jid: Option<String>,
}

pub(crate) async fn run(session: &mut Session, command: Ping) -> Result<(), Failure> {
    let result = session
        .call_profile("ping.ping", json!({"to": command.jid}))
        .await?;
    session.out.result(&result, |out, result| {
        let rtt = result
            .get("rtt_ms")
            .and_then(Value::as_f64)
            .unwrap_or_default();
        out.line(&format!(
            "{} answered after {rtt:.1} ms",
            text(result, "jid")
        ))
    })
}
