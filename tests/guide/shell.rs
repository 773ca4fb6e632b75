//! Commands of the guide.

use crate::{GUIDE, blocks::Block, succeeds};
use sat_tests::build::target;
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// Programs of the system that the guide may use.
const OTHERS: [&str; 7] = ["cargo", "cd", "cp", "make", "python3", "rm", "rustup"];
/// The project's own, which are asked.
const OURS: [&str; 3] = ["jp", "sat", "sat-testkit"];

/// Where cargo leaves the programs.
fn programs() -> PathBuf {
    let folder = target().join("debug");
    for program in OURS.iter().chain(&["sat-plugin"]) {
        let file = folder.join(program);
        let message = "is missing: `cargo build --workspace --bins` first";
        assert!(file.is_file(), "{} {message}", file.display());
    }
    folder
}

/// A program of the project, in an environment that has these and a folder for what they keep.
pub(crate) fn command(folder: &Path, program: &str) -> Command {
    let programs = programs();
    let mut path = programs.clone().into_os_string();
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    let plugins = target().join("plugins");
    let mut command = Command::new(if program == "bash" {
        program.into()
    } else {
        programs.join(program)
    });
    for (name, _) in env::vars_os() {
        // What cargo told this test isn't meant for another cargo.
        let name = name.to_string_lossy();
        let told = ["CARGO_PKG_", "CARGO_MANIFEST", "CARGO_BIN_", "RUSTFLAGS"];
        if told.iter().any(|t| name.starts_with(t)) {
            command.env_remove(&*name);
        }
    }
    command
        .current_dir(folder)
        .env("PATH", path)
        .env("CARGO_TARGET_DIR", &plugins)
        .env("CARGO_NET_OFFLINE", "true")
        // Always the same place, so that the SDK is compiled once.
        .env("XDG_DATA_HOME", plugins.join("sat-plugin-data"));
    command
}

/// Runs a block.
pub(crate) fn run(block: &Block, folder: &Path) {
    let mut bash = command(folder, "bash");
    bash.args(["-euo", "pipefail", "-c", &block.text]);
    succeeds(bash, &format!("{GUIDE}:{}", block.line));
}

/// Looks whether every command is known; says how many there are.
pub(crate) fn check(block: &Block) -> usize {
    let lines = block
        .text
        .lines()
        .map(|l| l.split(" #").next().unwrap_or(l));
    let commands = lines.flat_map(split).collect::<Vec<_>>();
    for command in &commands {
        known(command, &format!("{GUIDE}:{}", block.line));
    }
    commands.len()
}

/// The commands of a line: in pipes, and those whose output is a word of another.
fn split(line: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut rest = line.to_owned();
    while let Some((before, inner)) = rest.split_once("$(") {
        let (inner, after) = inner.split_once(')').unwrap_or((inner, ""));
        commands.extend(inner.split(" | ").map(str::to_owned));
        rest = format!("{before}WORD{after}");
    }
    commands.extend(rest.split(" | ").map(str::to_owned));
    commands.retain(|c| !c.trim().is_empty() && !c.trim().starts_with("cut "));
    commands
}

/// Whether a program understands its command: it is asked for its help behind all words, which
/// programs look at in their order.
fn known(line: &str, place: &str) {
    let program = line.split_whitespace().next().unwrap_or_default();
    if OTHERS.contains(&program) {
        return;
    }
    assert!(OURS.contains(&program), "{place}: nobody knows `{program}`");
    let mut bash = command(&env::temp_dir(), "bash");
    bash.args(["-c", &format!("{line} --help")]);
    let said = succeeds(bash, place);
    assert!(
        said.contains("Usage:"),
        "{place}: `{line}` isn't understood: {said}"
    );
}
