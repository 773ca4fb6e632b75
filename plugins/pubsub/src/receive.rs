//! Notifications that come.

use crate::{
    answer::{self, Items},
    fetch, follow,
    notification::{self, Reason, Speaker, What},
    place::Place,
    store::{self, Fate, Source},
    table,
};
use sat_sdk::{Error, Header, datetime, xml, xmpp};

/// Items without payload in one notification that are fetched.
const FETCHED: usize = fetch::BY_ID;

/// Takes a notification in, if it counts.
pub(crate) async fn message(header: &Header, payload: &str) -> Result<(), Error> {
    let account = xmpp::account();
    let speaker = Speaker {
        from: header.from.as_deref(),
        account: &account,
        kind: header.peer_kind,
        via: header.via,
    };
    let Some(service) = speaker.service() else {
        return Ok(());
    };
    let Some((node, what)) = notification::read(&xml::parse(payload)?) else {
        return Ok(());
    };
    let place = Place {
        service: service.to_owned(),
        node,
    };
    let known = table::node(&place).await?.map(|n| n.reason);
    let Some(reason) = speaker.reason(known, follow::is_wanted(&place.node)) else {
        return Ok(());
    };
    match what {
        What::Items { items, retracted } => {
            items_came(&place, reason, header, items).await?;
            if !retracted.is_empty() {
                store::retract(&place, &retracted).await?;
            }
            Ok(())
        }
        What::Purged => store::node(&place, &Fate::Purged).await,
        What::Deleted { redirect } => store::node(&place, &Fate::Deleted { redirect }).await,
        What::Configured { options } => store::node(&place, &Fate::Configured { options }).await,
    }
}

async fn items_came(
    place: &Place,
    reason: Reason,
    header: &Header,
    items: Items,
) -> Result<(), Error> {
    if items.too_long > 0 {
        sat_sdk::warn!(
            "{} items of {} at {} are too long to be kept",
            items.too_long,
            place.node,
            place.service
        );
    }
    let mut items = items.items;
    complete(place, &mut items).await;
    let source = Source {
        reason,
        stamp: answer::delay(&header.stamp).unwrap_or_else(datetime::now_ms),
        asked_at: None,
    };
    store::take(place, &items, source).await.map(drop)
}

/// Fetches payloads that the node is configured not to send (§7.1.2.2).
async fn complete(place: &Place, items: &mut [answer::Item]) {
    let bare = |item: &&mut answer::Item| item.payload.text.is_empty();
    let ids: Vec<String> = items
        .iter_mut()
        .filter(bare)
        .map(|i| i.id.clone())
        .take(FETCHED)
        .collect();
    if ids.is_empty() {
        return;
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    match fetch::by_id(place, &ids).await {
        Ok(found) => {
            for new in found {
                for item in items.iter_mut().filter(|i| i.id == new.id) {
                    *item = new.clone();
                }
            }
        }
        Err(e) => sat_sdk::warn!(
            "items of {} came without payload: {}",
            place.node,
            e.message
        ),
    }
}
