//! Full-text search.

use crate::{
    bindings::sat::chat::types::{Page, SearchRequest},
    history, message,
    part::{self, List},
    place, table,
};
use sat_sdk::{Error, fail, storage::Value};

/// Longest search text, in bytes, and most words or phrases in it.
const TEXT: usize = 1024;
const TERMS: usize = 32;

/// A page of what was found, newest last.
pub(crate) async fn page(request: SearchRequest) -> Result<Page, Error> {
    let limit = history::limit(request.limit)?;
    let mut values: Vec<Value> = vec![query(&request.text)?.into()];
    let mut condition = "chat__fts MATCH ?1 AND NOT m.retracted".to_owned();
    table::ready().await?;
    if let Some(with) = &request.with {
        values.push(place::normalize(with)?.into());
        condition.push_str(" AND c.peer = ?2");
    }
    if let Some(before) = &request.before {
        let (stamp, row) = table::position(message::row(before)?).await?;
        let n = values.len();
        values.extend([stamp.into(), row.into()]);
        condition.push_str(&format!(" AND (m.stamp, m.row) < (?{}, ?{})", n + 1, n + 2));
    }
    // CROSS keeps this order: the index first, not every message of a conversation.
    let tables = "chat__fts CROSS JOIN chat__message m ON m.row = chat__fts.rowid
        CROSS JOIN chat__conversation c ON c.row = m.conversation";
    let list = List {
        tables,
        condition: &condition,
        values,
        backward: true,
    };
    part::fetch(list, limit).await.map(Page::from)
}

/// The FTS5 query for what somebody typed. Every word and phrase becomes an FTS5 string, so
/// nothing in it is an operator (<https://sqlite.org/fts5.html#full_text_query_syntax>).
fn query(text: &str) -> Result<String, Error> {
    if text.len() > TEXT {
        fail!("limit-reached", "`text` has at most {TEXT} bytes");
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
        fail!("bad-request", "`text` has 1 to {TERMS} words");
    }
    let last = terms.len() - 1;
    let string = |(n, (term, word)): (usize, (&str, bool))| {
        let beginning = if word && n == last { "*" } else { "" };
        format!("\"{}\"{beginning}", term.replace('\0', " "))
    };
    let strings = terms.into_iter().enumerate().map(string);
    Ok(strings.collect::<Vec<_>>().join(" "))
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
