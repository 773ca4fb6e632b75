//! Comments on entries of blogs (XEP-0277 §4).
//!
//! A comment is an entry in a node of its own, so `blog` reads and writes it; here is what
//! connects them with what they comment.

mod place;
mod watch;

use bindings::{
    exports::sat::{
        blog::events as blog_events, comments::comments, pubsub::events as pubsub_events,
    },
    sat::{
        blog::{
            blog,
            types::{
                Deletion as BlogDeletion, Entry, EntryRequest, ListRequest as EntriesRequest,
                PublishRequest,
            },
        },
        comments::{
            events,
            types::{
                AddRequest, Added, Author, Comment, DeleteRequest, Deletion, ListRequest, Page,
                Place as Replies, WatchRequest, Watched, WatchedPage, WatchedRequest,
            },
        },
        pubsub::types::{Change, NodeEvent, Retraction},
    },
};
use place::Place;
use sat_sdk::{Error, datetime};

/// For how long an entry is new, in milliseconds.
const FRESH: i64 = 86_400_000;

sat_sdk::plugin!(Comments);

struct Comments;

impl comments::Guest for Comments {
    async fn add(request: AddRequest) -> Result<Added, Error> {
        let at = Place::find(request.service, request.node, request.id).await?;
        // Who doesn't own the node is not its judge: it is as its owner made it.
        let service = match at.service {
            Some(service) => service,
            None => place::own().await?,
        };
        let entry = PublishRequest {
            service: Some(service),
            node: Some(at.node),
            id: None,
            title: None,
            body: request.body,
            format: request.format,
            tags: Vec::new(),
            lang: request.lang,
            attachments: Vec::new(),
            name: request.name,
            audience: None,
            comments: None,
            extra: Vec::new(),
        };
        let done = blog::publish(entry).await?;
        let (service, node, id) = (done.service, done.node, done.id);
        Ok(Added { service, node, id })
    }

    async fn list(request: ListRequest) -> Result<Page, Error> {
        let at = Place::find(request.service, request.node, request.id).await?;
        let entries = EntriesRequest {
            service: at.service,
            node: Some(at.node),
            tag: None,
            since: None,
            until: None,
            lang: None,
            limit: request.limit,
            before: request.before,
            after: request.after,
            source: None,
            extra: Vec::new(),
        };
        let page = blog::list(entries).await?;
        Ok(Page {
            items: page.items.into_iter().map(Comment::from).collect(),
            first: page.first,
            last: page.last,
            complete: page.complete,
        })
    }

    async fn delete(request: DeleteRequest) -> Result<(), Error> {
        let entry = EntryRequest {
            service: request.service,
            node: Some(request.node),
            id: request.id,
            lang: None,
            extra: Vec::new(),
        };
        blog::delete(entry).await
    }

    async fn watch(request: WatchRequest) -> Result<Watched, Error> {
        watch::watch(Place::find(request.service, request.node, request.id).await?).await
    }

    async fn unwatch(request: WatchRequest) -> Result<(), Error> {
        watch::unwatch(Place::find(request.service, request.node, request.id).await?).await
    }

    async fn watching(request: WatchedRequest) -> Result<WatchedPage, Error> {
        watch::watching(request).await
    }
}

/// What others say about the account's entries is kept without being asked for.
impl blog_events::Guest for Comments {
    async fn published(entry: Entry) {
        // Not those that an import or the first look into an old blog brings.
        let at = datetime::parse(&entry.published).unwrap_or_default();
        if at < datetime::now_ms() - FRESH {
            return;
        }
        let Ok(own) = place::own().await else {
            return;
        };
        // Of the account's own nodes only: an entry can link anything.
        for at in entry.comments.into_iter().filter(|at| at.service == own) {
            let followed = match Place::new(None, at.node) {
                Ok(at) => watch::watch(at).await.map(drop),
                Err(e) => Err(e),
            };
            if let Err(e) = followed {
                sat_sdk::warn!("comments on “{}” are not kept: {}", entry.id, e.message);
            }
        }
    }

    async fn updated(_: Entry) {}

    async fn deleted(_: BlogDeletion) {}
}

/// What becomes of the nodes that `pubsub` keeps, as far as they have comments.
impl pubsub_events::Guest for Comments {
    async fn changed(e: Change) {
        if !place::has_comments(&e.node) {
            return;
        }
        let (is_new, id) = (e.is_new, e.item.id);
        let entry = EntryRequest {
            service: Some(e.service),
            node: Some(e.node),
            id: id.clone(),
            lang: None,
            extra: Vec::new(),
        };
        match blog::get(entry).await {
            Ok(entry) if is_new => events::added(entry.into()).await,
            Ok(entry) => events::updated(entry.into()).await,
            // Taken back meanwhile, or no entry at all.
            Err(e) if e.code == "item-not-found" => {}
            Err(e) => sat_sdk::warn!("a comment (“{id}”) can't be read: {}", e.message),
        }
    }

    async fn retracted(e: Retraction) {
        if place::has_comments(&e.node) {
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
    if place::has_comments(&e.node) {
        let (service, node, ids) = (e.service, e.node, Vec::new());
        events::deleted(Deletion { service, node, ids }).await;
    }
}

impl From<Entry> for Comment {
    fn from(entry: Entry) -> Self {
        let author = Author {
            jid: entry.author.jid,
            name: entry.author.name,
            verified: entry.author.verified,
            claimed: entry.author.claimed,
        };
        let replies = entry.comments.into_iter().map(|at| Replies {
            service: at.service,
            node: at.node,
        });
        // Some clients give comments a title: it belongs to what is said.
        let titled = !entry.title.is_empty();
        let text = match titled {
            true => format!("{}\n\n{}", entry.title, entry.text),
            false => entry.text,
        };
        let html = match titled {
            true => format!(
                "<p>{}</p>{}",
                sat_sdk::xml::escape(&entry.title),
                entry.html
            ),
            false => entry.html,
        };
        Self {
            service: entry.service,
            node: entry.node,
            id: entry.id,
            author,
            text,
            html,
            reduced: entry.reduced,
            lang: entry.lang,
            published: entry.published,
            updated: entry.updated,
            replies: replies.collect(),
            extra: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bindings::sat::blog::types::{Author as BlogAuthor, Place as BlogPlace};

    #[test]
    fn an_entry_is_a_comment() {
        let entry = |title: &str| Entry {
            service: "romeo@montague.lit".into(),
            node: "urn:xmpp:microblog:0:comments/1".into(),
            id: "c".into(),
            atom_id: None,
            author: BlogAuthor {
                jid: Some("juliet@capulet.lit".into()),
                name: None,
                verified: false,
                claimed: None,
            },
            title: title.into(),
            text: "b".into(),
            html: "<p>b</p>".into(),
            reduced: false,
            lang: None,
            languages: Vec::new(),
            tags: Vec::new(),
            published: "2020-01-01T00:00:00.000Z".into(),
            updated: "2020-01-01T00:00:00.000Z".into(),
            links: Vec::new(),
            attachments: Vec::new(),
            comments: vec![BlogPlace {
                service: "s".into(),
                node: "n".into(),
            }],
            repeated_from: None,
            audience: None,
            extra: Vec::new(),
        };
        let comment = Comment::from(entry(""));
        assert_eq!(
            (comment.text.as_str(), comment.html.as_str()),
            ("b", "<p>b</p>")
        );
        assert_eq!(comment.replies[0].node, "n");
        let titled = Comment::from(entry("<T>"));
        assert_eq!(titled.text, "<T>\n\nb");
        assert_eq!(titled.html, "<p>&lt;T&gt;</p><p>b</p>");
    }

    #[test]
    fn nodes_of_comments() {
        assert!(place::has_comments("urn:xmpp:microblog:0:comments/1"));
        assert!(!place::has_comments("urn:xmpp:microblog:0"));
    }
}
