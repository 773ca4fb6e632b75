//! Parts of long lists of messages.

use crate::{
    bindings::sat::chat::types::Message,
    table::{COLUMNS, Columns, stored},
};
use sat_sdk::{
    Error,
    storage::{self, Statement, Value, sql},
};

/// Characters of bodies and extras in one page: with a last long message and at four bytes each
/// still within the host's 4 MiB for a result.
const PAGE_CHARACTERS: u32 = 512 << 10;

/// A part of a list of messages, in the order in which they were sent.
pub(crate) struct Part {
    pub(crate) messages: Vec<Message>,
    /// Whether the list ends here.
    pub(crate) complete: bool,
}

/// What a part is taken from.
pub(crate) struct List<'a> {
    /// The joined tables, among them `m`.
    pub(crate) tables: &'a str,
    /// What selects from them.
    pub(crate) condition: &'a str,
    pub(crate) values: Vec<Value>,
    /// From its newest end backward, or from its oldest forward.
    pub(crate) backward: bool,
}

/// Up to `limit` messages from one end of a list, fewer if they are long.
pub(crate) async fn fetch(list: List<'_>, limit: u32) -> Result<Part, Error> {
    let backward = list.backward;
    let Statement { sql, params } = statement(list, limit);
    let rows: Vec<Columns> = storage::select(&sql, params).await?;
    let total = rows.first().map_or(0, |row| row.18);
    let limit = limit as usize;
    // One more than asked for tells that there is more.
    let complete = rows.len() <= limit && rows.len() == total as usize;
    let skip = if backward {
        rows.len().saturating_sub(limit)
    } else {
        0
    };
    let messages = rows.into_iter().map(|row| stored(row).message);
    Ok(Part {
        messages: messages.skip(skip).take(limit).collect(),
        complete,
    })
}

fn statement(list: List<'_>, limit: u32) -> Statement {
    let List {
        tables,
        condition,
        values,
        backward,
    } = list;
    let order = if backward { "DESC" } else { "ASC" };
    let more = limit.saturating_add(1);
    let select = format!(
        "SELECT {COLUMNS}, part.total FROM (
            SELECT row, size, count(*) OVER () AS total,
                sum(size) OVER (ORDER BY stamp {order}, row {order}) AS until
            FROM (
                SELECT m.row, m.stamp, length(m.body) + coalesce((SELECT sum(length(value))
                    FROM chat__extra WHERE message = m.row), 0) AS size
                FROM {tables} WHERE {condition}
                ORDER BY m.stamp {order}, m.row {order} LIMIT {more}
            )
        ) part JOIN chat__message m ON m.row = part.row
        JOIN chat__conversation c ON c.row = m.conversation
        WHERE part.until - part.size < {PAGE_CHARACTERS}
        ORDER BY m.stamp, m.row"
    );
    sql(&select, values)
}
