//! The whole exchange as a play, for people who read why a test failed.

use std::{collections::VecDeque, fmt::Write as _};

/// Lines that are kept, the newest; a scenario has a few hundred.
const MAX_LINES: usize = 10_000;
/// Characters of one line; the rest of a longer text is left out.
const MAX_TEXT: usize = 4_000;

#[derive(Default)]
pub(crate) struct Play {
    lines: VecDeque<(String, String)>,
    total: usize,
}

impl Play {
    /// The server said this to `whom`.
    pub(crate) fn sent(&mut self, whom: &str, text: &str) {
        self.line(format!("server -> {whom}"), text);
    }

    /// The server heard this from `whom`.
    pub(crate) fn heard(&mut self, whom: &str, text: &str) {
        self.line(format!("{whom} -> server"), text);
    }

    /// Something happened.
    pub(crate) fn note(&mut self, text: &str) {
        self.line("***".to_owned(), text);
    }

    fn line(&mut self, who: String, text: &str) {
        self.total += 1;
        if self.lines.len() == MAX_LINES {
            self.lines.pop_front();
        }
        let mut text: String = text.to_owned();
        if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
            text.truncate(end);
            text.push('…');
        }
        self.lines.push_back((who, text));
    }

    pub(crate) fn read(&self) -> String {
        let mut text = String::new();
        let before = self.total - self.lines.len();
        if before > 0 {
            let _ = writeln!(text, "({before} older lines are gone)");
        }
        for (count, (who, line)) in self.lines.iter().enumerate() {
            let _ = writeln!(text, "{:>4}  {who}\n      {line}", before + count + 1);
        }
        text
    }
}
