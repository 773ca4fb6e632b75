//! XEP-0092: Software Version.

use bindings::{exports::sat::version::version, sat::version::types::Software};
use sat_sdk::{Error, Header, IqHandler, StanzaError, settings, xml, xmpp};

sat_sdk::plugin!(Version: IqHandler);

struct Version;

const NS: &str = "jabber:iq:version";

impl version::Guest for Version {
    async fn get(jid: Option<String>) -> Result<Software, Error> {
        let to = jid.unwrap_or_else(xmpp::server);
        software(&xmpp::get(Some(&to), format!("<query xmlns='{NS}'/>")).await?)
    }
}

impl IqHandler for Version {
    async fn on_iq(_: Header, _: String) -> Result<Option<String>, StanzaError> {
        if settings::get("answer").is_some_and(|answer| answer.text == "false") {
            return Err(StanzaError::new("service-unavailable"));
        }
        // No `<os/>`: it helps attackers more than anybody else (§5).
        let version = env!("CARGO_PKG_VERSION");
        Ok(Some(format!(
            "<query xmlns='{NS}'><name>Salut à Toi</name><version>{version}</version></query>"
        )))
    }
}

/// Reads an answer.
fn software(query: &str) -> Result<Software, Error> {
    let query = xml::parse(query)?;
    let field = |name| {
        let text = query.get_child(name, NS)?.text().trim().to_owned();
        (!text.is_empty()).then_some(text)
    };
    let missing = |name| Error::new("bad-answer", format!("the answer has no <{name}/>"));
    Ok(Software {
        name: field("name").ok_or_else(|| missing("name"))?,
        // Required as well, but servers that hide theirs leave it empty.
        version: field("version").unwrap_or_default(),
        os: field("os"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_answer() {
        let answer = "<query xmlns='jabber:iq:version'><name>Exodus</name><version>0.7.0.4</version>\
                      <os>Windows-XP 5.01.2600</os></query>";
        let found = software(answer).unwrap();
        assert_eq!(found.name, "Exodus");
        assert_eq!(found.version, "0.7.0.4");
        assert_eq!(found.os.as_deref(), Some("Windows-XP 5.01.2600"));
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
