//! Messages inside of messages (XEP-0297: Stanza Forwarding).

use crate::{delay::Delay, xml::Element};

const NS: &str = "urn:xmpp:forward:0";

/// A message that came inside another one.
#[derive(Debug)]
pub struct Inner {
    /// The whole message.
    pub message: Element,
    /// When it was sent (XEP-0203), if that was said.
    pub stamp: Option<String>,
}

/// The message in the one `<forwarded/>` of `wrapper`, a carbon's `<sent/>` or an archive's
/// `<result/>`, say. None unless there is exactly one. Whether the wrapper's sender may say
/// what others have said is for the caller to check.
pub fn inner(wrapper: &Element) -> Option<Inner> {
    let forwarded = only(wrapper, "forwarded", NS)?;
    let message = only(forwarded, "message", "jabber:client")?.clone();
    let stamp = Delay::of(forwarded).map(|delay| delay.stamp);
    Some(Inner { message, stamp })
}

fn only<'a>(parent: &'a Element, name: &str, namespace: &str) -> Option<&'a Element> {
    let mut found = parent.children().filter(|e| e.is(name, namespace));
    found.next().filter(|_| found.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::parse;

    #[test]
    fn takes_exactly_one() {
        let message = "<message xmlns='jabber:client' from='a@b'><body>x</body></message>";
        let delay = "<delay xmlns='urn:xmpp:delay' stamp='2010-07-10T23:08:25Z'/>";
        let wrap = |inner: &str| parse(&format!("<r xmlns='x'>{inner}</r>")).unwrap();
        let forwarded =
            |inner: &str| format!("<forwarded xmlns='urn:xmpp:forward:0'>{inner}</forwarded>");
        let found = inner(&wrap(&forwarded(&format!("{delay}{message}")))).unwrap();
        assert_eq!(found.stamp.as_deref(), Some("2010-07-10T23:08:25Z"));
        assert_eq!(found.message.attr("from"), Some("a@b"));
        for bad in [
            String::new(),
            message.to_owned(),
            forwarded(""),
            forwarded(&message.repeat(2)),
            forwarded(message).repeat(2),
            forwarded("<message xmlns='x'/>"),
        ] {
            assert!(inner(&wrap(&bad)).is_none(), "{bad}");
        }
    }
}
