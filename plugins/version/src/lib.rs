//! XEP-0092: Software Version.

use bindings::{exports::sat::version::version, sat::version::types::Software};
use sat_sdk::{Error, Header, IqHandler, StanzaError, fail, settings, stanza::tag, xml, xmpp};

sat_sdk::plugin!(Version: IqHandler);

struct Version;

const NS: &str = "jabber:iq:version";

impl version::Guest for Version {
    async fn get(jid: Option<String>) -> Result<Software, Error> {
        let to = jid.unwrap_or_else(xmpp::server);
        software(&xmpp::get(Some(&to), tag("query").ns(NS)).await?)
    }
}

impl IqHandler for Version {
    async fn on_iq(_: Header, _: String) -> Result<Option<String>, StanzaError> {
        if !settings::is_on("answer") {
            return Err(StanzaError::new("service-unavailable"));
        }
        // No `<os/>`: it helps attackers more than anybody else (§5).
        let query = tag("query").ns(NS).field("name", "Salut à Toi");
        let query = query.field("version", env!("CARGO_PKG_VERSION"));
        Ok(Some(query.into()))
    }
}

/// Reads an answer.
fn software(query: &str) -> Result<Software, Error> {
    let query = xml::parse_as(query, "query", NS)?;
    let field = |name| xml::child_text(&query, name, NS);
    let Some(name) = field("name") else {
        fail!("bad-answer", "the answer has no <name/>");
    };
    Ok(Software {
        name,
        // Required as well, but servers that hide theirs leave it empty.
        version: field("version").unwrap_or_default(),
        os: field("os"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sat_sdk::mock::{Host, block_on, header};
    use version::Guest;

    #[test]
    fn asks() {
        let host = Host::new::<Version>();
        let answer = "<query xmlns='jabber:iq:version'><name>Exodus</name><version>0.7.0.4</version>\
                      <os>Windows-XP 5.01.2600</os></query>";
        host.on_iq(NS, |_| Ok(answer.into()));
        let found = block_on(Version::get(None)).unwrap();
        assert_eq!(host.asked()[0].to.as_deref(), Some("montague.lit"));
        assert_eq!(found.name, "Exodus");
        assert_eq!(found.version, "0.7.0.4");
        assert_eq!(found.os.as_deref(), Some("Windows-XP 5.01.2600"));
    }

    #[test]
    fn answers_unless_told_not_to() {
        let host = Host::new::<Version>();
        let answer = || {
            block_on(Version::on_iq(
                header("a@b"),
                format!("<query xmlns='{NS}'/>"),
            ))
        };
        let ours = software(&answer().unwrap().unwrap()).unwrap();
        assert_eq!((ours.name.as_str(), ours.os), ("Salut à Toi", None));
        host.set_setting("answer", "false");
        assert_eq!(answer().unwrap_err().condition, "service-unavailable");
    }

    #[test]
    fn survives_bad_answers() {
        let hidden = "<query xmlns='jabber:iq:version'><name>x</name><version/><os> </os></query>";
        let found = software(hidden).unwrap();
        assert_eq!((found.version.as_str(), found.os), ("", None));
        for bad in [
            "",
            "<query",
            "<query xmlns='jabber:iq:version'/>",
            "<query xmlns='x'><name>n</name></query>",
        ] {
            assert!(software(bad).is_err(), "{bad}");
        }
    }
}
