//! What people see: results on standard output, remarks on standard error, colours on a terminal
//! only.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use crate::failure::Failure;

/// A result. A reader that has left, as of `sat plugin info x.wasm | head`, is no failure.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    match writeln!(io::stdout(), "{}", clean(text)) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::error(format!("Standard output: {e}")))
        }
        _ => Ok(()),
    }
}

/// What ends the command.
pub(crate) fn error(text: &str) {
    remark("31", "error", text);
}

/// What should be seen to.
pub(crate) fn warning(text: &str) {
    remark("33", "warning", text);
}

/// What may be good to know.
pub(crate) fn note(text: &str) {
    remark("36", "note", text);
}

/// What is being done now.
pub(crate) fn step(text: &str) {
    remark("32", "sat plugin", text);
}

fn remark(colour: &str, word: &str, text: &str) {
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    let head = if io::stderr().is_terminal() && !dumb && !set("NO_COLOR") {
        format!("\x1b[1;{colour}m{word}:\x1b[0m")
    } else {
        format!("{word}:")
    };
    // Nobody is left to be told that nobody listens.
    writeln!(io::stderr(), "{head} {}", clean(text)).ok();
}

/// Texts of files are written by others: nothing in them may steer the terminal.
fn clean(text: &str) -> String {
    let visible = |c: char| {
        if c.is_control() && c != '\n' && c != '\t' {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(visible).collect()
}

/// `126 KiB`.
pub(crate) fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => {
            let tenths = bytes.saturating_mul(10) / 1_048_576;
            format!("{}.{} MiB", tenths / 10, tenths % 10)
        }
    }
}
