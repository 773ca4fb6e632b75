//! A backend with plugins, a server and a clock, in this process.

use crate::{Failure, Web, cache};
use chrono::{DateTime, TimeZone, Utc};
use sat_host::{
    Backend, Clock, NewProfile, Options, Profile, config::Denied, profile::vault::KdfParams,
    wire::Dialer,
};
use sat_testserver::Server;
use serde_json::{Map, Value};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;

/// The domain of every stage's server.
pub const DOMAIN: &str = "verona.lit";
/// The password of every account.
const PASSWORD: &str = "wherefore";
/// How long, in real time, a scenario waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(2);
/// Costs nothing: the passwords of scenarios are no secrets.
const CHEAP: KdfParams = KdfParams {
    m_kib: 64,
    t: 1,
    p: 1,
};

/// What a scenario plays on, before it begins.
#[derive(Debug, Clone, Default)]
pub struct Stage {
    plugins: Vec<PathBuf>,
    denied: Vec<Denied>,
    without: Vec<String>,
    seed: u64,
}

impl Stage {
    /// Without plugins yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With this plugin file.
    #[must_use]
    pub fn plugin(mut self, file: impl Into<PathBuf>) -> Self {
        self.plugins.push(file.into());
        self
    }

    /// Without this permission of a plugin.
    #[must_use]
    pub fn deny(mut self, plugin: &str, permission: &str) -> Self {
        self.denied.push(Denied {
            plugin: plugin.into(),
            permission: permission.into(),
        });
        self
    }

    /// On a server that doesn't know a XEP, by its four digits.
    #[must_use]
    pub fn without(mut self, xep: &str) -> Self {
        self.without.push(xep.into());
        self
    }

    /// With other random numbers.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Starts the server and the backend.
    ///
    /// # Errors
    /// When the backend can't start, or refuses a plugin: its sentence.
    pub async fn start(self) -> Result<Running, Failure> {
        let folder = folder()?;
        for name in ["plugins", "local"] {
            fs::create_dir(folder.path().join(name))?;
        }
        let clock = Clock::manual(start_of_time());
        let now = clock.clone();
        let mut options = sat_testserver::Options::new(DOMAIN)
            .clock(Arc::new(move || now.now()))
            .patience(PATIENCE)
            .seed(self.seed);
        for xep in &self.without {
            options = options.without(xep);
        }
        let mut running = Running {
            server: Server::new(options),
            clock,
            web: Web::default(),
            stage: self.clone(),
            starts: 0,
            backend: None,
            folder,
        };
        for file in &self.plugins {
            running.drop_in(file)?;
        }
        running.start_backend().await?;
        Ok(running)
    }
}

fn start_of_time() -> DateTime<Utc> {
    // The play's own year, four centuries later.
    Utc.with_ymd_and_hms(1997, 1, 29, 12, 0, 0)
        .single()
        .unwrap_or_default()
}

/// A folder in memory where the machine has one.
fn folder() -> Result<TempDir, Failure> {
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix("sat-stage-");
    match builder.tempdir_in("/dev/shm") {
        Ok(folder) => Ok(folder),
        Err(_) => Ok(builder.tempdir()?),
    }
}

/// A stage on which a scenario runs.
pub struct Running {
    /// The other side of every stream.
    pub server: Server,
    /// The time of everybody.
    pub clock: Clock,
    /// What plugins find on the web.
    pub web: Web,
    stage: Stage,
    starts: u64,
    backend: Option<Backend>,
    folder: TempDir,
}

impl Running {
    /// The backend.
    ///
    /// # Errors
    /// Between a stop and a start.
    pub fn backend(&self) -> Result<&Backend, Failure> {
        self.backend
            .as_ref()
            .ok_or_else(|| Failure::new("the backend isn't running"))
    }

    async fn start_backend(&mut self) -> Result<(), Failure> {
        let server = self.server.clone();
        let dial = Dialer::new(move |_| {
            let stream = server.connect();
            async move { Ok(stream) }
        });
        let options = Options {
            denied: self.stage.denied.clone(),
            cache: Some(cache::shared()?),
            kdf: CHEAP,
            clock: self.clock.clone(),
            // Another start must draw other ids.
            seed: Some(self.stage.seed.wrapping_add(self.starts << 32)),
            dial: Some(dial),
            web: Some(self.web.played()),
            ..Options::new(self.folder.path().join("local"), vec![self.plugin_dir()])
        };
        self.starts += 1;
        let backend = Backend::start(options).await?;
        for plugin in backend.plugins() {
            if let Some(error) = plugin.error {
                return Err(Failure::new(format!("{}: {error}", plugin.file)));
            }
        }
        self.backend = Some(backend);
        Ok(())
    }

    /// Stops the backend in order and starts it again on the same folders. Its profiles come
    /// back closed.
    ///
    /// # Errors
    /// When it can't start.
    pub async fn restart(&mut self) -> Result<(), Failure> {
        if let Some(backend) = self.backend.take() {
            backend.shutdown().await;
        }
        self.start_backend().await
    }

    fn plugin_dir(&self) -> PathBuf {
        self.folder.path().join("plugins")
    }

    /// Puts a plugin file into the folder, in one step.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn drop_in(&self, file: &Path) -> Result<(), Failure> {
        let name = file.file_name().unwrap_or(file.as_os_str());
        let temporary = self.folder.path().join(name);
        fs::copy(file, &temporary).map_err(|e| Failure::new(format!("{}: {e}", file.display())))?;
        Ok(fs::rename(temporary, self.plugin_dir().join(name))?)
    }

    /// The file in the folder that a loaded plugin came from.
    fn file_of(&self, id: &str) -> Result<PathBuf, Failure> {
        let catalog = self.backend()?.catalog();
        let plugin = catalog.plugin(id);
        let plugin = plugin.ok_or_else(|| Failure::new(format!("no plugin {id} is loaded")))?;
        Ok(plugin.file.clone())
    }

    /// Takes a plugin out and waits until it is gone; gives its file back for [`Self::put_back`].
    ///
    /// # Errors
    /// When no such plugin is loaded.
    pub async fn take_out(&self, id: &str) -> Result<PathBuf, Failure> {
        let file = self.file_of(id)?;
        let aside = self.folder.path().join(format!("{id}.aside"));
        fs::rename(&file, &aside)?;
        self.until(&format!("{id} is gone"), async || {
            Ok(self.backend()?.catalog().plugin(id).is_none().then_some(()))
        })
        .await?;
        Ok(aside)
    }

    /// Puts a plugin that was taken out back, and waits until it is loaded.
    ///
    /// # Errors
    /// When it isn't loaded in time.
    pub async fn put_back(&self, id: &str, aside: &Path) -> Result<(), Failure> {
        fs::rename(aside, self.plugin_dir().join(format!("{id}.wasm")))?;
        self.until(&format!("{id} is loaded"), async || {
            Ok(self.backend()?.catalog().plugin(id).map(|_| ()))
        })
        .await
    }

    /// Makes an account and a profile for it, without connecting. The profile has the account's
    /// name in lower case.
    ///
    /// # Errors
    /// When there is such a profile.
    pub async fn profile(&self, name: &str) -> Result<(), Failure> {
        self.server.add_account(name, PASSWORD);
        let new = NewProfile {
            profile: name.into(),
            password: String::new(),
            jid: format!("{name}@{DOMAIN}"),
            jid_password: PASSWORD.into(),
            host: Some("localhost".into()),
            port: None,
            security: Some("plain".into()),
            ca_file: None,
        };
        Ok(self.backend()?.create_profile(new).await?)
    }

    /// Makes an account for a [`sat_testserver::Peer`].
    pub fn account(&self, name: &str) {
        self.server.add_account(name, PASSWORD);
    }

    /// A profile.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn profile_of(&self, name: &str) -> Result<Arc<Profile>, Failure> {
        Ok(self.backend()?.profile(name)?)
    }

    /// Opens and connects a profile, and waits until its plugins have been told.
    ///
    /// # Errors
    /// Why it can't connect.
    pub async fn connect(&self, name: &str) -> Result<(), Failure> {
        let profile = self.profile_of(name)?;
        profile.unlock("").await?;
        profile.connect().await?;
        self.settle().await;
        Ok(())
    }

    /// Calls a method as a frontend does.
    ///
    /// # Errors
    /// The plugin's or the host's error, by its word; or that there is no such method.
    pub async fn call(
        &self,
        profile: &str,
        method: &str,
        params: &Map<String, Value>,
    ) -> Result<Result<Value, sat_host::Error>, Failure> {
        let catalog = self.backend()?.catalog();
        let profile = self.profile_of(profile)?;
        let Some(found) = catalog.methods.get(method) else {
            let word = sat_host::error::kind::NO_PROVIDER;
            let sentence = format!("No loaded plugin offers {method}");
            return Ok(Err(sat_host::Error::new(word, sentence)));
        };
        match profile.call(found, params).await {
            Ok(value) => serde_json::from_str(value.get())
                .map(Ok)
                .map_err(|e| Failure::new(format!("{method} returned no JSON: {e}"))),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Lets time pass: every timer that is due goes off, in order.
    pub async fn pass(&self, time: Duration) {
        self.clock.advance(time).await;
    }

    /// Waits until nothing goes on any more by itself.
    pub async fn settle(&self) {
        self.clock.advance(Duration::ZERO).await;
    }

    /// Asks again and again until there is an answer.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn until<T>(
        &self,
        what: &str,
        mut ask: impl AsyncFnMut() -> Result<Option<T>, Failure>,
    ) -> Result<T, Failure> {
        let began = std::time::Instant::now();
        loop {
            if let Some(found) = ask().await? {
                return Ok(found);
            }
            if began.elapsed() > PATIENCE {
                return Err(Failure::new(format!(
                    "waited {} s in vain until {what}",
                    PATIENCE.as_secs()
                )));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What plugins logged and why they crashed, for a failure's report.
    pub fn logs(&self) -> String {
        let Ok(backend) = self.backend() else {
            return String::new();
        };
        let mut text = String::new();
        for plugin in backend.plugins() {
            let lines = backend
                .plugin_logs(&plugin.id, None, 50)
                .unwrap_or_default();
            for line in lines {
                let profile = line.profile.as_deref().unwrap_or("-");
                let entry = format!(
                    "{} [{profile}] {}: {}\n",
                    plugin.id, line.level, line.message
                );
                text.push_str(&entry);
            }
        }
        text
    }

    /// The crashes of a plugin's instances that are known.
    ///
    /// # Errors
    /// When the backend isn't running.
    pub fn crashes(&self, id: &str) -> Result<Vec<String>, Failure> {
        let plugins = self.backend()?.plugins();
        let instances = plugins.into_iter().filter(|p| p.id == id);
        Ok(instances
            .flat_map(|p| p.instances.into_values())
            .filter_map(|i| Some(i.get("last_crash")?.as_str()?.to_owned()))
            .collect())
    }
}
