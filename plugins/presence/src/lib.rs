//! RFC 6121 §3 and §4: presence and subscriptions.

mod own;
mod request;
mod resource;
mod stanza;

use bindings::{
    exports::sat::{presence::presence, roster::events as roster_events},
    sat::{
        presence::{
            events,
            types::{self, Status, SubscriptionChange, SubscriptionRequest},
        },
        roster::types::{Contact, ContactRemoved},
    },
};
use sat_sdk::{
    Error, Header, Lifecycle, PeerKind, PresenceHandler, jid,
    storage::Migrations,
    xmpp::{self, bare},
};

sat_sdk::plugin!(Presence: Lifecycle, PresenceHandler);

struct Presence;

static SCHEMA: Migrations = Migrations::new(
    "presence__schema",
    &[&[resource::TABLE, resource::INDEX, request::TABLE]],
);

impl presence::Guest for Presence {
    async fn get(jid: Option<String>) -> Result<Vec<types::Presence>, Error> {
        let jid = jid.as_deref().map(jid::normalize).transpose()?;
        resource::available(jid).await
    }

    async fn set(request: Status) -> Result<(), Error> {
        own::set(stanza::content(&request)?).await
    }

    async fn subscribe(jid: String) -> Result<(), Error> {
        send(&jid, "subscribe").await.map(drop)
    }

    async fn unsubscribe(jid: String) -> Result<(), Error> {
        send(&jid, "unsubscribe").await.map(drop)
    }

    async fn approve(jid: String) -> Result<(), Error> {
        request::delete(&send(&jid, "subscribed").await?).await
    }

    async fn deny(jid: String) -> Result<(), Error> {
        request::delete(&send(&jid, "unsubscribed").await?).await
    }

    async fn requests() -> Result<Vec<SubscriptionRequest>, Error> {
        request::all().await
    }
}

impl Lifecycle for Presence {
    async fn connected(resumed: bool) {
        if let Err(e) = connected(resumed).await {
            sat_sdk::warn!("could not announce the account: {}", e.message);
        }
    }

    async fn disconnected() {
        if let Err(e) = resource::suspend().await {
            sat_sdk::error!("old presences stay: {}", e.message);
        }
    }

    async fn features_changed() {
        // The presence filters add what stands for the features now (XEP-0115 §6.1).
        if let Err(e) = own::announce_again().await {
            sat_sdk::warn!("the network doesn't know our features: {}", e.message);
        }
    }
}

async fn connected(resumed: bool) -> Result<(), Error> {
    if resumed {
        resource::resume().await?;
        return own::catch_up().await;
    }
    own::forget().await?;
    resource::clear().await?;
    own::announce().await
}

impl PresenceHandler for Presence {
    async fn on_presence(header: Header, payloads: Vec<String>) -> Result<(), Error> {
        let Some(from) = &header.from else {
            return Ok(());
        };
        let (ours, kind) = (xmpp::bound().as_ref() == Some(from), header.kind.as_str());
        match (header.peer_kind, kind) {
            // The server sends our own presence back to us.
            _ if ours => Ok(()),
            // Who is in a room is the room's matter.
            (PeerKind::Room | PeerKind::Occupant, _) => Ok(()),
            (PeerKind::Contact | PeerKind::Account, "available" | "unavailable") => {
                let now = stanza::read(from, kind == "available", &payloads, &header.stamp);
                resource::change(now).await
            }
            // Strangers may tell us that they are there, but we didn't ask.
            (_, "available" | "unavailable") => Ok(()),
            (_, "subscribe") => {
                let message = stanza::read(from, false, &payloads, "").status;
                request::add(bare(from), message, header.stamp).await
            }
            (_, "subscribed" | "unsubscribed" | "unsubscribe") => {
                let change = SubscriptionChange {
                    jid: bare(from).into(),
                    kind: kind.into(),
                };
                events::subscription(change).await;
                // Who doesn't want to see us any more takes the request back too.
                if kind == "unsubscribe" {
                    request::delete(bare(from)).await
                } else {
                    Ok(())
                }
            }
            _ => Ok(()),
        }
    }
}

impl roster_events::Guest for Presence {
    /// A request may be approved by another client of the account.
    async fn changed(e: Contact) {
        if matches!(e.subscription.as_str(), "from" | "both")
            && let Err(error) = request::delete(&e.jid).await
        {
            sat_sdk::error!("the request of {} stays: {}", e.jid, error.message);
        }
    }

    async fn removed(_: ContactRemoved) {}
}

/// Sends a subscription stanza and returns the bare JID that it went to (§3.1.1).
async fn send(jid: &str, kind: &str) -> Result<String, Error> {
    let jid = jid::normalize(jid)?;
    xmpp::send_now(stanza::subscription(&jid, kind)).await?;
    Ok(jid)
}
