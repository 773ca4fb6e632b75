//! A backend to be killed: sends a message for each line of its input, and prints its id once
//! the call has returned. `victim <local_dir> <plugin dir>`; profile `romeo` exists.

use sat_host::{Backend, Options};
use sat_tests::backend::{CHEAP, cache};
use std::{
    io::{BufRead, Write},
    path::PathBuf,
};

#[tokio::main]
async fn main() {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (local_dir, plugins) = (
        args.next().expect("local_dir"),
        args.next().expect("plugin dir"),
    );
    let options = Options {
        cache: Some(cache()),
        kdf: CHEAP,
        ..Options::new(local_dir, vec![plugins])
    };
    let backend = Backend::start(options).await.expect("the backend starts");
    let profile = backend.profile("romeo").expect("the profile exists");
    profile.unlock("").await.expect("the profile opens");
    profile.connect().await.expect("the profile connects");
    let send = backend
        .catalog()
        .methods
        .get("chat.send")
        .expect("chat is loaded")
        .clone();
    println!("ready");
    let (lines, mut orders) = tokio::sync::mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(body) = orders.recv().await {
        let params = serde_json::json!({"to": "juliet@localhost", "body": body});
        let params = params.as_object().expect("an object");
        let sent = profile.call(&send, params).await.expect("chat.send works");
        let mut out = std::io::stdout().lock();
        writeln!(out, "{body} {}", sent.get())
            .and_then(|()| out.flush())
            .expect("somebody reads");
    }
    backend.shutdown().await;
}
