//! Foreign clients: scripts in `tests/peers` on slixmpp, which speak in JSON lines.

use crate::{build, program::Program, server::Server, wait};
use serde_json::{Value, json};
use std::process::Command;

/// A running script, logged in.
pub struct Script {
    program: Program,
    waiting: Vec<Value>,
}

impl Script {
    /// Whether this machine has slixmpp.
    pub fn available() -> bool {
        let run = Command::new("/usr/bin/python3")
            .args(["-c", "import slixmpp"])
            .output();
        run.is_ok_and(|r| r.status.success())
    }

    /// Starts `tests/peers/client.py` as an account and waits until it is online.
    pub async fn start(server: &Server, account: &str, resource: &str) -> Self {
        let mut command = Command::new("/usr/bin/python3");
        command
            .arg(build::repository().join("tests/peers/client.py"))
            .arg(format!("{account}@localhost/{resource}"))
            .arg(crate::server::password(account))
            .arg(server.port.to_string());
        let mut script = Self {
            program: Program::start(command),
            waiting: Vec::new(),
        };
        script
            .take("being online", |e| e["event"] == "online")
            .await;
        script
    }

    /// Gives an order and waits for what it returns.
    pub async fn order(&mut self, order: &str, mut params: Value) -> Value {
        params["order"] = json!(order);
        self.program.write(&params.to_string());
        self.take(&format!("the end of {order}"), |e| e["done"] == *order)
            .await
    }

    /// The first line, old or new, that fits.
    pub async fn take(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(found) = self.waiting.iter().position(&fits) {
            return self.waiting.remove(found);
        }
        let find = async {
            loop {
                let line = self.program.line().await.expect("the script runs");
                let line: Value = serde_json::from_str(&line).expect("lines are JSON");
                if fits(&line) {
                    return line;
                }
                self.waiting.push(line);
            }
        };
        match tokio::time::timeout(wait::LONG, find).await {
            Ok(found) => found,
            Err(_) => panic!("slixmpp waited in vain for {what}; got {:#?}", self.waiting),
        }
    }
}
