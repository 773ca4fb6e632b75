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
    Error, Header, Lifecycle, OrLog, PeerKind, PresenceHandler, jid,
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
        connected(resumed)
            .await
            .or_warn("could not announce the account");
    }

    async fn disconnected() {
        resource::suspend().await.or_error("old presences stay");
    }

    async fn features_changed() {
        // The presence filters add what stands for the features now (XEP-0115 §6.1).
        own::announce_again()
            .await
            .or_warn("the network doesn't know our features");
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
                match kind {
                    "unsubscribe" => request::delete(bare(from)).await,
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

impl roster_events::Guest for Presence {
    /// A request may be approved by another client of the account.
    async fn changed(e: Contact) {
        if matches!(e.subscription.as_str(), "from" | "both") {
            request::delete(&e.jid)
                .await
                .or_error("an approved request stays");
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

#[cfg(test)]
mod tests {
    use super::*;
    use presence::Guest;
    use sat_sdk::mock::{self, Host, block_on};
    use types::Presence as Told;

    const JULIET: &str = "juliet@capulet.lit/balcony";

    fn comes(from: &str, kind: &str, payloads: &[&str]) {
        let header = Header {
            kind: kind.into(),
            ..mock::header(from)
        };
        let payloads = payloads.iter().map(|p| (*p).to_owned()).collect();
        block_on(Presence::on_presence(header, payloads)).unwrap();
    }

    fn there() -> Vec<String> {
        let found = block_on(Presence::get(None)).unwrap();
        found.into_iter().map(|p| p.jid).collect()
    }

    #[test]
    fn announces_on_each_new_stream() {
        let host = Host::new::<Presence>();
        host.on_call("roster.list", |()| Ok(Vec::<Contact>::new()));
        block_on(async {
            let status = |show: &str| Status {
                show: Some(show.into()),
                status: None,
                priority: None,
            };
            // Not announced yet: that is for `connected` to do.
            Presence::set(status("away")).await.unwrap();
            assert!(host.sent().is_empty());
            Presence::connected(false).await;
            Presence::set(status("dnd")).await.unwrap();
            Presence::features_changed().await;
            host.disconnect();
            Presence::set(status("xa")).await.unwrap();
            host.connect();
            Presence::connected(true).await;
            Presence::connected(true).await;
        });
        let shows = host.sent().into_iter().filter_map(|s| {
            let (_, show) = s.stanza.split_once("<show>")?;
            Some(show.split('<').next()?.to_owned())
        });
        assert_eq!(shows.collect::<Vec<_>>(), ["away", "dnd", "dnd", "xa"]);
        assert!(host.log().is_empty());
    }

    #[test]
    fn knows_who_is_there() {
        let host = Host::new::<Presence>();
        let phone = "juliet@capulet.lit/phone";
        comes(
            JULIET,
            "available",
            &["<show xmlns='jabber:client'>away</show>"],
        );
        comes(
            phone,
            "available",
            &["<priority xmlns='jabber:client'>5</priority>"],
        );
        // The same again is no news.
        comes(
            phone,
            "available",
            &["<priority xmlns='jabber:client'>5</priority>"],
        );
        assert_eq!(there(), [phone, JULIET]);
        assert_eq!(host.topics().len(), 2);
        // A broken stream hides them, a resumed one brings them back.
        block_on(Presence::disconnected());
        assert!(there().is_empty());
        block_on(Presence::connected(true));
        assert_eq!(there(), [phone, JULIET]);
        comes("juliet@capulet.lit", "unavailable", &[]);
        assert!(there().is_empty());
        let told: Vec<Told> = host.emitted("presence.changed");
        let available: Vec<_> = told.iter().map(|p| p.available).collect();
        assert_eq!(
            available,
            [true, true, false, false, true, true, false, false]
        );
    }

    #[test]
    fn strangers_and_rooms_are_not_there() {
        let host = Host::new::<Presence>();
        for peer_kind in [PeerKind::Stranger, PeerKind::Room, PeerKind::Occupant] {
            let header = Header {
                kind: "available".into(),
                peer_kind,
                ..mock::header("a@b/c")
            };
            block_on(Presence::on_presence(header, Vec::new())).unwrap();
        }
        comes(&xmpp::bound().unwrap(), "available", &[]);
        assert!(there().is_empty() && host.topics().is_empty());
    }

    #[test]
    fn requests_wait_for_an_answer() {
        let host = Host::new::<Presence>();
        let requests = || block_on(Presence::requests()).unwrap();
        for from in [
            "juliet@capulet.lit",
            "tybalt@capulet.lit",
            "nurse@capulet.lit",
        ] {
            comes(
                from,
                "subscribe",
                &["<status xmlns='jabber:client'>Please</status>"],
            );
            comes(
                from,
                "subscribe",
                &["<status xmlns='jabber:client'>Please</status>"],
            );
        }
        assert_eq!(
            host.emitted::<SubscriptionRequest>("presence.requested")
                .len(),
            3
        );
        assert_eq!(requests()[0].message.as_deref(), Some("Please"));
        block_on(Presence::approve("Juliet@capulet.lit".into())).unwrap();
        block_on(Presence::deny("tybalt@capulet.lit".into())).unwrap();
        assert_eq!(requests().len(), 1);
        // Another client of the account has approved.
        let nurse = Contact {
            jid: "nurse@capulet.lit".into(),
            name: None,
            groups: Vec::new(),
            subscription: "from".into(),
            pending_out: false,
            approved: false,
        };
        block_on(<Presence as roster_events::Guest>::changed(nurse));
        assert!(requests().is_empty());
        let sent: Vec<_> = host.sent().into_iter().map(|s| s.stanza).collect();
        assert!(sent[0].contains("to='juliet@capulet.lit' type='subscribed'"));
        assert!(sent[1].contains("to='tybalt@capulet.lit' type='unsubscribed'"));
        comes("juliet@capulet.lit", "subscribed", &[]);
        let told: Vec<SubscriptionChange> = host.emitted("presence.subscription");
        assert_eq!(told[0].kind, "subscribed");
    }
}
