//! XEP-0199: XMPP Ping.

use crate::{
    ns,
    route::{Place, Request},
    stanza::{Answer, DONE},
    state::State,
};

/// Answers for the server, and for an account to its owner.
pub(crate) fn iq(state: &mut State, request: &Request) -> Option<Answer> {
    let asked = request.is("ping", ns::PING) && !request.set;
    let own = match &request.place {
        Place::Account(_) => request.own(state).is_some(),
        _ => true,
    };
    (asked && own).then_some(DONE)
}
