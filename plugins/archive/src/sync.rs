//! Catching up after a new stream, and looking further back.

use crate::{
    bindings::sat::{archive::types::Progress, disco::disco},
    cursor::{self, Cursor},
    page::{self, Page},
    query::{self, Filter},
};
use sat_sdk::{Error, fail, rsm::Position, storage, xmpp};
use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// Messages of a page when catching up.
const PAGE: u32 = 100;
/// Messages to begin with, and of a look further back unless asked otherwise and at most.
const FIRST: u32 = 50;
const MAX: u32 = 200;
/// How long catching up may go on, on a new stream and when asked for. The host allows a little
/// more; who is stopped by it loses the page at hand.
pub(crate) const CONNECTED: Duration = Duration::from_secs(540);
pub(crate) const ASKED: Duration = Duration::from_secs(20);
/// What is stored in place of an id when there is nothing older.
const BEGINNING: &str = "";

thread_local! {
    /// Whether a catching up is under way.
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Catches up on a new stream. Until that is done, messages that come by themselves leave a gap.
pub(crate) async fn reconnected() -> Result<(), Error> {
    if let Some(cursor) = cursor::load().await? {
        let caught_up = false;
        cursor::store(Cursor {
            caught_up,
            ..cursor
        })
        .await?;
    }
    check_offered().await?;
    let progress = forward(CONNECTED).await?;
    if !progress.complete {
        sat_sdk::warn!("{} messages fetched, and there are more", progress.fetched);
    }
    Ok(())
}

/// Fetches what is behind the cursor, for so long at most.
pub(crate) async fn forward(time: Duration) -> Result<Progress, Error> {
    if RUNNING.replace(true) {
        fail!("conflict", "catching up is under way already");
    }
    let progress = catch_up(Instant::now() + time).await;
    RUNNING.set(false);
    progress
}

async fn catch_up(deadline: Instant) -> Result<Progress, Error> {
    let Some(mut cursor) = cursor::load().await?.filter(|c| c.id.is_some()) else {
        return newest().await;
    };
    let (mut filter, mut fetched) = (Filter::default(), 0);
    let mut after = cursor.id.clone();
    loop {
        let position = after.as_deref().map_or(Position::First, Position::After);
        let page = match page::fetch(&filter, PAGE, position).await {
            // The archive has forgotten the message at the cursor, with all before it.
            Err(e) if e.code == "item-not-found" && filter.start.is_none() => {
                if cursor.stamp.is_none() {
                    return newest().await;
                }
                filter.start.clone_from(&cursor.stamp);
                after = None;
                continue;
            }
            page => page?,
        };
        fetched += count(&page);
        let end = ends(&page, after.as_deref());
        if let Some(last) = page.fin.page.last {
            after = Some(last.clone());
            // What may still change is asked for again next time.
            if !page.fin.unstable {
                cursor = Cursor {
                    id: Some(last),
                    stamp: page.stamp.or(cursor.stamp),
                    ..cursor
                };
            }
        }
        let caught_up = end || cursor.caught_up;
        cursor::store(Cursor {
            caught_up,
            ..cursor.clone()
        })
        .await?;
        if end || Instant::now() > deadline {
            return Ok(Progress {
                fetched,
                complete: end,
            });
        }
    }
}

/// The first time, the newest messages are enough to begin with.
async fn newest() -> Result<Progress, Error> {
    let page = page::fetch(&Filter::default(), FIRST, Position::Last).await?;
    let (fetched, complete) = (count(&page), page.fin.complete);
    let cursor = Cursor {
        id: page.fin.page.last,
        stamp: page.stamp,
        caught_up: true,
    };
    cursor::store(cursor).await?;
    Ok(Progress { fetched, complete })
}

/// Fetches what is before the oldest message of a conversation that was asked for.
pub(crate) async fn backward(with: &str, limit: Option<u32>) -> Result<Progress, Error> {
    let limit = limit.unwrap_or(FIRST);
    if !(1..=MAX).contains(&limit) {
        fail!("bad-request", "`limit` is 1 to {MAX}");
    }
    check_offered().await?;
    let key = format!("oldest/{with}");
    let oldest = storage::get_text(&key).await?;
    let nothing = Progress {
        fetched: 0,
        complete: true,
    };
    let position = match oldest.as_deref() {
        Some(BEGINNING) => return Ok(nothing),
        Some(id) => Position::Before(id),
        None => Position::Last,
    };
    let filter = Filter {
        with: Some(with.into()),
        start: None,
    };
    let page = match page::fetch(&filter, limit, position).await {
        // Gone from the archive, with all before it.
        Err(e) if e.code == "item-not-found" && oldest.is_some() => {
            storage::set_text(&key, BEGINNING).await?;
            return Ok(nothing);
        }
        page => page?,
    };
    let fetched = count(&page);
    let complete = ends(&page, oldest.as_deref());
    let first = page.fin.page.first.filter(|_| !complete);
    if !page.fin.unstable {
        storage::set_text(&key, first.as_deref().unwrap_or(BEGINNING)).await?;
    }
    Ok(Progress { fetched, complete })
}

/// Whether a page is the last one. An empty page is, and one that leads nowhere, or a broken
/// archive would be asked for ever.
fn ends(page: &Page, asked_from: Option<&str>) -> bool {
    let rsm = &page.fin.page;
    page.fin.complete || rsm.last.is_none() || rsm.last.as_deref() == asked_from
}

fn count(page: &Page) -> u32 {
    u32::try_from(page.messages).unwrap_or(u32::MAX)
}

/// Whether the account has an archive (§6). Who can't find out just tries.
async fn check_offered() -> Result<(), Error> {
    match disco::has(Some(xmpp::account()), query::NS.into()).await {
        Ok(false) => fail!(
            "feature-not-implemented",
            "the server has no archive of this account"
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Fin;
    use sat_sdk::rsm;

    #[test]
    fn every_way_to_end() {
        let page = |complete, last: Option<&str>| Page {
            fin: Fin {
                page: rsm::Page {
                    last: last.map(str::to_owned),
                    ..rsm::Page::default()
                },
                complete,
                unstable: false,
            },
            messages: 0,
            stamp: None,
        };
        assert!(ends(&page(true, Some("b")), Some("a")));
        assert!(ends(&page(false, None), Some("a")));
        assert!(ends(&page(false, Some("a")), Some("a")));
        assert!(!ends(&page(false, Some("b")), Some("a")));
    }
}
