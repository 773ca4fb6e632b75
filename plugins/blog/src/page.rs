//! Reading blogs: one, or all that are in the cache.

use crate::{
    atom,
    bindings::sat::{
        blog::types::{Entry, EntryRequest, FeedRequest, ListRequest, Page, SearchRequest},
        pubsub::{
            pubsub,
            types::{CachedRequest, ItemsRequest, Page as Items, SearchRequest as ItemSearch},
        },
    },
    entry,
    place::Place,
};
use sat_sdk::{Error, datetime, jid};

/// Entries of a page, unless asked otherwise, and at most.
const PAGE: u32 = 20;
const MAX_PAGE: u32 = 100;
/// Pages of items that are looked through for one page of entries.
const LOOKED_THROUGH: u32 = 20;

pub(crate) async fn get(request: EntryRequest) -> Result<Entry, Error> {
    let at = Place::new(request.service, request.node)?;
    let item = at.item(&request.id, None).await?;
    let found = entry::read(&item, request.lang.as_deref());
    let mut entry = found.ok_or_else(|| {
        let message = format!("“{}” is something else than an entry", request.id);
        Error::new("item-not-found", message)
    })?;
    if at.service.is_none() {
        entry.audience = at.audience().await;
    }
    Ok(entry)
}

pub(crate) async fn list(request: ListRequest) -> Result<Page, Error> {
    let at = Place::new(request.service, request.node)?;
    let filter = Filter::new(request.tag, request.since, request.until, request.lang)?;
    let cursor = Cursor::new(request.limit, request.before, request.after)?;
    let mut page = collect(cursor, &filter, async |limit, before, after| {
        let request = ItemsRequest {
            service: at.service.clone(),
            node: at.node.clone(),
            ids: Vec::new(),
            limit: Some(limit),
            before,
            after,
            order: None,
            source: request.source.clone(),
            extra: Vec::new(),
        };
        pubsub::items(request).await
    })
    .await?;
    if at.service.is_none() && request.source.as_deref() != Some("cache") {
        let audience = at.audience().await;
        for entry in &mut page.items {
            entry.audience.clone_from(&audience);
        }
    }
    Ok(page)
}

pub(crate) async fn feed(request: FeedRequest) -> Result<Page, Error> {
    let mut filter = Filter::new(request.tag, request.since, request.until, request.lang)?;
    filter.no_comments = true;
    let cursor = Cursor::new(request.limit, request.before, request.after)?;
    collect(cursor, &filter, async |limit, before, after| {
        let request = CachedRequest {
            service: None,
            node: None,
            namespace: Some(atom::NS.into()),
            element: Some("entry".into()),
            limit: Some(limit),
            before,
            after,
            extra: Vec::new(),
        };
        pubsub::cached(request).await
    })
    .await
}

pub(crate) async fn search(request: SearchRequest) -> Result<Page, Error> {
    let service = request.service.map(|s| jid::normalize(&s)).transpose()?;
    let filter = Filter {
        no_comments: request.node.is_none(),
        ..Filter::default()
    };
    let cursor = Cursor::new(request.limit, request.before, None)?;
    collect(cursor, &filter, async |limit, before, _| {
        let request = ItemSearch {
            text: request.text.clone(),
            service: service.clone(),
            node: request.node.clone(),
            namespace: Some(atom::NS.into()),
            limit: Some(limit),
            before,
            extra: Vec::new(),
        };
        pubsub::search(request).await
    })
    .await
}

/// Where a page begins, and how long it may be.
struct Cursor {
    limit: u32,
    before: Option<String>,
    after: Option<String>,
}

impl Cursor {
    fn new(
        limit: Option<u32>,
        before: Option<String>,
        after: Option<String>,
    ) -> Result<Self, Error> {
        let limit = limit.unwrap_or(PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            let message = format!("`limit` is 1 to {MAX_PAGE}");
            return Err(Error::new("bad-request", message));
        }
        if before.is_some() && after.is_some() {
            let message = "give `before` or `after`, not both";
            return Err(Error::new("bad-request", message));
        }
        Ok(Self {
            limit,
            before,
            after,
        })
    }
}

/// Which entries are wanted.
#[derive(Default)]
struct Filter {
    tag: Option<String>,
    since: Option<i64>,
    until: Option<i64>,
    lang: Option<String>,
    no_comments: bool,
}

impl Filter {
    fn new(
        tag: Option<String>,
        since: Option<String>,
        until: Option<String>,
        lang: Option<String>,
    ) -> Result<Self, Error> {
        let moment = |text: String| {
            let message = || format!("“{text}” is no RFC 3339 time like 2026-01-31T12:00:00Z");
            datetime::parse(&text).ok_or_else(|| Error::new("bad-request", message()))
        };
        Ok(Self {
            tag: tag.map(|t| t.to_lowercase()),
            since: since.map(moment).transpose()?,
            until: until.map(moment).transpose()?,
            lang,
            no_comments: false,
        })
    }

    fn wants(&self, entry: &Entry) -> bool {
        let published = datetime::parse(&entry.published).unwrap_or_default();
        let has_tag = |tag: &String| entry.tags.iter().any(|t| t.to_lowercase() == *tag);
        let has_lang = |lang: &String| entry.languages.iter().any(|l| entry::is_kind_of(l, lang));
        self.tag.as_ref().is_none_or(has_tag)
            && self.lang.as_ref().is_none_or(has_lang)
            && self.since.is_none_or(|since| published >= since)
            && self.until.is_none_or(|until| published < until)
            && !(self.no_comments && entry.node.starts_with(atom::COMMENTS))
    }
}

/// Asks for items page by page until there are enough entries, or it was looked far enough.
async fn collect(
    cursor: Cursor,
    filter: &Filter,
    fetch: impl AsyncFn(u32, Option<String>, Option<String>) -> Result<Items, Error>,
) -> Result<Page, Error> {
    let forward = cursor.after.is_some();
    let (mut before, mut after) = (cursor.before, cursor.after);
    let mut page = Page {
        items: Vec::new(),
        first: None,
        last: None,
        complete: false,
    };
    for _ in 0..LOOKED_THROUGH {
        let missing = cursor.limit.saturating_sub(page.items.len() as u32);
        let items = fetch(missing, before.take(), after.take()).await?;
        let mut entries = Vec::new();
        for item in &items.items {
            let entry = entry::read(item, filter.lang.as_deref());
            entries.extend(entry.filter(|entry| filter.wants(entry)));
            // Strangers' HTML takes its time; waiting begins the count of it anew.
            sat_sdk::wit_bindgen::yield_async().await;
        }
        // Both directions give the newest first.
        if forward {
            entries.append(&mut page.items);
            page.first = items.first.clone().or(page.first);
            page.last = page.last.or(items.last);
        } else {
            page.first = page.first.or(items.first);
            page.last = items.last.clone().or(page.last);
        }
        if forward {
            page.items = entries;
        } else {
            page.items.append(&mut entries);
        }
        page.complete = items.complete;
        if items.complete || page.items.len() >= cursor.limit as usize {
            break;
        }
        if forward {
            after = page.first.clone();
        } else {
            before = page.last.clone();
        }
    }
    Ok(page)
}
