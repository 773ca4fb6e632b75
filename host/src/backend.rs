//! The backend: profiles, plugins and what they share, from start to stop.

mod plugins;

pub use plugins::PluginInfo;

use crate::{
    Clock, Error, Result,
    config::{Config, Denied},
    error::kind,
    events::EventLog,
    plugin::{
        cache::Cache,
        catalog::Catalog,
        folders::{Folders, Refused},
        logs::Logs,
        quota::STANZAS_PER_SECOND,
    },
    profile::{
        Profile, ProfileInfo,
        account::{self, NewProfile},
        settings::{AUTOCONNECT, HOST},
        vault::KdfParams,
    },
    random::Random,
    store::{DisabledPlugin, HostDb, NewEvent, ProfileDb},
    web::PlayedWeb,
    wire::{Connector, Dialer},
};
use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};
use tokio::sync::watch as channel;
use tokio_util::sync::CancellationToken;

/// First wait before an automatic connection that failed is tried again.
const AUTOCONNECT_PAUSE: Duration = Duration::from_secs(5);
/// Longest such wait.
const AUTOCONNECT_LONGEST: Duration = Duration::from_secs(300);
/// How long the streams have to close when the backend stops.
const GOODBYE: Duration = Duration::from_secs(3);

/// Where the backend keeps things and looks for plugins.
#[derive(Debug, Clone)]
pub struct Options {
    /// Databases, profiles and the compile cache.
    pub local_dir: PathBuf,
    /// Folders of plugins; of two files with one id the earlier folder's counts.
    pub plugin_dirs: Vec<PathBuf>,
    /// Folder of `<profile>.key` files that open profiles without a person.
    pub key_dir: Option<PathBuf>,
    /// Permissions that plugins don't get, whatever their manifests ask for.
    pub denied: Vec<Denied>,
    /// Compiled code shared with other backends; otherwise each `local_dir` has its own, with a
    /// key in its database. Who knows the key and can write to the folder can run code.
    pub cache: Option<Cache>,
    /// Cost of a profile password's key derivation.
    pub kdf: KdfParams,
    /// The time of everything that is behaviour.
    pub clock: Clock,
    /// Makes reproducible what others see of randomness: ids of stanzas, resources, jitter, what
    /// guests draw. For tests, where a second start on one folder needs another seed, or ids
    /// come twice. Keys, salts and tokens are random all the same.
    pub seed: Option<u64>,
    /// Connects streams instead of DNS and TCP.
    pub dial: Option<Dialer>,
    /// What plugins reach instead of the web.
    pub web: Option<PlayedWeb>,
    /// What plugins may do.
    pub plugins: PluginOptions,
}

/// What plugins may do (`[plugins]` of `sat.conf`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PluginOptions {
    /// Whether a plugin reaches private addresses of hosts that its manifest names themselves.
    pub http_private: bool,
    /// Stanzas that a plugin may send at once in a second, in each profile; 0: no limit.
    pub stanzas_per_second: u32,
}

impl Default for PluginOptions {
    fn default() -> Self {
        Self {
            http_private: false,
            stanzas_per_second: STANZAS_PER_SECOND,
        }
    }
}

impl Options {
    /// The options that a backend needs, the others with their defaults.
    pub fn new(local_dir: impl Into<PathBuf>, plugin_dirs: Vec<PathBuf>) -> Self {
        Self {
            local_dir: local_dir.into(),
            plugin_dirs,
            key_dir: None,
            denied: Vec::new(),
            cache: None,
            kdf: KdfParams::STANDARD,
            clock: Clock::system(),
            seed: None,
            dial: None,
            web: None,
            plugins: PluginOptions::default(),
        }
    }
}

impl From<&Config> for Options {
    fn from(config: &Config) -> Self {
        Self {
            key_dir: config.key_dir.clone(),
            denied: config.denied.clone(),
            plugins: config.plugins,
            ..Self::new(&config.local_dir, config.plugin_dirs.clone())
        }
    }
}

/// What all profiles share.
pub(crate) struct Shared {
    pub(crate) catalog: ArcSwap<Catalog>,
    pub(crate) logs: Logs,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) connector: Connector,
    pub(crate) web: Option<PlayedWeb>,
    pub(crate) kdf: KdfParams,
    denied: Vec<Denied>,
    pub(crate) plugins: PluginOptions,
    disabled: RwLock<Vec<DisabledPlugin>>,
}

impl Shared {
    /// Whether a plugin may use an interface of the host, or a feature of another plugin.
    ///
    /// # Errors
    /// `forbidden` when the administrator denied it.
    pub(crate) fn permit(&self, plugin: &str, permission: &str) -> Result<()> {
        let denies = |d: &Denied| d.plugin == plugin && d.permission == permission;
        if self.denied.iter().any(denies) {
            return Err(Error::new(
                kind::FORBIDDEN,
                format!(
                    "The administrator of this backend denies the permission {permission} to the \
                     plugin {plugin} (option deny in [plugins])"
                ),
            ));
        }
        Ok(())
    }

    /// Whether a plugin was switched off for a profile, or for all.
    pub(crate) fn is_disabled(&self, plugin: &str, profile: &str) -> bool {
        let disabled = self.disabled.read().unwrap_or_else(PoisonError::into_inner);
        disabled
            .iter()
            .any(|d| d.plugin == plugin && d.profile.as_deref().is_none_or(|p| p == profile))
    }
}

/// The running backend. Clones are handles of the same.
#[derive(Clone)]
pub struct Backend {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    db: HostDb,
    events: EventLog,
    shared: Arc<Shared>,
    profiles: RwLock<BTreeMap<String, Arc<Profile>>>,
    /// One creation or deletion at a time.
    turn: tokio::sync::Mutex<()>,
    refused: Mutex<Vec<Refused>>,
    generation: channel::Sender<u64>,
    started_at: DateTime<Utc>,
    stop: CancellationToken,
}

/// What `host.status` says.
#[derive(Debug, Clone)]
pub struct Status {
    /// Process id.
    pub pid: u32,
    /// Version of the backend.
    pub version: &'static str,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// Profiles that exist.
    pub profiles: usize,
    /// Profiles with a live stream.
    pub connected: usize,
    /// Plugins that are loaded.
    pub plugins: usize,
}

impl Backend {
    /// Opens everything and loads the plugins; profiles that can are connected in the background.
    pub async fn start(options: impl Into<Options>) -> Result<Self> {
        let options = options.into();
        let storage = |e: std::io::Error| {
            Error::new(
                kind::STORAGE,
                format!("Cannot use local_dir {}: {e}", options.local_dir.display()),
            )
        };
        private_folder(&options.local_dir).map_err(storage)?;
        private_folder(&options.local_dir.join("profiles")).map_err(storage)?;
        for folder in &options.plugin_dirs {
            // The first that can be made is the user's; the others may be absent.
            if let Err(e) = fs::create_dir_all(folder) {
                tracing::debug!("No plugin folder {}: {e}", folder.display());
            }
        }
        let db = HostDb::open(&options.local_dir.join("sat.db"), &options.clock).await?;
        let events = EventLog::open("@HOST@", db.events().clone()).await?;
        let random = options.seed.map_or_else(Random::system, Random::seeded);
        let shared = Arc::new(Shared {
            catalog: ArcSwap::default(),
            logs: Logs::new(options.clock.clone()),
            connector: Connector::new(options.clock.clone(), random.clone(), options.dial.clone()),
            web: options.web.clone(),
            clock: options.clock.clone(),
            random,
            kdf: options.kdf,
            denied: options.denied.clone(),
            plugins: options.plugins,
            disabled: RwLock::new(db.disabled_plugins().await?),
        });
        let cache = match &options.cache {
            Some(shared) => shared.clone(),
            None => Cache::new(options.local_dir.join("cache"), db.cache_key().await?),
        };
        let inner = Inner {
            events,
            shared,
            profiles: RwLock::default(),
            turn: tokio::sync::Mutex::new(()),
            refused: Mutex::default(),
            generation: channel::Sender::new(0),
            started_at: options.clock.now(),
            stop: CancellationToken::new(),
            db,
            options,
        };
        let backend = Self {
            inner: Arc::new(inner),
        };
        backend.open_profiles().await?;
        let folders = Folders::new(backend.inner.options.plugin_dirs.clone(), cache);
        backend.load_plugins(folders).await?;
        backend.spawn_autoconnect();
        Ok(backend)
    }

    /// What it is doing.
    pub fn status(&self) -> Status {
        let profiles = self.all();
        Status {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION"),
            started_at: self.inner.started_at,
            profiles: profiles.len(),
            connected: profiles
                .iter()
                .filter(|p| p.session.stream().is_some())
                .count(),
            plugins: self.catalog().plugins.len(),
        }
    }

    /// Asks the backend to stop.
    pub fn stop(&self) {
        self.inner.stop.cancel();
    }

    /// Resolves when somebody asked the backend to stop.
    pub async fn stopped(&self) {
        self.inner.stop.cancelled().await;
    }

    /// Locks the profiles, which closes their streams; what is committed is on disk already.
    pub async fn shutdown(&self) {
        self.inner.stop.cancel();
        let all = self.all();
        let goodbyes = futures::future::join_all(all.iter().map(|p| p.lock()));
        if tokio::time::timeout(GOODBYE, goodbyes).await.is_err() {
            tracing::warn!("Some streams were not closed in time");
        }
    }

    /// What is loaded now.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.inner.shared.catalog.load_full()
    }

    /// The generation of the catalog, as it changes.
    pub fn generations(&self) -> channel::Receiver<u64> {
        self.inner.generation.subscribe()
    }

    /// The host's own events, key `@HOST@`.
    pub fn events(&self) -> &EventLog {
        &self.inner.events
    }

    fn all(&self) -> Vec<Arc<Profile>> {
        self.inner
            .profiles
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    /// All profiles by name.
    pub fn profiles(&self) -> Vec<ProfileInfo> {
        self.all().iter().map(|p| p.info()).collect()
    }

    /// A profile by its name, or `@DEFAULT@`.
    pub fn profile(&self, key: &str) -> Result<Arc<Profile>> {
        let profiles = self
            .inner
            .profiles
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if key == "@DEFAULT@" {
            return profiles
                .values()
                .find(|p| p.info().is_default)
                .cloned()
                .ok_or_else(|| {
                    Error::new(
                        kind::NOT_FOUND,
                        "There is no profile yet: create one with profile.create",
                    )
                });
        }
        profiles
            .get(key)
            .cloned()
            .ok_or_else(|| Error::new(kind::NOT_FOUND, format!("There is no profile {key:?}")))
    }

    /// Creates a profile; the first one becomes the default. The network is not asked.
    pub async fn create_profile(&self, new: NewProfile) -> Result<()> {
        let _turn = self.inner.turn.lock().await;
        new.check()?;
        let name = new.profile.clone();
        if self.profile(&name).is_ok() {
            return Err(Error::new(
                kind::CONFLICT,
                format!("There is a profile {name:?} already"),
            ));
        }
        let folder = Random::system().id("folder");
        let path = self.profile_folder(&folder);
        let result = async {
            private_folder(&path).map_err(|e| {
                Error::new(
                    kind::STORAGE,
                    format!("Cannot make the profile's folder: {e}"),
                )
            })?;
            let db = ProfileDb::open(&path.join("profile.db"), &self.inner.shared.clock).await?;
            account::fill(
                &db,
                &folder,
                new,
                self.inner.options.kdf,
                &self.inner.shared.random,
            )
            .await?;
            let row = self.inner.db.profile_insert(&name, &folder).await?;
            let profile = Profile::open(self.inner.shared.clone(), &name, &folder, db).await?;
            profile.set_is_default(row.is_default);
            self.inner
                .profiles
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(name.clone(), profile);
            Ok(())
        }
        .await;
        if result.is_err() {
            fs::remove_dir_all(&path).ok();
        } else {
            self.event("profile.created", json!({"profile": name}))
                .await;
        }
        result
    }

    /// Deletes a profile with everything that it has.
    pub async fn delete_profile(&self, name: &str) -> Result<()> {
        let _turn = self.inner.turn.lock().await;
        let profile = self.profile(name)?;
        let name = profile.name().to_owned();
        profile.lock().await?;
        self.inner.db.profile_delete(&name).await?;
        self.inner
            .profiles
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&name);
        profile.db.db().close().await?;
        fs::remove_dir_all(self.profile_folder(&profile.folder)).map_err(|e| {
            Error::new(
                kind::STORAGE,
                format!("The profile is gone, but not all its files: {e}"),
            )
        })?;
        self.read_defaults().await?;
        self.event("profile.deleted", json!({"profile": name}))
            .await;
        Ok(())
    }

    /// Makes a profile the one that `@DEFAULT@` means.
    pub async fn set_default(&self, name: &str) -> Result<()> {
        let profile = self.profile(name)?;
        self.inner.db.profile_set_default(profile.name()).await?;
        self.read_defaults().await
    }

    async fn read_defaults(&self) -> Result<()> {
        for row in self.inner.db.profiles().await? {
            if let Ok(profile) = self.profile(&row.name) {
                profile.set_is_default(row.is_default);
            }
        }
        Ok(())
    }

    fn profile_folder(&self, folder: &str) -> PathBuf {
        self.inner.options.local_dir.join("profiles").join(folder)
    }

    async fn open_profiles(&self) -> Result<()> {
        for row in self.inner.db.profiles().await? {
            let path = self.profile_folder(&row.folder).join("profile.db");
            let opened = async {
                let db = ProfileDb::open(&path, &self.inner.shared.clock).await?;
                Profile::open(self.inner.shared.clone(), &row.name, &row.folder, db).await
            };
            match opened.await {
                Ok(profile) => {
                    profile.set_is_default(row.is_default);
                    self.inner
                        .profiles
                        .write()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(row.name, profile);
                }
                // One broken profile must not keep the others from starting.
                Err(e) => tracing::error!("Profile {} can't be opened: {e}", row.name),
            }
        }
        Ok(())
    }

    /// Connects the profiles with the setting, if their key can be had.
    fn spawn_autoconnect(&self) {
        for profile in self.all() {
            if profile.setting(HOST, AUTOCONNECT) != Some(Value::Bool(true)) {
                continue;
            }
            let key = self
                .inner
                .options
                .key_dir
                .as_ref()
                .map(|d| d.join(format!("{}.key", profile.name())));
            tokio::spawn(async move {
                let opened = match key.filter(|k| k.is_file()) {
                    Some(key) => match fs::read(&key) {
                        Ok(contents) => profile.unlock_with_file(&contents).await,
                        Err(e) => Err(Error::new(
                            kind::STORAGE,
                            format!("Cannot read the key file: {e}"),
                        )),
                    },
                    None => profile.unlock("").await,
                };
                let mut pause = AUTOCONNECT_PAUSE;
                let mut result = opened;
                // At boot the network may come later than the backend.
                while let Ok(()) = result {
                    result = match profile.connect().await {
                        Err(e) if is_passing(&e) => {
                            tracing::info!(
                                "Profile {}: {e}; next try in {pause:?}",
                                profile.name()
                            );
                            profile.clock().sleep(pause).await;
                            pause = (pause * 2).min(AUTOCONNECT_LONGEST);
                            Ok(())
                        }
                        Err(e) => Err(e),
                        Ok(()) => return,
                    };
                }
                if let Err(e) = result {
                    tracing::warn!("Profile {} was not connected at start: {e}", profile.name());
                }
            });
        }
    }

    async fn event(&self, topic: &str, data: Value) {
        if let Err(e) = self
            .inner
            .events
            .append(vec![NewEvent::new(
                self.inner.shared.clock.stamp(),
                topic,
                data.to_string(),
            )])
            .await
        {
            tracing::warn!("An event was not written: {e}");
        }
    }
}

/// Whether a failure to connect may go away by itself.
fn is_passing(error: &Error) -> bool {
    [kind::CONNECTION_FAILED, kind::HOST_NOT_FOUND, kind::TIMEOUT]
        .iter()
        .any(|k| error.is(k))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Makes a folder that only its owner can look into.
fn private_folder(path: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}
