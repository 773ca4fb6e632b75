//! XEP-0184: Message Delivery Receipts.

use bindings::sat::{
    chat::{chat, types::Amendment},
    roster::roster,
};
use sat_sdk::{
    AmendFilter, ComposeFilter, Error, Header, MessageHandler, PeerKind, Verdict, Via, payload,
    settings,
    stanza::{message, tag},
    xml::{self, Element},
    xmpp::{self, bare},
};

sat_sdk::plugin!(Receipts: ComposeFilter, MessageHandler, AmendFilter);

struct Receipts;

const NS: &str = "urn:xmpp:receipts";

impl ComposeFilter for Receipts {
    /// Asks for a receipt.
    async fn compose(stanza: String) -> Result<Verdict, Error> {
        let asked = Some(stanza).filter(|_| settings::is_on("request"));
        Ok(asked
            .and_then(with_request)
            .map_or(Verdict::Keep, Verdict::Replace))
    }
}

impl MessageHandler for Receipts {
    /// Gives a receipt.
    async fn on_message(header: Header, payloads: Vec<String>) -> Result<(), Error> {
        if let Some(receipt) = receipt(&header, &payloads)
            && settings::is_on("send")
            && may_know(&header).await
        {
            // A receipt that doesn't arrive is no loss: its lack means nothing (§4).
            xmpp::send_now(receipt).await?;
        }
        Ok(())
    }
}

impl AmendFilter for Receipts {
    /// Gets a receipt. Many may come for one message, one from each device.
    async fn amend(header: Header, stanza: String) -> Result<Verdict, Error> {
        let message = xml::parse(&stanza)?;
        if let Some(amendment) = amendment(&header, &message, &xmpp::account()) {
            let id = amendment.message_id.clone();
            if let Err(e) = chat::amend(amendment).await {
                sat_sdk::debug!("no use for the receipt for {id}: {}", e.message);
            }
        }
        Ok(match message.has_child("body", "jabber:client") {
            true => Verdict::Keep,
            false => Verdict::Drop,
        })
    }
}

/// The message with a request, unless it has one or is a receipt itself (§5.4).
fn with_request(stanza: String) -> Option<String> {
    let end = stanza.rfind("</message>")?;
    if stanza.contains(NS) || payload::attribute(&stanza, "id").is_none() {
        return None;
    }
    let (content, end) = stanza.split_at_checked(end)?;
    Some(format!("{content}{}{end}", tag("request").ns(NS)))
}

/// The receipt for a message that came here just now. Copies of what other devices got or sent,
/// and old messages, get none (§5.5).
fn receipt(header: &Header, payloads: &[String]) -> Option<String> {
    let here = matches!(header.via, Via::Live | Via::Offline);
    let request = payloads.iter().all(|p| payload::name(p) == "request");
    let (from, id) = (header.from.as_deref()?, header.id.as_deref()?);
    let received = || tag("received").ns(NS).id(id);
    (here && request).then(|| message(from).kind(&header.kind).child(received()).into())
}

/// Whether the sender may know that we are here (§8): who sees our presence knows it anyway.
async fn may_know(header: &Header) -> bool {
    let from = header.from.as_deref().unwrap_or_default();
    match header.peer_kind {
        PeerKind::Contact => match roster::get(bare(from).to_owned()).await {
            Ok(contact) => matches!(contact.subscription.as_str(), "from" | "both"),
            // Without that plugin, being in the roster must do.
            Err(e) => e.code == "no-provider",
        },
        PeerKind::Account => Some(from) != xmpp::bound().as_deref(),
        PeerKind::Room | PeerKind::Server => false,
        PeerKind::Stranger | PeerKind::Occupant => settings::is_on("send-to-strangers"),
    }
}

/// What a receipt changes: the message of ours that it is for, in the conversation with its
/// sender, so that nobody confirms what others were sent.
fn amendment(header: &Header, message: &Element, account: &str) -> Option<Amendment> {
    let from = header.from.as_deref()?;
    // Receipts that our other devices gave.
    let ours = bare(from) == account && header.peer_kind != PeerKind::Account;
    let id = message
        .get_child("received", NS)?
        .attr("id")
        .filter(|id| !id.is_empty())?;
    let with = if header.peer_kind == PeerKind::Occupant {
        from
    } else {
        bare(from)
    };
    (!ours && header.via != Via::CarbonSent).then(|| Amendment {
        with: with.into(),
        message_id: id.into(),
        direction: "out".into(),
        state: Some("delivered".into()),
        error: None,
        body: None,
        edited_at: None,
        retracted: None,
        extra: Vec::new(),
        clear: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bindings::sat::roster::types::Contact;
    use sat_sdk::mock::{self, Host, block_on};
    use std::{cell::RefCell, rc::Rc};

    const ME: &str = "romeo@montague.lit";

    fn header(via: Via, from: &str, peer_kind: PeerKind) -> Header {
        Header {
            id: Some("r<1".into()),
            peer_kind,
            via,
            ..mock::header(from)
        }
    }

    /// What a message with a request makes us send, by the subscription of its sender.
    fn sent_for(host: &Host, subscription: Result<&'static str, Error>) -> usize {
        host.on_call("roster.get", move |jid: String| {
            Ok(Contact {
                jid,
                name: None,
                groups: Vec::new(),
                subscription: subscription.clone()?.into(),
                pending_out: false,
                approved: false,
            })
        });
        let request = vec!["<request xmlns='urn:xmpp:receipts'/>".to_owned()];
        let from = "juliet@capulet.lit/balcony";
        block_on(Receipts::on_message(mock::header(from), request)).unwrap();
        host.sent().len()
    }

    #[test]
    fn tells_those_who_see_us() {
        let host = Host::new::<Receipts>();
        assert_eq!(sent_for(&host, Ok("to")), 0);
        assert_eq!(sent_for(&host, Err(Error::new("item-not-found", ""))), 0);
        assert_eq!(sent_for(&host, Ok("both")), 1);
        assert_eq!(sent_for(&host, Err(Error::new("no-provider", ""))), 2);
        host.set_setting("send", "false");
        assert_eq!(sent_for(&host, Ok("both")), 2);
        assert!(host.sent().iter().all(|message| !message.durable));
    }

    #[test]
    fn tells_the_chat() {
        let host = Host::new::<Receipts>();
        let amended = Rc::new(RefCell::new(Vec::new()));
        let seen = amended.clone();
        host.on_call("chat.amend", move |amendment: Amendment| {
            seen.borrow_mut()
                .push((amendment.message_id, amendment.state));
            Ok(())
        });
        let stanza = |more: &str| {
            let received = "<received xmlns='urn:xmpp:receipts' id='m1'/>";
            format!("<message xmlns='jabber:client'>{received}{more}</message>")
        };
        let amend = |more| block_on(Receipts::amend(mock::header("a@b/c"), stanza(more))).unwrap();
        assert!(matches!(amend(""), Verdict::Drop));
        assert!(matches!(amend("<body>x</body>"), Verdict::Keep));
        let once = ("m1".to_owned(), Some("delivered".to_owned()));
        assert_eq!(*amended.borrow(), [once.clone(), once]);
    }

    #[test]
    fn asks_once() {
        let message = "<message xmlns='jabber:client' id='1'><body>x</body></message>";
        let asked = with_request(message.into()).unwrap();
        assert!(xml::parse(&asked).unwrap().has_child("request", NS));
        assert_eq!(with_request(asked), None);
        assert_eq!(with_request(message.replace(" id='1'", "")), None);
        assert_eq!(
            with_request("<message xmlns='jabber:client' id='1'/>".into()),
            None
        );
    }

    #[test]
    fn confirms_what_came_here() {
        let juliet = "juliet@capulet.lit/'";
        let request = "<request xmlns='urn:xmpp:receipts'/>".to_owned();
        let received = "<received xmlns='urn:xmpp:receipts' id='9'/>".to_owned();
        let give =
            |via, payloads: &[String]| receipt(&header(via, juliet, PeerKind::Contact), payloads);
        for via in [Via::Live, Via::Offline] {
            let receipt = xml::parse(&give(via, std::slice::from_ref(&request)).unwrap()).unwrap();
            assert_eq!(
                (receipt.attr("to"), receipt.attr("type")),
                (Some(juliet), Some("chat"))
            );
            assert_eq!(
                receipt.get_child("received", NS).unwrap().attr("id"),
                Some("r<1")
            );
            assert_eq!(receipt.children().count(), 1);
        }
        for via in [Via::CarbonReceived, Via::CarbonSent, Via::Archive] {
            assert_eq!(give(via, std::slice::from_ref(&request)), None);
        }
        assert_eq!(give(Via::Live, &[request.clone(), received]), None);
        let nameless = Header {
            id: None,
            ..header(Via::Live, juliet, PeerKind::Contact)
        };
        assert_eq!(receipt(&nameless, &[request]), None);
    }

    #[test]
    fn believes_the_receiver_only() {
        let message = |inside: &str| {
            xml::parse(&format!(
                "<message xmlns='jabber:client'>{inside}</message>"
            ))
            .unwrap()
        };
        let receipt = message("<received xmlns='urn:xmpp:receipts' id='m1'/>");
        let with =
            |via, from, kind| amendment(&header(via, from, kind), &receipt, ME).map(|a| a.with);
        let nick = "verona@rooms.lit/Tybalt";
        let phone = "romeo@montague.lit/phone";
        for (via, from, kind, expected) in [
            (
                Via::Live,
                "mallory@x.lit/1",
                PeerKind::Stranger,
                Some("mallory@x.lit"),
            ),
            (
                Via::Archive,
                "juliet@capulet.lit/1",
                PeerKind::Contact,
                Some("juliet@capulet.lit"),
            ),
            (Via::Live, nick, PeerKind::Occupant, Some(nick)),
            (Via::Live, phone, PeerKind::Account, Some(ME)),
            (Via::CarbonSent, phone, PeerKind::Contact, None),
            (Via::Archive, phone, PeerKind::Contact, None),
        ] {
            assert_eq!(with(via, from, kind).as_deref(), expected, "{from}");
        }
        for bad in [
            "",
            "<received xmlns='urn:xmpp:receipts'/>",
            "<received xmlns='x' id='1'/>",
        ] {
            let header = header(Via::Live, "a@b/c", PeerKind::Contact);
            assert!(amendment(&header, &message(bad), ME).is_none(), "{bad}");
        }
    }
}
