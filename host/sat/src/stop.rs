//! `sat stop`: ends the backend of this folder and waits until it is gone.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use sat_host::config::Config;

use crate::{
    failure::{Failure, exit},
    pidfile,
};

/// Twice what the backend takes at most to shut down.
const LONGEST: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// Stops the backend; that none runs is no error.
pub(crate) fn run(config: &Config) -> Result<(), Failure> {
    let holder =
        || pidfile::holder(&config.local_dir).map_err(|error| Failure::of("sat.pid", error));
    let Some(pid) = holder()? else {
        eprintln!("SàT isn't running");
        return Ok(());
    };
    let process = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let process = process.ok_or_else(|| Failure::of("sat.pid", "no process's number"))?;
    kill_process(process, Signal::TERM)
        .map_err(|errno| Failure::of(&format!("SàT (pid {pid}) can't be stopped"), errno))?;
    let begun = Instant::now();
    while begun.elapsed() < LONGEST {
        if holder()? != Some(pid) {
            println!("SàT (pid {pid}) has stopped");
            return Ok(());
        }
        sleep(PAUSE);
    }
    let seconds = LONGEST.as_secs();
    let message = format!("SàT (pid {pid}) still runs after {seconds} s: kill -KILL {pid} ends it");
    Err(Failure::new(exit::FAILED, message))
}
