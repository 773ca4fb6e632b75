//! XEP-0060: Publish-Subscribe, and XEP-0163: Personal Eventing Protocol, with a cache.

mod answer;
mod ask;
mod cache;
mod cursor;
mod fetch;
mod follow;
mod form;
mod items;
mod join;
mod notification;
mod owner;
mod payload;
mod place;
mod publish;
mod receive;
mod request;
mod service;
mod store;
mod subscription;
mod sync;
mod table;

use bindings::{
    exports::sat::pubsub::pubsub,
    sat::{
        presence::presence,
        pubsub::types::{
            Affiliation, CachedRequest, ConfigureRequest, CreateRequest, Created, DeleteRequest,
            FollowRequest, FollowedNode, FollowedPage, FollowedRequest, ItemsRequest, NodePage,
            NodesRequest, Page, Progress, PublishManyRequest, PublishRequest, Published,
            PublishedMany, RetractRequest, SearchRequest, ServiceInfo, SubscribeRequest,
            Subscription, SyncRequest, UnfollowRequest, UnsubscribeRequest,
        },
    },
};
use sat_sdk::{Error, Header, Lifecycle, MessageHandler, xmpp};

sat_sdk::plugin!(Pubsub: Lifecycle, MessageHandler);

struct Pubsub;

impl pubsub::Guest for Pubsub {
    async fn publish(request: PublishRequest) -> Result<Published, Error> {
        publish::publish(request).await
    }

    async fn publish_many(request: PublishManyRequest) -> Result<PublishedMany, Error> {
        publish::publish_many(request).await
    }

    async fn retract(request: RetractRequest) -> Result<(), Error> {
        publish::retract(request).await
    }

    async fn items(request: ItemsRequest) -> Result<Page, Error> {
        items::items(request).await
    }

    async fn nodes(request: NodesRequest) -> Result<NodePage, Error> {
        service::nodes(request).await
    }

    async fn create_node(request: CreateRequest) -> Result<Created, Error> {
        owner::create_node(request).await
    }

    async fn configure(request: ConfigureRequest) -> Result<(), Error> {
        owner::configure(request).await
    }

    async fn get_configuration(
        service: Option<String>,
        node: Option<String>,
    ) -> Result<Vec<(String, String)>, Error> {
        owner::configuration(service.as_deref(), node.as_deref()).await
    }

    async fn delete_node(request: DeleteRequest) -> Result<(), Error> {
        owner::delete(request).await
    }

    async fn purge(service: Option<String>, node: String) -> Result<(), Error> {
        owner::purge(service.as_deref(), &node).await
    }

    async fn affiliations(
        service: Option<String>,
        node: Option<String>,
    ) -> Result<Vec<Affiliation>, Error> {
        owner::affiliations(service.as_deref(), node.as_deref()).await
    }

    async fn set_affiliation(
        service: Option<String>,
        node: String,
        jid: String,
        affiliation: String,
    ) -> Result<(), Error> {
        owner::set_affiliation(service.as_deref(), &node, &jid, &affiliation).await
    }

    async fn subscribe(request: SubscribeRequest) -> Result<Subscription, Error> {
        subscription::subscribe(request).await
    }

    async fn unsubscribe(request: UnsubscribeRequest) -> Result<(), Error> {
        subscription::unsubscribe(request).await
    }

    async fn subscriptions(
        service: Option<String>,
        node: Option<String>,
    ) -> Result<Vec<Subscription>, Error> {
        subscription::subscriptions(service.as_deref(), node.as_deref()).await
    }

    async fn subscribers(
        service: Option<String>,
        node: String,
    ) -> Result<Vec<Subscription>, Error> {
        subscription::subscribers(service.as_deref(), &node).await
    }

    async fn service(service: Option<String>) -> Result<ServiceInfo, Error> {
        service::service(service).await
    }

    async fn follow(request: FollowRequest) -> Result<FollowedNode, Error> {
        follow::follow(request).await
    }

    async fn unfollow(request: UnfollowRequest) -> Result<(), Error> {
        follow::unfollow(request).await
    }

    async fn followed(request: FollowedRequest) -> Result<FollowedPage, Error> {
        cache::followed(request).await
    }

    async fn cached(request: CachedRequest) -> Result<Page, Error> {
        cache::cached(request).await
    }

    async fn search(request: SearchRequest) -> Result<Page, Error> {
        cache::search(request).await
    }

    async fn sync(request: SyncRequest) -> Result<Progress, Error> {
        sync::sync(request).await
    }
}

impl MessageHandler for Pubsub {
    async fn on_message(header: Header, payloads: Vec<String>) -> Result<(), Error> {
        for payload in payloads {
            receive::message(&header, &payload).await?;
        }
        Ok(())
    }
}

impl Lifecycle for Pubsub {
    async fn connected(resumed: bool) {
        if resumed {
            return;
        }
        // Who uses a feature is told of the stream after its provider: our presence is out by
        // now. Notifications come only from then on, so comparing earlier would leave a gap.
        presence::get(Some(xmpp::account())).await.ok();
        match sync::reconnected().await {
            Err(e) => sat_sdk::warn!(
                "items may be missing until the next connection: {}",
                e.message
            ),
            Ok(p) if p.failed > 0 => sat_sdk::info!("{} nodes could not be compared", p.failed),
            Ok(_) => {}
        }
    }

    async fn features_changed() {
        follow::features_changed();
    }
}
