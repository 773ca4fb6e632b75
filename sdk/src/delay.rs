//! When and where a stanza was delayed (XEP-0203: Delayed Delivery).
//!
//! A handler finds the time in its header already, checked by the host.

use crate::{
    datetime,
    stanza::{Tag, tag},
    xml::Element,
};

const NS: &str = "urn:xmpp:delay";

/// A delay, as a `<delay/>` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delay {
    /// When the stanza was sent, RFC 3339 as it was written.
    pub stamp: String,
    /// Who delayed it.
    pub from: Option<String>,
    /// Why, for people.
    pub reason: Option<String>,
}

impl Delay {
    /// The first delay of a stanza, or of a `<forwarded/>`, with a valid time.
    pub fn of(parent: &Element) -> Option<Self> {
        let delays = parent.children().filter(|e| e.is("delay", NS));
        delays.filter_map(Self::read).next()
    }

    /// Reads a `<delay/>`.
    pub fn read(delay: &Element) -> Option<Self> {
        let stamp = delay.attr("stamp")?;
        datetime::parse(stamp)?;
        let reason = delay.text();
        Some(Self {
            stamp: stamp.to_owned(),
            from: delay.attr("from").map(str::to_owned),
            reason: Some(reason.trim().to_owned()).filter(|r| !r.is_empty()),
        })
    }

    /// The `<delay/>` that says this.
    pub fn tag(&self) -> Tag {
        let delay = tag("delay").ns(NS).maybe("from", self.from.as_deref());
        let delay = delay.attr("stamp", &self.stamp);
        delay.text(self.reason.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::parse;

    /// Example 1.
    #[test]
    fn reads_and_writes() {
        let message = parse(
            "<message xmlns='jabber:client' from='romeo@montague.net/orchard' type='chat'>\
             <body>O blessed, blessed night!</body>\
             <delay xmlns='urn:xmpp:delay' from='capulet.com' stamp='2002-09-10T23:08:25Z'>\n    \
             Offline Storage\n  </delay></message>",
        )
        .unwrap();
        let delay = Delay::of(&message).unwrap();
        assert_eq!(delay.stamp, "2002-09-10T23:08:25Z");
        assert_eq!(delay.from.as_deref(), Some("capulet.com"));
        assert_eq!(delay.reason.as_deref(), Some("Offline Storage"));
        assert_eq!(
            Delay::read(&parse(&delay.tag().to_string()).unwrap()),
            Some(delay)
        );
    }

    #[test]
    fn leaves_out_what_has_no_time() {
        let delayed = |delays: &str| {
            Delay::of(&parse(&format!("<m xmlns='jabber:client'>{delays}</m>")).unwrap())
        };
        let bad = "<delay xmlns='urn:xmpp:delay' stamp='now'/>";
        let good = "<delay xmlns='urn:xmpp:delay' stamp='2002-09-10T23:41:07Z'/>";
        let other = "<delay xmlns='x' stamp='2002-09-10T23:41:07Z'/>";
        assert_eq!(delayed(&format!("{bad}{other}")), None);
        assert!(delayed(&format!("{bad}{good}")).is_some());
    }
}
