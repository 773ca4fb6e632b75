//! `sat`: starts the backend in the background and returns when it answers.

use std::{
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use sat_host::config::Config;

use crate::{
    failure::{Failure, exit},
    log, pidfile,
};

/// A backend that takes longer is left running, but something is wrong.
const LONGEST: Duration = Duration::from_secs(60);
/// Short, since `jp` waits for this when it starts the backend.
const PAUSE: Duration = Duration::from_millis(5);

/// Starts `sat fg` detached, with the same configuration.
pub(crate) fn run(file: Option<&Path>, config: &Config) -> Result<(), Failure> {
    let local_dir = &config.local_dir;
    std::fs::create_dir_all(local_dir).map_err(|error| {
        Failure::of(
            &format!("Folder {} (local_dir)", local_dir.display()),
            error,
        )
    })?;
    let holder = pidfile::holder(local_dir).map_err(|error| Failure::of("sat.pid", error))?;
    if let Some(pid) = holder {
        return Err(runs_already(Some(pid)));
    }
    let log_path = log::path(local_dir);
    let fails = |error| Failure::of(&format!("Log {}", log_path.display()), error);
    let output = log::open(&log_path).map_err(fails)?;
    let start = output.metadata().map_err(fails)?.len();
    let errors = output.try_clone().map_err(fails)?;
    let program =
        std::env::current_exe().map_err(|error| Failure::of("The program's own path", error))?;
    let mut command = Command::new(program);
    command
        .args(["fg", "--detached"])
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors);
    if let Some(file) = file {
        command.arg("--config").arg(file);
    }
    let mut child = command
        .spawn()
        .map_err(|error| Failure::of("The backend can't be started", error))?;
    wait(&mut child, config, &log_path, start)
}

/// What the second backend of a folder is told.
pub(crate) fn runs_already(pid: Option<u32>) -> Failure {
    let pid = pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
    Failure::new(exit::RUNS_ALREADY, format!("SàT runs already{pid}"))
}

fn wait(child: &mut Child, config: &Config, log: &Path, start: u64) -> Result<(), Failure> {
    let pid = child.id();
    let begun = Instant::now();
    while begun.elapsed() < LONGEST {
        let ended = child
            .try_wait()
            .map_err(|error| Failure::of("The backend's process", error))?;
        if let Some(status) = ended {
            let reason = log::reason(log, start).unwrap_or_else(|| status.to_string());
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            let code = code.filter(|code| *code != 0).unwrap_or(exit::FAILED);
            let message = format!("SàT didn't start: {reason} (log: {})", log.display());
            return Err(Failure::new(code, message));
        }
        if answers(&config.bridge_socket, pid) {
            println!("SàT runs (pid {pid})");
            return Ok(());
        }
        sleep(PAUSE);
    }
    let seconds = LONGEST.as_secs();
    let message = format!(
        "SàT runs (pid {pid}), but its bridge doesn't answer after {seconds} s: see {}",
        log.display()
    );
    Err(Failure::new(exit::FAILED, message))
}

/// Whether this process listens on the socket; another's socket may be there.
fn answers(socket: &Path, pid: u32) -> bool {
    let Ok(stream) = UnixStream::connect(socket) else {
        return false;
    };
    rustix::net::sockopt::socket_peercred(&stream)
        .is_ok_and(|peer| u32::try_from(peer.pid.as_raw_nonzero().get()) == Ok(pid))
}
