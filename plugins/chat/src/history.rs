//! Reading conversations.

use crate::{
    bindings::sat::chat::{
        events,
        types::{Conversation, HistoryRequest, Message, Page, ReadMark},
    },
    message,
    part::{self, List, Part},
    place, table,
};
use sat_sdk::{
    Error, fail,
    storage::{self, Params, Value},
};
use std::collections::BTreeMap;

/// Messages of a page, unless asked otherwise, and at most.
const PAGE: u32 = 50;
const MAX_PAGE: u32 = 200;
/// Conversations of a page, at most.
const CONVERSATIONS: u32 = 100;

/// A page of a conversation.
pub(crate) async fn page(request: HistoryRequest) -> Result<Page, Error> {
    let limit = limit(request.limit)?;
    let with = place::normalize(&request.with)?;
    let backward = request.after.is_none();
    let cursor = match (request.before, request.after) {
        (Some(_), Some(_)) => fail!("bad-request", "give `before` or `after`, not both"),
        (before, after) => before.or(after),
    };
    table::ready().await?;
    let mut values: Vec<Value> = vec![with.into()];
    let mut condition = "c.peer = ?1".to_owned();
    if let Some(cursor) = cursor {
        let (stamp, row) = table::position(message::row(&cursor)?).await?;
        values.extend([stamp.into(), row.into()]);
        let side = if backward { "<" } else { ">" };
        condition.push_str(&format!(" AND (m.stamp, m.row) {side} (?2, ?3)"));
    }
    let list = List {
        tables: table::MESSAGES,
        condition: &condition,
        values,
        backward,
    };
    part::fetch(list, limit).await.map(Page::from)
}

impl From<Part> for Page {
    fn from(part: Part) -> Self {
        let id = |message: Option<&Message>| message.map(|m| m.id.clone());
        Self {
            first: id(part.messages.first()),
            last: id(part.messages.last()),
            items: part.messages,
            complete: part.complete,
        }
    }
}

/// How many messages a page may have.
pub(crate) fn limit(asked: Option<u32>) -> Result<u32, Error> {
    match asked.unwrap_or(PAGE) {
        limit @ 1..=MAX_PAGE => Ok(limit),
        _ => fail!("bad-request", "`limit` is 1 to {MAX_PAGE}"),
    }
}

/// Conversations, the one with the newest message first.
pub(crate) async fn conversations(
    limit: Option<u32>,
    before: Option<String>,
) -> Result<Vec<Conversation>, Error> {
    let limit = limit.unwrap_or(CONVERSATIONS).min(CONVERSATIONS);
    table::ready().await?;
    let (mut condition, mut values) = ("1", Vec::new());
    if let Some(before) = before {
        condition = "(m.stamp, m.row) < (?1, ?2)";
        values = last(&place::normalize(&before)?).await?.values();
    }
    let list = List {
        tables: "chat__conversation c JOIN chat__message m ON m.row = c.last_row",
        condition,
        values,
        backward: true,
    };
    let part = part::fetch(list, limit).await?;
    let unread = unread(&part.messages).await?;
    let conversation = |last: Message| Conversation {
        kind: last.kind.clone(),
        with: last.with.clone(),
        unread: unread.get(&last.with).copied().unwrap_or(0),
        last: Some(last),
    };
    Ok(part.messages.into_iter().rev().map(conversation).collect())
}

/// Messages of a conversation `c` that came behind its read mark.
const UNREAD: &str = "(SELECT count(*) FROM chat__message u WHERE u.conversation = c.row
    AND (u.stamp, u.row) > (c.read_stamp, c.read_row) AND NOT u.out)";

/// How many messages are unread in the conversations of these messages.
async fn unread(messages: &[Message]) -> Result<BTreeMap<String, u32>, Error> {
    let places = vec!["?"; messages.len()].join(", ");
    let select =
        format!("SELECT c.peer, {UNREAD} FROM chat__conversation c WHERE c.peer IN ({places})");
    let peers: Vec<Value> = messages.iter().map(|m| (&m.with).into()).collect();
    Ok(storage::select(&select, peers).await?.into_iter().collect())
}

/// One message.
pub(crate) async fn get(id: &str) -> Result<Message, Error> {
    table::ready().await?;
    match table::select("m.row = ?1", (message::row(id)?,))
        .await?
        .pop()
    {
        Some(stored) => Ok(stored.message),
        None => fail!("item-not-found", "there is no message “{id}”"),
    }
}

/// Moves the read mark of a conversation forward; says how many messages it passed.
pub(crate) async fn mark_read(with: &str, up_to: Option<&str>) -> Result<u32, Error> {
    let with = place::normalize(with)?;
    table::ready().await?;
    let newest = last(&with).await?;
    let (stamp, row) = match up_to {
        Some(id) => within(&with, message::row(id)?).await?,
        None => newest,
    };
    // Behind the mark as it is, and behind the later one of it and the new one.
    let select = format!(
        "SELECT {UNREAD}, (SELECT count(*) FROM chat__message u WHERE u.conversation = c.row
            AND (u.stamp, u.row) > (c.read_stamp, c.read_row) AND (u.stamp, u.row) > (?2, ?3)
            AND NOT u.out)
        FROM chat__conversation c WHERE c.peer = ?1"
    );
    let counts = storage::select_one(&select, (&with, stamp, row)).await?;
    let (before, unread): (u32, u32) = counts.unwrap_or_default();
    if before > unread {
        let (mark, up_to) = (table::mark_read(&with, stamp, row), message::id(row));
        events::read(ReadMark {
            with,
            up_to,
            unread,
        })
        .await;
        storage::run(vec![mark]).await?;
    }
    Ok(before.saturating_sub(unread))
}

/// Where the last message of a conversation is; `item-not-found` without such a conversation.
async fn last(with: &str) -> Result<(i64, i64), Error> {
    let select = "SELECT last_stamp, last_row FROM chat__conversation WHERE peer = ?1";
    match storage::select_one(select, (with,)).await? {
        Some(place) => Ok(place),
        None => fail!("item-not-found", "there is no conversation with {with}"),
    }
}

/// Where a message of a conversation is; `item-not-found` when it is in another one.
async fn within(with: &str, row: i64) -> Result<(i64, i64), Error> {
    let select = "SELECT m.stamp, m.row FROM chat__message m
        JOIN chat__conversation c ON c.row = m.conversation WHERE m.row = ?1 AND c.peer = ?2";
    if let Some(place) = storage::select_one(select, (row, with)).await? {
        return Ok(place);
    }
    let id = message::id(row);
    fail!(
        "item-not-found",
        "the conversation with {with} has no message “{id}”"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        assert_eq!(limit(None).unwrap(), PAGE);
        assert_eq!(limit(Some(200)).unwrap(), 200);
        for bad in [0, 201] {
            assert_eq!(limit(Some(bad)).unwrap_err().code, "bad-request");
        }
    }
}
