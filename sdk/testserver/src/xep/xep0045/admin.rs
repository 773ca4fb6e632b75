//! What moderators, admins and owners do (XEP-0045 §8 to §10).

use super::{Out, Room};
use crate::{
    ns,
    route::Request,
    stanza::{Fault, jid_of},
    xep::xep0004,
    xml::{Build, el},
};
use jid::BareJid;
use minidom::Element;

/// The payload of the answer, and what the room says besides.
type Done = Result<(Option<Element>, Out), Fault>;

/// Roles and affiliations.
pub(super) fn admin(room: &mut Room, request: &Request) -> Done {
    let who = request.from.to_bare();
    let items: Vec<&Element> = request.payload.children().collect();
    if !request.set {
        let item = items.first().ok_or_else(|| Fault::new("bad-request"))?;
        return list(room, &who, request, item);
    }
    let mut out = Vec::new();
    for item in items {
        out.extend(match (item.attr("role"), item.attr("affiliation")) {
            (Some(role), None) => set_role(room, request, item, role)?,
            (None, Some(affiliation)) => set_affiliation(room, request, item, affiliation)?,
            _ => return Err(Fault::new("bad-request")),
        });
    }
    Ok((None, out))
}

fn is_moderator(room: &Room, request: &Request) -> bool {
    let occupant = room.nick_of(&request.from);
    let occupant = occupant.and_then(|nick| room.occupants.get(&nick));
    occupant.is_some_and(|occupant| occupant.role == "moderator")
}

/// How much an affiliation weighs (§5.2).
fn rank(affiliation: &str) -> u8 {
    match affiliation {
        "owner" => 3,
        "admin" => 2,
        "member" => 1,
        _ => 0,
    }
}

fn list(room: &Room, who: &BareJid, request: &Request, item: &Element) -> Done {
    let line = |affiliation: &str, jid: &str| {
        el("item", ns::MUC_ADMIN)
            .with("affiliation", affiliation)
            .with("jid", jid)
    };
    let query = el("query", ns::MUC_ADMIN);
    if let Some(role) = item.attr("role") {
        if !is_moderator(room, request) {
            return Err(Fault::new("forbidden"));
        }
        let occupants = room.occupants.iter().filter(|(_, o)| o.role == role);
        let lines = occupants.map(|(nick, occupant)| {
            line(
                room.affiliation(&occupant.jid.to_bare()),
                occupant.jid.as_str(),
            )
            .with("nick", nick)
            .with("role", role)
        });
        return Ok((Some(query.all(lines)), Vec::new()));
    }
    let wanted = item.attr("affiliation").unwrap_or_default();
    // Members of a members-only room know each other (§9.5).
    let needed = match wanted {
        "member" => 1,
        _ => 2,
    };
    if rank(room.affiliation(who)) < needed {
        return Err(Fault::new("forbidden"));
    }
    let found = room.affiliations.iter().filter(|(_, a)| *a == wanted);
    let lines = found.map(|(jid, affiliation)| line(affiliation, jid.as_str()));
    Ok((Some(query.all(lines)), Vec::new()))
}

fn set_role(room: &mut Room, request: &Request, item: &Element, role: &str) -> Result<Out, Fault> {
    if !is_moderator(room, request) {
        return Err(Fault::new("forbidden"));
    }
    let own = rank(room.affiliation(&request.from.to_bare()));
    let nick = item.attr("nick").unwrap_or_default().to_owned();
    let Some(occupant) = room.occupants.get_mut(&nick) else {
        return Err(Fault::new("item-not-found"));
    };
    let who = occupant.jid.to_bare();
    let theirs = room.affiliations.get(&who).map_or(0, |a| rank(a));
    // Nobody moderates those above (§8.2); only admins make moderators (§9.6).
    let shields = theirs >= 2 && theirs >= own && who != request.from.to_bare();
    if shields || role == "moderator" && own < 2 {
        return Err(Fault::new("not-allowed"));
    }
    match role {
        "none" => Ok(room.part(&nick, reason(item), Some("307"))),
        "visitor" | "participant" | "moderator" => {
            occupant.role = role.to_owned();
            Ok(room.announce(&nick, &[]))
        }
        _ => Err(Fault::new("bad-request")),
    }
}

fn set_affiliation(
    room: &mut Room,
    request: &Request,
    item: &Element,
    affiliation: &str,
) -> Result<Out, Fault> {
    let jid = jid_of(item, "jid").map(|jid| jid.to_bare());
    let by_nick = || {
        let occupant = room.occupants.get(item.attr("nick")?)?;
        Some(occupant.jid.to_bare())
    };
    let jid = jid.or_else(by_nick);
    let jid = jid.ok_or_else(|| Fault::new("bad-request"))?;
    let own = rank(room.affiliation(&request.from.to_bare()));
    let theirs = rank(room.affiliation(&jid));
    // Admins rule over members; all above is for owners (§9, §10).
    let allowed = own == 3 || own == 2 && theirs < 2 && rank(affiliation) < 2;
    if !allowed {
        return Err(Fault::new("forbidden"));
    }
    match affiliation {
        "none" => room.affiliations.remove(&jid),
        "owner" | "admin" | "member" | "outcast" => room
            .affiliations
            .insert(jid.clone(), affiliation.to_owned()),
        _ => return Err(Fault::new("bad-request")),
    };
    if !room.affiliations.values().any(|a| a == "owner") {
        room.affiliations.insert(jid, "owner".to_owned());
        return Err(Fault::new("conflict"));
    }
    let nicks: Vec<String> = room
        .occupants
        .iter()
        .filter(|(_, occupant)| occupant.jid.to_bare() == jid)
        .map(|(nick, _)| nick.clone())
        .collect();
    let closed = room.config.is("muc#roomconfig_membersonly");
    let role = room.first_role(&jid);
    let mut out = Vec::new();
    for nick in nicks {
        let why = reason(item);
        out.extend(match affiliation {
            "outcast" => room.part(&nick, why, Some("301")),
            "none" if closed => room.part(&nick, why, Some("321")),
            _ => {
                if let Some(occupant) = room.occupants.get_mut(&nick) {
                    occupant.role = role.to_owned();
                }
                room.announce(&nick, &[])
            }
        });
    }
    Ok(out)
}

/// Why somebody has to go, as everybody is told.
fn reason(item: &Element) -> Option<Element> {
    let reason = item.get_child("reason", ns::MUC_ADMIN)?;
    Some(el("reason", ns::MUC_USER).say(&reason.text()))
}

/// Configuration and destruction.
pub(super) fn owner(room: &mut Room, request: &Request) -> Done {
    if room.affiliation(&request.from.to_bare()) != "owner" {
        return Err(Fault::new("forbidden"));
    }
    if !request.set {
        let query = el("query", ns::MUC_OWNER).child(room.config.form());
        return Ok((Some(query), Vec::new()));
    }
    if let Some(destroy) = request.payload.get_child("destroy", ns::MUC_OWNER) {
        let reason = destroy.get_child("reason", ns::MUC_OWNER);
        let reason = reason.map(|r| el("reason", ns::MUC_USER).say(&r.text()));
        let destroy = el("destroy", ns::MUC_USER)
            .maybe("jid", destroy.attr("jid"))
            .all(reason);
        return Ok((None, close(room, &destroy)));
    }
    if xep0004::is_cancel(&request.payload) {
        let out = match room.locked {
            // A room that its owner doesn't want after all (§10.1.3).
            true => close(room, &el("destroy", ns::MUC_USER)),
            false => Vec::new(),
        };
        return Ok((None, out));
    }
    let form = xep0004::read(&request.payload).ok_or_else(|| Fault::new("bad-request"))?;
    room.config.change(form)?;
    let was_locked = std::mem::replace(&mut room.locked, false);
    let mut out = Vec::new();
    if room.config.is("muc#roomconfig_membersonly") {
        let strangers: Vec<String> = room
            .occupants
            .iter()
            .filter(|(_, occupant)| room.affiliation(&occupant.jid.to_bare()) == "none")
            .map(|(nick, _)| nick.clone())
            .collect();
        for nick in strangers {
            out.extend(room.part(&nick, None, Some("322")));
        }
    }
    if !was_locked {
        out.extend(room.tell("104"));
    }
    Ok((None, out))
}

/// Everybody leaves and the room is no more (§10.9).
fn close(room: &mut Room, destroy: &Element) -> Out {
    room.config = super::Config::default();
    let mut out = Vec::new();
    let occupants = std::mem::take(&mut room.occupants);
    for (nick, occupant) in occupants {
        room.occupants.insert(nick.clone(), occupant);
        out.extend(room.part(&nick, Some(destroy.clone()), None));
    }
    out
}
