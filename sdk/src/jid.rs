//! JIDs (RFC 7622), as far as a plugin needs them: the server has the last word.

use crate::Error;

/// The domain of a JID.
pub fn domain(jid: &str) -> &str {
    let bare = crate::xmpp::bare(jid);
    bare.split_once('@').map_or(bare, |(_, domain)| domain)
}

/// The bare JID of what somebody typed, as servers write it: without resource, in lower case,
/// without the domain's final dot. `jid-malformed` when it can't be one.
///
/// Lower case is what differs in practice. The rest of RFC 7622's normalisation needs Unicode
/// tables of 300 KiB and is left to the server.
pub fn normalize(jid: &str) -> Result<String, Error> {
    let bare = crate::xmpp::bare(jid.trim()).to_lowercase();
    let (local, domain) = match bare.split_once('@') {
        Some((local, domain)) => (Some(local), domain),
        None => (None, bare.as_str()),
    };
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    if !local.is_none_or(is_local) || !is_domain(domain) {
        return Err(Error::new(
            "jid-malformed",
            format!("“{jid}” is not a JID like name@server.org"),
        ));
    }
    Ok(local.map_or_else(|| domain.to_owned(), |local| format!("{local}@{domain}")))
}

fn is_local(part: &str) -> bool {
    is_part(part) && !part.contains(['"', '&', '\'', '/', ':', '<', '>', '@'])
}

fn is_domain(part: &str) -> bool {
    let name =
        |part: &str| !part.contains(|c: char| c.is_ascii_punctuation() && !"-._".contains(c));
    let address = part.strip_prefix('[').and_then(|p| p.strip_suffix(']'));
    let labels = || part.split('.').all(|label| !label.is_empty());
    is_part(part)
        && address.map_or_else(
            || name(part) && labels(),
            |a| a.parse::<std::net::Ipv6Addr>().is_ok(),
        )
}

/// What holds for both parts: 1 to 1023 bytes, neither spaces nor control characters.
fn is_part(part: &str) -> bool {
    (1..=1023).contains(&part.len())
        && !part.contains(|c: char| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalizes() {
        for (typed, jid) in [
            ("Juliet@Capulet.LIT/balcony", "juliet@capulet.lit"),
            (" capulet.lit. ", "capulet.lit"),
            ("Ψ@例え.jp", "ψ@例え.jp"),
            ("a+b!c@my-host.example", "a+b!c@my-host.example"),
            ("a@[::1]", "a@[::1]"),
            ("a@localhost/@/@", "a@localhost"),
        ] {
            assert_eq!(normalize(typed).unwrap(), jid);
        }
    }

    #[test]
    fn refuses() {
        for typed in [
            "",
            "@",
            "a@",
            "@b",
            "a b@c",
            "a@b c",
            "a@b@c",
            "a<b@c",
            "a:b@c",
            "/x",
            "a@b..c",
            "a@.b",
            "a@[x]",
            "a@b:5222",
            "a@b'",
            "a\0@b",
            &"a".repeat(1024),
        ] {
            assert!(normalize(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn takes_the_domain() {
        assert_eq!(domain("juliet@capulet.lit/b@x"), "capulet.lit");
        assert_eq!(domain("capulet.lit"), "capulet.lit");
    }
}
