//! How long people wait for the daemon and for `jp`.

use super::sat::{Home, create};
use crate::{
    Result,
    child::Program,
    files::{Setup, all_plugins},
    report::{Figure, Target},
    stats::{median, millis},
};
use serde_json::json;
use std::time::Instant;

const STARTS: usize = 7;
const COMMANDS: usize = 30;

pub(super) fn measure(setup: &Setup) -> Result<Vec<Figure>> {
    let plugins = all_plugins()?;
    let home = Home::new(setup, &plugins)?;
    let (mut sat, mut socket, first) = home.start()?;
    create(&mut socket, "somebody", 1)?;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        socket.call("host.stop", json!({})).ok();
        sat.wait();
        let time;
        (sat, socket, time) = home.start()?;
        starts.push(millis(time));
    }
    let mut commands = Vec::new();
    let path = home.socket.to_string_lossy();
    for n in 0..=COMMANDS {
        let start = Instant::now();
        let mut jp = Program::start(
            &setup.bin.join("jp"),
            &["--socket", &path, "profile", "list"],
        )?;
        jp.wait();
        // The first one reads the program from the disk.
        if n > 0 {
            commands.push(millis(start.elapsed()));
        }
    }
    drop(sat);
    Ok(vec![
        Figure::new(
            "start",
            "ms",
            median(&starts),
            format!(
                "`sat fg` until the bridge has answered host.status with {} plugins from the compile \
                 cache; median of {STARTS} starts",
                plugins.len()
            ),
        )
        .target(Target::AtMost(150.0))
        .libervia("3.26 s"),
        Figure::new(
            "first start",
            "ms",
            millis(first),
            format!("the same when all {} plugins have to be compiled; one run", plugins.len()),
        ),
        Figure::new(
            "jp",
            "ms",
            median(&commands),
            format!("`jp profile list` from start to exit; median of {COMMANDS}"),
        )
        .target(Target::AtMost(20.0))
        .libervia("1.25 s"),
    ])
}
