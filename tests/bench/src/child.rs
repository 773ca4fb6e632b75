//! Processes that are measured: started, asked by lines, and watched through /proc.

use crate::Result;
use serde_json::Value;
use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

/// Ticks of /proc/PID/stat in a second; the kernel's interface has had 100 on every machine
/// since 2.4.
const TICKS: u64 = 100;

/// A role of this program in a process of its own.
pub(crate) struct Child {
    process: Process,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Child {
    /// Starts `bench child <arguments>`; it says `"ready"` some time later.
    pub(crate) fn start(arguments: &[&str]) -> Result<Self> {
        let mut process = Command::new(env::current_exe()?)
            .arg("child")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (stdin, stdout) = (process.stdin.take(), process.stdout.take());
        let (Some(stdin), Some(stdout)) = (stdin, stdout) else {
            return Err("a child without pipes".into());
        };
        Ok(Self {
            process,
            stdin,
            stdout: BufReader::new(stdout),
        })
    }

    /// The next line of its output.
    pub(crate) fn answer(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.stdout.read_line(&mut line)? == 0 {
            return Err(format!("the child ended: {:?}", self.process.wait()).into());
        }
        let value: Value = serde_json::from_str(&line).map_err(|e| format!("{line:?}: {e}"))?;
        match value.get("error").and_then(Value::as_str) {
            Some(error) => Err(error.into()),
            None => Ok(value),
        }
    }

    /// Tells it something to do.
    pub(crate) fn tell(&mut self, line: &str) -> Result<()> {
        Ok(writeln!(self.stdin, "{line}")?)
    }

    /// Tells it something to do and waits until it is done.
    pub(crate) fn ask(&mut self, line: &str) -> Result<Value> {
        self.tell(line)?;
        self.answer()
    }

    /// CPU time until now.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu(self.process.id())
    }

    /// Memory now, in KiB.
    pub(crate) fn rss(&self) -> Result<f64> {
        rss(self.process.id())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// A program of the repository; ended when this is dropped.
pub(crate) struct Program(Process);

impl Program {
    pub(crate) fn start(file: &Path, arguments: &[&str]) -> Result<Self> {
        let process = Command::new(file)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Ok(Self(
            process.map_err(|e| format!("{}: {e}", file.display()))?,
        ))
    }

    /// Memory now, in KiB.
    pub(crate) fn rss(&self) -> Result<f64> {
        rss(self.0.id())
    }

    /// CPU time until now.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu(self.0.id())
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(Some(_)))
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&mut self) {
        self.0.wait().ok();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// utime + stime: fields 14 and 15 of proc_pid_stat(5), counted behind the program's name.
fn cpu(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no stat")?;
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .flat_map(str::parse::<u64>)
        .sum();
    Ok(Duration::from_millis(ticks * 1000 / TICKS))
}

fn rss(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|l| l.strip_prefix("VmRSS:"))
        .ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
