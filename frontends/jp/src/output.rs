//! Standard output for data, standard error for messages; nothing reaches a terminal unescaped.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use serde_json::Value;

use crate::{
    escape,
    failure::Failure,
    json::{is_true, text},
    table::Table,
};

/// How results are printed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    terminal: bool,
    colours: bool,
}

impl Output {
    /// For this process's standard output.
    pub(crate) fn new(json: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            json,
            terminal,
            colours: terminal && !dumb && !set("NO_COLOR"),
        }
    }

    /// Whether the user wants JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// A result as JSON: readable on a terminal, else one line.
    pub(crate) fn json(&self, value: &Value) -> Result<(), Failure> {
        let text = if self.terminal {
            format!("{value:#}")
        } else {
            value.to_string()
        };
        raw(&escape::json(&text))
    }

    /// One of many results, as JSON on one line.
    pub(crate) fn json_line(&self, value: &Value) -> Result<(), Failure> {
        raw(&escape::json(&value.to_string()))
    }

    /// The result as JSON if that is wanted, else what `show` makes of it.
    pub(crate) fn result(
        &self,
        value: &Value,
        show: impl FnOnce(&Self, &Value) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if self.json {
            self.json(value)
        } else {
            show(self, value)
        }
    }

    /// What was done: the result as JSON if that is wanted, else a message.
    pub(crate) fn done(&self, value: &Value, message: &str) -> Result<(), Failure> {
        if self.json {
            return self.json(value);
        }
        note(message);
        Ok(())
    }

    /// A line of text.
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        raw(&escape::line(text))
    }

    /// An entry: its head, stressed, and text of any number of lines.
    pub(crate) fn entry(&self, head: &str, text: &str) -> Result<(), Failure> {
        let head = self.stressed(&escape::line(head));
        raw(&format!("{head} {}", escape::block(text, "    ")))
    }

    /// A table, or a message that there is nothing.
    pub(crate) fn table(&self, table: &Table, nothing: &str) -> Result<(), Failure> {
        if table.is_empty() {
            note(nothing);
            return Ok(());
        }
        for (number, line) in table.lines().iter().enumerate() {
            if number == 0 {
                raw(&self.stressed(line))?
            } else {
                raw(line)?
            }
        }
        Ok(())
    }

    fn stressed(&self, text: &str) -> String {
        if self.colours {
            format!("\x1b[1m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// A message, on standard error.
pub(crate) fn note(text: &str) {
    // When standard error is closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "jp: {}", escape::block(text, "    "));
}

/// Says how to go on when a page isn't all: `option` with the cursor at its `edge`.
pub(crate) fn more(page: &Value, edge: &str, option: &str) {
    let id = text(page, edge);
    if !is_true(page, "complete") && !id.is_empty() {
        note(&format!("There is more: {option} {id}"));
    }
}

/// Prints what needs no escaping, with a line end.
pub(crate) fn raw(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let done = out
        .write_all(text.as_bytes())
        .and_then(|()| out.write_all(b"\n"));
    done.and_then(|()| out.flush())
        .map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::unread(),
            _ => Failure::internal("Standard output", error),
        })
}
