//! Subscriptions (XEP-0060 §6.1, §6.2, §5.6, §8.8).

use crate::{
    answer, ask,
    bindings::sat::pubsub::types::{SubscribeRequest, Subscription, UnsubscribeRequest},
    form,
    place::{self, Place},
    request, service,
};
use sat_sdk::{Error, xmpp};

/// Subscribes the account.
pub(crate) async fn subscribe(request: SubscribeRequest) -> Result<Subscription, Error> {
    let place = Place::new(request.service.as_deref(), &request.node)?;
    form::check(&request.options)?;
    if request.public == Some(true) {
        return publicly(place, &request.options).await;
    }
    let (subscription, subid) = ask_for(&place, &request.options).await?;
    Ok(as_subscription(place, subscription, subid))
}

/// Subscribes the account: the state and the id of the subscription.
pub(crate) async fn ask_for(
    place: &Place,
    options: &[(String, String)],
) -> Result<(String, Option<String>), Error> {
    let question = request::subscribe(&place.node, &xmpp::account(), options);
    let answer = ask::set(&place.service, question, "subscribe").await?;
    Ok(answer::subscribed(&answer))
}

/// Everybody may know of it, which takes the own server (XEP-0465 §5.1).
async fn publicly(place: Place, options: &[(String, String)]) -> Result<Subscription, Error> {
    let account = xmpp::account();
    for feature in ["pam", "public-subscriptions"] {
        if !service::has(&account, feature).await {
            return Err(ask::unsupported(&account, feature));
        }
    }
    if !options.is_empty() {
        return Err(Error::new(
            "bad-request",
            "a public subscription can't have options: leave `options` or `public` out",
        ));
    }
    let question = request::subscribe_publicly(&place.service, &place.node, &account);
    ask::set(&account, question, "public-subscriptions").await?;
    Ok(as_subscription(place, "subscribed".into(), None))
}

fn as_subscription(place: Place, subscription: String, subid: Option<String>) -> Subscription {
    Subscription {
        service: place.service,
        node: place.node,
        jid: xmpp::account(),
        subscription,
        subid,
    }
}

/// Ends a subscription.
pub(crate) async fn unsubscribe(request: UnsubscribeRequest) -> Result<(), Error> {
    let place = Place::new(request.service.as_deref(), &request.node)?;
    end(&place, request.subid.as_deref()).await
}

/// Ends a subscription; that there is none is fine.
pub(crate) async fn end(place: &Place, subid: Option<&str>) -> Result<(), Error> {
    let question = request::unsubscribe(&place.node, &xmpp::account(), subid);
    match ask::set(&place.service, question, "subscribe").await {
        // §6.2.3: not subscribed, and no such node.
        Err(e) if matches!(&*e.code, "unexpected-request" | "item-not-found") => Ok(()),
        done => done.map(drop),
    }
}

/// The account's subscriptions.
pub(crate) async fn subscriptions(
    service: Option<&str>,
    node: Option<&str>,
) -> Result<Vec<Subscription>, Error> {
    let service = place::service(service)?;
    if let Some(node) = node {
        place::name("node", node)?;
    }
    let feature = "retrieve-subscriptions";
    let answer = ask::get(&service, request::subscriptions(node), feature).await?;
    list(&service, node, &answer)
}

/// Who is subscribed to a node.
pub(crate) async fn subscribers(
    service: Option<&str>,
    node: &str,
) -> Result<Vec<Subscription>, Error> {
    let place = Place::new(service, node)?;
    let question = request::subscribers(&place.node);
    let answer = ask::get(&place.service, question, "manage-subscriptions").await?;
    list(&place.service, Some(node), &answer)
}

fn list(service: &str, node: Option<&str>, answer: &str) -> Result<Vec<Subscription>, Error> {
    let account = xmpp::account();
    let subscription = |entry: answer::Entry| {
        Some(Subscription {
            service: service.to_owned(),
            node: entry.node.or_else(|| node.map(str::to_owned))?,
            jid: entry.jid.unwrap_or_else(|| account.clone()),
            subscription: entry.state,
            subid: entry.subid,
        })
    };
    let entries = answer::entries(answer, "subscription")?;
    Ok(entries.into_iter().filter_map(subscription).collect())
}
