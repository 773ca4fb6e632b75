//! Messages and requests between occupants (XEP-0045 §7.4 to §7.8, §8.1).

use super::{MAX_HISTORY, Out, Room};
use crate::{
    ns,
    stanza::{Fault, is_error, is_hinted, is_request, jid_of, result_for},
    state::State,
    xml::{Build, el},
};
use jid::{BareJid, Jid};
use minidom::Element;

impl State {
    pub(super) fn message_in_room(
        &mut self,
        from: &Jid,
        jid: &BareJid,
        nick: Option<&str>,
        message: &Element,
    ) -> Result<Out, Fault> {
        if is_error(message) {
            return Ok(Vec::new());
        }
        let (id, now, stamp) = (self.id(""), self.now(), self.stamp());
        let (archives, names) = (self.has("0313"), self.has("0359"));
        let room = self.rooms.get_mut(jid);
        let room = room.ok_or_else(|| Fault::new("item-not-found"))?;
        let group = message.attr("type") == Some("groupchat");
        let own = room.nick_of(from);
        if !group
            && nick.is_none()
            && let Some(x) = message.get_child("x", ns::MUC_USER)
        {
            return room.mediate(from, own.is_some(), x);
        }
        let own = own.ok_or_else(|| Fault::new("not-acceptable"))?;
        match (nick, group) {
            (Some(nick), false) => return room.whisper(&own, nick, message),
            (None, true) => {}
            _ => return Err(Fault::new("bad-request")),
        }
        let role = room.occupants.get(&own).map(|o| o.role.as_str());
        let (subject, body) = (
            message.has_child("subject", ns::CLIENT),
            message.has_child("body", ns::CLIENT),
        );
        let is_subject = subject && !body && !message.has_child("thread", ns::CLIENT);
        let allowed = match role {
            Some("moderator") => true,
            Some("participant") => !is_subject || room.config.is("muc#roomconfig_changesubject"),
            _ => false,
        };
        if !allowed {
            return Err(Fault::new("forbidden"));
        }
        let mut message = message
            .clone()
            .with("from", room.address(&own))
            .without("to");
        if is_subject {
            room.subject = Some(message.clone());
            return Ok(room.for_everybody(&message));
        }
        let kept = (body || is_hinted(&message, "store")) && !is_hinted(&message, "no-store");
        if kept && archives && names {
            let by = room.jid.as_str();
            message = message.child(el("stanza-id", ns::SID).with("by", by).with("id", &id));
        }
        if kept && archives {
            let with = Jid::new(&room.address(&own)).unwrap_or_else(|_| from.clone());
            room.archive.add(&id, now, with, message.clone());
        }
        if body && kept {
            room.history.push((stamp, message.clone()));
            let surplus = room.history.len().saturating_sub(MAX_HISTORY);
            room.history.drain(..surplus);
        }
        Ok(room.for_everybody(&message))
    }

    /// Requests between occupants, and to oneself (XEP-0410).
    pub(super) fn iq_in_room(
        &mut self,
        from: &Jid,
        jid: &BareJid,
        nick: &str,
        iq: &Element,
    ) -> Result<Out, Fault> {
        let room = self.rooms.get(jid);
        let room = room.ok_or_else(|| Fault::new("item-not-found"))?;
        let own = room.nick_of(from);
        let own = own.ok_or_else(|| Fault::new("not-acceptable"))?;
        let Some(other) = room.occupants.get(nick) else {
            return Err(Fault::new("item-not-found"));
        };
        if own == nick && is_request(iq) && iq.has_child("ping", ns::PING) {
            return Ok(vec![result_for(iq, None)]);
        }
        let relayed = iq.clone().with("from", room.address(&own));
        Ok(vec![relayed.with("to", other.jid.as_str())])
    }
}

impl Room {
    fn whisper(&self, own: &str, nick: &str, message: &Element) -> Result<Out, Fault> {
        let other = self.occupants.get(nick);
        let other = other.ok_or_else(|| Fault::new("item-not-found"))?;
        let marked = message.has_child("x", ns::MUC_USER);
        let mark = (!marked).then(|| el("x", ns::MUC_USER));
        let message = message.clone().with("from", self.address(own));
        Ok(vec![message.with("to", other.jid.as_str()).all(mark)])
    }

    /// Invitations and what is answered to them (§7.8.2).
    fn mediate(&mut self, from: &Jid, inside: bool, x: &Element) -> Result<Out, Fault> {
        let mut out = Vec::new();
        for word in x.children() {
            let kind = word.name();
            let to = jid_of(word, "to");
            let (Some(to), "invite" | "decline") = (to, kind) else {
                return Err(Fault::new("bad-request"));
            };
            if kind == "invite" && !inside {
                return Err(Fault::new("not-acceptable"));
            }
            let members_only = self.config.is("muc#roomconfig_membersonly");
            if kind == "invite" && members_only && self.affiliation(&to.to_bare()) == "none" {
                self.affiliations.insert(to.to_bare(), "member".to_owned());
            }
            let word = word.clone().without("to").with("from", from.as_str());
            let password = self.config.password().filter(|_| kind == "invite");
            let password = password.map(|secret| el("password", ns::MUC_USER).say(secret));
            let message = el("message", ns::CLIENT)
                .with("from", self.jid.as_str())
                .with("to", to.as_str())
                .child(el("x", ns::MUC_USER).child(word).all(password));
            out.push(message);
        }
        Ok(out)
    }
}
