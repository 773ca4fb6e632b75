//! XEP-0202: Entity Time.

use bindings::{exports::sat::time::time, sat::time::types::Clock};
use sat_sdk::{Error, Header, IqHandler, StanzaError, datetime, stanza::tag, xml, xmpp};
use std::time::Instant;

sat_sdk::plugin!(Time: IqHandler);

struct Time;

const NS: &str = "urn:xmpp:time";

impl time::Guest for Time {
    async fn get(jid: Option<String>) -> Result<Clock, Error> {
        let to = jid.unwrap_or_else(xmpp::server);
        let (asked, start) = (datetime::now_ms(), Instant::now());
        let answer = xmpp::get(Some(&to), tag("time").ns(NS)).await?;
        // They looked at their clock about half way between question and answer.
        clock(&answer, asked + start.elapsed().as_millis() as i64 / 2)
    }
}

impl IqHandler for Time {
    async fn on_iq(_: Header, _: String) -> Result<Option<String>, StanzaError> {
        // A plugin doesn't learn the machine's time zone, which would also tell where it is.
        let time = tag("time").ns(NS).field("tzo", "+00:00");
        Ok(Some(time.field("utc", &datetime::now()).into()))
    }
}

/// Reads an answer that was given when our clock showed `ours`.
fn clock(answer: &str, ours: i64) -> Result<Clock, Error> {
    let answer = xml::parse_as(answer, "time", NS)?;
    let field = |name, read: fn(&str) -> Option<i64>| {
        let value = xml::child_text(&answer, name, NS).and_then(|text| read(&text));
        let bad = || Error::new("bad-answer", format!("the answer has no valid <{name}/>"));
        value.ok_or_else(bad)
    };
    let utc = field("utc", datetime::parse)?;
    let tzo = field("tzo", datetime::parse_offset)?;
    Ok(Clock {
        utc: datetime::format(utc),
        tzo: datetime::format_offset(tzo),
        ahead_ms: utc - ours,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sat_sdk::mock::{Host, block_on, header};
    use time::Guest;

    #[test]
    fn reads_an_answer() {
        let answer =
            "<time xmlns='urn:xmpp:time'><tzo>-06:00</tzo><utc>2006-12-19T17:58:35Z</utc></time>";
        let ours = datetime::parse("2006-12-19T17:58:34.5Z").unwrap();
        let found = clock(answer, ours).unwrap();
        assert_eq!(found.utc, "2006-12-19T17:58:35.000Z");
        assert_eq!(found.tzo, "-06:00");
        assert_eq!(found.ahead_ms, 500);
    }

    #[test]
    fn asks_and_answers() {
        let host = Host::new::<Time>();
        host.set_now("2006-12-19T17:58:35Z");
        let ours = || block_on(Time::on_iq(header("a@b"), format!("<time xmlns='{NS}'/>")));
        host.on_iq(NS, move |_| Ok(ours().unwrap().unwrap()));
        let clock = block_on(Time::get(None)).unwrap();
        assert_eq!(clock.utc, "2006-12-19T17:58:35.000Z");
        assert_eq!((clock.tzo.as_str(), clock.ahead_ms), ("+00:00", 0));
        assert_eq!(host.asked()[0].to.as_deref(), Some("montague.lit"));
    }

    #[test]
    fn survives_bad_answers() {
        for bad in [
            "",
            "<time xmlns='urn:xmpp:time'/>",
            "<time xmlns='urn:xmpp:time'><tzo>Z</tzo><utc>now</utc></time>",
            "<time xmlns='urn:xmpp:time'><tzo>CET</tzo><utc>2006-12-19T17:58:35Z</utc></time>",
        ] {
            assert!(clock(bad, 0).is_err(), "{bad}");
        }
    }
}
