//! What owners do with their nodes (XEP-0060 §8).

use crate::{
    answer, ask,
    bindings::sat::pubsub::types::{
        Affiliation, ConfigureRequest, CreateRequest, Created, DeleteRequest,
    },
    form,
    place::{self, Place},
    request,
    store::{self, Fate},
};
use sat_sdk::{Error, jid};

type Options = [(String, String)];

/// Creates a node.
pub(crate) async fn create_node(request: CreateRequest) -> Result<Created, Error> {
    let service = place::service(request.service.as_deref())?;
    if let Some(node) = &request.node {
        place::name("node", node)?;
    }
    form::check(&request.options)?;
    let node = create(&service, request.node.as_deref(), &request.options).await?;
    Ok(Created { node })
}

/// Creates a node and returns its name.
pub(crate) async fn create(
    service: &str,
    node: Option<&str>,
    options: &Options,
) -> Result<String, Error> {
    let feature = if node.is_some() {
        "create-nodes"
    } else {
        "instant-nodes"
    };
    let answer = ask::set(service, request::create(node, options), feature).await?;
    answer::created(&answer)
        .or_else(|| node.map(str::to_owned))
        .ok_or_else(|| {
            Error::new(
                "bad-answer",
                format!("{service} created a node and didn't say which"),
            )
        })
}

/// Changes the configuration of a node, and tells of it.
pub(crate) async fn configure(request: ConfigureRequest) -> Result<(), Error> {
    let place = Place::new(request.service.as_deref(), &request.node)?;
    form::check(&request.options)?;
    set_configuration(&place, &request.options).await?;
    let options = request.options;
    store::node(&place, &Fate::Configured { options }).await
}

/// Changes the configuration of a node.
pub(crate) async fn set_configuration(place: &Place, options: &Options) -> Result<(), Error> {
    let question = request::configure(&place.node, options);
    ask::set(&place.service, question, "config-node")
        .await
        .map(drop)
}

/// The configuration of a node, or of new ones.
pub(crate) async fn configuration(
    service: Option<&str>,
    node: Option<&str>,
) -> Result<Vec<(String, String)>, Error> {
    let service = place::service(service)?;
    if let Some(node) = node {
        place::name("node", node)?;
    }
    let feature = if node.is_some() {
        "config-node"
    } else {
        "retrieve-default"
    };
    answer::configuration(&ask::get(&service, request::configuration(node), feature).await?)
}

/// Deletes a node.
pub(crate) async fn delete(request: DeleteRequest) -> Result<(), Error> {
    let place = Place::new(request.service.as_deref(), &request.node)?;
    let redirect = request.redirect;
    let question = request::delete(&place.node, redirect.as_deref());
    ask::set(&place.service, question, "delete-nodes").await?;
    store::node(&place, &Fate::Deleted { redirect }).await
}

/// Deletes all items of a node.
pub(crate) async fn purge(service: Option<&str>, node: &str) -> Result<(), Error> {
    let place = Place::new(service, node)?;
    ask::set(&place.service, request::purge(&place.node), "purge-nodes").await?;
    store::node(&place, &Fate::Purged).await
}

/// Who is what to a node, or what the account is to a service's nodes.
pub(crate) async fn affiliations(
    service: Option<&str>,
    node: Option<&str>,
) -> Result<Vec<Affiliation>, Error> {
    let service = place::service(service)?;
    if let Some(node) = node {
        place::name("node", node)?;
    }
    let feature = if node.is_some() {
        "modify-affiliations"
    } else {
        "retrieve-affiliations"
    };
    let answer = ask::get(&service, request::affiliations(node), feature).await?;
    let account = sat_sdk::xmpp::account();
    let affiliation = |entry: answer::Entry| {
        Some(Affiliation {
            jid: entry.jid.unwrap_or_else(|| account.clone()),
            node: entry.node.or_else(|| node.map(str::to_owned))?,
            affiliation: entry.state,
        })
    };
    let entries = answer::entries(&answer, "affiliation")?;
    Ok(entries.into_iter().filter_map(affiliation).collect())
}

/// Sets what somebody is to a node.
pub(crate) async fn set_affiliation(
    service: Option<&str>,
    node: &str,
    jid: &str,
    affiliation: &str,
) -> Result<(), Error> {
    const KNOWN: [&str; 6] = [
        "owner",
        "publisher",
        "publish-only",
        "member",
        "outcast",
        "none",
    ];
    let place = Place::new(service, node)?;
    if !KNOWN.contains(&affiliation) {
        return Err(Error::new(
            "bad-request",
            format!("`affiliation` is one of {}", KNOWN.join(", ")),
        ));
    }
    let question = request::set_affiliation(&place.node, &jid::normalize(jid)?, affiliation);
    ask::set(&place.service, question, "modify-affiliations")
        .await
        .map(drop)
}
