//! Programs that take and print lines.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::mpsc as std_mpsc,
};
use tokio::sync::mpsc;

/// A running program; dropping it kills it.
pub struct Program {
    process: Child,
    orders: std_mpsc::Sender<String>,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Program {
    /// Starts it.
    pub fn start(mut command: Command) -> Self {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut input = process.stdin.take().expect("a pipe");
        let output = process.stdout.take().expect("a pipe");
        let (orders, written) = std_mpsc::channel::<String>();
        std::thread::spawn(move || {
            for line in written {
                if writeln!(input, "{line}")
                    .and_then(|()| input.flush())
                    .is_err()
                {
                    return;
                }
            }
        });
        let (print, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if print.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            process,
            orders,
            lines,
        }
    }

    /// Gives it a line, sooner or later.
    pub fn write(&self, line: &str) {
        // A program that has ended takes nothing, which whoever waits for its lines finds out.
        self.orders.send(line.to_owned()).ok();
    }

    /// The next line that it prints; none when it has ended.
    pub async fn line(&mut self) -> Option<String> {
        self.lines.recv().await
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}
