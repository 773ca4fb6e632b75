//! What a played host holds.

use super::{ACCOUNT, Plugin, sql::Database};
use crate::{
    Error, PeerKind,
    bindings::sat::host::{
        deliver::Forwarded,
        features::FeatureSet,
        http::{Request, Response},
        log::Level,
        timers::Timer,
        xmpp::{IqRequest, Outgoing},
    },
};
use std::{
    any::Any,
    cell::RefCell,
    collections::BTreeMap,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// Answers an IQ.
pub(super) type Answer = Rc<RefCell<dyn FnMut(&IqRequest) -> Result<String, Error>>>;
/// Answers a web request.
pub(super) type Web = Rc<RefCell<dyn FnMut(&Request) -> Result<Response, Error>>>;
/// Answers a call of another plugin: arguments to a `Result`, both as [`Any`].
pub(super) type Provider = Rc<RefCell<dyn FnMut(Box<dyn Any>) -> Box<dyn Any>>>;

pub(super) struct State {
    pub(super) instance: u64,
    pub(super) id: &'static str,
    permissions: &'static [&'static str],
    pub(super) account: String,
    pub(super) bound: Option<String>,
    pub(super) stream_features: Option<String>,
    pub(super) now: Option<i64>,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) answers: BTreeMap<String, Answer>,
    pub(super) providers: BTreeMap<String, Provider>,
    pub(super) static_features: &'static [&'static str],
    pub(super) feature_set: Option<FeatureSet>,
    pub(super) features: Vec<String>,
    pub(super) claims: BTreeMap<String, PeerKind>,
    pub(super) keys: BTreeMap<String, Vec<u8>>,
    pub(super) secrets: BTreeMap<String, Vec<u8>>,
    pub(super) database: Database,
    pub(super) timers: Vec<Timer>,
    pub(super) web: Option<Web>,
    pub(super) fetched: Vec<Request>,
    pub(super) sent: Vec<Outgoing>,
    pub(super) asked: Vec<IqRequest>,
    pub(super) delivered: Vec<Forwarded>,
    pub(super) events: Vec<(&'static str, Box<dyn Any>)>,
    pub(super) log: Vec<(Level, String)>,
}

impl State {
    pub(super) fn new<P: Plugin>() -> Self {
        static HOSTS: AtomicU64 = AtomicU64::new(1);
        let setting = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            instance: HOSTS.fetch_add(1, Relaxed),
            id: P::ID,
            permissions: P::PERMISSIONS,
            account: ACCOUNT.into(),
            bound: Some(format!("{ACCOUNT}/orchard")),
            stream_features: None,
            now: None,
            settings: P::SETTINGS.iter().map(setting).collect(),
            answers: BTreeMap::new(),
            providers: BTreeMap::new(),
            static_features: P::FEATURES,
            feature_set: None,
            features: Vec::new(),
            claims: BTreeMap::new(),
            keys: BTreeMap::new(),
            secrets: BTreeMap::new(),
            database: Database::new(P::ID),
            timers: Vec::new(),
            web: None,
            fetched: Vec::new(),
            sent: Vec::new(),
            asked: Vec::new(),
            delivered: Vec::new(),
            events: Vec::new(),
            log: Vec::new(),
        }
    }

    /// The host refuses to load a plugin that uses what it has no permission for.
    #[track_caller]
    pub(super) fn need(&self, permission: &str) {
        assert!(
            self.permissions.contains(&permission),
            "plugin.toml of {} names no permission `{permission}`",
            self.id
        );
    }
}
