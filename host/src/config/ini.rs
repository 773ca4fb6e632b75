//! Lines of an INI file, as Python's ConfigParser reads them, with their numbers.

use std::collections::BTreeSet;

/// An option, or the head of a section (then without a key).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) section: String,
    /// In lower case: options aren't case-sensitive.
    pub(super) key: Option<String>,
    /// Lines of the value, joined by line feeds.
    pub(super) value: String,
    /// From 1.
    pub(super) line: usize,
}

/// Reads a file's text. An error is a line's number and a sentence.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, (usize, String)> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut section: Option<String> = None;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, raw) in (1..).zip(text.lines()) {
        let line = raw.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if raw.starts_with([' ', '\t'])
            && let Some(last) = entries.last_mut().filter(|entry| entry.key.is_some())
        {
            if !last.value.is_empty() {
                last.value.push('\n');
            }
            last.value.push_str(line);
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let Some(name) = rest.strip_suffix(']') else {
                return Err((
                    number,
                    "A section is written [name], alone on its line".into(),
                ));
            };
            let name = name.trim().to_owned();
            section = Some(name.clone());
            entries.push(Entry {
                section: name,
                key: None,
                value: String::new(),
                line: number,
            });
            continue;
        }
        let Some(section) = &section else {
            let message = "An option needs a section above it, such as [DEFAULT]";
            return Err((number, message.into()));
        };
        // The first of both ends the name: a value may hold the other (`listen = [::1]:7500`).
        let Some((key, value)) = line.split_once(['=', ':']) else {
            let message = "Expected [section], name = value or a comment (# or ;)";
            return Err((number, message.into()));
        };
        let key = key.trim().to_lowercase();
        if !seen.insert((section.clone(), key.clone())) {
            return Err((
                number,
                format!("{key} is set twice in [{section}] of this file"),
            ));
        }
        entries.push(Entry {
            section: section.clone(),
            key: Some(key),
            value: value.trim().to_owned(),
            line: number,
        });
    }
    Ok(entries)
}
