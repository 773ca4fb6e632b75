//! A foreign client, slixmpp, over TCP and by the program `sat-testserver`.

use std::process::Stdio;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

/// Debian's python3-slixmpp is a package of this interpreter.
const PYTHON: &str = "/usr/bin/python3";

#[tokio::test]
async fn slixmpp_logs_in_and_uses_everything() {
    let mut server = Command::new(env!("CARGO_BIN_EXE_sat-testserver"))
        .args(["--domain", "localhost", "--components", "127.0.0.1:0"])
        .args(["--account", "juliet:r0m30", "--account", "romeo:jul13t"])
        .args(["--friends", "juliet:romeo"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let ports = lines.next_line().await.unwrap().unwrap();
    let ports: serde_json::Value = serde_json::from_str(&ports).unwrap();
    assert!(ports["components"].as_u64().is_some(), "{ports}");

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/slixmpp/play.py");
    let play = Command::new(PYTHON)
        .arg(script)
        .arg(ports["clients"].to_string())
        .kill_on_drop(true)
        .output();
    let played = tokio::time::timeout(std::time::Duration::from_secs(60), play)
        .await
        .unwrap()
        .unwrap();
    let said = String::from_utf8_lossy(&played.stdout);
    let errors = String::from_utf8_lossy(&played.stderr);
    assert!(played.status.success(), "{said}\n{errors}");
    assert!(said.ends_with("all is well\n"), "{said}\n{errors}");

    drop(server.stdin.take());
    let ended = server.wait().await.unwrap();
    assert!(ended.success(), "the end of its input ends it");
}

#[tokio::test]
async fn other_addresses_are_refused_with_a_sentence() {
    let refused = Command::new(env!("CARGO_BIN_EXE_sat-testserver"))
        .args(["--listen", "0.0.0.0:0"])
        .output()
        .await
        .unwrap();
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("isn't a loopback address"), "{said}");
}
