//! XEP-0030: Service Discovery, and XEP-0115: Entity Capabilities.

mod answer;
mod cache;
mod caps;
mod info;
mod items;

use bindings::{
    exports::sat::disco::disco,
    sat::disco::types::{Info, Item},
};
use caps::Caps;
use sat_sdk::{
    Error, Header, IqHandler, Lifecycle, PresenceFilter, PresenceHandler, StanzaError,
    xml::{self, Element},
    xmpp,
};

sat_sdk::plugin!(Disco: IqHandler, PresenceFilter, PresenceHandler, Lifecycle);

struct Disco;

impl disco::Guest for Disco {
    async fn info(jid: Option<String>, node: Option<String>) -> Result<Info, Error> {
        let jid = jid.unwrap_or_else(xmpp::server);
        let announced = if node.is_none() {
            announced(&jid).await?
        } else {
            None
        };
        match announced {
            Some(caps) => vouched(&jid, &caps).await,
            None => info::read(&ask(&jid, info::NS, node.as_deref()).await?),
        }
    }

    async fn items(jid: Option<String>, node: Option<String>) -> Result<Vec<Item>, Error> {
        let jid = jid.unwrap_or_else(xmpp::server);
        items::read(&ask(&jid, items::NS, node.as_deref()).await?)
    }

    async fn has(jid: Option<String>, feature: String) -> Result<bool, Error> {
        let info = Self::info(jid, None).await?;
        // Who answers knows disco#info, even if some forget to say so (XEP-0030 §3.1).
        Ok(feature == info::NS || info.features.contains(&feature))
    }
}

/// The capabilities that an entity has announced: in presence, or a server in its stream features
/// (XEP-0115 §6.3).
async fn announced(jid: &str) -> Result<Option<Caps>, Error> {
    if jid != xmpp::server() {
        return cache::announced(jid).await;
    }
    let features = xmpp::stream_features().and_then(|features| xml::parse(&features).ok());
    Ok(features.and_then(|f| Caps::read(f.get_child("c", caps::NS)?)))
}

/// What stands behind announced capabilities: from the cache, or from the entity itself, whose
/// answer goes to the cache if the verification string proves it (XEP-0115 §5.4).
async fn vouched(jid: &str, caps: &Caps) -> Result<Info, Error> {
    if let Some(info) = cache::info(caps).await? {
        return Ok(info);
    }
    let query = match ask(jid, info::NS, Some(&caps.node())).await {
        // They changed meanwhile, or don't know the node: what they are now is good enough.
        Err(e) if e.code == "item-not-found" => ask(jid, info::NS, None).await?,
        answer => answer?,
    };
    let info = info::read(&query)?;
    if !caps.prove(&query, &info) {
        sat_sdk::debug!("{jid} announced {}, but is something else", caps.ver);
    } else if let Err(e) = cache::put(caps, &info).await {
        sat_sdk::warn!("capabilities of {jid} not kept: {}", e.message);
    }
    Ok(info)
}

/// Asks for a `<query/>` of a namespace.
async fn ask(jid: &str, ns: &str, node: Option<&str>) -> Result<Element, Error> {
    let query = xml::parse(&xmpp::get(Some(jid), answer::query(ns, node, "")).await?)?;
    if query.is("query", ns) {
        Ok(query)
    } else {
        Err(Error::new(
            "bad-answer",
            format!("{jid} answered something else than was asked"),
        ))
    }
}

impl IqHandler for Disco {
    async fn on_iq(_: Header, payload: String) -> Result<Option<String>, StanzaError> {
        answer::answer(&payload, &answer::own()).map(Some)
    }
}

impl PresenceFilter for Disco {
    async fn on_presence(stanza: String) -> Result<String, Error> {
        let mut presence = xml::parse(&stanza)?;
        while presence.remove_child("c", caps::NS).is_some() {}
        presence.append_child(xml::parse(&Caps::of(&answer::own()).write())?);
        Ok(xml::text(&presence))
    }
}

impl PresenceHandler for Disco {
    async fn on_presence(header: Header, payloads: Vec<String>) -> Result<(), Error> {
        let Some(from) = header.from else {
            return Ok(());
        };
        if header.kind == "unavailable" {
            return cache::forget(&from).await;
        }
        let caps = payloads
            .first()
            .and_then(|c| Caps::read(&xml::parse(c).ok()?));
        match caps {
            Some(caps) => cache::announce(&from, caps).await,
            // Another hash or the legacy format: nothing that could be proved (XEP-0115 §5.4).
            None => cache::forget(&from).await,
        }
    }
}

impl Lifecycle for Disco {
    async fn connected(resumed: bool) {
        // On a new stream everybody announces again; a resumed one goes on.
        if !resumed && let Err(e) = cache::forget_all().await {
            sat_sdk::warn!("old capabilities stay: {}", e.message);
        }
    }
}
