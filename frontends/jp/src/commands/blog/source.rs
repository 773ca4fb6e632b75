//! Where a text comes from: a file, standard input, an editor.

use std::{
    env, fs,
    io::{self, IsTerminal, Read, Write},
    path::Path,
    process::Command,
};

use tempfile::NamedTempFile;

use crate::{failure::Failure, output::note};

/// The content of a file; `-` is standard input.
pub(crate) fn file(path: &Path) -> Result<String, Failure> {
    if path.as_os_str() == "-" {
        return input();
    }
    fs::read_to_string(path).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))
}

/// Standard input to its end.
pub(crate) fn input() -> Result<String, Failure> {
    if io::stdin().is_terminal() {
        note("Type the text; Ctrl-D on a line of its own ends it");
    }
    let mut text = String::new();
    let read = io::stdin().read_to_string(&mut text);
    read.map_err(|e| Failure::internal("Standard input", e))?;
    Ok(text)
}

/// Whether a person can be given an editor.
pub(crate) fn can_edit() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// The format that the name of a file tells.
pub(crate) fn format_of(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()? {
        "md" | "markdown" => Some("markdown"),
        "html" | "xhtml" | "htm" => Some("xhtml"),
        _ => None,
    }
}

/// A text in an editor, on disk until it is published: what somebody wrote mustn't get lost.
pub(crate) struct Edited {
    file: NamedTempFile,
    pub(crate) text: String,
}

impl Edited {
    /// Opens `$VISUAL`, `$EDITOR` or `vi` with a text, and waits for its end.
    pub(crate) fn open(text: &str) -> Result<Self, Failure> {
        let mut file = tempfile::Builder::new()
            .prefix("jp-")
            .suffix(".md")
            .tempfile()
            .map_err(|e| Failure::internal("A file to edit", e))?;
        let written = file.write_all(text.as_bytes()).and_then(|()| file.flush());
        written.map_err(|e| Failure::internal("A file to edit", e))?;
        let set = |name| env::var(name).ok().filter(|v| !v.trim().is_empty());
        let editor = set("VISUAL").or_else(|| set("EDITOR"));
        let editor = editor.unwrap_or_else(|| "vi".into());
        // As shells do it, the variable may have options: `code --wait`.
        let mut words = editor.split_whitespace();
        let program = words.next().unwrap_or("vi");
        let status = Command::new(program).args(words).arg(file.path()).status();
        let status = status.map_err(|e| Failure::usage(format!("The editor {program}: {e}")))?;
        if !status.success() {
            return Err(Failure::cancelled());
        }
        let text = fs::read_to_string(file.path());
        let text = text.map_err(|e| Failure::internal("The edited file", e))?;
        Ok(Self { file, text })
    }

    /// What came of it; when it failed the file stays, and it is said where.
    pub(crate) fn settle<T>(self, result: Result<T, Failure>) -> Result<T, Failure> {
        if result.is_err()
            && let Ok((_, path)) = self.file.keep()
        {
            note(&format!("Your text is in {}", path.display()));
        }
        result
    }
}
