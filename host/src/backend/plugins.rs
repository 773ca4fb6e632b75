//! The plugins of the backend: loading what lies in the folders, switching on and off, listing.

use super::{Backend, file_name};
use crate::{
    Error, Result,
    error::kind,
    plugin::{
        catalog::Catalog,
        folders::{Folders, RESCAN, SETTLE, Scan, watch},
        instance::Call,
        loaded::LoadedPlugin,
        logs::LogLine,
        manifest::Xep,
    },
};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

/// A plugin, as `plugin.list` shows it.
#[derive(Debug, Clone, Serialize)]
pub struct PluginInfo {
    /// Its id; the file's name where it can't be read.
    pub id: String,
    /// Its version.
    pub version: String,
    /// What it is for.
    pub summary: String,
    /// `loaded`, `disabled` or `refused`.
    pub state: &'static str,
    /// Why it was refused.
    pub error: Option<String>,
    /// Name of its file.
    pub file: String,
    /// XEPs that it follows.
    pub xeps: Vec<Xep>,
    /// Methods that it offers.
    pub methods: Vec<String>,
    /// Topics of its events.
    pub events: Vec<String>,
    /// Interfaces of the host that it uses, with its reasons.
    pub permissions: BTreeMap<String, String>,
    /// Hosts of the web that it may ask, as its manifest names them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub http_hosts: Vec<String>,
    /// For each profile where it has run: `idle`, `running` or `resting`, and its last crash.
    pub instances: BTreeMap<String, Value>,
}

impl Backend {
    /// Loads what lies in the folders now, and goes on watching them.
    pub(super) async fn load_plugins(&self, mut folders: Folders) -> Result<()> {
        let (watcher, mut changes) = watch(&self.inner.options.plugin_dirs);
        let scan_off_thread = async |mut folders: Folders| {
            tokio::task::spawn_blocking(move || {
                let scan = folders.scan();
                (folders, scan)
            })
            .await
            .map_err(|e| Error::internal("Read the plugin folders", e))
        };
        let scan;
        (folders, scan) = scan_off_thread(folders).await?;
        let mut unfinished = scan.unfinished;
        self.apply(scan).await;
        let backend = Arc::downgrade(&self.inner);
        tokio::spawn(async move {
            let _watcher = watcher;
            loop {
                let wait = if unfinished { SETTLE } else { RESCAN };
                if let Ok(None) = tokio::time::timeout(wait, changes.recv()).await {
                    tokio::time::sleep(wait).await;
                }
                // Changes come in bursts.
                tokio::time::sleep(SETTLE).await;
                while changes.try_recv().is_ok() {}
                let Some(inner) = backend.upgrade() else {
                    return;
                };
                match scan_off_thread(folders).await {
                    Ok((back, scan)) => {
                        folders = back;
                        unfinished = scan.unfinished;
                        Self { inner }.apply(scan).await;
                    }
                    Err(e) => {
                        tracing::error!("Plugin folders are not watched any more: {e}");
                        return;
                    }
                }
            }
        });
        Ok(())
    }

    /// Makes the scan's plugins the loaded ones, on open connections too.
    async fn apply(&self, scan: Scan) {
        let old = self.catalog();
        let refused = std::mem::replace(
            &mut *self
                .inner
                .refused
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
            scan.refused.clone(),
        );
        for new in scan.refused.iter().filter(|n| {
            !refused
                .iter()
                .any(|o| o.file == n.file && o.error == n.error)
        }) {
            tracing::warn!(
                "Plugin file {} is not used: {}",
                new.file.display(),
                new.error
            );
            let data = json!({"file": file_name(&new.file), "kind": new.error.kind, "message": new.error.message});
            self.event("plugin.refused", data).await;
        }
        let is_in = |all: &[Arc<LoadedPlugin>], p: &Arc<LoadedPlugin>| {
            all.iter().any(|o| Arc::ptr_eq(o, p))
        };
        let gone: Vec<_> = old
            .plugins
            .iter()
            .filter(|p| !is_in(&scan.plugins, p))
            .cloned()
            .collect();
        let come: Vec<_> = scan
            .plugins
            .iter()
            .filter(|p| !is_in(&old.plugins, p))
            .cloned()
            .collect();
        if gone.is_empty() && come.is_empty() {
            return;
        }
        let profiles = self.all();
        // A plugin that is taken out for good says goodbye while it is still there for others.
        let leaving = gone
            .iter()
            .filter(|g| !come.iter().any(|c| c.id() == g.id()));
        for plugin in leaving {
            futures::future::join_all(profiles.iter().map(|p| p.retire(plugin.id()))).await;
        }
        let generation = old.generation + 1;
        self.inner
            .shared
            .catalog
            .store(Arc::new(Catalog::new(generation, scan.plugins)));
        for plugin in &come {
            let replaces = gone.iter().any(|g| g.id() == plugin.id());
            profiles
                .iter()
                .for_each(|profile| profile.greet(plugin.id(), replaces));
        }
        for profile in &profiles {
            profile.feed_receivers();
            profile.fire_timers();
            if profile.session.stream().is_some() {
                profile.tell_all(|| Call::FeaturesChanged);
            }
        }
        self.inner.generation.send_replace(generation);
        for plugin in &gone {
            tracing::info!("Plugin {} {} is out", plugin.id(), plugin.manifest.version);
        }
        for plugin in &come {
            tracing::info!("Plugin {} {} is in", plugin.id(), plugin.manifest.version);
        }
        let names = |all: &[Arc<LoadedPlugin>]| -> Vec<Value> {
            all.iter()
                .map(|p| json!({"id": p.id(), "version": p.manifest.version}))
                .collect()
        };
        self.event(
            "plugin.changed",
            json!({"generation": generation, "added": names(&come), "removed": names(&gone)}),
        )
        .await;
    }

    /// All plugins: loaded, switched off, refused.
    pub fn plugins(&self) -> Vec<PluginInfo> {
        let catalog = self.catalog();
        let profiles = self.all();
        let mut all: Vec<_> = catalog
            .plugins
            .iter()
            .map(|p| PluginInfo {
                id: p.id().into(),
                version: p.manifest.version.clone(),
                summary: p.manifest.summary.clone(),
                state: if self.inner.shared.is_disabled(p.id(), "") {
                    "disabled"
                } else {
                    "loaded"
                },
                error: None,
                file: file_name(&p.file),
                xeps: p.manifest.xeps.clone(),
                methods: p.methods.keys().cloned().collect(),
                events: p.topics().map(str::to_owned).collect(),
                permissions: p
                    .uses
                    .iter()
                    .map(|u| {
                        (
                            u.clone(),
                            p.manifest.permissions.get(u).cloned().unwrap_or_default(),
                        )
                    })
                    .collect(),
                http_hosts: p
                    .manifest
                    .http_hosts()
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                instances: profiles
                    .iter()
                    .filter_map(|profile| {
                        let (state, error) = profile.instance_status(p.id())?;
                        Some((
                            profile.name().to_owned(),
                            json!({"state": state, "last_crash": error}),
                        ))
                    })
                    .collect(),
            })
            .collect();
        let refused = self
            .inner
            .refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.extend(refused.iter().map(|r| PluginInfo {
            id: file_name(&r.file),
            version: String::new(),
            summary: String::new(),
            state: "refused",
            error: Some(r.error.message.clone()),
            file: file_name(&r.file),
            xeps: Vec::new(),
            methods: Vec::new(),
            events: Vec::new(),
            permissions: BTreeMap::new(),
            http_hosts: Vec::new(),
            instances: BTreeMap::new(),
        }));
        all
    }

    /// Switches a plugin on again, for a profile or for all.
    pub async fn enable_plugin(&self, id: &str, profile: Option<&str>) -> Result<()> {
        self.inner.db.plugin_enable(id, profile).await?;
        self.switched(id).await
    }

    /// Switches a plugin off, for a profile or for all.
    pub async fn disable_plugin(&self, id: &str, profile: Option<&str>) -> Result<()> {
        if self.catalog().plugin(id).is_none() {
            return Err(Error::new(
                kind::NOT_FOUND,
                format!("No plugin {id:?} is loaded"),
            ));
        }
        let name = profile.map(|p| self.profile(p)).transpose()?;
        self.inner
            .db
            .plugin_disable(id, name.as_ref().map(|p| p.name()))
            .await?;
        self.switched(id).await
    }

    async fn switched(&self, id: &str) -> Result<()> {
        let disabled = self.inner.db.disabled_plugins().await?;
        let ran: Vec<_> = self
            .all()
            .into_iter()
            .map(|p| (self.inner.shared.is_disabled(id, p.name()), p))
            .collect();
        let retire = ran.iter().filter(|(was_off, p)| {
            let off = disabled
                .iter()
                .any(|d| d.plugin == id && d.profile.as_deref().is_none_or(|n| n == p.name()));
            !was_off && off
        });
        for (_, profile) in retire {
            profile.retire(id).await;
        }
        *self
            .inner
            .shared
            .disabled
            .write()
            .unwrap_or_else(PoisonError::into_inner) = disabled;
        for (was_off, profile) in &ran {
            if *was_off && !self.inner.shared.is_disabled(id, profile.name()) {
                profile.greet(id, false);
            }
            profile.feed_receivers();
            profile.fire_timers();
            profile.tell_all(|| Call::FeaturesChanged);
        }
        let generation = self.inner.generation.borrow().saturating_add(1);
        self.event(
            "plugin.changed",
            json!({"generation": generation, "added": [], "removed": []}),
        )
        .await;
        Ok(())
    }

    /// The newest lines of a plugin's log.
    pub fn plugin_logs(
        &self,
        id: &str,
        profile: Option<&str>,
        limit: usize,
    ) -> Result<Vec<LogLine>> {
        let profile = profile.map(|p| self.profile(p)).transpose()?;
        Ok(self
            .inner
            .shared
            .logs
            .read(id, profile.as_ref().map(|p| p.name()), limit))
    }
}
