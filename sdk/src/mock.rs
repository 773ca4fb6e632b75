//! The host, played in memory: for `cargo test` of what a plugin does.
//!
//! ```toml
//! [dev-dependencies]
//! sat-sdk = { version = "0.1", features = ["mock"] }
//! ```
//!
//! A test makes a [`Host`], which its thread then has, calls the plugin, and looks at what came
//! of it. Tests in parallel have a host each. SQL is SQLite's, in memory, with the host's rules
//! for tables; what the network and other plugins answer, the test says.

mod executor;
pub(crate) mod host;
mod sql;
mod state;

pub use crate::native::Plugin;
use crate::{
    Error, Header, PeerKind, Via,
    bindings::sat::host::{
        deliver::Forwarded,
        features::FeatureSet,
        http::{Request, Response},
        log::Level,
        timers::Timer,
        xmpp::{IqRequest, Outgoing},
    },
    datetime, xmpp,
};
pub(crate) use executor::turn;
pub use executor::{block_on, join};
use state::State;
use std::{any::Any, cell::RefCell, collections::BTreeMap, rc::Rc};

/// The account, unless a test says otherwise.
pub const ACCOUNT: &str = "romeo@montague.lit";

thread_local! {
    static CURRENT: RefCell<Option<Rc<RefCell<State>>>> = const { RefCell::new(None) };
}

/// The host that the thread has until this is dropped.
#[must_use = "the thread has no host any more when this is dropped"]
pub struct Host(Rc<RefCell<State>>);

impl Host {
    /// A host with this plugin, whose manifest says what it may do, in a profile that is
    /// connected. Panics when the thread has one already.
    pub fn new<P: Plugin>() -> Self {
        let state = Rc::new(RefCell::new(State::new::<P>()));
        CURRENT.with_borrow_mut(|current| {
            assert!(current.is_none(), "this thread has a mock::Host already");
            *current = Some(state.clone());
        });
        Self(state)
    }

    /// Another account; its stream is bound to `<account>/orchard`.
    pub fn set_account(&self, jid: &str) {
        let mut state = self.0.borrow_mut();
        state.account = jid.into();
        state.bound = Some(format!("{jid}/orchard"));
    }

    /// The stream is gone: sending and asking fail with `not-connected`.
    pub fn disconnect(&self) {
        self.0.borrow_mut().bound = None;
    }

    /// The stream is back.
    pub fn connect(&self) {
        let account = self.0.borrow().account.clone();
        self.set_account(&account);
    }

    /// The stream's features as XML.
    pub fn set_stream_features(&self, xml: &str) {
        self.0.borrow_mut().stream_features = Some(xml.into());
    }

    /// The time that [`crate::datetime::now_ms`] tells from now on, RFC 3339.
    #[track_caller]
    pub fn set_now(&self, time: &str) {
        let ms = datetime::parse(time);
        assert!(ms.is_some(), "{time} is no RFC 3339 time");
        self.0.borrow_mut().now = ms;
    }

    /// The value of a setting, as JSON text. Panics unless `plugin.toml` declares it.
    #[track_caller]
    pub fn set_setting(&self, name: &str, json: &str) {
        let known = self.0.borrow_mut().settings.get_mut(name).map(|value| {
            *value = json.into();
        });
        assert!(known.is_some(), "plugin.toml has no [settings.{name}]");
    }

    /// Answers the IQs whose payload has this namespace; the error is what the plugin gets. The
    /// last one that was set counts. Others are answered `service-unavailable`.
    pub fn on_iq(
        &self,
        namespace: &str,
        answer: impl FnMut(&IqRequest) -> Result<String, Error> + 'static,
    ) {
        let answer: state::Answer = Rc::new(RefCell::new(answer));
        self.0.borrow_mut().answers.insert(namespace.into(), answer);
    }

    /// Answers the calls of another plugin's function, by the name that frontends use:
    /// `on_call("disco.has", |(jid, feature): (Option<String>, String)| Ok(true))`. One
    /// parameter comes as it is, none as `()`. Without this, calls fail with `no-provider`.
    pub fn on_call<A: 'static, R: 'static>(
        &self,
        method: &str,
        mut answer: impl FnMut(A) -> Result<R, Error> + 'static,
    ) {
        let name = method.to_owned();
        let provider: state::Provider = Rc::new(RefCell::new(move |arguments: Box<dyn Any>| {
            let arguments = arguments.downcast::<A>().unwrap_or_else(|_| {
                let expected = std::any::type_name::<A>();
                panic!("{name} has other parameters than the closure, which takes {expected}")
            });
            Box::new(answer(*arguments)) as Box<dyn Any>
        }));
        self.0
            .borrow_mut()
            .providers
            .insert(method.into(), provider);
    }

    /// Answers web requests. Without this they fail with `host-not-found`.
    pub fn on_http(&self, answer: impl FnMut(&Request) -> Result<Response, Error> + 'static) {
        self.0.borrow_mut().web = Some(Rc::new(RefCell::new(answer)));
    }

    /// What all loaded plugins make of the account, this one's features included.
    pub fn set_features(&self, features: FeatureSet) {
        self.0.borrow_mut().feature_set = Some(features);
    }

    /// The stanzas that were sent, in order, those of the outbox too; each has an id.
    pub fn sent(&self) -> Vec<Outgoing> {
        self.0.borrow().sent.clone()
    }

    /// The IQs that were asked, in order.
    pub fn asked(&self) -> Vec<IqRequest> {
        self.0.borrow().asked.clone()
    }

    /// The events of a topic (`chat.message`) that were emitted, in order. Panics when they are
    /// of another type.
    #[track_caller]
    pub fn emitted<T: Clone + 'static>(&self, topic: &str) -> Vec<T> {
        let state = self.0.borrow();
        let events = state.events.iter().filter(|(t, _)| *t == topic);
        let typed = |(_, event): &(_, Box<dyn Any>)| event.downcast_ref::<T>().cloned();
        let expected = std::any::type_name::<T>();
        events
            .map(|e| typed(e).unwrap_or_else(|| panic!("events of {topic} are no {expected}")))
            .collect()
    }

    /// The topics of all events that were emitted, in order.
    pub fn topics(&self) -> Vec<&'static str> {
        self.0.borrow().events.iter().map(|(t, _)| *t).collect()
    }

    /// The messages that were handed to the pipeline.
    pub fn delivered(&self) -> Vec<Forwarded> {
        self.0.borrow().delivered.clone()
    }

    /// The web requests that were sent, in order.
    pub fn fetched(&self) -> Vec<Request> {
        self.0.borrow().fetched.clone()
    }

    /// The timers that are set, the next one first.
    pub fn timers(&self) -> Vec<Timer> {
        self.0.borrow().timers.clone()
    }

    /// Takes the timers whose time has come, by the time that [`Host::set_now`] has set or the
    /// real one: give them to the plugin's `on_timer`.
    pub fn take_due(&self) -> Vec<Timer> {
        let now = datetime::now();
        let mut state = self.0.borrow_mut();
        let count = state
            .timers
            .iter()
            .take_while(|timer| timer.at <= now)
            .count();
        state.timers.drain(..count).collect()
    }

    /// Who is claimed now.
    pub fn claims(&self) -> BTreeMap<String, PeerKind> {
        self.0.borrow().claims.clone()
    }

    /// The features that the plugin has set beyond those of its manifest.
    pub fn features(&self) -> Vec<String> {
        self.0.borrow().features.clone()
    }

    /// The lines that were logged.
    pub fn log(&self) -> Vec<(Level, String)> {
        self.0.borrow().log.clone()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(|current| *current = None);
    }
}

/// The header of a message from a contact, sent just now. Say what differs:
/// `Header { via: Via::Archive, ..mock::header("juliet@capulet.lit/balcony") }`.
pub fn header(from: &str) -> Header {
    Header {
        id: Some("m1".into()),
        from: Some(from.into()),
        to: Some(ACCOUNT.into()),
        kind: "chat".into(),
        peer_kind: if xmpp::bare(from) == ACCOUNT {
            PeerKind::Account
        } else {
            PeerKind::Contact
        },
        via: Via::Live,
        stamp: "2024-01-01T00:00:00.000Z".into(),
        stanza_ids: Vec::new(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
