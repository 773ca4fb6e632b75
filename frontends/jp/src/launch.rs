//! Finds the backend's socket, and starts the backend.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use crate::{
    cli::Globals,
    failure::Failure,
    link::{Link, Reach},
    output::note,
};

/// What `sat` exits with when another start came first.
const RUNS_ALREADY: i32 = 19;

/// Connects to the backend that the options mean, starting it when that is wanted and needed.
pub(crate) async fn connect(globals: &Globals, token: Option<&str>) -> Result<Link, Failure> {
    let chosen = globals
        .socket
        .clone()
        .or_else(|| env::var_os("SAT_SOCKET").map(PathBuf::from));
    if let Some(socket) = chosen {
        return match Link::open(&socket, token).await? {
            Reach::Open(link) => Ok(link),
            // A backend that is started here would listen where its sat.conf says, not there.
            Reach::NobodyThere => {
                let message = format!("No backend listens on {}", socket.display());
                Err(Failure::not_running(message))
            }
        };
    }
    let config = globals.config.as_deref();
    let mut socket = match config {
        Some(_) => ask_for_socket(&program()?, config)?,
        None => match sat_client::default_socket() {
            Some(socket) => socket,
            None => ask_for_socket(&program()?, None)?,
        },
    };
    if let Reach::Open(link) = Link::open(&socket, token).await? {
        return Ok(link);
    }
    // Rather slow, so only now: sat.conf may say that it is elsewhere.
    let program = program()?;
    if config.is_none() {
        let configured = ask_for_socket(&program, None)?;
        if configured != socket {
            socket = configured;
            if let Reach::Open(link) = Link::open(&socket, token).await? {
                return Ok(link);
            }
        }
    }
    if globals.no_start {
        return Err(Failure::not_running("SàT isn't running: `sat` starts it"));
    }
    start(&program, config)?;
    match Link::open(&socket, token).await? {
        Reach::Open(link) => Ok(link),
        Reach::NobodyThere => {
            let message = format!(
                "SàT was started, but doesn't listen on {}",
                socket.display()
            );
            Err(Failure::bridge(message))
        }
    }
}

/// The `sat` that belongs to this `jp`, or else the one in `PATH`.
fn program() -> Result<PathBuf, Failure> {
    let own = env::current_exe().ok();
    let beside = own.as_deref().and_then(Path::parent).map(Path::to_owned);
    let path = env::var_os("PATH").unwrap_or_default();
    // Relative entries of PATH are left out: what lies in the working directory isn't trusted.
    let folders = beside
        .into_iter()
        .chain(env::split_paths(&path))
        .filter(|dir| dir.is_absolute());
    let found = folders
        .map(|folder| folder.join("sat"))
        .find(|program| program.is_file());
    found.ok_or_else(|| {
        let places = "beside jp or in PATH";
        Failure::not_running(format!(
            "SàT isn't running, and there is no program sat {places}"
        ))
    })
}

fn ask_for_socket(program: &Path, config: Option<&Path>) -> Result<PathBuf, Failure> {
    let output = run(program, config, &["config", "bridge.socket"])?;
    if !output.status.success() {
        return Err(Failure::not_running(reason(&output)));
    }
    Ok(PathBuf::from(
        String::from_utf8_lossy(&output.stdout).trim_end(),
    ))
}

fn start(program: &Path, config: Option<&Path>) -> Result<(), Failure> {
    note(&format!(
        "SàT isn't running: starting {}",
        program.display()
    ));
    let output = run(program, config, &[])?;
    if output.status.success() || output.status.code() == Some(RUNS_ALREADY) {
        return Ok(());
    }
    Err(Failure::not_running(reason(&output)))
}

fn run(program: &Path, config: Option<&Path>, arguments: &[&str]) -> Result<Output, Failure> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    if let Some(config) = config {
        command.arg("--config").arg(config);
    }
    command.output().map_err(|error| {
        Failure::not_running(format!("{} can't be run: {error}", program.display()))
    })
}

fn reason(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let text = text.trim().trim_start_matches("sat: ");
    if text.is_empty() {
        format!("sat failed: {}", output.status)
    } else {
        text.to_owned()
    }
}
