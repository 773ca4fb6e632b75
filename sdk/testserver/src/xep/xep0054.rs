//! XEP-0054: vcard-temp.

use crate::{
    ns,
    route::{Place, Request},
    stanza::{Answer, DONE, Fault},
    state::State,
    xml::el,
};

/// Stores an account's card and shows it to anybody.
pub(crate) fn iq(state: &mut State, request: &Request) -> Option<Answer> {
    let Place::Account(name) = &request.place else {
        return None;
    };
    if !request.is("vCard", ns::VCARD) {
        return None;
    }
    let own = request.own(state).is_some();
    let account = state.accounts.get_mut(name)?;
    Some(match (request.set, own) {
        (true, true) => {
            account.vcard = Some(request.payload.clone());
            DONE
        }
        (true, false) => Err(Fault::new("forbidden")),
        (false, _) => match (&account.vcard, own) {
            (Some(card), _) => Ok(Some(card.clone())),
            (None, true) => Ok(Some(el("vCard", ns::VCARD))),
            (None, false) => Err(Fault::new("item-not-found")),
        },
    })
}
