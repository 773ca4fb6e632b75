//! The processes that are measured. Each says `"ready"`, then obeys lines from its standard
//! input and answers each with a line of JSON.

mod chat;
mod echo;
mod idle;
mod micro;
mod native;
mod ours;
mod rpc;

use crate::Result;
use serde_json::{Value, json};
use std::process::ExitCode;
use tokio::sync::mpsc;

/// Runs a role to its end.
pub(crate) fn main(role: &str, arguments: &[String]) -> ExitCode {
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::ERROR)
        .with_writer(std::io::stderr)
        .init();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    // As `sat` makes it, for everybody.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(8 * 1024 * 1024)
        .build();
    let done = runtime
        .map_err(Into::into)
        .and_then(|r| r.block_on(run(role, &arguments)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            say(&json!({ "error": format!("{role}: {e}") }));
            ExitCode::FAILURE
        }
    }
}

async fn run(role: &str, arguments: &[&str]) -> Result<()> {
    match (role, arguments) {
        ("echo-native", [port]) => echo::native(port.parse()?).await,
        ("echo-ours", [port, folder]) => echo::ours(port.parse()?, folder.as_ref()).await,
        ("chat-native", [port, from, to, which]) => {
            chat::native(port.parse()?, from, to, which.parse()?).await
        }
        ("chat-ours", [port, from, to, which, folder]) => {
            chat::ours(port.parse()?, from, to, which.parse()?, folder.as_ref()).await
        }
        ("rpc-native", [socket]) => rpc::native(socket.as_ref()).await,
        ("idle", [port, folder]) => idle::run(port.parse()?, folder.as_ref()).await,
        ("micro", [folder]) => micro::run(folder.as_ref()).await,
        _ => Err("there is no such role".into()),
    }
}

fn say(value: &Value) {
    println!("{value}");
}

/// The lines of standard input; its end ends them, and with them the role.
fn commands() -> mpsc::UnboundedReceiver<String> {
    say(&json!("ready"));
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(|line| line.ok()) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
