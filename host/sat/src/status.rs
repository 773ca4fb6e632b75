//! `sat status`: whether the backend runs, and how it is.

use std::time::Duration;

use sat_client::{Address, Client, RpcError};
use sat_host::config::Config;
use serde_json::{Value, json};

use crate::{
    failure::{Failure, exit},
    pidfile,
};

/// A backend that needs longer for its status isn't well.
const LONGEST: Duration = Duration::from_secs(5);

/// Prints the status; its failures tell apart that nothing runs and that nothing answers.
pub(crate) fn run(config: &Config, as_json: bool) -> Result<(), Failure> {
    let holder = pidfile::holder(&config.local_dir);
    let Some(pid) = holder.map_err(|error| Failure::of("sat.pid", error))? else {
        return Err(Failure::new(exit::NOT_RUNNING, "SàT isn't running"));
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Failure::of("The runtime", error))?;
    let status = runtime.block_on(ask(config)).map_err(|error| {
        Failure::new(
            exit::UNKNOWN,
            format!("SàT runs (pid {pid}), but doesn't answer: {error}"),
        )
    })?;
    if as_json {
        println!("{status}");
    } else {
        println!("{}", describe(pid, &status));
    }
    Ok(())
}

async fn ask(config: &Config) -> Result<Value, RpcError> {
    let asking = async {
        let address = Address::Unix(config.bridge_socket.clone());
        let client = Client::connect(&address, None).await?;
        client.call_as("host.status", &json!({})).await
    };
    let answer = tokio::time::timeout(LONGEST, asking).await;
    answer.unwrap_or_else(|_| Err(RpcError::new("timeout", "no answer in time")))
}

fn describe(pid: u32, status: &Value) -> String {
    let count = |field: &str| {
        status
            .get(field)
            .and_then(Value::as_u64)
            .unwrap_or_default()
    };
    let since = status
        .get("started_at")
        .and_then(Value::as_str)
        .unwrap_or("?");
    let plural = |number: u64| if number == 1 { "" } else { "s" };
    let (profiles, plugins) = (count("profiles"), count("plugins"));
    format!(
        "SàT runs (pid {pid}) since {since}: {profiles} profile{} ({} connected), {plugins} plugin{}",
        plural(profiles),
        count("connected"),
        plural(plugins),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line() {
        let status =
            json!({"pid": 7, "started_at": "T", "profiles": 1, "connected": 0, "plugins": 12});
        let expected = "SàT runs (pid 7) since T: 1 profile (0 connected), 12 plugins";
        assert_eq!(describe(7, &status), expected);
    }
}
