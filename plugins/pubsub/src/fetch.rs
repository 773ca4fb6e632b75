//! Items from services: pages where they have such, and what helps where not.

use crate::{
    answer::{self, Items},
    ask,
    cursor::Part,
    place::{Place, is_name},
    request,
    service::{self, WHOLE},
    table::NODE_ITEMS,
};
use sat_sdk::{Error, rsm::Position};
use std::{cell::RefCell, collections::BTreeMap};

/// What a service needs for all this.
const FEATURE: &str = "retrieve-items";
/// Most items that are asked for by their ids at once.
pub(crate) const BY_ID: usize = 50;

thread_local! {
    /// Whether services have the newest items on their first page.
    static DESCENDING: RefCell<BTreeMap<String, bool>> = const { RefCell::new(BTreeMap::new()) };
}

/// Items of one page, the newest first, and the cursors of its ends.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) items: Vec<answer::Item>,
    pub(crate) first: Option<String>,
    pub(crate) last: Option<String>,
    pub(crate) complete: bool,
    pub(crate) count: Option<u64>,
}

/// Forgets what was found out: services may be others after a reconnection.
pub(crate) fn forget() {
    DESCENDING.with_borrow_mut(BTreeMap::clear);
}

/// The most recent items, the oldest first as XEP-0060 §6.5.7 shows them; `cut` when there may
/// be more.
pub(crate) async fn recent(place: &Place, max: u32) -> Result<Items, Error> {
    let mut items = shrinking(place, max, |max| request::recent_items(&place.node, max)).await?;
    items.cut |= items.items.len() + items.too_long >= max as usize;
    Ok(items)
}

/// A page of a service that has pages, as it sends it.
pub(crate) async fn page(
    place: &Place,
    max: u32,
    position: Position<'_>,
    order: Option<(&str, bool)>,
) -> Result<Items, Error> {
    shrinking(place, max, |max| {
        request::item_page(&place.node, max, position, order)
    })
    .await
}

/// Asks for fewer items when the answer to the question for more was so long that its end may
/// be missing.
async fn shrinking(
    place: &Place,
    max: u32,
    question: impl Fn(u32) -> String,
) -> Result<Items, Error> {
    let mut max = max;
    loop {
        let answer = ask::get(&place.service, question(max), FEATURE).await?;
        if answer.len() < WHOLE {
            let mut items = answer::items(&answer, &place.node)?;
            items.cut |= items.items.len() >= max as usize;
            return Ok(items);
        }
        if max == 1 {
            // Longer than any payload that is kept.
            return Ok(Items {
                cut: true,
                too_long: 1,
                ..Items::default()
            });
        }
        max = (max / 4).max(1);
    }
}

/// Items by their ids; those that the service doesn't have, and those that are too long, are
/// left out.
pub(crate) async fn by_id(place: &Place, ids: &[&str]) -> Result<Vec<answer::Item>, Error> {
    let mut found = Vec::new();
    let mut waiting: Vec<&[&str]> = ids.chunks(BY_ID).rev().collect();
    while let Some(ids) = waiting.pop() {
        let question = request::items_by_id(&place.node, ids.iter().copied());
        let answer = ask::get(&place.service, question, FEATURE).await;
        let answer = match answer {
            // Some services say so of a single one, others when any is missing.
            Err(e) if e.code == "item-not-found" && ids.len() > 1 => None,
            Err(e) if e.code == "item-not-found" => continue,
            answer => Some(answer?),
        };
        match answer.filter(|a| a.len() < WHOLE) {
            Some(answer) => {
                let wanted = |item: &answer::Item| ids.contains(&item.id.as_str());
                let items = answer::items(&answer, &place.node)?.items;
                found.extend(items.into_iter().filter(wanted));
            }
            None if ids.len() > 1 => {
                let (first, second) = ids.split_at(ids.len() / 2);
                waiting.extend([second, first]);
            }
            None => {}
        }
    }
    Ok(found)
}

/// The ids of all items, the newest first, by disco#items (§5.5); none when the service can't
/// tell, or not all.
pub(crate) async fn ids(place: &Place) -> Result<Option<Vec<String>>, Error> {
    let (items, all) = match service::disco_items(&place.service, Some(&place.node)).await {
        Err(e) if matches!(&*e.code, "not-connected" | "timeout") => return Err(e),
        // Servers tell strangers nothing of an account, for example, and its nodes may be open.
        Err(_) => return Ok(None),
        Ok(items) => items,
    };
    if !all {
        return Ok(None);
    }
    let name =
        |e: &sat_sdk::xml::Element| e.attr("name").filter(|id| is_name(id)).map(str::to_owned);
    let mut ids: Vec<String> = items.iter().filter_map(name).collect();
    if ids.len() != items.len() {
        // They were no items of a node.
        return Ok(None);
    }
    if ids.len() > 1 {
        let recent = recent(place, 2).await?.items;
        let at = |n: usize| {
            let id = &recent.get(n)?.id;
            ids.iter().position(|i| i == id)
        };
        if is_ascending(at(0), at(1)) {
            ids.reverse();
        }
    }
    Ok(Some(ids))
}

/// Whether a list is in the order of time: the second newest item, then the newest.
fn is_ascending(second: Option<usize>, newest: Option<usize>) -> bool {
    matches!((second, newest), (Some(second), Some(newest)) if second < newest)
}

/// Whether a service with pages but without order-by has the newest items on the first one.
async fn is_descending(place: &Place) -> Result<bool, Error> {
    let known = DESCENDING.with_borrow(|all| all.get(&place.service).copied());
    if let Some(known) = known {
        return Ok(known);
    }
    let newest = recent(place, 1).await?;
    let first = page(place, 1, Position::First, None).await?;
    let [Some(newest), Some(first_item)] = [newest.items.last(), first.items.first()] else {
        return Ok(false);
    };
    let descending = newest.id == first_item.id;
    if first.page.count.is_some_and(|n| n > 1) {
        DESCENDING.with_borrow_mut(|all| all.insert(place.service.clone(), descending));
    }
    Ok(descending)
}

/// A part of a node's items. `order` is `creation` or `modification`, if somebody asked for one.
pub(crate) async fn part(
    place: &Place,
    part: Part<String>,
    limit: u32,
    order: Option<&str>,
) -> Result<Page, Error> {
    let features = service::features(&place.service).await;
    let has = |word: &str| features.iter().any(|f| f == word);
    if order == Some("creation") && !has("order-by") {
        return Err(ask::unsupported(&place.service, "order-by"));
    }
    if !has("rsm") {
        return without_pages(place, part, limit).await;
    }
    let order = has("order-by").then(|| (order.unwrap_or("modification"), true));
    let descending = order.is_some() || is_descending(place).await?;
    let position = match (&part, descending) {
        (Part::Newest, true) => Position::First,
        (Part::Newest, false) => Position::Last,
        (Part::Older(cursor), true) | (Part::Newer(cursor), false) => Position::After(cursor),
        (Part::Older(cursor), false) | (Part::Newer(cursor), true) => Position::Before(cursor),
    };
    let items = page(place, limit, position, order).await?;
    let from_end = matches!(position, Position::Last | Position::Before(_));
    Ok(cut(items, limit as usize, descending, from_end))
}

/// Makes a page of what a service with pages has sent. One that sends more than was asked for is
/// cut to what was, at the side that was.
fn cut(items: Items, limit: usize, descending: bool, from_end: bool) -> Page {
    let Items {
        mut items,
        page,
        too_long,
        ..
    } = items;
    let surplus = items.len().saturating_sub(limit);
    let all = page
        .count
        .is_some_and(|n| n == (items.len() + too_long) as u64);
    let complete = surplus == 0 && (items.len() + too_long < limit || all);
    let (mut first, mut last) = (page.first, page.last);
    if surplus > 0 {
        if from_end {
            items.drain(..surplus);
            first = None;
        } else {
            items.truncate(limit);
            last = None;
        }
    }
    let id = |item: Option<&answer::Item>| item.map(|i| i.id.clone());
    first = first.or_else(|| id(items.first()));
    last = last.or_else(|| id(items.last()));
    if !descending {
        items.reverse();
        std::mem::swap(&mut first, &mut last);
    }
    Page {
        items,
        first,
        last,
        complete,
        count: page.count,
    }
}

/// Where a service has no pages: the newest items by `max_items`, others by their ids. Cursors
/// are the items' ids.
async fn without_pages(place: &Place, part: Part<String>, limit: u32) -> Result<Page, Error> {
    if part == Part::Newest {
        let items = recent(place, limit.saturating_add(1)).await?;
        let complete = !items.cut;
        return Ok(Page {
            complete,
            ..cut(items, limit as usize, false, true)
        });
    }
    let Some(ids) = ids(place).await? else {
        return of_all(all(place).await?, &part, limit as usize)?
            .ok_or_else(|| ask::unsupported(&place.service, "rsm"));
    };
    let (window, complete) = window(&ids, &part, limit as usize)?;
    let wanted: Vec<&str> = window.iter().map(String::as_str).collect();
    let mut items = by_id(place, &wanted).await?;
    items.sort_by_key(|item| wanted.iter().position(|id| *id == item.id));
    Ok(Page {
        first: window.first().cloned(),
        last: window.last().cloned(),
        items,
        complete,
        count: Some(ids.len() as u64),
    })
}

/// All items at once, the oldest first, or so many as come in one answer.
pub(crate) async fn all(place: &Place) -> Result<Items, Error> {
    recent(place, NODE_ITEMS as u32).await
}

/// The part of all items, if those are all.
fn of_all(all: Items, part: &Part<String>, limit: usize) -> Result<Option<Page>, Error> {
    if all.cut {
        return Ok(None);
    }
    let mut items = all.items;
    items.reverse();
    let ids: Vec<String> = items.iter().map(|i| i.id.clone()).collect();
    let (window, complete) = window(&ids, part, limit)?;
    items.retain(|item| window.contains(&item.id));
    Ok(Some(Page {
        first: window.first().cloned(),
        last: window.last().cloned(),
        items,
        complete,
        count: Some(ids.len() as u64),
    }))
}

/// The part of a list of ids, the newest first, and whether there is nothing further.
fn window<'a>(
    ids: &'a [String],
    part: &Part<String>,
    limit: usize,
) -> Result<(&'a [String], bool), Error> {
    let at = |cursor: &String| {
        let found = ids.iter().position(|id| id == cursor);
        found.ok_or_else(|| {
            Error::new(
                "item-not-found",
                format!("the node has no item “{cursor}” any more: begin with the newest page"),
            )
        })
    };
    let (from, to) = match part {
        Part::Newest => (0, limit.min(ids.len())),
        Part::Older(cursor) => {
            let from = at(cursor)? + 1;
            (from, (from + limit).min(ids.len()))
        }
        Part::Newer(cursor) => {
            let to = at(cursor)?;
            (to.saturating_sub(limit), to)
        }
    };
    let complete = match part {
        Part::Newer(_) => from == 0,
        _ => to == ids.len(),
    };
    Ok((ids.get(from..to).unwrap_or_default(), complete))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sat_sdk::rsm;

    fn items(ids: &str, page: rsm::Page) -> Items {
        let item = |id: char| answer::Item {
            id: id.into(),
            ..answer::Item::default()
        };
        Items {
            items: ids.chars().map(item).collect(),
            page,
            ..Items::default()
        }
    }

    fn ends(first: &str, last: &str, count: u64) -> rsm::Page {
        rsm::Page {
            first: Some(first.into()),
            last: Some(last.into()),
            count: Some(count),
            ..rsm::Page::default()
        }
    }

    fn ids(page: &Page) -> String {
        page.items.iter().map(|i| i.id.as_str()).collect()
    }

    #[test]
    fn pages_are_newest_first() {
        // XEP-0413 §4.5: the first page by descending creation.
        let page = cut(items("DC", ends("D", "C", 4)), 2, true, false);
        assert_eq!((ids(&page).as_str(), page.complete), ("DC", false));
        assert_eq!(page.last.as_deref(), Some("C"));
        // The last page of a service with the oldest items first.
        let page = cut(items("CD", ends("r3", "r4", 4)), 2, false, true);
        assert_eq!(ids(&page), "DC");
        assert_eq!(
            (page.first.as_deref(), page.last.as_deref()),
            (Some("r4"), Some("r3"))
        );
        assert!(cut(items("AB", ends("A", "B", 2)), 2, true, false).complete);
        assert!(cut(items("A", rsm::Page::default()), 2, true, false).complete);
    }

    #[test]
    fn who_sends_all_is_cut() {
        let page = cut(items("ABCD", rsm::Page::default()), 2, false, true);
        assert_eq!((ids(&page).as_str(), page.complete), ("DC", false));
        assert_eq!(
            (page.first.as_deref(), page.last.as_deref()),
            (Some("D"), Some("C"))
        );
        let page = cut(items("DCBA", ends("D", "A", 4)), 2, true, false);
        assert_eq!(
            (ids(&page).as_str(), page.last.as_deref()),
            ("DC", Some("C"))
        );
    }

    #[test]
    fn windows_of_ids() {
        let ids: Vec<String> = ["e", "d", "c", "b", "a"].map(str::to_owned).into();
        let window = |part| window(&ids, &part, 2).map(|(w, c)| (w.concat(), c));
        assert_eq!(window(Part::Newest).unwrap(), ("ed".into(), false));
        assert_eq!(
            window(Part::Older("d".into())).unwrap(),
            ("cb".into(), false)
        );
        assert_eq!(window(Part::Older("b".into())).unwrap(), ("a".into(), true));
        assert_eq!(
            window(Part::Older("a".into())).unwrap(),
            (String::new(), true)
        );
        assert_eq!(
            window(Part::Newer("b".into())).unwrap(),
            ("dc".into(), false)
        );
        assert_eq!(window(Part::Newer("d".into())).unwrap(), ("e".into(), true));
        let gone = window(Part::Older("x".into())).unwrap_err();
        assert_eq!(gone.code, "item-not-found");
    }

    #[test]
    fn order_of_ids() {
        assert!(is_ascending(Some(0), Some(1)));
        assert!(!is_ascending(Some(1), Some(0)));
        assert!(!is_ascending(None, Some(0)));
    }
}
