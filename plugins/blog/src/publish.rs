//! Publishing, editing, deleting and repeating.

use crate::{
    atom,
    bindings::sat::{
        blog::types::{EditRequest, EntryRequest, PublishRequest, Published, RepeatRequest},
        pubsub::{
            pubsub,
            types::{CreateRequest, DeleteRequest, PublishRequest as NewItem, RetractRequest},
        },
    },
    entry,
    place::{self, Place},
    write::{self, Head},
};
use sat_sdk::{Error, datetime, random, uri, xml};

/// Longest id, in bytes: some services have limits of that kind.
const ID: usize = 512;

pub(crate) async fn publish(request: PublishRequest) -> Result<Published, Error> {
    let at = Place::new(request.service.clone(), request.node.clone())?;
    let id = match &request.id {
        Some(id) if id.is_empty() || id.len() > ID => {
            return Err(Error::new(
                "bad-request",
                format!("`id` has 1 to {ID} bytes"),
            ));
        }
        Some(id) => id.clone(),
        None => random::id(),
    };
    let (author, service) = (place::own().await?, at.service().await?);
    let now = datetime::now();
    let head = Head {
        service: &service,
        node: &at.node,
        id: &id,
        published: &now,
        updated: &now,
    };
    let comments = (request.comments == Some(true)).then(|| format!("{}{id}", atom::COMMENTS));
    let link = comments.as_ref().map(|node| uri::node(&author, node));
    // Written first, so that nothing is created for an entry that can't be.
    let payload = write::new(&head, &author, link.as_deref(), &request)?;
    let ready = at.prepare(request.audience.as_deref()).await?;
    if let Some(node) = &comments {
        create_comments(node, ready.access.as_deref()).await?;
    }
    let published = put(&at, &head, payload, ready.options, ready.create).await;
    if let (Err(_), Some(node)) = (&published, comments) {
        drop_comments(node).await;
    }
    published
}

pub(crate) async fn edit(request: EditRequest) -> Result<Published, Error> {
    let at = Place::new(request.service.clone(), request.node.clone())?;
    // As it is at the service: a change of another device mustn't get lost.
    let item = at.item(&request.id, Some("service")).await?;
    let mut tree = xml::parse(&item.payload)?;
    if !tree.is("entry", atom::NS) {
        return Err(no_entry(&request.id));
    }
    let (service, now) = (at.service().await?, datetime::now());
    write::edit(&mut tree, &request, &now)?;
    let head = Head {
        service: &service,
        node: &at.node,
        id: &request.id,
        published: &now,
        updated: &now,
    };
    put(&at, &head, xml::text(&tree), Vec::new(), false).await
}

pub(crate) async fn delete(request: EntryRequest) -> Result<(), Error> {
    let at = Place::new(request.service, request.node)?;
    let own = place::own().await?;
    let entry = at.item(&request.id, None).await;
    let entry = entry.ok().and_then(|item| entry::read(&item, None));
    let retract = RetractRequest {
        service: at.service,
        node: at.node,
        ids: vec![request.id.clone()],
        notify: None,
        extra: Vec::new(),
    };
    pubsub::retract(retract).await?;
    // Only the node that was made for this entry: a repetition shares its original's.
    let node = format!("{}{}", atom::COMMENTS, request.id);
    let comments = entry.map(|e| e.comments).unwrap_or_default();
    if comments.iter().any(|c| c.service == own && c.node == node) {
        drop_comments(node).await;
    }
    Ok(())
}

pub(crate) async fn repeat(request: RepeatRequest) -> Result<Published, Error> {
    let from = Place::new(request.service, request.node)?;
    let item = from.item(&request.id, None).await?;
    let original = entry::read(&item, None).ok_or_else(|| no_entry(&request.id))?;
    let source = xml::parse(&item.payload)?;
    let at = Place::new(None, request.into)?;
    let (service, id) = (place::own().await?, random::id());
    let now = datetime::now();
    let head = Head {
        service: &service,
        node: &at.node,
        id: &id,
        published: &original.published,
        updated: &now,
    };
    let words = request.body.as_deref().filter(|b| !b.trim().is_empty());
    let payload = write::repetition(&head, &original, &source, words)?;
    let ready = at.prepare(request.audience.as_deref()).await?;
    put(&at, &head, payload, ready.options, ready.create).await
}

async fn put(
    at: &Place,
    head: &Head<'_>,
    payload: String,
    options: Vec<(String, String)>,
    create: bool,
) -> Result<Published, Error> {
    let item = NewItem {
        service: at.service.clone(),
        node: at.node.clone(),
        id: Some(head.id.to_owned()),
        payload,
        options,
        create: Some(create),
        extra: Vec::new(),
    };
    // The service has the last word on the id.
    let id = pubsub::publish(item).await?.id;
    Ok(Published {
        uri: uri::item(head.service, head.node, &id),
        service: head.service.to_owned(),
        node: head.node.to_owned(),
        id,
    })
}

async fn create_comments(node: &str, access: Option<&str>) -> Result<(), Error> {
    let request = CreateRequest {
        service: None,
        node: Some(node.to_owned()),
        options: place::comments_options(access),
        extra: Vec::new(),
    };
    match pubsub::create_node(request).await {
        // It is there already: the entry is published again.
        Err(e) if e.code == "conflict" => Ok(()),
        done => done.map(|_| ()),
    }
}

async fn drop_comments(node: String) {
    let request = DeleteRequest {
        service: None,
        node: node.clone(),
        redirect: None,
        extra: Vec::new(),
    };
    if let Err(e) = pubsub::delete_node(request).await
        && e.code != "item-not-found"
    {
        sat_sdk::warn!("the node “{node}” stays: {}", e.message);
    }
}

fn no_entry(id: &str) -> Error {
    Error::new(
        "bad-answer",
        format!("“{id}” is something else than an entry"),
    )
}
