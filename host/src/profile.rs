//! One profile: an account with its storage, its key, its stream and its plugins' instances.

pub mod account;
pub mod calls;
pub mod receivers;
pub mod session;
pub mod settings;
pub mod timers;
pub mod vault;

use crate::{
    Clock, Error, Result,
    backend::Shared,
    error::kind,
    events::EventLog,
    plugin::{
        catalog::Catalog,
        instance::{Call, Instance},
        loaded::LoadedPlugin,
        manifest::{Identity, Mode},
    },
    route::{iq::Iqs, lanes::Lanes, outbox::Outbox, peers::Peers},
    store::{NewEvent, ProfileDb},
};
use minidom::Element;
use serde_json::Value;
use std::time::Duration;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
};
use tokio::sync::watch;
use vault::Vault;

/// How long the `connected` of a plugin waits for that of a plugin which it uses.
const PROVIDER_PATIENCE: Duration = Duration::from_secs(30);

/// A profile, as `profile.list` shows it.
#[derive(Debug, Clone)]
pub struct ProfileInfo {
    /// What people call it.
    pub name: String,
    /// The account's bare JID.
    pub jid: String,
    /// Whether `@DEFAULT@` means it.
    pub is_default: bool,
    /// Whether its key is in memory.
    pub unlocked: bool,
    /// Whether it has no password, which is no protection.
    pub empty_password: bool,
    /// `disconnected`, `connecting`, `connected` or `waiting` (to try again).
    pub state: String,
    /// Why it isn't connected.
    pub error: Option<Error>,
}

/// A profile.
pub struct Profile {
    name: String,
    /// Its folder below `profiles`; never changes, so secrets are bound to it.
    pub(crate) folder: String,
    pub(crate) shared: Arc<Shared>,
    pub(crate) db: ProfileDb,
    pub(crate) events: EventLog,
    account: String,
    /// The XMPP password as it lies on disk.
    sealed: RwLock<Option<Vec<u8>>>,
    is_default: AtomicBool,
    empty_password: AtomicBool,
    lock_epoch: AtomicU64,
    vault: RwLock<Option<Vault>>,
    pub(crate) session: session::Sessions,
    instances: Mutex<HashMap<String, Arc<Instance>>>,
    pub(crate) lanes: Lanes,
    pub(crate) iqs: Iqs,
    pub(crate) peers: Peers,
    pub(crate) outbox: Outbox,
    features: Mutex<BTreeMap<String, Vec<String>>>,
    settings: RwLock<BTreeMap<(String, String), Value>>,
    pub(crate) receivers: receivers::Receivers,
    pub(crate) timers: timers::Timers,
    me: Weak<Profile>,
}

impl Profile {
    /// Opens a profile that exists.
    pub(crate) async fn open(
        shared: Arc<Shared>,
        name: &str,
        folder: &str,
        db: ProfileDb,
    ) -> Result<Arc<Self>> {
        let row = db.account().await?;
        let events = EventLog::open(name, db.events().clone()).await?;
        let settings = settings::load(&db).await?;
        let empty = settings.get(&(settings::HOST.into(), settings::EMPTY_PASSWORD.into()))
            == Some(&Value::Bool(true));
        Ok(Arc::new_cyclic(|me| Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            shared,
            db,
            events,
            account: row.jid,
            sealed: RwLock::new(row.sealed_password),
            is_default: AtomicBool::new(false),
            empty_password: AtomicBool::new(empty),
            lock_epoch: AtomicU64::new(0),
            vault: RwLock::new(None),
            session: session::Sessions::default(),
            instances: Mutex::default(),
            lanes: Lanes::default(),
            iqs: Iqs::default(),
            peers: Peers::default(),
            outbox: Outbox::default(),
            features: Mutex::default(),
            settings: RwLock::new(settings),
            receivers: receivers::Receivers::default(),
            timers: timers::Timers::default(),
            me: me.clone(),
        }))
    }

    pub(crate) fn me(&self) -> Weak<Self> {
        self.me.clone()
    }

    /// The clock of everything that the profile does.
    pub(crate) fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// A fresh id for a stanza, in the series of this plugin.
    pub(crate) fn random_id(&self, plugin: &str) -> String {
        self.shared.random.id(&format!("{}/{plugin}", self.name))
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The account's bare JID.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// What `profile.list` shows.
    pub fn info(&self) -> ProfileInfo {
        let (state, error) = self.session.state();
        ProfileInfo {
            name: self.name.clone(),
            jid: self.account.clone(),
            is_default: self.is_default.load(SeqCst),
            unlocked: self.is_unlocked(),
            empty_password: self.has_empty_password(),
            state: state.into(),
            error,
        }
    }

    pub(crate) fn set_is_default(&self, is_default: bool) {
        self.is_default.store(is_default, SeqCst);
    }

    /// Its events.
    pub fn events(&self) -> &EventLog {
        &self.events
    }

    /// Whether its key is in memory.
    pub fn is_unlocked(&self) -> bool {
        self.vault
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    /// Whether it opens without a password.
    pub fn has_empty_password(&self) -> bool {
        self.empty_password.load(SeqCst)
    }

    /// Grows at each lock: what was allowed before is not any more.
    pub fn lock_epoch(&self) -> u64 {
        self.lock_epoch.load(SeqCst)
    }

    pub(crate) fn vault(&self) -> Result<Vault> {
        self.vault
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or_else(|| {
                Error::new(
                    kind::PROFILE_LOCKED,
                    format!(
                        "Profile {} is locked: unlock it with its password",
                        self.name
                    ),
                )
            })
    }

    fn set_vault(&self, vault: Option<Vault>) {
        if vault.is_none() {
            self.lock_epoch.fetch_add(1, SeqCst);
        }
        *self.vault.write().unwrap_or_else(PoisonError::into_inner) = vault;
    }

    /// The plugins loaded now.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        self.shared.catalog.load_full()
    }

    /// Whether a plugin runs in this profile.
    pub(crate) fn runs(&self, plugin: &LoadedPlugin) -> bool {
        plugin.is_for(Mode::Client) && !self.shared.is_disabled(plugin.id(), &self.name)
    }

    fn instances(&self) -> MutexGuard<'_, HashMap<String, Arc<Instance>>> {
        self.instances
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The instance of a plugin in this profile; none where it doesn't run.
    pub(crate) fn instance(&self, plugin: &Arc<LoadedPlugin>) -> Option<Arc<Instance>> {
        if !self.is_unlocked() || !self.runs(plugin) {
            return None;
        }
        let mut instances = self.instances();
        if let Some(found) = instances
            .get(plugin.id())
            .filter(|i| Arc::ptr_eq(i.plugin(), plugin))
        {
            return Some(found.clone());
        }
        let fresh = Instance::new(plugin.clone(), self);
        if let Some(old) = instances.insert(plugin.id().to_owned(), fresh.clone()) {
            old.stop(true);
        }
        Some(fresh)
    }

    /// The instance of a plugin that has a hook.
    pub(crate) fn with_hook(&self, hook: &str) -> Vec<Arc<Instance>> {
        let catalog = self.catalog();
        catalog
            .plugins
            .iter()
            .filter(|p| p.hooks.contains_key(hook))
            .filter_map(|p| self.instance(p))
            .collect()
    }

    /// Calls a hook of every plugin that has `lifecycle`, each in a task of its own.
    pub(crate) fn tell_all(&self, call: impl Fn() -> Call) {
        for instance in self.with_hook("lifecycle") {
            self.tell(instance, call());
        }
    }

    /// Tells that the stream is there: providers of features first, those who use them when these
    /// have returned, the others at the same time.
    pub(crate) fn tell_connected(&self, resumed: bool) {
        let catalog = self.catalog();
        let all = self.with_hook("lifecycle");
        let (done, ready): (Vec<_>, Vec<_>) = all.iter().map(|_| watch::channel(false)).unzip();
        for (instance, done) in all.iter().cloned().zip(done) {
            let plugin = instance.plugin().clone();
            let before = all.iter().zip(&ready).filter(|(other, _)| {
                let (other, me) = (other.plugin(), &plugin);
                other.id() != me.id()
                    && catalog.depends(me.id(), other.id())
                    && !catalog.depends(other.id(), me.id())
            });
            let before: Vec<_> = before.map(|(_, ready)| ready.clone()).collect();
            let Some(profile) = self.me.upgrade() else {
                return;
            };
            tokio::spawn(async move {
                for mut ready in before {
                    // A provider that hangs must not keep the others offline.
                    let returned = ready.wait_for(|done| *done);
                    tokio::time::timeout(PROVIDER_PATIENCE, returned).await.ok();
                }
                if let Err(e) = instance.call(Call::Connected(resumed), 0).await {
                    profile.log(plugin.id(), "warn", &format!("lifecycle hook failed: {e}"));
                }
                done.send_replace(true);
            });
        }
    }

    pub(crate) fn tell(&self, instance: Arc<Instance>, call: Call) {
        let Some(profile) = self.me.upgrade() else {
            return;
        };
        tokio::spawn(async move {
            if let Err(e) = instance.call(call, 0).await {
                profile.log(
                    instance.plugin().id(),
                    "warn",
                    &format!("lifecycle hook failed: {e}"),
                );
            }
        });
    }

    /// What instances there are: for `plugin.list`.
    pub(crate) fn instance_status(&self, plugin: &str) -> Option<(&'static str, Option<String>)> {
        self.instances().get(plugin).map(|i| i.status())
    }

    /// Ends all instances at once.
    fn abort_instances(&self) {
        self.instances().drain().for_each(|(_, i)| i.abort());
    }

    /// A plugin was taken out, replaced or switched off: its instance says goodbye and ends.
    pub(crate) async fn retire(&self, plugin: &str) {
        let Some(instance) = self.instances().remove(plugin) else {
            return;
        };
        if instance.plugin().hooks.contains_key("lifecycle") && self.session.stream().is_some() {
            let goodbye = instance.call(Call::Unload, 0);
            tokio::time::timeout(std::time::Duration::from_secs(2), goodbye)
                .await
                .ok();
        }
        instance.stop(true);
        self.peers.release(plugin, None);
        self.features
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(plugin);
    }

    /// Sends a stanza on the live stream.
    pub(crate) async fn send_now(&self, stanza: Element) -> Result<()> {
        let stream = self.session.stream().ok_or_else(|| {
            Error::new(
                kind::NOT_CONNECTED,
                format!("Profile {} isn't connected", self.name),
            )
        })?;
        stream.send(stanza).await
    }

    /// Sets a plugin's dynamic disco features.
    pub(crate) fn set_features(&self, plugin: &str, features: Vec<String>) {
        let mut all = self.features.lock().unwrap_or_else(PoisonError::into_inner);
        if all
            .insert(plugin.to_owned(), features.clone())
            .unwrap_or_default()
            != features
        {
            drop(all);
            self.tell_all(|| Call::FeaturesChanged);
        }
    }

    /// All identities and features of this profile now.
    pub(crate) fn feature_set(&self) -> (BTreeSet<Identity>, BTreeSet<String>) {
        let catalog = self.catalog();
        let running: Vec<_> = catalog.plugins.iter().filter(|p| self.runs(p)).collect();
        let identities = running
            .iter()
            .flat_map(|p| p.manifest.identities.iter().cloned())
            .collect();
        let mut features: BTreeSet<String> = running
            .iter()
            .flat_map(|p| p.manifest.features.iter().cloned())
            .collect();
        let dynamic = self.features.lock().unwrap_or_else(PoisonError::into_inner);
        features.extend(
            dynamic
                .iter()
                .filter(|(id, _)| running.iter().any(|p| p.id() == *id))
                .flat_map(|(_, f)| f.iter().cloned()),
        );
        (identities, features)
    }

    /// Writes events of a plugin and tells everybody who follows.
    pub(crate) async fn emit(&self, _plugin: &str, events: Vec<NewEvent>) -> Result<()> {
        self.events.append(events).await
    }

    /// Writes an event of the host about this profile.
    pub(crate) async fn host_event(&self, topic: &str, data: Value) {
        if let Err(e) = self
            .events
            .append(vec![NewEvent::new(
                self.clock().stamp(),
                topic,
                data.to_string(),
            )])
            .await
        {
            tracing::warn!(profile = self.name, "An event was not written: {e}");
        }
    }

    /// Writes to a plugin's log.
    pub(crate) fn log(&self, plugin: &str, level: &'static str, message: &str) {
        self.shared
            .logs
            .write(plugin, Some(&self.name), level, message);
    }
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Profile({})", self.name)
    }
}
