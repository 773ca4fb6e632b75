//! `xmpp:` URIs of pubsub nodes and items (XEP-0060 §12.21, RFC 5122).

/// What such a URI points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// JID of the service.
    pub service: String,
    pub node: Option<String>,
    /// Id of the item.
    pub item: Option<String>,
}

/// The URI of a node: `xmpp:romeo@montague.lit?;node=urn%3Axmpp%3Amicroblog%3A0`.
pub fn node(service: &str, node: &str) -> String {
    format!("{}?;node={}", jid(service), encode(node, ""))
}

/// The URI of an item.
pub fn item(service: &str, node: &str, item: &str) -> String {
    format!("{};item={}", self::node(service, node), encode(item, ""))
}

/// The URI of a JID.
pub fn jid(jid: &str) -> String {
    format!("xmpp:{}", encode(jid, "@/"))
}

/// Reads a URI of a JID, a node or an item. Other actions and keys are passed over.
pub fn parse(uri: &str) -> Option<Place> {
    let (scheme, rest) = uri.trim().split_once(':')?;
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    // Of `//account@domain/jid` the account is who shall act, and means nothing here (§2.3).
    let path = match path.strip_prefix("//") {
        Some(path) => path.split_once('/')?.1,
        None => path,
    };
    if !scheme.eq_ignore_ascii_case("xmpp") || path.is_empty() {
        return None;
    }
    let value = |key: &str| {
        let mut pairs = query.split([';', '&']).filter_map(|p| p.split_once('='));
        let (_, value) = pairs.find(|(k, _)| k.trim() == key)?;
        Some(decode(value.trim()))
    };
    Some(Place {
        service: decode(path),
        node: value("node"),
        item: value("item"),
    })
}

/// Percent-encodes everything but RFC 3986's unreserved characters and those of `keep`.
fn encode(text: &str, keep: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "-._~".contains(c) || keep.contains(c) {
            out.push(c);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        if byte == b'%'
            && let (Some(high), Some(low)) = (digit(ahead.next()), digit(ahead.next()))
        {
            out.push((high * 16 + low) as u8);
            bytes = ahead;
        } else {
            out.push(byte);
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// XEP-0277 §3.1, XEP-0470 §4.1.
    #[test]
    fn writes_as_the_xeps_do() {
        let blog = "urn:xmpp:microblog:0";
        assert_eq!(
            node("romeo@montague.lit", blog),
            "xmpp:romeo@montague.lit?;node=urn%3Axmpp%3Amicroblog%3A0"
        );
        assert_eq!(
            item("juliet@capulet.lit", blog, "balcony-restoration-afd1"),
            "xmpp:juliet@capulet.lit?;node=urn%3Axmpp%3Amicroblog%3A0;item=balcony-restoration-afd1"
        );
    }

    #[test]
    fn reads_what_it_writes() {
        for (service, name, id) in [
            ("a@b.lit", "x;item=y", "1&2"),
            ("pubsub.b.lit", "Ψ/ 100%", "é?#"),
        ] {
            let place = parse(&item(service, name, id)).unwrap();
            assert_eq!(place.service, service);
            assert_eq!(place.node.as_deref(), Some(name));
            assert_eq!(place.item.as_deref(), Some(id));
        }
    }

    #[test]
    fn reads_what_others_write() {
        // With white space, as in an example of XEP-0277, and not encoded.
        let text = "XMPP:romeo@m.lit?;\n node=urn:xmpp:microblog:0;\n item=1%zz%4";
        let place = parse(text).unwrap();
        assert_eq!(place.node.as_deref(), Some("urn:xmpp:microblog:0"));
        assert_eq!(place.item.as_deref(), Some("1%zz%4"));
        let place = parse("xmpp:a@b.lit?pubsub;action=retrieve;node=n").unwrap();
        assert_eq!((place.node.as_deref(), place.item), (Some("n"), None));
        assert_eq!(parse("xmpp://me@x.lit/a@b.lit").unwrap().service, "a@b.lit");
        for bad in ["", "romeo@m.lit", "https://x.lit", "xmpp:", "xmpp:?;node=x"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
