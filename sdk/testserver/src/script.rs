//! What a script says to the server: which stanzas it means, and how IQs shall be answered.

use crate::{
    ns,
    stanza::{Fault, error_for, jid_of, result_for},
    state::State,
    xml::{self, Build},
};
use minidom::Element;
use std::{fmt, sync::Arc};

/// The condition of a stanza error (RFC 6120 §8.3.3).
pub fn condition(stanza: &Element) -> Option<&str> {
    let error = stanza.get_child("error", ns::CLIENT)?;
    let conditions = error.children().filter(|c| c.has_ns(ns::STANZAS));
    let mut condition = conditions.map(Element::name);
    condition.find(|name| *name != "text")
}

type Test = Arc<dyn Fn(&Element) -> bool + Send + Sync>;

/// Which stanzas are meant. Each condition narrows it.
#[derive(Clone, Default)]
pub struct Filter {
    name: Option<&'static str>,
    kind: Option<String>,
    from: Option<String>,
    to: Option<String>,
    payload: Option<(Option<String>, String)>,
    test: Option<Test>,
}

impl Filter {
    /// Any stanza.
    pub fn any() -> Self {
        Self::default()
    }

    /// Messages.
    pub fn message() -> Self {
        Self::named("message")
    }

    /// Presences.
    pub fn presence() -> Self {
        Self::named("presence")
    }

    /// IQs of this type: get, set, result or error.
    pub fn iq(kind: &str) -> Self {
        Self::named("iq").kind(kind)
    }

    fn named(name: &'static str) -> Self {
        Self {
            name: Some(name),
            ..Self::default()
        }
    }

    /// With this `type`.
    #[must_use]
    pub fn kind(mut self, kind: &str) -> Self {
        self.kind = Some(kind.to_owned());
        self
    }

    /// Sent by this full or bare address, or by this account.
    #[must_use]
    pub fn from(mut self, whom: &str) -> Self {
        self.from = Some(whom.to_owned());
        self
    }

    /// Sent to this address, exactly; an IQ without `to` goes to the account itself.
    #[must_use]
    pub fn to(mut self, whom: &str) -> Self {
        self.to = Some(whom.to_owned());
        self
    }

    /// With a child in this namespace.
    #[must_use]
    pub fn ns(mut self, ns: &str) -> Self {
        self.payload = Some((None, ns.to_owned()));
        self
    }

    /// With this child.
    #[must_use]
    pub fn child(mut self, name: &str, ns: &str) -> Self {
        self.payload = Some((Some(name.to_owned()), ns.to_owned()));
        self
    }

    /// For which this is true.
    #[must_use]
    pub fn test(mut self, test: impl Fn(&Element) -> bool + Send + Sync + 'static) -> Self {
        self.test = Some(Arc::new(test));
        self
    }

    pub(crate) fn fits(&self, stanza: &Element) -> bool {
        let from = || {
            let from = jid_of(stanza, "from")?;
            let bare = from.to_bare();
            let name = from.node().map(|node| node.as_str().to_owned());
            Some((from.to_string(), bare.to_string(), name))
        };
        let is_from = |wanted: &String| {
            from().is_some_and(|(full, bare, name)| {
                full == *wanted || bare == *wanted || name.as_ref() == Some(wanted)
            })
        };
        let has = |(name, ns): &(Option<String>, String)| {
            stanza.children().any(|child| {
                child.ns() == *ns && name.as_ref().is_none_or(|name| child.name() == name)
            })
        };
        self.name.is_none_or(|name| stanza.name() == name)
            && (self.kind.as_deref()).is_none_or(|kind| stanza.attr("type") == Some(kind))
            && self.from.as_ref().is_none_or(is_from)
            && (self.to.as_deref()).is_none_or(|to| stanza.attr("to") == Some(to))
            && self.payload.as_ref().is_none_or(has)
            && self.test.as_ref().is_none_or(|test| test(stanza))
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.unwrap_or("stanza"))?;
        let parts = [("type", &self.kind), ("from", &self.from), ("to", &self.to)];
        for (what, value) in parts {
            if let Some(value) = value {
                write!(f, " {what}={value}")?;
            }
        }
        if let Some((name, ns)) = &self.payload {
            write!(f, " with <{} xmlns='{ns}'>", name.as_deref().unwrap_or("*"))?;
        }
        match self.test {
            Some(_) => f.write_str(" that passes a test"),
            None => Ok(()),
        }
    }
}

/// What a client gets for an IQ, instead of what the server would answer.
#[derive(Clone)]
pub struct Answer {
    kind: Kind,
    times: Option<u32>,
}

#[derive(Clone)]
enum Kind {
    Error(Fault),
    Silence,
    Payload(Option<Element>),
    Stanza(Element),
}

impl Answer {
    /// A stanza error with this condition of RFC 6120 §8.3.3.
    pub fn error(condition: &str) -> Self {
        Self::new(Kind::Error(Fault::new(condition)))
    }

    /// Nothing: the client waits in vain.
    pub fn silence() -> Self {
        Self::new(Kind::Silence)
    }

    /// A result without payload.
    pub fn empty() -> Self {
        Self::new(Kind::Payload(None))
    }

    /// A result with this payload; or, when it is a whole `<iq>`, that, with `id`, `from` and
    /// `to` filled in where they are absent.
    ///
    /// # Panics
    /// When the text isn't one element.
    pub fn xml(text: &str) -> Self {
        let element = match xml::parse(text) {
            Ok(element) => element,
            Err(broken) => fail(&format!(
                "the answer {text:?} isn't one element: {broken:?}"
            )),
        };
        match element.is("iq", ns::CLIENT) {
            true => Self::new(Kind::Stanza(element)),
            false => Self::new(Kind::Payload(Some(element))),
        }
    }

    /// Only so often; then the server answers again as it would.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    fn new(kind: Kind) -> Self {
        Self { kind, times: None }
    }

    fn to(&self, iq: &Element) -> Option<Element> {
        match &self.kind {
            Kind::Silence => None,
            Kind::Error(fault) => Some(error_for(iq, fault)),
            Kind::Payload(payload) => Some(result_for(iq, payload.clone())),
            Kind::Stanza(stanza) => {
                let mut stanza = stanza.clone();
                for (name, own) in [("id", "id"), ("from", "to"), ("to", "from")] {
                    if stanza.attr(name).is_none() {
                        stanza = stanza.maybe(name, iq.attr(own));
                    }
                }
                Some(stanza)
            }
        }
    }
}

/// An answer and the IQs that get it.
pub(crate) struct Rule {
    pub(crate) filter: Filter,
    pub(crate) answer: Answer,
}

/// A stanza that came from a client or a component.
pub(crate) struct Received {
    pub(crate) stanza: Element,
    pub(crate) taken: bool,
}

impl Received {
    pub(crate) fn new(stanza: Element) -> Self {
        Self {
            stanza,
            taken: false,
        }
    }
}

impl State {
    /// What the script wants an IQ to be answered by; the newest rule first.
    pub(crate) fn scripted(&mut self, iq: &Element) -> Option<Option<Element>> {
        let found = self.rules.iter().rposition(|rule| rule.filter.fits(iq))?;
        let rule = self.rules.get_mut(found)?;
        let answer = rule.answer.to(iq);
        if let Some(times) = &mut rule.answer.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.rules.remove(found);
            }
        }
        if answer.is_none() {
            self.play.note("the script leaves this unanswered");
        }
        Some(answer)
    }
}

/// Fails the test that runs this.
#[expect(clippy::panic, reason = "it fails a test, which is its caller")]
pub(crate) fn fail(why: &str) -> ! {
    panic!("{why}")
}
