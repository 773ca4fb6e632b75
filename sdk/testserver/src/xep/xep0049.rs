//! XEP-0049: Private XML Storage.

use crate::{
    ns,
    route::Request,
    stanza::{Answer, DONE, Fault},
    state::State,
    xml::{Build, el},
};

/// Stores and returns an account's private XML.
pub(crate) fn iq(state: &mut State, request: &Request) -> Option<Answer> {
    if !request.is("query", ns::PRIVATE) {
        return None;
    }
    Some(answer(state, request))
}

fn answer(state: &mut State, request: &Request) -> Answer {
    let name = request.own(state);
    let account = name.and_then(|name| state.accounts.get_mut(&name));
    let account = account.ok_or_else(|| Fault::new("forbidden"))?;
    let mut children = request.payload.children();
    let Some(element) = children.next() else {
        return Err(Fault::new("not-acceptable"));
    };
    let key = (element.ns(), element.name().to_owned());
    if request.set {
        account.private.insert(key, element.clone());
        for more in children {
            let key = (more.ns(), more.name().to_owned());
            account.private.insert(key, more.clone());
        }
        return DONE;
    }
    if children.next().is_some() {
        return Err(Fault::new("bad-request"));
    }
    let stored = account.private.get(&key).cloned();
    let stored = stored.unwrap_or_else(|| el(element.name(), &element.ns()));
    Ok(Some(el("query", ns::PRIVATE).child(stored)))
}
