//! The extensions that the server speaks, one file each.

pub(crate) mod xep0004;
pub(crate) mod xep0030;
pub(crate) mod xep0045;
pub(crate) mod xep0049;
pub(crate) mod xep0054;
pub(crate) mod xep0059;
pub(crate) mod xep0060;
pub(crate) mod xep0077;
pub(crate) mod xep0092;
pub(crate) mod xep0115;
pub(crate) mod xep0160;
pub(crate) mod xep0163;
pub(crate) mod xep0191;
pub(crate) mod xep0198;
pub(crate) mod xep0199;
pub(crate) mod xep0280;
pub(crate) mod xep0313;
pub(crate) mod xep0363;

use crate::{
    ns, roster,
    route::Request,
    stanza::{Answer, DONE},
    state::State,
};

/// One extension, as the server's disco and its IQs see it.
#[derive(Clone, Copy)]
pub(crate) struct Xep {
    pub(crate) number: &'static str,
    /// Features of the server.
    pub(crate) server: &'static [&'static str],
    /// Features of an account.
    pub(crate) account: &'static [&'static str],
    /// Answers what it knows.
    pub(crate) iq: Option<fn(&mut State, &Request) -> Option<Answer>>,
}

const NONE: Xep = Xep {
    number: "",
    server: &[],
    account: &[],
    iq: None,
};

/// Every extension that can be switched off by [`crate::Options::without`].
const ALL: &[Xep] = &[
    Xep {
        number: "0030",
        server: &[ns::DISCO_INFO, ns::DISCO_ITEMS],
        account: &[ns::DISCO_INFO, ns::DISCO_ITEMS],
        iq: Some(xep0030::iq),
    },
    Xep {
        number: "0045",
        iq: Some(xep0045::iq),
        ..NONE
    },
    Xep {
        number: "0049",
        server: &[ns::PRIVATE],
        iq: Some(xep0049::iq),
        ..NONE
    },
    Xep {
        number: "0054",
        server: &[ns::VCARD],
        account: &[ns::VCARD],
        iq: Some(xep0054::iq),
    },
    Xep {
        number: "0060",
        iq: Some(xep0060::iq),
        ..NONE
    },
    Xep {
        number: "0077",
        server: &[ns::REGISTER],
        iq: Some(xep0077::iq),
        ..NONE
    },
    Xep {
        number: "0092",
        server: &[ns::VERSION],
        iq: Some(xep0092::iq),
        ..NONE
    },
    Xep {
        number: "0114",
        ..NONE
    },
    Xep {
        number: "0115",
        ..NONE
    },
    Xep {
        number: "0160",
        server: &["msgoffline"],
        ..NONE
    },
    Xep {
        number: "0163",
        account: xep0163::FEATURES,
        ..NONE
    },
    Xep {
        number: "0191",
        server: &[ns::BLOCKING],
        iq: Some(xep0191::iq),
        ..NONE
    },
    Xep {
        number: "0198",
        ..NONE
    },
    Xep {
        number: "0199",
        server: &[ns::PING],
        account: &[ns::PING],
        iq: Some(xep0199::iq),
    },
    Xep {
        number: "0280",
        server: &[ns::CARBONS],
        account: &[ns::CARBONS],
        iq: Some(xep0280::iq),
    },
    Xep {
        number: "0313",
        account: &[ns::MAM, ns::MAM_EXTENDED],
        iq: Some(xep0313::iq),
        ..NONE
    },
    Xep {
        number: "0359",
        account: &[ns::SID],
        ..NONE
    },
    Xep {
        number: "0363",
        iq: Some(xep0363::iq),
        ..NONE
    },
];

/// The numbers of the extensions that can be switched off.
pub const XEPS: [&str; ALL.len()] = {
    let mut numbers = [""; ALL.len()];
    let mut count = 0;
    while count < ALL.len() {
        #[expect(
            clippy::indexing_slicing,
            reason = "checked by the compiler: it runs there"
        )]
        {
            numbers[count] = ALL[count].number;
        }
        count += 1;
    }
    numbers
};

/// The extensions that are on.
pub(crate) fn enabled(state: &State) -> impl Iterator<Item = Xep> {
    ALL.iter().copied().filter(|xep| state.has(xep.number))
}

/// The first answer that somebody has.
pub(crate) fn dispatch(state: &mut State, request: &Request) -> Option<Answer> {
    // What RFC 3921 wanted after binding; old clients still ask for it.
    if request.set && request.is("session", ns::SESSION) {
        return Some(DONE);
    }
    if let Some(answer) = roster::iq(state, request) {
        return Some(answer);
    }
    let handlers: Vec<_> = enabled(state).filter_map(|xep| xep.iq).collect();
    handlers
        .into_iter()
        .find_map(|handle| handle(state, request))
}
