//! `jp call`: any method of the backend.

use clap::Args;
use serde_json::Value;

use crate::{arguments, failure::Failure, session::Session};

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// Such as chat.send; `jp help METHOD` describes it
    method: String,
    /// A parameter: key=value (JSON if it parses, else text) or key:=JSON
    #[arg(value_name = "KEY=VALUE")]
    parameters: Vec<String>,
}

/// Methods of the backend itself that are for no profile; those of `profile` are, but two.
const WITHOUT_PROFILE: [&str; 8] = [
    "host", "plugin", "events", "types", "session", "rpc", "token", "blobs",
];

pub(crate) async fn run(session: &mut Session, command: Call) -> Result<(), Failure> {
    let parameters = Value::Object(arguments::parse(&command.parameters)?);
    let method = command.method.as_str();
    let result = if is_for_profile(method) {
        session.call_profile(method, parameters).await?
    } else {
        session.call(method, parameters).await?
    };
    session.out.json(&result)
}

fn is_for_profile(method: &str) -> bool {
    let prefix = method.split('.').next().unwrap_or_default();
    !WITHOUT_PROFILE.contains(&prefix) && !matches!(method, "profile.create" | "profile.list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_go_where_they_belong() {
        for method in ["chat.send", "profile.unlock", "acme.weather.get_today"] {
            assert!(is_for_profile(method), "{method}");
        }
        for method in [
            "host.status",
            "profile.list",
            "profile.create",
            "rpc.discover",
        ] {
            assert!(!is_for_profile(method), "{method}");
        }
    }
}
