//! Where a message belongs: which conversation, which side.

use sat_sdk::{Error, Header, PeerKind, fail, jid, xmpp::bare};

/// The side of a conversation that a message is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Whom the conversation is with.
    pub(crate) with: String,
    /// Its kind.
    pub(crate) kind: &'static str,
    /// Whether the account sent the message.
    pub(crate) out: bool,
    /// Who sent it.
    pub(crate) sender: String,
}

/// The place of an incoming message, if it belongs to this plugin.
pub(crate) fn of(header: &Header, account: &str) -> Option<Place> {
    let server = jid::domain(account);
    let sender = header.from.as_deref().unwrap_or(server);
    let out = bare(sender) == account;
    // What the account writes to itself has one side only.
    let other = if out {
        header.to.as_deref().unwrap_or(account)
    } else {
        sender
    };
    let (with, kind) = match header.peer_kind {
        // Rooms themselves speak in groupchat and in invitations.
        PeerKind::Room => return None,
        PeerKind::Occupant if !other.contains('/') => return None,
        PeerKind::Occupant => (other, "room-private"),
        _ => (bare(other), "direct"),
    };
    Some(Place {
        with: with.into(),
        kind,
        out,
        sender: sender.into(),
    })
}

/// Whom a conversation is with, as it is stored, from what somebody typed: a bare JID, or an
/// occupant's full one.
pub(crate) fn normalize(with: &str) -> Result<String, Error> {
    let with = with.trim();
    let bare = jid::normalize(with)?;
    match with.split_once('/') {
        None => Ok(bare),
        Some((_, resource)) if is_resource(resource) => Ok(format!("{bare}/{resource}")),
        Some(_) => fail!("jid-malformed", "“{with}” has a bad resource"),
    }
}

fn is_resource(part: &str) -> bool {
    (1..=1023).contains(&part.len()) && !part.contains(char::is_control)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use sat_sdk::mock;

    pub(crate) fn header(from: Option<&str>, to: Option<&str>, peer_kind: PeerKind) -> Header {
        Header {
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
            peer_kind,
            ..mock::header("")
        }
    }

    #[test]
    fn finds_the_other_side() {
        const ME: &str = "romeo@montague.lit";
        let phone = "romeo@montague.lit/phone";
        let juliet = "juliet@capulet.lit/balcony";
        let nick = "verona@rooms.lit/Tybalt";
        for (from, to, kind, expected) in [
            (
                Some(juliet),
                Some(ME),
                PeerKind::Contact,
                Some(("juliet@capulet.lit", "direct", false)),
            ),
            (
                Some(phone),
                Some(juliet),
                PeerKind::Contact,
                Some(("juliet@capulet.lit", "direct", true)),
            ),
            (
                Some(phone),
                Some(ME),
                PeerKind::Account,
                Some((ME, "direct", true)),
            ),
            (
                Some(phone),
                None,
                PeerKind::Account,
                Some((ME, "direct", true)),
            ),
            (
                None,
                Some(ME),
                PeerKind::Server,
                Some(("montague.lit", "direct", false)),
            ),
            (
                Some(nick),
                Some(ME),
                PeerKind::Occupant,
                Some((nick, "room-private", false)),
            ),
            (
                Some(ME),
                Some(nick),
                PeerKind::Occupant,
                Some((nick, "room-private", true)),
            ),
            (Some("verona@rooms.lit"), Some(ME), PeerKind::Occupant, None),
            (Some("verona@rooms.lit"), Some(ME), PeerKind::Room, None),
        ] {
            let found = of(&header(from, to, kind), ME);
            let found = found.as_ref().map(|p| (p.with.as_str(), p.kind, p.out));
            assert_eq!(found, expected, "{from:?} {to:?}");
        }
    }

    #[test]
    fn keeps_resources() {
        assert_eq!(
            normalize(" Juliet@Capulet.lit ").unwrap(),
            "juliet@capulet.lit"
        );
        assert_eq!(
            normalize("Verona@rooms.lit/Tybalt C").unwrap(),
            "verona@rooms.lit/Tybalt C"
        );
        for bad in ["", "a@b/", "a@b/\u{7}", "@", "a b@c"] {
            assert_eq!(normalize(bad).unwrap_err().code, "jid-malformed", "{bad}");
        }
    }
}
