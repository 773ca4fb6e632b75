//! `run` with a real backend.

use crate::kit::{Kit, TOOL};
use sat_client::{Address, Client};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

/// Longer than any build.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program whose output is read as it comes.
struct Program {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Program {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it can be started");
        let (sender, lines) = mpsc::channel();
        let outputs: [Box<dyn Read + Send>; 2] = [
            Box::new(child.stdout.take().unwrap()),
            Box::new(child.stderr.take().unwrap()),
        ];
        for output in outputs {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    sender.send(line).ok();
                }
            });
        }
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// The next line with these words.
    #[track_caller]
    fn says(&mut self, words: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("no {words:?} in:\n{}", self.seen.join("\n"));
            };
            self.seen.push(line.clone());
            if line.contains(words) {
                return line;
            }
        }
    }

    fn interrupt(&mut self) -> i32 {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The same with another program.
fn as_program(command: Command, program: &Path) -> Command {
    let mut other = Command::new(program);
    other.args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        other.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    other
}

async fn connected(socket: &Path) -> Client {
    let end = Instant::now() + PATIENCE;
    loop {
        match Client::connect(&Address::Unix(socket.to_owned()), None).await {
            Ok(client) => return client,
            Err(e) => assert!(Instant::now() < end, "{e}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_is_tried_while_it_is_written() {
    let sat = Path::new(TOOL).with_file_name("sat");
    assert!(
        sat.is_file(),
        "{} is missing: run `cargo build --workspace --bins` first",
        sat.display()
    );
    let kit = Kit::with("diary", "feature");
    for folder in ["local", "plugins"] {
        fs::create_dir(kit.path(folder)).unwrap();
    }
    let socket = kit.path("local/bridge.sock");
    let conf = format!(
        "[DEFAULT]\nlocal_dir = {}\n[plugins]\ndirs = {}\n[bridge]\nsocket = {}\n",
        kit.path("local").display(),
        kit.path("plugins").display(),
        socket.display()
    );
    fs::write(kit.path("sat.conf"), conf).unwrap();
    let words = ["run", "diary", "--config", "sat.conf"];
    kit.run(&words).ends(5).has("start it with `sat`");

    let mut backend = Command::new(&sat);
    backend.arg("--config").arg(kit.path("sat.conf")).arg("fg");
    let mut backend = Program::start(backend);
    let client = connected(&socket).await;
    let juliet = json!({"profile": "juliet", "jid": "juliet@localhost", "jid_password": "x"});
    client.call("profile.create", &juliet).await.unwrap();

    // By `sat plugin`, which becomes the tool.
    let mut command = kit.command(&["plugin"]);
    command.args(words);
    let mut tool = Program::start(as_program(command, &sat));
    tool.says("diary 0.1.0 is loaded");
    let dropped = kit.path("plugins/diary.wasm");
    assert!(dropped.is_file());
    let note: Value = client
        .call_as(
            "example.diary.add",
            &json!({"profile": "juliet", "text": " milk "}),
        )
        .await
        .unwrap();
    assert_eq!(note["text"], "milk");
    let event = tool.says("juliet event example.diary.added");
    assert!(event.contains("\"text\":\"milk\""), "{event}");

    // What doesn't compile leaves the old version in place.
    let code = "diary/src/lib.rs";
    kit.edit(code, "fn checked", "fnchecked");
    tool.says("saved: building again");
    tool.says("waiting for the next save");
    let newest = json!({"profile": "juliet"});
    let notes: Value = client
        .call_as("example.diary.newest", &newest)
        .await
        .unwrap();
    assert_eq!(notes[0], note);

    // A newer version takes over, and its log is shown.
    kit.edit(
        "diary/plugin.toml",
        "version = \"0.1.0\"",
        "version = \"0.2.0\"",
    );
    kit.edit(code, "fnchecked", "fn checked");
    let select = "        let select =";
    kit.edit(
        code,
        select,
        &format!("        sat_sdk::info!(\"asked for notes\");\n{select}"),
    );
    tool.says("diary 0.2.0 is loaded");
    client.call("example.diary.newest", &newest).await.unwrap();
    tool.says("juliet info asked for notes");

    // A panic is seen where one looks.
    kit.edit(
        code,
        "sat_sdk::info!(\"asked for notes\")",
        "panic!(\"at the disco\")",
    );
    kit.edit(
        "diary/plugin.toml",
        "version = \"0.2.0\"",
        "version = \"0.3.0\"",
    );
    tool.says("diary 0.3.0 is loaded");
    let error = client
        .call("example.diary.newest", &newest)
        .await
        .unwrap_err();
    assert_eq!(error.kind, "plugin-crashed");
    tool.says("juliet error");

    // What the backend refuses, it says why.
    fs::copy(&dropped, kit.path("plugins/another.wasm")).unwrap();
    let list: Value = loop {
        let list: Value = client.call_as("plugin.list", &json!({})).await.unwrap();
        if list.as_array().is_some_and(|all| all.len() == 2) {
            break list;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(
        list.to_string().contains("has the id diary already"),
        "{list}"
    );

    assert_eq!(tool.interrupt(), 0, "{:?}", tool.seen);
    assert!(!dropped.exists());
    assert_eq!(backend.interrupt(), 0, "{:?}", backend.seen);
}
