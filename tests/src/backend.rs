//! A backend inside of the test's process, with profiles on a test's server.

use crate::{build, server::Server, wait};
use sat_host::{
    Backend, Clock, Error, Event, NewProfile, Options, PluginOptions, Profile, Result,
    config::Denied, error::kind, plugin::cache::Cache, profile::vault::KdfParams,
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;

/// A derivation that costs nothing: the tests' passwords are no secrets.
pub const CHEAP: KdfParams = KdfParams {
    m_kib: 64,
    t: 1,
    p: 1,
};

/// The compile cache of all tests. Its key protects nothing.
pub fn cache() -> Cache {
    Cache::new(build::target().join("tests/cache"), [0; 32])
}

/// A backend and its folders.
pub struct Kit {
    folder: TempDir,
    backend: Option<Backend>,
    /// Permissions that plugins don't get from the next start on.
    pub denied: Vec<Denied>,
    /// Folder of key files, from the next start on.
    pub key_dir: Option<PathBuf>,
    /// The time of the backend, set before it is started.
    pub clock: Clock,
    /// Makes its randomness reproducible, set before it is started.
    pub seed: Option<u64>,
    /// What plugins may do, from the next start on.
    pub plugins: PluginOptions,
}

impl Kit {
    /// Starts a backend with these plugins of the repository.
    pub async fn start(plugins: &[&str]) -> Self {
        let mut kit = Self::folders();
        for name in plugins {
            kit.drop_in(&build::plugin(name), name);
        }
        kit.run().await;
        kit
    }

    /// The same with `romeo` and `juliet` connected.
    pub async fn connected(server: &Server, plugins: &[&str]) -> Self {
        let kit = Self::start(plugins).await;
        kit.connect(server, "romeo").await;
        kit.connect(server, "juliet").await;
        kit
    }

    /// The folders alone.
    pub fn folders() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("sat-backend-")
            .tempdir()
            .expect("a folder");
        fs::create_dir(folder.path().join("plugins")).expect("writable");
        fs::create_dir(folder.path().join("local")).expect("writable");
        Self {
            folder,
            backend: None,
            denied: Vec::new(),
            key_dir: None,
            clock: Clock::system(),
            seed: None,
            plugins: PluginOptions::default(),
        }
    }

    /// Starts the backend on the folders that there are.
    pub async fn run(&mut self) {
        let backend = Backend::start(self.options())
            .await
            .expect("the backend starts");
        let refused: Vec<_> = backend
            .plugins()
            .into_iter()
            .filter_map(|p| Some((p.file, p.error?)))
            .collect();
        assert!(refused.is_empty(), "refused: {refused:?}");
        self.backend = Some(backend);
    }

    /// What the backend is started with.
    pub fn options(&self) -> Options {
        Options {
            cache: Some(cache()),
            denied: self.denied.clone(),
            key_dir: self.key_dir.clone(),
            kdf: CHEAP,
            clock: self.clock.clone(),
            seed: self.seed,
            plugins: self.plugins,
            ..Options::new(self.local_dir(), vec![self.plugin_dir()])
        }
    }

    /// Stops the backend properly and starts it again; the profiles come back locked.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.run().await;
    }

    /// Stops the backend.
    pub async fn stop(&mut self) {
        if let Some(backend) = self.backend.take() {
            backend.shutdown().await;
        }
    }

    /// `local_dir`.
    pub fn local_dir(&self) -> PathBuf {
        self.folder.path().join("local")
    }

    /// The folder of plugins.
    pub fn plugin_dir(&self) -> PathBuf {
        self.folder.path().join("plugins")
    }

    /// The backend.
    pub fn backend(&self) -> &Backend {
        self.backend.as_ref().expect("the backend runs")
    }

    /// A profile.
    pub fn profile(&self, name: &str) -> Arc<Profile> {
        self.backend().profile(name).expect("the profile exists")
    }

    /// Creates, opens and connects a profile named like its account of `localhost`.
    pub async fn connect(&self, server: &Server, name: &str) {
        self.create(server, name, "").await;
        self.profile(name)
            .unlock("")
            .await
            .expect("the profile opens");
        self.profile(name)
            .connect()
            .await
            .expect("the profile connects");
        if self.backend().catalog().plugin("presence").is_some() {
            self.announced(server, name).await;
        }
    }

    /// Waits until a profile's stream has announced itself: before, nothing is sent to it.
    async fn announced(&self, server: &Server, name: &str) {
        let bound = self.bound(name).await;
        let mut probe = crate::Peer::login(server, name, "probe").await;
        // With this priority nothing is sent to the probe instead.
        probe
            .send("<presence><priority>-1</priority></presence>")
            .await;
        let of_profile =
            |e: &minidom::Element| e.name() == "presence" && e.attr("from") == Some(&bound);
        probe.take("the profile's presence", of_profile).await;
        probe
            .send("<presence type='unavailable'/></stream:stream>")
            .await;
    }

    /// Creates a profile named like its account.
    pub async fn create(&self, server: &Server, name: &str, password: &str) {
        let new = NewProfile {
            profile: name.into(),
            password: password.into(),
            jid: format!("{name}@localhost"),
            jid_password: crate::server::password(name),
            host: Some("127.0.0.1".into()),
            port: Some(server.port),
            security: Some("plain".into()),
            ca_file: None,
        };
        self.backend()
            .create_profile(new)
            .await
            .expect("the profile can be created");
    }

    /// Opens and connects profiles that exist.
    pub async fn reconnect(&self, names: &[&str]) {
        for name in names {
            self.profile(name)
                .unlock("")
                .await
                .expect("the profile opens");
            self.profile(name)
                .connect()
                .await
                .expect("the profile connects");
        }
    }

    /// The full JID of a profile's stream, as others see it.
    pub async fn bound(&self, name: &str) -> String {
        let connections = self.events(name, "profile.connected").await;
        let last = connections.last().expect("the profile was connected");
        last["jid"].as_str().expect("a JID").to_owned()
    }

    /// Calls a method.
    pub async fn call(&self, profile: &str, method: &str, params: Value) -> Result<Value> {
        let catalog = self.backend().catalog();
        let absent = || {
            Error::new(
                kind::NO_PROVIDER,
                format!("No loaded plugin offers {method}"),
            )
        };
        let found = catalog.methods.get(method).ok_or_else(absent)?;
        let Value::Object(params) = params else {
            panic!("parameters are an object")
        };
        let result = self.profile(profile).call(found, &params).await?;
        Ok(serde_json::from_str(result.get()).expect("results are JSON"))
    }

    /// Calls a method that must work.
    pub async fn ok(&self, profile: &str, method: &str, params: Value) -> Value {
        let result = self.call(profile, method, params.clone()).await;
        result.unwrap_or_else(|e| panic!("{profile}: {method} {params}: {e}"))
    }

    /// The first event of a topic (or `prefix.*`), old or new, that fits.
    pub async fn event(&self, profile: &str, topic: &str, fits: impl Fn(&Value) -> bool) -> Event {
        let mut follower = self
            .profile(profile)
            .events()
            .follow(0, vec![topic.to_owned()]);
        let find = async {
            loop {
                for event in follower.next().await.expect("events can be read") {
                    if fits(&data(&event)) {
                        return event;
                    }
                }
            }
        };
        match tokio::time::timeout(wait::LONG, find).await {
            Ok(event) => event,
            Err(_) => panic!(
                "{profile} waited {:?} for {topic}; got {:#?}",
                wait::LONG,
                self.events(profile, topic).await
            ),
        }
    }

    /// All events of a topic until now.
    pub async fn events(&self, profile: &str, topic: &str) -> Vec<Value> {
        let events = self
            .profile(profile)
            .events()
            .read(0, &[topic.to_owned()], 10_000)
            .await;
        events
            .expect("events can be read")
            .iter()
            .map(data)
            .collect()
    }

    /// Puts a plugin file into the folder, in one step, as package managers do.
    pub fn drop_in(&self, file: &Path, name: &str) {
        let temporary = self.plugin_dir().join(format!(".{name}.new"));
        fs::copy(file, &temporary).expect("the plugin was built");
        fs::rename(temporary, self.plugin_dir().join(format!("{name}.wasm"))).expect("writable");
    }

    /// Puts a plugin file into the folder and waits until it is loaded in this version.
    pub async fn add(&self, file: &Path, name: &str, id: &str, version: &str) {
        self.drop_in(file, name);
        self.loaded(id, Some(version)).await;
    }

    /// Takes a plugin file away and waits until it is gone.
    pub async fn remove(&self, name: &str, id: &str) {
        fs::remove_file(self.plugin_dir().join(format!("{name}.wasm")))
            .expect("the plugin is there");
        self.loaded(id, None).await;
    }

    /// Waits until a plugin is loaded in this version, or not loaded.
    pub async fn loaded(&self, id: &str, version: Option<&str>) {
        wait::until(
            &format!("plugin {id} is in version {version:?}"),
            || async {
                let catalog = self.backend().catalog();
                (catalog
                    .plugin(id)
                    .map(|p| p.manifest.version.clone())
                    .as_deref()
                    == version)
                    .then_some(())
            },
        )
        .await;
    }

    /// A plugin's log in all profiles, one line each.
    pub fn logs(&self, plugin: &str) -> String {
        let lines = self
            .backend()
            .plugin_logs(plugin, None, 200)
            .unwrap_or_default();
        lines.iter().map(|l| format!("{l:?}\n")).collect()
    }

    /// A call that must end within a time.
    pub async fn timed(
        &self,
        limit: Duration,
        profile: &str,
        method: &str,
        params: Value,
    ) -> Result<Value> {
        match tokio::time::timeout(limit, self.call(profile, method, params)).await {
            Ok(result) => result,
            Err(_) => panic!("{method} took longer than {limit:?}"),
        }
    }
}

impl Drop for Kit {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(backend) = &self.backend
        {
            for plugin in backend.plugins() {
                let logs = self.logs(&plugin.id);
                if !logs.is_empty() {
                    eprintln!("--- plugin {}:\n{logs}", plugin.id);
                }
            }
        }
    }
}

/// The data of an event.
pub fn data(event: &Event) -> Value {
    serde_json::from_str(&event.data).expect("events are JSON")
}
