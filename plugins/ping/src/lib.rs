//! XEP-0199: XMPP Ping.

use bindings::{exports::sat::ping::ping, sat::ping::types::Pong};
use sat_sdk::{Error, Header, IqHandler, StanzaError, xmpp};
use std::time::Instant;

sat_sdk::plugin!(Ping);

struct Ping;

impl ping::Guest for Ping {
    async fn ping(to: Option<String>) -> Result<Pong, Error> {
        let start = Instant::now();
        let answer = xmpp::get(to.as_deref(), "<ping xmlns='urn:xmpp:ping'/>").await;
        match answer {
            // An entity that doesn't know XEP-0199 is there all the same (§4.2).
            Ok(_) => {}
            Err(e) if matches!(&*e.code, "service-unavailable" | "feature-not-implemented") => {}
            Err(e) => return Err(e),
        }
        let server = || xmpp::account().split('@').next_back().unwrap_or_default().to_owned();
        Ok(Pong { jid: to.unwrap_or_else(server), rtt_ms: start.elapsed().as_secs_f64() * 1000.0 })
    }
}

impl IqHandler for Ping {
    async fn on_iq(_: Header, _: String) -> Result<Option<String>, StanzaError> {
        Ok(None)
    }
}
