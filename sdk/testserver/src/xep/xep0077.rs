//! XEP-0077: In-Band Registration.

use crate::{
    account::Account,
    ns,
    route::{Place, Request},
    stanza::{Answer, DONE, Fault, error_for, result_for},
    state::State,
    xml::{Build, el},
};
use jid::NodePart;
use minidom::Element;

/// Whether a client asks for this before it has logged in.
pub(crate) fn is_request(iq: &Element) -> bool {
    crate::stanza::is_request(iq) && iq.has_child("query", ns::REGISTER)
}

/// Answers a client that has no account yet.
pub(crate) fn before_login(state: &mut State, iq: &Element) -> Element {
    let Some(query) = iq.get_child("query", ns::REGISTER) else {
        return error_for(iq, &Fault::new("bad-request"));
    };
    let answer = match (state.has("0077"), iq.attr("type")) {
        (false, _) => Err(Fault::new("service-unavailable")),
        (true, Some("set")) => register(state, query),
        (true, _) => Ok(Some(
            el("query", ns::REGISTER)
                .child(el("instructions", ns::REGISTER).say("Choose a name and a password."))
                .child(el("username", ns::REGISTER))
                .child(el("password", ns::REGISTER)),
        )),
    };
    match answer {
        Ok(payload) => result_for(iq, payload),
        Err(fault) => error_for(iq, &fault),
    }
}

fn register(state: &mut State, query: &Element) -> Answer {
    let (name, password) = credentials(query)?;
    if state.accounts.contains_key(&name) {
        return Err(Fault::new("conflict"));
    }
    state.accounts.insert(name, Account::new(&password));
    DONE
}

/// Answers a client that is logged in: state, new password, removal.
pub(crate) fn iq(state: &mut State, request: &Request) -> Option<Answer> {
    if !request.is("query", ns::REGISTER) {
        return None;
    }
    let own = match &request.place {
        Place::Server => state.name_of(&request.from),
        _ => request.own(state),
    };
    let Some(name) = own else {
        return Some(Err(Fault::new("not-allowed")));
    };
    Some(change(state, &name, request))
}

fn change(state: &mut State, name: &str, request: &Request) -> Answer {
    let query = &request.payload;
    if !request.set {
        return Ok(Some(
            el("query", ns::REGISTER)
                .child(el("registered", ns::REGISTER))
                .child(el("username", ns::REGISTER).say(name))
                .child(el("password", ns::REGISTER)),
        ));
    }
    if query.has_child("remove", ns::REGISTER) {
        state.removed.push(name.to_owned());
        return DONE;
    }
    let (of, password) = credentials(query)?;
    if of != name {
        return Err(Fault::new("not-allowed"));
    }
    if let Some(account) = state.accounts.get_mut(name) {
        account.password = password;
    }
    DONE
}

/// Cancels the account: its contacts lose it, its sessions end.
pub(crate) fn remove(state: &mut State, name: &str) {
    let Some(account) = state.accounts.get(name) else {
        return;
    };
    let contacts = account.roster.contacts();
    let sessions: Vec<_> = account.sessions.values().map(|s| s.jid.clone()).collect();
    for (contact, item) in contacts {
        state.unsubscribe_both(name, &contact, &item);
    }
    for jid in sessions {
        state.end_session(&jid, Some("not-authorized"));
    }
    state.accounts.remove(name);
}

fn credentials(query: &Element) -> Result<(String, String), Fault> {
    let text = |name: &str| query.get_child(name, ns::REGISTER).map(Element::text);
    match (text("username"), text("password")) {
        (Some(name), Some(password)) if !name.is_empty() && !password.is_empty() => {
            let name = NodePart::new(&name).map_err(|_| Fault::new("not-acceptable"))?;
            Ok((name.as_str().to_owned(), password))
        }
        _ => Err(Fault::new("not-acceptable")),
    }
}
