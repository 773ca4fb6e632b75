//! `sat plugin`: becomes the tool of plugin authors, which is a program of its own.

use std::{
    env,
    ffi::OsString,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::failure::{Failure, exit};

/// The tool's program.
const TOOL: &str = "sat-plugin";

/// Replaces this process by the tool; returns only when that fails.
pub(crate) fn run(config: Option<&Path>, arguments: &[OsString]) -> Result<(), Failure> {
    let tool = find().ok_or_else(|| {
        let message = format!(
            "There is no program {TOOL} beside sat or in PATH: `make dist` builds it into dist/bin/, \
             copy it from there"
        );
        Failure::new(exit::MISSING, message)
    })?;
    let mut command = Command::new(&tool);
    if let Some(config) = config {
        command.arg("--config").arg(config);
    }
    let error = command.args(arguments).exec();
    Err(Failure::of(&tool.display().to_string(), error))
}

/// The program that belongs to this one, or else the one in `PATH`.
fn find() -> Option<PathBuf> {
    let own = env::current_exe().ok();
    let beside = own.as_deref().and_then(Path::parent).map(Path::to_owned);
    let path = env::var_os("PATH").unwrap_or_default();
    // Relative entries of PATH are left out: what lies in the working directory isn't trusted.
    let folders = beside.into_iter().chain(env::split_paths(&path));
    let programs = folders
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(TOOL));
    programs.into_iter().find(|program| program.is_file())
}
