//! Calls over the bridge.

use super::sat::{Home, create};
use crate::{
    Result,
    child::Child,
    files::{Setup, memory_folder},
    report::{Figure, Target},
    stats::{median, micros},
    websocket::Socket,
};
use serde_json::{Value, json};
use std::time::Duration;

const ROUNDS: usize = 5;
const IN_FLIGHT: usize = 32;
const METHOD: &str = "bench.noop.nothing";

#[derive(Default)]
struct Measured {
    rate: Vec<f64>,
    sequential: Vec<f64>,
    cpu: Vec<f64>,
}

impl Measured {
    fn round(
        &mut self,
        socket: &mut Socket,
        params: &Value,
        total: usize,
        cpu: impl Fn() -> Result<Duration>,
    ) -> Result<()> {
        let before = cpu()?;
        let time = socket.rate(METHOD, params.clone(), total, IN_FLIGHT)?;
        self.cpu.push(micros(cpu()? - before) / total as f64);
        self.rate.push(total as f64 / time.as_secs_f64());
        let time = socket.rate(METHOD, params.clone(), total / 10, 1)?;
        self.sequential.push(micros(time) / (total / 10) as f64);
        Ok(())
    }
}

pub(super) fn measure(setup: &Setup) -> Result<Vec<Figure>> {
    let folder = memory_folder()?;
    let path = folder.path().join("native.sock");
    let mut native = Child::start(&["rpc-native", &path.to_string_lossy()])?;
    native.answer()?;
    let mut plain = Socket::connect(&path)?;
    let home = Home::new(setup, &["bench-noop".into()])?;
    let (sat, mut bridge, _) = home.start()?;
    create(&mut bridge, "rpc", 1)?;
    bridge.call(
        "profile.unlock",
        json!({ "profile": "rpc", "password": "" }),
    )?;
    let (none, profile) = (json!({}), json!({ "profile": "rpc" }));

    let total = setup.count(50_000);
    let (mut theirs, mut ours) = (Measured::default(), Measured::default());
    Measured::default().round(&mut plain, &none, total / 5, || native.cpu())?;
    Measured::default().round(&mut bridge, &profile, total / 5, || sat.cpu())?;
    for _ in 0..ROUNDS {
        theirs.round(&mut plain, &none, total, || native.cpu())?;
        ours.round(&mut bridge, &profile, total, || sat.cpu())?;
    }
    let rounds = |n: usize| format!("median of {ROUNDS} alternating rounds of {n} calls");
    let what = "a plugin's empty method against an empty method of plain jsonrpsee";
    Ok(vec![
        Figure::new(
            "rpc rate",
            "calls/s",
            median(&ours.rate),
            format!(
                "{what}, WebSocket on a Unix socket, {IN_FLIGHT} in flight; {}",
                rounds(total)
            ),
        )
        .native(median(&theirs.rate))
        .target(Target::RatioAtLeast(0.7))
        .target(Target::AtLeast(20_000.0))
        .libervia("4,670/s"),
        Figure::new(
            "rpc time",
            "µs",
            median(&ours.sequential),
            format!("the same, one call at a time; {}", rounds(total / 10)),
        )
        .native(median(&theirs.sequential)),
        Figure::new(
            "rpc CPU",
            "µs/call",
            median(&ours.cpu),
            format!(
                "CPU time of the server's process, {IN_FLIGHT} in flight; {}",
                rounds(total)
            ),
        )
        .native(median(&theirs.cpu)),
    ])
}
