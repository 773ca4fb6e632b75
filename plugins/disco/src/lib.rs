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
    Error, Header, IqHandler, Lifecycle, OrLog, PresenceFilter, PresenceHandler, StanzaError,
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
    } else {
        cache::put(caps, &info)
            .await
            .or_warn("capabilities are not kept");
    }
    Ok(info)
}

/// Asks for a `<query/>` of a namespace.
async fn ask(jid: &str, ns: &str, node: Option<&str>) -> Result<Element, Error> {
    xml::parse_as(
        &xmpp::get(Some(jid), answer::query(ns, node)).await?,
        "query",
        ns,
    )
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
        presence.append_child(xml::parse(&Caps::of(&answer::own()).tag().to_string())?);
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
        match payloads
            .first()
            .and_then(|c| Caps::read(&xml::parse(c).ok()?))
        {
            Some(caps) => cache::announce(&from, caps).await,
            // Another hash or the legacy format: nothing that could be proved (XEP-0115 §5.4).
            None => cache::forget(&from).await,
        }
    }
}

impl Lifecycle for Disco {
    async fn connected(resumed: bool) {
        // On a new stream everybody announces again; a resumed one goes on.
        if !resumed {
            cache::forget_all().await.or_warn("old capabilities stay");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use disco::Guest;
    use sat_sdk::mock::{self, Host, block_on};

    const JULIET: &str = "juliet@capulet.lit/balcony";
    /// XEP-0115, example 1 and §5.2.
    const CAPS: &str = "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' \
                        node='http://code.google.com/p/exodus' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/>";
    const EXODUS: &str = "<identity category='client' name='Exodus 0.9.1' type='pc'/>\
        <feature var='http://jabber.org/protocol/caps'/>\
        <feature var='http://jabber.org/protocol/disco#info'/>\
        <feature var='http://jabber.org/protocol/disco#items'/>\
        <feature var='http://jabber.org/protocol/muc'/>";

    /// A host where everybody who is asked is this.
    fn network(inside: &'static str) -> Host {
        let host = Host::new::<Disco>();
        host.on_iq(info::NS, move |iq| {
            let asked = xml::parse(&iq.payload)?;
            Ok(answer::query(info::NS, asked.attr("node"))
                .raw(inside)
                .into())
        });
        host
    }

    fn announces(from: &str, kind: &str, payload: &str) {
        let header = Header {
            kind: kind.into(),
            ..mock::header(from)
        };
        block_on(<Disco as PresenceHandler>::on_presence(
            header,
            vec![payload.to_owned()],
        ))
        .unwrap();
    }

    fn features(of: &str) -> Vec<String> {
        block_on(Disco::info(Some(of.into()), None))
            .unwrap()
            .features
    }

    #[test]
    fn proved_capabilities_are_asked_for_once() {
        let host = network(EXODUS);
        announces(JULIET, "available", CAPS);
        announces("nurse@capulet.lit/x", "available", CAPS);
        assert_eq!(features(JULIET).len(), 4);
        assert_eq!(features("nurse@capulet.lit/x").len(), 4);
        assert_eq!(host.asked().len(), 1);
        assert!(
            host.asked()[0]
                .payload
                .contains("exodus#QgayPKawpkPSDYmwT/WM94uAlu0=")
        );
        // Who is gone, or says nothing that could be proved, is asked as anybody.
        announces(JULIET, "unavailable", "");
        features(JULIET);
        announces(JULIET, "available", CAPS);
        block_on(Disco::connected(false));
        features(JULIET);
        assert_eq!(host.asked().len(), 3);
    }

    #[test]
    fn lies_are_not_kept() {
        let host = network("<feature var='urn:xmpp:lies'/>");
        announces(JULIET, "available", CAPS);
        assert_eq!(features(JULIET), ["urn:xmpp:lies"]);
        assert_eq!(features(JULIET), ["urn:xmpp:lies"]);
        assert_eq!((host.asked().len(), host.log().len()), (2, 2));
    }

    #[test]
    fn the_server_announces_in_its_stream_features() {
        let host = network(EXODUS);
        host.set_stream_features(&format!("<features xmlns='x'>{CAPS}</features>"));
        let has = |feature: &str| block_on(Disco::has(None, feature.into())).unwrap();
        assert!(has("http://jabber.org/protocol/muc"));
        assert!(!has("urn:xmpp:carbons:2"));
        assert_eq!(host.asked()[0].to.as_deref(), Some("montague.lit"));
        assert_eq!(host.asked().len(), 1);
    }

    #[test]
    fn tells_who_we_are() {
        let _host = Host::new::<Disco>();
        let old = CAPS.replace("QgayPKawpkPSDYmwT/WM94uAlu0=", "old");
        let stanza =
            format!("<presence xmlns='jabber:client'>{old}{old}<show>away</show></presence>");
        let presence =
            xml::parse(&block_on(<Disco as PresenceFilter>::on_presence(stanza)).unwrap()).unwrap();
        let announced: Vec<_> = xml::children(&presence, "c", caps::NS).collect();
        let caps = Caps::read(announced[0]).unwrap();
        assert_eq!((announced.len(), presence.children().count()), (1, 2));
        let asked = answer::query(info::NS, Some(&caps.node())).into();
        let answer = block_on(Disco::on_iq(mock::header(JULIET), asked))
            .unwrap()
            .unwrap();
        let answer = xml::parse(&answer).unwrap();
        assert!(caps.prove(&answer, &info::read(&answer).unwrap()));
    }
}
