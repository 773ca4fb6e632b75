//! Coming, going and other nicks (XEP-0045 §7).

use super::{Occupant, Out, Room};
use crate::{
    ns,
    stanza::Fault,
    state::State,
    xml::{Build, el},
};
use chrono::{DateTime, Duration, Utc};
use jid::{BareJid, Jid};
use minidom::Element;

impl State {
    pub(super) fn presence_in_room(
        &mut self,
        from: &Jid,
        jid: &BareJid,
        nick: &str,
        presence: &Element,
    ) -> Result<Out, Fault> {
        let now = self.now();
        let enters = presence.get_child("x", ns::MUC);
        match presence.attr("type") {
            None => {}
            // An occupant that can't be reached is no occupant (§17.4 leaves the how open).
            Some("unavailable" | "error") => {
                let Some(room) = self.rooms.get_mut(jid) else {
                    return Ok(Vec::new());
                };
                return Ok(match room.nick_of(from) {
                    Some(own) => room.part(&own, None, None),
                    None => Vec::new(),
                });
            }
            Some(_) => return Err(Fault::new("bad-request")),
        }
        let mut created = false;
        if !self.rooms.contains_key(jid) {
            if enters.is_none() {
                return Err(Fault::new("not-acceptable"));
            }
            created = true;
            let room = Room::new(jid.clone(), from.to_bare());
            self.rooms.insert(jid.clone(), room);
        }
        let room = self.rooms.get_mut(jid);
        let room = room.ok_or_else(|| Fault::new("internal-server-error"))?;
        match (room.nick_of(from), enters) {
            (Some(own), None) if own != nick => room.rename(&own, nick, presence),
            (Some(own), None) => {
                if let Some(occupant) = room.occupants.get_mut(&own) {
                    occupant.presence = bare(presence);
                }
                Ok(room.announce(&own, &[]))
            }
            (None, None) => Err(Fault::new("not-acceptable")),
            (own, Some(x)) => {
                // A client that has lost its memory comes again (§7.2.1).
                let mut out = match own {
                    Some(own) if own != nick => room.part(&own, None, None),
                    _ => Vec::new(),
                };
                out.extend(room.enter(from, nick, presence, x, created, now)?);
                Ok(out)
            }
        }
    }
}

/// A presence as the room hands it on.
fn bare(presence: &Element) -> Element {
    let own = presence
        .children()
        .filter(|child| !child.has_ns(ns::MUC) && !child.has_ns(ns::MUC_USER));
    el("presence", ns::CLIENT)
        .maybe("id", presence.attr("id"))
        .all(own.cloned())
}

impl Room {
    fn enter(
        &mut self,
        from: &Jid,
        nick: &str,
        presence: &Element,
        x: &Element,
        created: bool,
        now: DateTime<Utc>,
    ) -> Result<Out, Fault> {
        let who = from.to_bare();
        let affiliation = self.affiliation(&who);
        if affiliation == "outcast" {
            return Err(Fault::new("forbidden"));
        }
        if self.locked && affiliation != "owner" {
            return Err(Fault::new("item-not-found"));
        }
        if self.config.is("muc#roomconfig_membersonly") && affiliation == "none" {
            return Err(Fault::new("registration-required"));
        }
        let given = x.get_child("password", ns::MUC).map(Element::text);
        if let Some(password) = self.config.password()
            && given.as_deref() != Some(password)
            && affiliation != "owner"
        {
            return Err(Fault::new("not-authorized"));
        }
        if self.occupants.get(nick).is_some_and(|o| o.jid != *from) {
            return Err(Fault::new("conflict"));
        }
        let own = Occupant {
            jid: from.clone(),
            role: self.first_role(&who).to_owned(),
            presence: bare(presence),
        };
        let others = self.occupants.iter().filter(|(other, _)| *other != nick);
        let mut out: Out = others
            .map(|(other, occupant)| self.presence(other, occupant, &own, &[]))
            .collect();
        self.occupants.insert(nick.to_owned(), own);
        let mut statuses = Vec::new();
        if self.config.value("muc#roomconfig_whois") == "anyone" {
            statuses.push("100");
        }
        if created {
            statuses.push("201");
        }
        out.extend(self.announce(nick, &statuses));
        let wanted = x.get_child("history", ns::MUC);
        out.extend(self.history_for(from, wanted, now));
        let subject = self.subject.clone().unwrap_or_else(|| {
            el("message", ns::CLIENT)
                .with("type", "groupchat")
                .with("from", self.jid.as_str())
                .child(el("subject", ns::CLIENT))
        });
        out.push(subject.with("to", from.as_str()));
        Ok(out)
    }

    /// The history, as much of it as is wanted (§7.2.14).
    fn history_for(&self, to: &Jid, wanted: Option<&Element>, now: DateTime<Utc>) -> Out {
        let attribute = |name: &'static str| wanted.and_then(|history| history.attr(name));
        let max = attribute("maxstanzas").and_then(|max| max.parse().ok());
        let none = attribute("maxchars") == Some("0");
        let max = if none { 0 } else { max.unwrap_or(usize::MAX) };
        let seconds = attribute("seconds").and_then(|s| s.parse::<u32>().ok());
        let since = attribute("since").and_then(|since| {
            let since = DateTime::parse_from_rfc3339(since).ok()?;
            Some(since.to_utc())
        });
        let since = since.or_else(|| Some(now - Duration::seconds(i64::from(seconds?))));
        let recent = |stamp: &str| {
            let time = DateTime::parse_from_rfc3339(stamp);
            since.is_none_or(|since| time.is_ok_and(|time| time.to_utc() >= since))
        };
        let fitting: Vec<_> = self.history.iter().filter(|(at, _)| recent(at)).collect();
        let skipped = fitting.len().saturating_sub(max);
        let fitting = fitting.into_iter().skip(skipped);
        fitting
            .map(|(stamp, message)| {
                let delay = el("delay", ns::DELAY)
                    .with("from", self.jid.as_str())
                    .with("stamp", stamp);
                message.clone().with("to", to.as_str()).child(delay)
            })
            .collect()
    }

    /// Another nick (§7.6).
    fn rename(&mut self, own: &str, nick: &str, presence: &Element) -> Result<Out, Fault> {
        if self.occupants.contains_key(nick) {
            return Err(Fault::new("conflict"));
        }
        let Some(mut occupant) = self.occupants.remove(own) else {
            return Err(Fault::new("not-acceptable"));
        };
        let mut leaving = occupant.clone();
        leaving.presence = el("presence", ns::CLIENT).with("type", "unavailable");
        occupant.presence = bare(presence);
        self.occupants.insert(nick.to_owned(), occupant);
        let mut out = Vec::new();
        for by in self.occupants.values() {
            let mut gone = self.presence(own, &leaving, by, &["303"]);
            let item = gone
                .get_child_mut("x", ns::MUC_USER)
                .and_then(|x| x.get_child_mut("item", ns::MUC_USER));
            if let Some(item) = item {
                *item = item.clone().with("nick", nick);
            }
            out.push(gone);
        }
        out.extend(self.announce(nick, &[]));
        Ok(out)
    }
}
