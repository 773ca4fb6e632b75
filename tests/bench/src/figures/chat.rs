//! A message from one account to another through Prosody, stored on both sides.

use crate::{
    Result,
    child::Child,
    files::{Setup, all_plugins},
    prosody::Prosody,
    report::{Figure, Target},
    stats::{median, millis},
};
use serde_json::Value;
use std::{thread::sleep, time::Duration};
use tempfile::TempDir;

const ROUNDS: usize = 5;
const IN_FLIGHT: usize = 32;

/// Two accounts in one process, and what was measured of them.
#[derive(Default)]
struct Measured {
    latency: Vec<f64>,
    rate: Vec<f64>,
    cpu: Vec<f64>,
}

impl Measured {
    fn round(&mut self, pair: &mut Child, one_by_one: usize, at_once: usize) -> Result<()> {
        let answer = pair.ask(&format!("latency {one_by_one}"))?;
        let times = answer["micros"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_f64);
        self.latency.extend(times);
        let cpu = pair.cpu()?;
        let answer = pair.ask(&format!("rate {at_once} {IN_FLIGHT}"))?;
        self.rate
            .push(at_once as f64 / answer["seconds"].as_f64().unwrap_or(f64::INFINITY));
        settle();
        self.cpu.push(millis(pair.cpu()? - cpu) / at_once as f64);
        Ok(())
    }
}

/// Lets what is behind a message (acknowledgements, the outbox) come to an end.
fn settle() {
    sleep(Duration::from_millis(300));
}

/// The backend on one side, a native peer on the other: CPU time of the backend per message.
fn alone(
    ours: &mut Child,
    sender: &mut Child,
    receiver: Option<&mut Child>,
    n: usize,
) -> Result<f64> {
    let cpu = ours.cpu()?;
    let send = format!("send {n} {IN_FLIGHT}");
    match receiver {
        // `ours` sends.
        Some(receiver) => {
            receiver.tell(&format!("receive {n}"))?;
            ours.ask(&send)?;
            receiver.answer()?;
        }
        // `ours` receives.
        None => {
            ours.tell(&format!("receive {n}"))?;
            sender.ask(&send)?;
            ours.answer()?;
        }
    }
    settle();
    Ok(millis(ours.cpu()? - cpu) / n as f64)
}

/// Everybody, on one server.
struct Cast {
    native: Child,
    ours: Child,
    sender: Child,
    sink: Child,
    receiver: Child,
    source: Child,
    _folders: Vec<TempDir>,
    _server: Prosody,
}

impl Cast {
    fn start(setup: &Setup) -> Result<Self> {
        let accounts = ["a0", "a1", "b0", "b1", "c0", "c1", "d0", "d1"];
        let server = Prosody::start(&accounts.map(str::to_owned))?;
        let (port, plugins) = (server.port.to_string(), all_plugins()?);
        let mut folders = Vec::new();
        let mut start = |role: &str, from: &str, to: &str, which: &str| -> Result<Child> {
            let mut arguments = vec![role, &port, from, to, which];
            let folder = setup.folder(&plugins)?;
            let path = folder.path().to_string_lossy().into_owned();
            if role == "chat-ours" {
                arguments.push(&path);
            }
            folders.push(folder);
            let mut child = Child::start(&arguments)?;
            child.answer()?;
            Ok(child)
        };
        Ok(Self {
            native: start("chat-native", "a0", "a1", "both")?,
            ours: start("chat-ours", "b0", "b1", "both")?,
            sink: start("chat-native", "c0", "c1", "receiver")?,
            sender: start("chat-ours", "c0", "c1", "sender")?,
            receiver: start("chat-ours", "d0", "d1", "receiver")?,
            source: start("chat-native", "d0", "d1", "sender")?,
            _folders: folders,
            _server: server,
        })
    }
}

pub(super) fn measure(setup: &Setup) -> Result<Vec<Figure>> {
    let mut cast = Cast::start(setup)?;
    let (one_by_one, at_once) = (setup.count(300), setup.count(2000));
    let (mut native, mut ours) = (Measured::default(), Measured::default());
    let (mut sending, mut receiving) = (Vec::new(), Vec::new());
    // Warms up.
    Measured::default().round(&mut cast.native, one_by_one / 3, at_once / 4)?;
    Measured::default().round(&mut cast.ours, one_by_one / 3, at_once / 4)?;
    for _ in 0..ROUNDS {
        native.round(&mut cast.native, one_by_one, at_once)?;
        ours.round(&mut cast.ours, one_by_one, at_once)?;
        let (sender, sink) = (&mut cast.sender, &mut cast.sink);
        sending.push(alone(sender, &mut cast.source, Some(sink), at_once)?);
        receiving.push(alone(&mut cast.receiver, &mut cast.source, None, at_once)?);
    }
    let rounds = |n: usize| format!("median of {ROUNDS} alternating rounds of {n} messages");
    let server = "through Prosody, all plugins loaded, native storing nothing";
    Ok(vec![
        Figure::new(
            "chat time",
            "ms",
            median(&ours.latency) / 1e3,
            format!(
                "chat.send to the receiver's chat.message, one at a time, {server}; {}",
                rounds(one_by_one)
            ),
        )
        .native(median(&native.latency) / 1e3)
        .target(Target::RatioAtMost(2.5))
        .libervia("31.8 ms"),
        Figure::new(
            "chat rate",
            "msg/s",
            median(&ours.rate),
            format!("the same with {IN_FLIGHT} in flight; {}", rounds(at_once)),
        )
        .native(median(&native.rate))
        .target(Target::RatioAtLeast(0.6))
        .libervia("72/s"),
        Figure::new(
            "chat CPU, both sides",
            "ms/msg",
            median(&ours.cpu),
            format!(
                "CPU time of the process with both accounts, {IN_FLIGHT} in flight; {}",
                rounds(at_once)
            ),
        )
        .native(median(&native.cpu))
        .target(Target::AtMost(0.6)),
        Figure::new(
            "chat CPU, sent",
            "ms/msg",
            median(&sending),
            format!(
                "CPU time of a backend that sends to a native peer; {}",
                rounds(at_once)
            ),
        )
        .target(Target::AtMost(0.3))
        .libervia("13.6–26 ms"),
        Figure::new(
            "chat CPU, received",
            "ms/msg",
            median(&receiving),
            format!(
                "CPU time of a backend that receives from a native peer; {}",
                rounds(at_once)
            ),
        )
        .target(Target::AtMost(0.3))
        .libervia("13.6–26 ms"),
    ])
}
