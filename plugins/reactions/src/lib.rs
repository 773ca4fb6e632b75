//! XEP-0470: Pubsub Attachments, as far as they are reactions.

mod attachments;
mod target;

use bindings::{
    exports::sat::{
        blog::events as blog_events, pubsub::events as pubsub_events, reactions::reactions,
    },
    sat::{
        blog::types::{Deletion, Entry},
        pubsub::{
            pubsub,
            types::{
                Change, FollowRequest, NodeEvent, PublishRequest, Retraction, UnfollowRequest,
            },
        },
        reactions::{
            events,
            types::{ItemRequest, ListRequest, Page, SetRequest, Summary},
        },
    },
};
use sat_sdk::{Error, datetime};
use target::Target;

/// For how long an entry is new, in milliseconds.
const FRESH: i64 = 86_400_000;
/// Attachments of a page, unless asked otherwise, and at most.
const PAGE: u32 = 20;
const MAX_PAGE: u32 = 100;

sat_sdk::plugin!(Reactions);

struct Reactions;

impl reactions::Guest for Reactions {
    async fn set(request: SetRequest) -> Result<Summary, Error> {
        let target = Target::new(request.service, request.node, request.id).await?;
        let own = target::own().await?;
        // As it is at the service: other clients attach things too.
        let old = match target
            .page(vec![own.clone()], 1, None, Some("service"))
            .await
        {
            Ok(page) => page.items.into_iter().next(),
            // There may be no node yet, which some services make by themselves.
            Err(e) if e.code == "item-not-found" => None,
            Err(e) => return Err(e),
        };
        let payload = attachments::change(
            old.as_ref().map(|item| item.payload.as_str()),
            request.noticed,
            request.reactions.as_deref(),
            &datetime::now(),
        )?;
        let item = PublishRequest {
            service: Some(target.service.clone()),
            node: target.attachments(),
            id: Some(own),
            payload,
            options: Vec::new(),
            // It would be the account's then, and not the item's owner's.
            create: Some(false),
            extra: Vec::new(),
        };
        pubsub::publish(item).await?;
        target.summary(None).await
    }

    async fn get(request: ItemRequest) -> Result<Summary, Error> {
        let target = Target::new(request.service, request.node, request.id).await?;
        target.summary(None).await
    }

    async fn list(request: ListRequest) -> Result<Page, Error> {
        let target = Target::new(request.service, request.node, request.id).await?;
        let limit = request.limit.unwrap_or(PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            let message = format!("`limit` is 1 to {MAX_PAGE}");
            return Err(Error::new("bad-request", message));
        }
        let page = target.page(Vec::new(), limit, request.before, None).await?;
        Ok(Page {
            items: page.items.iter().filter_map(attachments::read).collect(),
            first: page.first,
            last: page.last,
            complete: page.complete,
        })
    }

    async fn watch(request: ItemRequest) -> Result<Summary, Error> {
        let target = Target::new(request.service, request.node, request.id).await?;
        follow(&target).await?;
        target.summary(None).await
    }

    async fn unwatch(request: ItemRequest) -> Result<(), Error> {
        let target = Target::new(request.service, request.node, request.id).await?;
        let request = UnfollowRequest {
            node: target.attachments(),
            service: Some(target.service),
            keep: None,
            extra: Vec::new(),
        };
        pubsub::unfollow(request).await
    }

    async fn open(request: ItemRequest) -> Result<(), Error> {
        let target = Target::new(request.service, request.node, request.id).await?;
        target.open().await
    }
}

async fn follow(target: &Target) -> Result<(), Error> {
    let request = FollowRequest {
        service: Some(target.service.clone()),
        node: target.attachments(),
        extra: Vec::new(),
    };
    pubsub::follow(request).await.map(drop)
}

/// The account's new entries can be reacted to, and it hears of that.
impl blog_events::Guest for Reactions {
    async fn published(entry: Entry) {
        // Not those that an import or the first look into an old blog brings.
        let at = datetime::parse(&entry.published).unwrap_or_default();
        let is_fresh = at >= datetime::now_ms() - FRESH;
        if !is_fresh || target::own().await.ok() != Some(entry.service.clone()) {
            return;
        }
        let Entry {
            service, node, id, ..
        } = entry;
        let target = Target { service, node, id };
        let done = async {
            target.open().await?;
            follow(&target).await
        };
        if let Err(e) = done.await {
            sat_sdk::warn!("nobody can react to “{}”: {}", target.id, e.message);
        }
    }

    async fn updated(_: Entry) {}

    async fn deleted(_: Deletion) {}
}

/// What becomes of the nodes that `pubsub` keeps, as far as they have attachments.
impl pubsub_events::Guest for Reactions {
    async fn changed(e: Change) {
        tell(&e.node).await;
    }

    async fn retracted(e: Retraction) {
        tell(&e.node).await;
    }

    async fn purged(e: NodeEvent) {
        tell(&e.node).await;
    }

    async fn deleted(_: NodeEvent) {}

    async fn configured(_: NodeEvent) {}
}

/// Tells what people say of an item now.
async fn tell(node: &str) {
    let Some(target) = Target::of(node) else {
        return;
    };
    match target.summary(Some("cache")).await {
        Ok(summary) => events::changed(summary).await,
        Err(e) => sat_sdk::warn!(
            "reactions to “{}” can't be counted: {}",
            target.id,
            e.message
        ),
    }
}
