//! Full-text search.

use crate::{
    bindings::sat::chat::types::{Page, SearchRequest},
    history, message,
    part::{self, List},
    place, table,
};
use sat_sdk::{Error, fts, storage::Value};

/// A page of what was found, newest last.
pub(crate) async fn page(request: SearchRequest) -> Result<Page, Error> {
    let limit = history::limit(request.limit)?;
    let mut values: Vec<Value> = vec![fts::query(&request.text)?.into()];
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
