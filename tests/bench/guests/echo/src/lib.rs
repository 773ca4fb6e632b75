//! Sends every message back: the shortest way through a plugin.

use sat_sdk::{Error, Header, MessageHandler, payload, xml::escape, xmpp};

sat_sdk::plugin!(Echo: MessageHandler);

struct Echo;

impl MessageHandler for Echo {
    async fn on_message(header: Header, payloads: Vec<String>) -> Result<(), Error> {
        if let (Some(from), Some(body)) = (header.from, payloads.first()) {
            let (to, said) = (escape(&from), payload::text(body));
            let said = escape(&said);
            xmpp::send_now(format!(
                "<message xmlns='jabber:client' to='{to}' type='chat'><body>{said}</body></message>"
            ))
            .await?;
        }
        Ok(())
    }
}
