//! Pages of long lists (XEP-0059: Result Set Management).

use crate::{Error, stanza::tag, xml::Element};

const NS: &str = "http://jabber.org/protocol/rsm";

/// Where a page begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position<'a> {
    /// The first page.
    First,
    /// The page behind the item with this id.
    After(&'a str),
    /// The page before the item with this id.
    Before(&'a str),
    /// The last page.
    Last,
    /// The page that begins with the item of this number, from 0 (§2.6). Not every service can.
    Index(u64),
}

/// The `<set/>` that asks for a page of at most `max` items; of none, which asks how many there
/// are (§2.7).
pub fn request(max: u32, position: Position<'_>) -> String {
    let set = tag("set").ns(NS).field("max", &max.to_string());
    match position {
        Position::First => set,
        Position::After(id) => set.field("after", id),
        Position::Before(id) => set.field("before", id),
        Position::Last => set.child(tag("before")),
        Position::Index(n) => set.field("index", &n.to_string()),
    }
    .into()
}

/// What an answer says of its page.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Page {
    /// Id of its first item; none when the page is empty.
    pub first: Option<String>,
    /// Number of its first item, from 0, if the answer says so.
    pub index: Option<u64>,
    /// Id of its last item; none when the page is empty.
    pub last: Option<String>,
    /// How many items there are on all pages, if the answer says so. May be an estimate.
    pub count: Option<u64>,
}

/// The page that the `<set/>` in `answer` describes; an empty one when there is none.
pub fn page(answer: &Element) -> Page {
    let Some(set) = answer.get_child("set", NS) else {
        return Page::default();
    };
    let text = |name| {
        set.get_child(name, NS)
            .map(Element::text)
            .filter(|text| !text.is_empty())
    };
    let first = set.get_child("first", NS);
    Page {
        first: text("first"),
        index: first.and_then(|f| f.attr("index")?.trim().parse().ok()),
        last: text("last"),
        count: text("count").and_then(|n| n.trim().parse().ok()),
    }
}

/// A list that was read page by page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pages<T> {
    /// The items, from the first on.
    pub items: Vec<T>,
    /// Whether that is all of them.
    pub complete: bool,
}

/// Reads a list from its beginning, in pages of `max` items, until its end or until there are
/// `limit` of them. `ask` gets the `<set/>` to put into the question, and returns the items of
/// the answer and its page.
///
/// A service that doesn't know pages answers with everything: then that is the list.
pub async fn all<T>(
    max: u32,
    limit: usize,
    mut ask: impl AsyncFnMut(String) -> Result<(Vec<T>, Page), Error>,
) -> Result<Pages<T>, Error> {
    let mut items = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let position = after.as_deref().map_or(Position::First, Position::After);
        let (mut more, page) = ask(request(max, position)).await?;
        // The count may be an estimate, so the end is what has nothing behind it. A page that
        // leads nowhere would be asked for again and again.
        let complete = more.is_empty() || page.last.is_none() || page.last == after;
        items.append(&mut more);
        if complete || items.len() >= limit {
            let complete = complete && items.len() <= limit;
            items.truncate(limit);
            return Ok(Pages { items, complete });
        }
        after = page.last;
    }
}

#[cfg(test)]
mod tests;
