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

#[cfg(test)]
mod tests {
    use super::*;
    use ping::Guest;
    use sat_sdk::mock::{self, Host, block_on};

    #[test]
    fn asks_the_server_unless_told_whom() {
        let host = Host::new::<Ping>();
        host.on_iq("urn:xmpp:ping", |_| Ok(String::new()));
        let pong = block_on(Ping::ping(None)).unwrap();
        assert_eq!(pong.jid, "montague.lit");
        assert!(pong.rtt_ms >= 0.0);
        let other = "juliet@capulet.lit/balcony";
        assert_eq!(block_on(Ping::ping(Some(other.into()))).unwrap().jid, other);
        assert_eq!(host.asked()[1].to.as_deref(), Some(other));
    }

    #[test]
    fn answers() {
        let asked = Ping::on_iq(mock::header("a@b"), "<ping xmlns='urn:xmpp:ping'/>".into());
        assert_eq!(block_on(asked).unwrap(), None);
    }
}
