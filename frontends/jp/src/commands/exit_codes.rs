//! `jp exit-codes`: the error table.

use sat_client::errors::{PLUGIN, WORDS, exit};
use serde_json::json;

use crate::{failure::Failure, output::Output, table::Table};

/// Exit codes that no error word has: they arise in `jp` itself.
const OWN: [(u8, &str, &str); 4] = [
    (exit::OK, "", "It worked"),
    (exit::ERROR, "", "Something on this machine failed"),
    (exit::BAD_ARGUMENT, "", "The command line is wrong"),
    (exit::CANCELLED, "", "You said no"),
];

pub(crate) fn run(out: Output) -> Result<(), Failure> {
    let words = WORDS
        .iter()
        .chain([&PLUGIN])
        .map(|word| (word.exit, word.kind, word.meaning));
    let mut rows: Vec<_> = OWN.into_iter().chain(words).collect();
    rows.sort_by_key(|(code, _, _)| *code);
    if out.is_json() {
        let object =
            |(code, kind, meaning)| json!({"exit": code, "kind": kind, "meaning": meaning});
        return out.json(&rows.into_iter().map(object).collect());
    }
    let mut table = Table::new(&["CODE", "WORD", "MEANING"]);
    for (code, kind, meaning) in rows {
        table.row([code.to_string(), kind.to_owned(), meaning.to_owned()]);
    }
    out.table(&table, "")
}
