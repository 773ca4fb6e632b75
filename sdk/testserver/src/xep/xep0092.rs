//! XEP-0092: Software Version.

use crate::{
    ns,
    route::{Place, Request},
    stanza::Answer,
    state::State,
    xml::{Build, el},
};

/// Names the server and its version.
pub(crate) fn iq(_: &mut State, request: &Request) -> Option<Answer> {
    let asked = request.is("query", ns::VERSION) && !request.set;
    (asked && request.place == Place::Server).then(|| {
        Ok(Some(
            el("query", ns::VERSION)
                .child(el("name", ns::VERSION).say("sat-testserver"))
                .child(el("version", ns::VERSION).say(env!("CARGO_PKG_VERSION"))),
        ))
    })
}
