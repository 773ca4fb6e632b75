//! Memory of the daemon with one profile, and of each further one.

use super::sat::{Home, create};
use crate::{
    Result,
    child::Child,
    files::{Setup, all_plugins},
    prosody::Prosody,
    report::{Figure, Target},
};
use serde_json::json;
use std::{thread::sleep, time::Duration};

const PROFILES: usize = 100;
/// Instances are dropped when they were idle for a minute, looked for every 15 s.
const IDLE: Duration = Duration::from_secs(80);

pub(super) fn measure(setup: &Setup) -> Result<Vec<Figure>> {
    let plugins = all_plugins()?;
    let mut accounts: Vec<_> = (0..PROFILES).map(|n| format!("idle{n}")).collect();
    accounts.push("one".into());
    let server = Prosody::start(&accounts)?;

    let home = Home::new(setup, &plugins)?;
    // The first start compiles, which is not what a daemon usually has behind it.
    let (mut sat, mut socket, _) = home.start()?;
    socket.call("host.stop", json!({})).ok();
    sat.wait();
    let (sat, mut socket, _) = home.start()?;
    create(&mut socket, "one", server.port)?;
    socket.call(
        "profile.unlock",
        json!({ "profile": "one", "password": "" }),
    )?;
    socket.call("profile.connect", json!({ "profile": "one" }))?;
    sleep(Duration::from_secs(2));
    let one = sat.rss()? / 1024.0;

    let folder = setup.folder(&plugins)?;
    let path = folder.path().to_string_lossy().into_owned();
    let mut many = Child::start(&["idle", &server.port.to_string(), &path])?;
    many.answer()?;
    many.ask("1")?;
    sleep(Duration::from_secs(2));
    let first = many.rss()?;
    many.ask(&PROFILES.to_string())?;
    sleep(Duration::from_secs(2));
    let each = |rss: f64| (rss - first) / 1024.0 / (PROFILES - 1) as f64;
    let busy = each(many.rss()?);
    sleep(if setup.quick {
        Duration::from_secs(1)
    } else {
        IDLE
    });
    let idle = each(many.rss()?);
    let one_idle = sat.rss()? / 1024.0;
    let seconds = IDLE.as_secs();
    Ok(vec![
        Figure::new(
            "memory, busy",
            "MiB",
            one,
            "RSS of `sat fg` 2 s after its one profile was connected to Prosody; one run".into(),
        ),
        Figure::new(
            "memory",
            "MiB",
            one_idle,
            format!("the same {seconds} s later, when idle instances were dropped; one run"),
        )
        .target(Target::AtMost(40.0))
        .libervia("221 MB"),
        Figure::new(
            "each profile, busy",
            "MiB",
            busy,
            format!(
                "RSS of a backend with {PROFILES} profiles less that with one, by {}, 2 s after connecting; one run",
                PROFILES - 1
            ),
        ),
        Figure::new(
            "each profile",
            "MiB",
            idle,
            format!("the same {seconds} s later, when idle instances were dropped; one run"),
        )
        .target(Target::AtMost(0.3))
        .libervia("0.35 MB"),
    ])
}
