//! XEP-0045: Multi-User Chat, at `rooms.`; XEP-0410: the self-ping of its occupants.

mod admin;
mod config;
mod enter;
mod talk;

use super::{xep0004, xep0030, xep0313::Archive};
use crate::{
    ns,
    route::{Place, Request},
    stanza::{Answer, Fault, is_request},
    state::State,
    xml::{Build, el},
};
use config::Config;
use jid::{BareJid, Jid};
use minidom::Element;
use std::collections::BTreeMap;

/// Messages of the history that a room keeps for those who come; the archive has all.
const MAX_HISTORY: usize = 100;

pub(crate) struct Room {
    jid: BareJid,
    config: Config,
    /// Created, but its owner hasn't said yet how it shall be (§10.1.1).
    locked: bool,
    subject: Option<Element>,
    /// Messages with the time as stanzas write it.
    history: Vec<(String, Element)>,
    occupants: BTreeMap<String, Occupant>,
    /// owner, admin, member or outcast, by bare address.
    affiliations: BTreeMap<BareJid, String>,
    pub(crate) archive: Archive,
}

#[derive(Clone)]
struct Occupant {
    jid: Jid,
    role: String,
    presence: Element,
}

/// What a room has to say; each stanza has its `from` and `to`.
type Out = Vec<Element>;

impl Room {
    fn new(jid: BareJid, owner: BareJid) -> Self {
        Self {
            jid,
            config: Config::default(),
            locked: true,
            subject: None,
            history: Vec::new(),
            occupants: BTreeMap::new(),
            affiliations: BTreeMap::from([(owner, "owner".to_owned())]),
            archive: Archive::default(),
        }
    }

    pub(crate) fn is_public(&self) -> bool {
        self.config.is("muc#roomconfig_publicroom") && !self.locked
    }

    pub(crate) fn name(&self) -> &str {
        match self.config.value("muc#roomconfig_roomname") {
            "" => self
                .jid
                .node()
                .map(|node| node.as_str())
                .unwrap_or_default(),
            name => name,
        }
    }

    pub(crate) fn nicks(&self) -> impl Iterator<Item = &String> {
        self.occupants.keys()
    }

    pub(crate) fn is_inside(&self, jid: &Jid) -> bool {
        self.nick_of(jid).is_some()
    }

    fn nick_of(&self, jid: &Jid) -> Option<String> {
        let mut occupants = self.occupants.iter();
        let found = occupants.find(|(_, occupant)| occupant.jid == *jid);
        found.map(|(nick, _)| nick.clone())
    }

    fn affiliation(&self, who: &BareJid) -> &str {
        self.affiliations.get(who).map_or("none", String::as_str)
    }

    /// The role that somebody begins with (§5.1.2).
    fn first_role(&self, who: &BareJid) -> &'static str {
        match self.affiliation(who) {
            "owner" | "admin" => "moderator",
            "none" if self.config.is("muc#roomconfig_moderatedroom") => "visitor",
            _ => "participant",
        }
    }

    fn address(&self, nick: &str) -> String {
        format!("{}/{nick}", self.jid)
    }

    /// An occupant's presence as another one sees it.
    fn presence(&self, nick: &str, seen: &Occupant, by: &Occupant, statuses: &[&str]) -> Element {
        let open = self.config.value("muc#roomconfig_whois") == "anyone";
        let shown = (open || by.role == "moderator").then_some(seen.jid.as_str());
        let item = el("item", ns::MUC_USER)
            .with("affiliation", self.affiliation(&seen.jid.to_bare()))
            .with("role", &seen.role)
            .maybe("jid", shown);
        let own = (seen.jid == by.jid).then_some("110");
        let statuses = own.iter().chain(statuses);
        let statuses = statuses.map(|code| el("status", ns::MUC_USER).with("code", code));
        seen.presence
            .clone()
            .with("from", self.address(nick))
            .with("to", by.jid.as_str())
            .child(el("x", ns::MUC_USER).child(item).all(statuses))
    }

    /// An occupant's presence for everybody; for itself last, as §7.1 wants it.
    fn announce(&self, nick: &str, own: &[&str]) -> Out {
        let Some(seen) = self.occupants.get(nick) else {
            return Vec::new();
        };
        let others = self.occupants.values().filter(|o| o.jid != seen.jid);
        let others = others.map(|other| self.presence(nick, seen, other, &[]));
        others
            .chain([self.presence(nick, seen, seen, own)])
            .collect()
    }

    /// An occupant leaves, for this reason when there is one: kicked (307), banned (301), …
    fn part(&mut self, nick: &str, extra: Option<Element>, status: Option<&str>) -> Out {
        let Some(mut gone) = self.occupants.remove(nick) else {
            return Vec::new();
        };
        gone.role = "none".to_owned();
        gone.presence = el("presence", ns::CLIENT).with("type", "unavailable");
        let codes: Vec<&str> = status.into_iter().collect();
        let everybody = self.occupants.values().chain([&gone]);
        everybody
            .map(|by| {
                let mut presence = self.presence(nick, &gone, by, &codes);
                if let (Some(extra), Some(x)) = (&extra, presence.get_child_mut("x", ns::MUC_USER))
                {
                    match extra.name() {
                        "destroy" => x.append_child(extra.clone()),
                        _ => match x.get_child_mut("item", ns::MUC_USER) {
                            Some(item) => item.append_child(extra.clone()),
                            None => x.append_child(extra.clone()),
                        },
                    };
                }
                presence
            })
            .collect()
    }

    /// A message of the room itself, for everybody.
    fn tell(&self, code: &str) -> Out {
        let status = el("status", ns::MUC_USER).with("code", code);
        let message = el("message", ns::CLIENT)
            .with("type", "groupchat")
            .with("from", self.jid.as_str())
            .child(el("x", ns::MUC_USER).child(status));
        self.for_everybody(&message)
    }

    fn for_everybody(&self, message: &Element) -> Out {
        let occupants = self.occupants.values();
        occupants
            .map(|occupant| message.clone().with("to", occupant.jid.as_str()))
            .collect()
    }
}

/// Answers admins and owners of rooms.
pub(crate) fn iq(state: &mut State, request: &Request) -> Option<Answer> {
    let Place::Room(jid) = &request.place else {
        return None;
    };
    let answer = match request.payload.ns().as_str() {
        ns::MUC_ADMIN => admin::admin,
        ns::MUC_OWNER => admin::owner,
        _ => return None,
    };
    let Some(room) = state.rooms.get_mut(jid) else {
        return Some(Err(Fault::new("item-not-found")));
    };
    let (answer, out) = match answer(room, request) {
        Ok((payload, out)) => (Ok(payload), out),
        Err(fault) => (Err(fault), Vec::new()),
    };
    state.say(jid, out);
    Some(answer)
}

/// What disco#info says of a room.
pub(crate) fn info(state: &State, jid: &BareJid) -> Result<Vec<Element>, Fault> {
    let room = state.rooms.get(jid).filter(|room| !room.locked);
    let room = room.ok_or_else(|| Fault::new("item-not-found"))?;
    let mut all = vec![xep0030::identity("conference", "text", Some(room.name()))];
    let mut features = vec![
        ns::DISCO_INFO,
        ns::DISCO_ITEMS,
        ns::MUC,
        "http://jabber.org/protocol/muc#stable_id",
        "http://jabber.org/protocol/muc#self-ping-optimization",
    ];
    if state.has("0313") {
        features.extend([ns::MAM, ns::MAM_EXTENDED]);
    }
    if state.has("0359") {
        features.push(ns::SID);
    }
    features.extend(room.config.features());
    all.extend(xep0030::features(&features));
    let text = |name: &str, value: &str| xep0004::field(name, "text-single", &[value]);
    let subject = room
        .subject
        .as_ref()
        .and_then(|m| m.get_child("subject", ns::CLIENT));
    all.push(
        xep0004::form("result", ns::MUC_INFO)
            .child(text(
                "muc#roominfo_description",
                room.config.value("muc#roomconfig_roomdesc"),
            ))
            .child(text(
                "muc#roominfo_subject",
                &subject.map(Element::text).unwrap_or_default(),
            ))
            .child(text(
                "muc#roominfo_occupants",
                &room.occupants.len().to_string(),
            )),
    );
    Ok(all)
}

impl State {
    /// A stanza for the service, a room or an occupant.
    pub(crate) fn route_to_room(&mut self, from: &Jid, to: &Jid, stanza: Element) {
        let jid = to.to_bare();
        if to.node().is_none() {
            match is_request(&stanza) {
                true => self.answer_iq(stanza, Place::Rooms),
                false => self.bounce(&stanza, &Fault::new("service-unavailable")),
            }
            return;
        }
        let nick = to.resource().map(|nick| nick.as_str().to_owned());
        let done = match (stanza.name(), nick) {
            ("presence", Some(nick)) => self.presence_in_room(from, &jid, &nick, &stanza),
            ("presence", None) => match stanza.attr("type") {
                None => Err(Fault::new("jid-malformed")),
                Some(_) => Ok(Vec::new()),
            },
            ("message", nick) => self.message_in_room(from, &jid, nick.as_deref(), &stanza),
            (_, Some(nick)) => self.iq_in_room(from, &jid, &nick, &stanza),
            (_, None) if is_request(&stanza) => {
                return self.answer_iq(stanza, Place::Room(jid));
            }
            (_, None) => Ok(Vec::new()),
        };
        match done {
            Ok(out) => self.say(&jid, out),
            Err(fault) => self.bounce(&stanza, &fault),
        }
    }

    /// Routes what a room says; a temporary room that everybody has left is gone.
    fn say(&mut self, jid: &BareJid, out: Out) {
        for stanza in out {
            self.route(stanza);
        }
        let empty = self.rooms.get(jid).is_some_and(|room| {
            room.occupants.is_empty() && !room.config.is("muc#roomconfig_persistentroom")
        });
        if empty {
            self.rooms.remove(jid);
        }
    }
}
