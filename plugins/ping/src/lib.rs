//! XEP-0199: XMPP Ping.

use bindings::{exports::sat::ping::ping, sat::ping::types::Pong};
use sat_sdk::{Error, Header, IqHandler, StanzaError, xmpp};
use std::time::Instant;

sat_sdk::plugin!(Ping: IqHandler);

struct Ping;

impl ping::Guest for Ping {
    async fn ping(to: Option<String>) -> Result<Pong, Error> {
        let start = Instant::now();
        let asked = to.unwrap_or_else(xmpp::server);
        xmpp::get(Some(&asked), "<ping xmlns='urn:xmpp:ping'/>").await?;
        Ok(Pong {
            jid: asked,
            rtt_ms: start.elapsed().as_secs_f64() * 1000.0,
        })
    }
}

impl IqHandler for Ping {
    async fn on_iq(_: Header, _: String) -> Result<Option<String>, StanzaError> {
        Ok(None)
    }
}
