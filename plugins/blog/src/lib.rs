//! XEP-0277: Microblogging, XEP-0472: Pubsub Social Feed.
//!
//! Where the parts are: `entry` reads items, `write` writes them, `html` makes strangers' HTML
//! harmless; `publish`, `page`, `follow` and `document` are the functions; `place` is where a
//! blog is and for whom. Items come and go by the plugin `pubsub`, which also keeps them: there
//! is no storage here.

mod atom;
mod body;
mod document;
mod entry;
mod follow;
mod html;
mod page;
mod place;
mod publish;
mod write;

use bindings::{
    exports::sat::{blog::blog, pubsub::events as pubsub_events},
    sat::{
        blog::{
            events,
            types::{
                AudienceRequest, Deletion, EditRequest, Entry, EntryRequest, ExportRequest,
                Exported, FeedRequest, FollowedBlog, FollowedPage, FollowedRequest, ImportRequest,
                Imported, ListRequest, Page, PlaceRequest, PublishRequest, Published,
                RepeatRequest, SearchRequest,
            },
        },
        pubsub::types::{Change, NodeEvent, Retraction},
    },
};
use place::Place;
use sat_sdk::Error;

sat_sdk::plugin!(Blog);

struct Blog;

impl blog::Guest for Blog {
    async fn publish(request: PublishRequest) -> Result<Published, Error> {
        publish::publish(request).await
    }

    async fn edit(request: EditRequest) -> Result<Published, Error> {
        publish::edit(request).await
    }

    async fn delete(request: EntryRequest) -> Result<(), Error> {
        publish::delete(request).await
    }

    async fn repeat(request: RepeatRequest) -> Result<Published, Error> {
        publish::repeat(request).await
    }

    async fn get(request: EntryRequest) -> Result<Entry, Error> {
        page::get(request).await
    }

    async fn list(request: ListRequest) -> Result<Page, Error> {
        page::list(request).await
    }

    async fn feed(request: FeedRequest) -> Result<Page, Error> {
        page::feed(request).await
    }

    async fn search(request: SearchRequest) -> Result<Page, Error> {
        page::search(request).await
    }

    async fn follow(request: PlaceRequest) -> Result<FollowedBlog, Error> {
        follow::follow(request).await
    }

    async fn unfollow(request: PlaceRequest) -> Result<(), Error> {
        follow::unfollow(request).await
    }

    async fn followed(request: FollowedRequest) -> Result<FollowedPage, Error> {
        follow::followed(request).await
    }

    async fn set_audience(request: AudienceRequest) -> Result<(), Error> {
        let at = Place::new(request.service, request.node)?;
        at.set_audience(&request.audience).await
    }

    async fn import_atom(request: ImportRequest) -> Result<Imported, Error> {
        document::import(request).await
    }

    async fn export_atom(request: ExportRequest) -> Result<Exported, Error> {
        document::export(request).await
    }
}

/// What becomes of the nodes that `pubsub` keeps, as far as they are blogs.
impl pubsub_events::Guest for Blog {
    async fn changed(e: Change) {
        if !is_blog(&e.namespace, &e.node) {
            return;
        }
        match entry::read(&e.item, None) {
            Some(entry) if e.is_new => events::published(entry).await,
            Some(entry) => events::updated(entry).await,
            None => {}
        }
    }

    async fn retracted(e: Retraction) {
        if is_blog(&e.namespace, &e.node) {
            let (service, node, ids) = (e.service, e.node, e.ids);
            events::deleted(Deletion { service, node, ids }).await;
        }
    }

    async fn purged(e: NodeEvent) {
        emptied(e).await;
    }

    async fn deleted(e: NodeEvent) {
        emptied(e).await;
    }

    async fn configured(_: NodeEvent) {}
}

async fn emptied(e: NodeEvent) {
    if is_blog(&e.namespace, &e.node) {
        let (service, node, ids) = (e.service, e.node, Vec::new());
        events::deleted(Deletion { service, node, ids }).await;
    }
}

/// Comments are entries too, but of another plugin.
fn is_blog(namespace: &str, node: &str) -> bool {
    namespace == atom::NS && !node.starts_with(atom::COMMENTS)
}
