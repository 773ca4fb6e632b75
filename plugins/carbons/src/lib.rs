//! XEP-0280: Message Carbons.

use bindings::sat::disco::disco;
use sat_sdk::{
    Error, Header, Lifecycle, OrLog, UnwrapFilter, Verdict, Via,
    deliver::{self, Forwarded},
    forward,
    stanza::tag,
    xml::{self, Element},
    xmpp::{self, bare},
};

sat_sdk::plugin!(Carbons: Lifecycle, UnwrapFilter);

struct Carbons;

const NS: &str = "urn:xmpp:carbons:2";

impl Lifecycle for Carbons {
    /// Each new stream begins without copies; a resumed one goes on with them.
    async fn connected(resumed: bool) {
        if !resumed && is_offered().await {
            let answer = xmpp::set(None, tag("enable").ns(NS)).await;
            answer.or_warn("no copies from other devices");
        }
    }

    async fn unload() {
        // Who is gone can't be told about a failure.
        let _ = xmpp::set(None, tag("disable").ns(NS)).await;
    }
}

/// Whether the server does this. Who can't find out just tries.
async fn is_offered() -> bool {
    disco::has(Some(xmpp::server()), NS.into())
        .await
        .unwrap_or(true)
}

impl UnwrapFilter for Carbons {
    async fn unwrap(_: Header, stanza: String) -> Result<Verdict, Error> {
        match copy(&xml::parse(&stanza)?, &xmpp::account()) {
            Some(copy) => deliver::deliver(vec![copy]).await?,
            None => sat_sdk::warn!("dropped a copy that is none"),
        }
        Ok(Verdict::Drop)
    }
}

/// The message in a carbon: exactly one, to the account when it is said to be received, from
/// the account when sent. What is inside of it stays there, a carbon in a carbon too.
fn copy(carbon: &Element, account: &str) -> Option<Forwarded> {
    let mut wrappers = carbon.children().filter(|e| e.has_ns(NS));
    let wrapper = wrappers.next().filter(|_| wrappers.next().is_none())?;
    let inner = forward::inner(wrapper)?;
    let is_account = |jid: Option<&str>| jid.is_none_or(|jid| bare(jid) == account);
    let via = match wrapper.name() {
        "received" if is_account(inner.message.attr("to")) => Via::CarbonReceived,
        "sent" if is_account(inner.message.attr("from")) => Via::CarbonSent,
        _ => return None,
    };
    // Rooms speak to each device themselves (§6.1).
    if inner.message.attr("type") == Some("groupchat") {
        return None;
    }
    Some(Forwarded {
        stanza: xml::text(&inner.message),
        via,
        stamp: inner.stamp,
        stanza_id: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sat_sdk::mock::{Host, block_on, header};

    const ME: &str = "romeo@montague.lit";

    fn carbon(name: &str, attributes: &str) -> Element {
        let text = format!(
            "<message xmlns='jabber:client' from='{ME}'><{name} xmlns='{NS}'>\
             <forwarded xmlns='urn:xmpp:forward:0'>\
             <message xmlns='jabber:client' {attributes}><body>x</body></message>\
             </forwarded></{name}></message>"
        );
        xml::parse(&text).unwrap()
    }

    /// The payloads of the IQs that a new stream makes.
    fn asked_when(offered: Result<bool, Error>, resumed: bool) -> Vec<String> {
        let host = Host::new::<Carbons>();
        host.on_call(
            "disco.has",
            move |(_, feature): (Option<String>, String)| {
                assert_eq!(feature, NS);
                offered.clone()
            },
        );
        host.on_iq(NS, |_| Ok(String::new()));
        block_on(Carbons::connected(resumed));
        host.asked().into_iter().map(|iq| iq.payload).collect()
    }

    #[test]
    fn is_switched_on_for_each_new_stream() {
        let enable = ["<enable xmlns='urn:xmpp:carbons:2'/>"];
        assert_eq!(asked_when(Ok(true), false), enable);
        assert_eq!(
            asked_when(Err(Error::new("no-provider", "")), false),
            enable
        );
        assert!(asked_when(Ok(false), false).is_empty());
        assert!(asked_when(Ok(true), true).is_empty());
    }

    #[test]
    fn delivers_copies_and_drops_the_rest() {
        let host = Host::new::<Carbons>();
        for attributes in [
            "from='romeo@montague.lit/home' to='a@b'",
            "from='mallory@x' to='a@b'",
        ] {
            let stanza = xml::text(&carbon("sent", attributes));
            let verdict = block_on(Carbons::unwrap(header(ME), stanza)).unwrap();
            assert!(matches!(verdict, Verdict::Drop));
        }
        assert_eq!((host.delivered().len(), host.log().len()), (1, 1));
    }

    #[test]
    fn takes_the_message_out() {
        let sent = "from='romeo@montague.lit/home' to='juliet@capulet.lit' id='1'";
        let received = "from='juliet@capulet.lit/b' to='romeo@montague.lit/garden'";
        let copied = copy(&carbon("sent", sent), ME).unwrap();
        assert_eq!(copied.via, Via::CarbonSent);
        assert_eq!(xml::parse(&copied.stanza).unwrap().attr("id"), Some("1"));
        assert_eq!(
            copy(&carbon("received", received), ME).unwrap().via,
            Via::CarbonReceived
        );
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let others = "from='juliet@capulet.lit/b' to='tybalt@capulet.lit'";
        let room = "type='groupchat' from='verona@rooms.lit/x' to='romeo@montague.lit/garden'";
        for bad in [
            carbon("sent", others),
            carbon("received", others),
            carbon("received", room),
            carbon("private", others),
            xml::parse("<message xmlns='jabber:client'/>").unwrap(),
        ] {
            assert!(copy(&bad, ME).is_none(), "{}", xml::text(&bad));
        }
        let mut two = carbon("sent", "from='romeo@montague.lit/a'");
        two.append_child(Element::bare("received", NS));
        assert!(copy(&two, ME).is_none());
    }

    #[test]
    fn unwraps_one_level() {
        let inner = xml::text(&carbon("sent", "from='romeo@montague.lit/a' to='x@y'"));
        let text = format!(
            "<message xmlns='jabber:client'><received xmlns='{NS}'>\
             <forwarded xmlns='urn:xmpp:forward:0'>{inner}</forwarded></received></message>"
        );
        let copied = copy(&xml::parse(&text).unwrap(), ME).unwrap();
        assert!(xml::parse(&copied.stanza).unwrap().has_child("sent", NS));
    }
}
