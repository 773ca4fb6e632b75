//! The log: standard error in the foreground, `<local_dir>/sat.log` in the background.

use std::{
    fs::{File, OpenOptions},
    io::{self, IsTerminal, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use sat_host::config::LogLevel;
use tracing_subscriber::EnvFilter;

use crate::failure::{Failure, PREFIX, exit};

/// A log larger than this becomes `sat.log.1` at the next start.
const LARGEST: u64 = 10 * 1024 * 1024;

/// So much of the end of a log is read for the reason of a failed start.
const TAIL: u64 = 8 * 1024;

/// Crates whose debugging helps only their own authors.
const TALKATIVE: [&str; 8] = [
    "cranelift_codegen",
    "h2",
    "hyper",
    "jsonrpsee",
    "regalloc2",
    "rustls",
    "soketto",
    "wasmtime",
];

/// Sends what is traced to standard error, as far as the level, or else `SAT_LOG`, lets it.
pub(crate) fn init(level: LogLevel) -> Result<(), Failure> {
    let filter = match std::env::var("SAT_LOG") {
        Ok(text) if !text.is_empty() => EnvFilter::try_new(&text)
            .map_err(|error| Failure::new(exit::USAGE, format!("SAT_LOG={text:?}: {error}")))?,
        _ => EnvFilter::new(directives(level)),
    };
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(io::stderr);
    // The journal has its own clock.
    let done = match std::env::var_os("JOURNAL_STREAM") {
        Some(_) => subscriber.without_time().try_init(),
        None => subscriber.try_init(),
    };
    done.map_err(|error| Failure::of("The log can't be set up", error))
}

fn directives(level: LogLevel) -> String {
    let mut text = level.as_str().to_owned();
    if matches!(level, LogLevel::Debug | LogLevel::Trace) {
        for target in TALKATIVE {
            text.push_str(&format!(",{target}=info"));
        }
    }
    text
}

/// Where the background's log is.
pub(crate) fn path(local_dir: &Path) -> PathBuf {
    local_dir.join("sat.log")
}

/// Opens the log to append to; one that has grown too large is put aside first.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    if path
        .metadata()
        .is_ok_and(|metadata| metadata.len() > LARGEST)
    {
        std::fs::rename(path, path.with_added_extension("1"))?;
    }
    OpenOptions::new().append(true).create(true).open(path)
}

/// Why a process that logged here from `start` on has ended, as far as the log tells.
pub(crate) fn reason(path: &Path, start: u64) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let end = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(start.max(end.saturating_sub(TAIL))))
        .ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let given = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix(PREFIX));
    // A panic, say: its message is in the last lines.
    let last = || text.lines().rev().find(|line| !line.trim().is_empty());
    given.or_else(last).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_reason_is_the_last_one_since_the_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = path(dir.path());
        assert_eq!(reason(&path, 0), None);
        let mut log = open(&path).unwrap();
        writeln!(log, "sat: an older one").unwrap();
        let start = log.metadata().unwrap().len();
        assert_eq!(reason(&path, start), None);
        writeln!(log, "INFO Going on\n").unwrap();
        assert_eq!(reason(&path, start).as_deref(), Some("INFO Going on"));
        writeln!(log, "sat: this one\nINFO Bye").unwrap();
        assert_eq!(reason(&path, start).as_deref(), Some("this one"));
        write!(log, "{}", "x\n".repeat(20_000)).unwrap();
        assert_eq!(reason(&path, start).as_deref(), Some("x"));
    }

    #[test]
    fn a_large_log_is_put_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = path(dir.path());
        open(&path).unwrap().set_len(LARGEST + 1).unwrap();
        assert_eq!(open(&path).unwrap().metadata().unwrap().len(), 0);
        assert!(dir.path().join("sat.log.1").exists());
    }

    #[test]
    fn directives_are_valid() {
        let text = directives(LogLevel::Trace);
        EnvFilter::try_new(&text).unwrap();
        assert!(text.starts_with("trace,") && text.contains("wasmtime=info"));
        assert_eq!(directives(LogLevel::Warn), "warn");
    }
}
