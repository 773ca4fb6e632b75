//! Full-text search: what somebody typed as a query of FTS5.

use crate::Error;

/// Longest search text, in bytes, and most words or phrases in it.
const TEXT: usize = 1024;
const TERMS: usize = 32;

/// The FTS5 query for what somebody typed: words, all of which must occur, the last of which may
/// be a beginning, and phrases in quotation marks. Every word and phrase becomes an FTS5 string,
/// so nothing in it is an operator (<https://sqlite.org/fts5.html#full_text_query_syntax>).
///
/// # Errors
/// `limit-reached` and `bad-request`, with what is allowed.
pub fn query(text: &str) -> Result<String, Error> {
    if text.len() > TEXT {
        return Err(Error::new(
            "limit-reached",
            format!("`text` has at most {TEXT} bytes"),
        ));
    }
    let mut terms = Vec::new();
    // Every second part is between quotation marks; a last one may not be closed yet.
    for (n, part) in text.split('"').enumerate() {
        if n % 2 == 1 {
            terms.push((part, false));
        } else {
            terms.extend(part.split_whitespace().map(|word| (word, true)));
        }
    }
    // Of signs alone FTS5 would find nothing.
    terms.retain(|(term, _)| term.contains(char::is_alphanumeric));
    if terms.is_empty() || terms.len() > TERMS {
        return Err(Error::new(
            "bad-request",
            format!("`text` has 1 to {TERMS} words"),
        ));
    }
    let last = terms.len() - 1;
    let string = |(n, (term, word)): (usize, (&str, bool))| {
        let beginning = if word && n == last { "*" } else { "" };
        format!("\"{}\"{beginning}", term.replace('\0', " "))
    };
    Ok(terms
        .into_iter()
        .enumerate()
        .map(string)
        .collect::<Vec<_>>()
        .join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_everything() {
        for (text, expected) in [
            ("wherefore art", r#""wherefore" "art"*"#),
            (r#"say "thou art" now"#, r#""say" "thou art" "now"*"#),
            (r#"now "thou art""#, r#""now" "thou art""#),
            (r#"now "thou ar"#, r#""now" "thou ar""#),
            (
                "a OR b* NEAR(c) -d ^e f:g",
                r#""a" "OR" "b*" "NEAR(c)" "-d" "^e" "f:g"*"#,
            ),
            ("hi !!! \"\" ¿", r#""hi"*"#),
            ("été\0x", r#""été x"*"#),
        ] {
            assert_eq!(query(text).unwrap(), expected);
        }
    }

    #[test]
    fn refuses_what_finds_nothing() {
        for (bad, code) in [
            ("", "bad-request"),
            (" \"", "bad-request"),
            ("!?", "bad-request"),
            (&"a ".repeat(TERMS + 1), "bad-request"),
            (&"a".repeat(TEXT + 1), "limit-reached"),
        ] {
            assert_eq!(query(bad).unwrap_err().code, code);
        }
    }
}
