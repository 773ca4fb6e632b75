//! Makes text of others fit for a terminal: nothing in it moves the cursor, sets a title, types
//! an answer or turns the line around.

use std::{borrow::Cow, fmt::Write};

/// The text as one line. Control characters are shown as Rust writes them: `\n`, `\u{1b}`.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// The text as lines, all but the first behind an indent, so that none passes for the begin of
/// another entry.
pub(crate) fn block(text: &str, indent: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (number, part) in text.trim_end_matches('\n').split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
            out.push_str(indent);
        }
        out.push_str(&line(&part.trim_end_matches('\r').replace('\t', "    ")));
    }
    out
}

/// JSON text that is also fit for a terminal: the same value, harmful characters as `\uXXXX`.
/// JSON leaves C1 controls and the like as they are, and has them in strings only.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    // Line feeds are what pretty-printing put between values.
    let harmful = |c: char| is_harmful(c) && c != '\n';
    if !text.chars().any(harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if harmful(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn is_harmful(c: char) -> bool {
    // Besides controls: line ends that only some programs see, and what reorders text.
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_a_line() {
        for (text, expected) in [
            ("Juliet ♥ 👩‍👩‍👧", "Juliet ♥ 👩‍👩‍👧"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\x1b]0;owned\x07\x1b[2J", "\\u{1b}]0;owned\\u{7}\\u{1b}[2J"),
            ("\u{9b}31m \u{7f}\u{0}", "\\u{9b}31m \\u{7f}\\u{0}"),
            ("\u{202e}txt\u{2066}", "\\u{202e}txt\\u{2066}"),
            ("a\u{2028}b", "a\\u{2028}b"),
        ] {
            assert_eq!(line(text), expected);
        }
    }

    #[test]
    fn a_block_keeps_its_indent() {
        assert_eq!(
            block("one\r\n2026 romeo: two\x1b\n\tend\n\n", "  | "),
            "one\n  | 2026 romeo: two\\u{1b}\n  |     end"
        );
    }

    #[test]
    fn json_keeps_its_value() {
        let value = serde_json::json!({"a": "\u{9b}\u{202e}\x1b\n\u{7f}é"});
        let text = serde_json::to_string_pretty(&value).unwrap();
        let safe = json(&text);
        assert!(!safe.chars().any(|c| is_harmful(c) && c != '\n'), "{safe}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&safe).unwrap(),
            value
        );
        assert!(safe.contains('é'));
    }
}
