//! Publishing, and taking back.

use crate::{
    answer::{self, Item},
    ask,
    bindings::sat::pubsub::types::{
        NewItem, PublishManyRequest, PublishRequest, Published, PublishedMany, Refused,
        RetractRequest,
    },
    form,
    join::join,
    notification::Reason,
    owner,
    payload::Payload,
    place::{self, Place},
    request, service,
    store::{self, Source},
    table,
};
use sat_sdk::{Error, datetime, random, xmpp};

/// Most items that are published, or taken back, by one call.
const MANY: usize = 500;
/// Bytes of payloads that one call publishes.
const MANY_BYTES: usize = 8 << 20;
/// Questions to a service that are under way at the same time.
const WIDTH: usize = 10;

/// What the node shall be like.
struct Wish {
    options: Vec<(String, String)>,
    create: bool,
}

/// Publishes one item.
pub(crate) async fn publish(request: PublishRequest) -> Result<Published, Error> {
    let place = Place::new(request.service.as_deref(), &request.node)?;
    let item = new_item(request.id, &request.payload)?;
    let wish = Wish {
        options: request.options,
        create: request.create != Some(false),
    };
    form::check(&wish.options)?;
    let id = insist(&place, &item, &wish).await?;
    let item = Item { id, ..item };
    keep(&place, std::slice::from_ref(&item)).await;
    Ok(Published { id: item.id })
}

/// Publishes several items: the first one alone, since it may have to create the node.
pub(crate) async fn publish_many(request: PublishManyRequest) -> Result<PublishedMany, Error> {
    let place = Place::new(request.service.as_deref(), &request.node)?;
    let bytes: usize = request.items.iter().map(|i| i.payload.len()).sum();
    if request.items.len() > MANY || bytes > MANY_BYTES {
        return Err(Error::new(
            "limit-reached",
            format!("`items` has at most {MANY} items with {MANY_BYTES} bytes of payloads"),
        ));
    }
    let wish = Wish {
        options: request.options,
        create: request.create != Some(false),
    };
    form::check(&wish.options)?;
    let read = |NewItem { id, payload }: NewItem| new_item(id, &payload);
    let items: Vec<Item> = request
        .items
        .into_iter()
        .map(read)
        .collect::<Result<_, _>>()?;
    let Some((first, rest)) = items.split_first() else {
        return Ok(PublishedMany {
            ids: Vec::new(),
            failed: Vec::new(),
        });
    };
    let mut results = vec![Ok(insist(&place, first, &wish).await?)];
    let others = rest.iter().map(|item| once(&place, item, &[]));
    results.extend(join(WIDTH, others).await);
    let mut published = Vec::new();
    let mut failed = Vec::new();
    for ((index, item), result) in (0u32..).zip(items).zip(results) {
        match result {
            Ok(id) => published.push(Item { id, ..item }),
            Err(Error { code, message }) => failed.push(Refused {
                index,
                code,
                message,
            }),
        }
    }
    keep(&place, &published).await;
    Ok(PublishedMany {
        ids: published.into_iter().map(|item| item.id).collect(),
        failed,
    })
}

fn new_item(id: Option<String>, payload: &str) -> Result<Item, Error> {
    // With an id of ours a publication can be repeated without being published twice.
    let id = id.unwrap_or_else(random::id);
    place::name("id", &id)?;
    Ok(Item {
        id,
        publisher: None,
        payload: Payload::read(payload)?,
        stamp: None,
    })
}

/// Publishes an item, and makes the node what it shall be like where that is needed.
async fn insist(place: &Place, item: &Item, wish: &Wish) -> Result<String, Error> {
    let options = wish.options.as_slice();
    // Who doesn't know these options ignores them, and would show to all what is for few.
    let adapts = options.is_empty() || service::has(&place.service, "publish-options").await;
    if !adapts {
        prepare(place, wish).await?;
        return once(place, item, &[]).await;
    }
    let first = match once(place, item, options).await {
        // `node-full` is a conflict too (§7.1.3.4), but can't be mended by a configuration that
        // doesn't say so.
        Err(e) if e.code == "conflict" && !options.is_empty() => {
            owner::set_configuration(place, options)
                .await
                .map_err(|e| unmet(place, &e))?;
            once(place, item, options).await
        }
        Err(e) if e.code == "item-not-found" && wish.create => {
            create(place, options).await?;
            once(place, item, options).await
        }
        done => done,
    };
    first.map_err(|e| match e.code.as_str() {
        "conflict" if !options.is_empty() => unmet(place, &e),
        _ => e,
    })
}

/// Makes the node what it shall be like before something is published to it.
async fn prepare(place: &Place, wish: &Wish) -> Result<(), Error> {
    if wish.create {
        match owner::create(&place.service, Some(&place.node), &wish.options).await {
            Err(e) if e.code == "conflict" => {}
            done => return done.map(drop),
        }
    }
    owner::set_configuration(place, &wish.options)
        .await
        .map_err(|e| unmet(place, &e))
}

/// Creates a node; that somebody else just did is fine.
async fn create(place: &Place, options: &[(String, String)]) -> Result<(), Error> {
    match owner::create(&place.service, Some(&place.node), options).await {
        Err(e) if e.code == "conflict" => Ok(()),
        done => done.map(drop),
    }
}

fn unmet(place: &Place, why: &Error) -> Error {
    Error::new(
        "precondition-not-met",
        format!(
            "the node “{}” of {} is not as `options` says, and can't be made so: {}: {}",
            place.node, place.service, why.code, why.message
        ),
    )
}

async fn once(place: &Place, item: &Item, options: &[(String, String)]) -> Result<String, Error> {
    let question = request::publish(&place.node, &item.id, &item.payload.text, options);
    let answer = ask::set(&place.service, question, "publish").await?;
    Ok(answer::published(&answer).unwrap_or_else(|| item.id.clone()))
}

/// Puts own items into the cache, where their node belongs there. They are published already, so
/// what goes wrong here is no error of the call.
async fn keep(place: &Place, items: &[Item]) {
    if let Err(e) = try_keep(place, items).await {
        sat_sdk::warn!("published, but not in the cache yet: {}", e.message);
    }
}

async fn try_keep(place: &Place, items: &[Item]) -> Result<(), Error> {
    let account = xmpp::account();
    let node = table::node(place).await?;
    let followed = node.is_some_and(|n| matches!(n.reason, Reason::Follow | Reason::Own));
    if !followed && place.service != account {
        return Ok(());
    }
    let items: Vec<Item> = items
        .iter()
        .map(|item| Item {
            publisher: Some(account.clone()),
            ..item.clone()
        })
        .collect();
    let source = Source {
        reason: Reason::Own,
        stamp: datetime::now_ms(),
        asked_at: None,
    };
    store::take(place, &items, source).await.map(drop)
}

/// Takes items back.
pub(crate) async fn retract(request: RetractRequest) -> Result<(), Error> {
    let place = Place::new(request.service.as_deref(), &request.node)?;
    let ids = request.ids;
    if ids.len() > MANY {
        return Err(Error::new(
            "limit-reached",
            format!("`ids` has at most {MANY} ids"),
        ));
    }
    for id in &ids {
        place::name("ids", id)?;
    }
    let notify = request.notify != Some(false);
    let questions = ids.iter().map(|id| {
        let question = request::retract(&place.node, id, notify);
        ask::set(&place.service, question, "retract-items")
    });
    let mut gone = Vec::new();
    let mut failed = None;
    for (id, result) in ids.iter().zip(join(WIDTH, questions).await) {
        match result {
            Err(e) if e.code != "item-not-found" => failed = failed.or(Some(e)),
            _ => gone.push(id.clone()),
        }
    }
    if !gone.is_empty() {
        store::retract(&place, &gone).await?;
    }
    failed.map_or(Ok(()), Err)
}
