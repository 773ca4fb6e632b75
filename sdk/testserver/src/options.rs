//! What a server is made of.

use chrono::{DateTime, Utc};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// How long a script waits for what it expects, before the test fails.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a session that lost its connection may be resumed (XEP-0198 §5).
const HIBERNATION: Duration = Duration::from_secs(300);
/// Bytes of one uploaded file (XEP-0363).
const MAX_UPLOAD: u64 = 10 * 1024 * 1024;

/// What a server is made of.
#[derive(Clone)]
pub struct Options {
    pub(crate) domain: String,
    pub(crate) accounts: BTreeMap<String, String>,
    pub(crate) components: BTreeMap<String, String>,
    pub(crate) clock: Clock,
    pub(crate) seed: u64,
    pub(crate) without: Vec<String>,
    pub(crate) mechanisms: Vec<String>,
    pub(crate) patience: Duration,
    pub(crate) hibernation: Duration,
    pub(crate) max_upload: u64,
}

impl Options {
    /// A server for this domain, with its services at `pubsub.`, `rooms.` and `upload.`; it has
    /// no accounts yet, and the system's clock.
    pub fn new(domain: &str) -> Self {
        Self {
            domain: domain.to_owned(),
            accounts: BTreeMap::new(),
            components: BTreeMap::new(),
            clock: Arc::new(Utc::now),
            seed: 0,
            without: Vec::new(),
            mechanisms: ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]
                .map(str::to_owned)
                .to_vec(),
            patience: PATIENCE,
            hibernation: HIBERNATION,
            max_upload: MAX_UPLOAD,
        }
    }

    /// Adds an account; `name` is what stands before the `@`.
    #[must_use]
    pub fn account(mut self, name: &str, password: &str) -> Self {
        self.accounts.insert(name.to_owned(), password.to_owned());
        self
    }

    /// Allows a component to connect as this domain (XEP-0114).
    #[must_use]
    pub fn component(mut self, domain: &str, secret: &str) -> Self {
        self.components.insert(domain.to_owned(), secret.to_owned());
        self
    }

    /// Takes the time from this clock. It stamps stanzas; time-outs go by tokio's clock, which a
    /// test may pause.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Makes ids and nonces from this number; the same number gives the same ids.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Switches a XEP off, by its four digits; see [`crate::XEPS`].
    #[must_use]
    pub fn without(mut self, xep: &str) -> Self {
        self.without.push(xep.to_owned());
        self
    }

    /// Offers these SASL mechanisms only, of SCRAM-SHA-256, SCRAM-SHA-1 and PLAIN.
    #[must_use]
    pub fn mechanisms(mut self, names: &[&str]) -> Self {
        self.mechanisms = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// How long a script waits for what it expects before the test fails; 10 s otherwise.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How long a session without connection may be resumed; 300 s otherwise.
    #[must_use]
    pub fn hibernation(mut self, time: Duration) -> Self {
        self.hibernation = time;
        self
    }

    /// Bytes that an uploaded file may have; 10 MiB otherwise.
    #[must_use]
    pub fn max_upload(mut self, bytes: u64) -> Self {
        self.max_upload = bytes;
        self
    }
}
