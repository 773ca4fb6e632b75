//! A client on plain tokio-xmpp.

use crate::{Result, prosody::PASSWORD};
use futures::StreamExt;
use tokio_xmpp::{
    Client, Event, Stanza,
    connect::{DnsConfig, TcpServerConnector},
    xmlstream::Timeouts,
};
use xmpp_parsers::{
    jid::{BareJid, Jid},
    message::{Lang, Message, MessageType},
    presence::{Presence, Type},
};

/// Connects an account, up to the bound stream and the initial presence.
pub(super) async fn connect(account: &str, domain: &str, port: u16) -> Result<Client> {
    let jid = BareJid::new(&format!("{account}@{domain}"))?;
    let connector = TcpServerConnector(DnsConfig::addr(&format!("127.0.0.1:{port}")));
    let mut client = Client::new_with_connector(jid, PASSWORD, connector, Timeouts::default());
    loop {
        match client.next().await {
            Some(Event::Online { .. }) => break,
            Some(Event::Disconnected(e)) => return Err(e.into()),
            Some(Event::Stanza(_)) => {}
            None => return Err("no stream".into()),
        }
    }
    client
        .send_stanza(Stanza::Presence(Presence::new(Type::None)))
        .await?;
    Ok(client)
}

/// The sender and the text of a message, if that is what came.
pub(super) fn said(event: Event) -> Option<(Jid, String)> {
    let Event::Stanza(Stanza::Message(mut message)) = event else {
        return None;
    };
    let from = message.from.take()?;
    // Its language is the stream's, which the server says.
    let (_, body) = message.bodies.pop_first()?;
    (message.type_ != MessageType::Error).then_some((from, body))
}

/// A chat message.
pub(super) fn message(to: Jid, body: String) -> Stanza {
    let mut message = Message::new(Some(to));
    message.type_ = MessageType::Chat;
    message.bodies.insert(Lang::default(), body);
    Stanza::Message(message)
}
