//! `jp exit-codes`: the error table.

use serde_json::json;

use crate::{failure::Failure, link, output::Output, table::Table};

pub(crate) fn run(out: Output) -> Result<(), Failure> {
    let rows = link::exit_codes();
    if out.is_json() {
        let all: Vec<_> = rows
            .iter()
            .map(|row| json!({"exit": row.exit, "kind": row.kind, "about": row.about}))
            .collect();
        return out.json(&all.into());
    }
    let mut table = Table::new(&["CODE", "WORD", "MEANING"]);
    for row in rows {
        table.row([row.exit.to_string(), row.kind.to_owned(), row.about.to_owned()]);
    }
    out.table(&table, "")
}
