//! The plugins that are loaded now, as one immutable table that is swapped as a whole.

use super::{
    loaded::{LoadedPlugin, Method},
    manifest::{HeaderField, HeaderSource},
    names::Interface,
};
use crate::route::matcher::Matcher;
use std::{collections::BTreeMap, sync::Arc};

/// What is loaded.
#[derive(Default)]
pub struct Catalog {
    /// Grows with each change.
    pub generation: u64,
    /// Methods by their JSON-RPC names.
    pub methods: BTreeMap<String, Arc<Method>>,
    /// Plugins by id; the position of each is its index in the matcher.
    pub plugins: Vec<Arc<LoadedPlugin>>,
    /// Who wants which stanzas.
    pub matcher: Matcher,
    /// Where the header's fields come from.
    pub(crate) header: Vec<HeaderSource>,
    /// Feature interface without version → who provides it.
    providers: BTreeMap<String, Arc<LoadedPlugin>>,
}

impl Catalog {
    /// The table of these plugins.
    pub fn new(generation: u64, mut plugins: Vec<Arc<LoadedPlugin>>) -> Self {
        plugins.sort_by(|a, b| a.id().cmp(b.id()));
        let (mut methods, mut providers) = (BTreeMap::new(), BTreeMap::new());
        for plugin in &plugins {
            methods.extend(
                plugin
                    .methods
                    .iter()
                    .map(|(name, m)| (name.clone(), m.clone())),
            );
            for interface in plugin.interfaces() {
                if let Some(interface) = Interface::parse(interface) {
                    providers.insert(interface.unversioned(), plugin.clone());
                }
            }
        }
        let matcher = Matcher::new(plugins.iter().map(|p| &p.manifest));
        let header = plugins
            .iter()
            .flat_map(|p| p.manifest.header.iter().cloned())
            .collect();
        Self {
            generation,
            methods,
            plugins,
            matcher,
            header,
            providers,
        }
    }

    /// A plugin by its id.
    pub fn plugin(&self, id: &str) -> Option<&Arc<LoadedPlugin>> {
        self.plugins.iter().find(|p| p.id() == id)
    }

    /// Who provides a feature interface, named without version.
    pub(crate) fn provider(&self, interface: &str) -> Option<&Arc<LoadedPlugin>> {
        self.providers.get(interface)
    }

    /// Why this plugin can't join the others: it offers a feature that one of them has.
    pub(crate) fn refuses(&self, plugin: &LoadedPlugin) -> Option<String> {
        plugin.interfaces().iter().find_map(|full| {
            let interface = Interface::parse(full)?;
            let provider = self
                .plugins
                .iter()
                .filter(|p| p.id() != plugin.id())
                .find(|p| p.interfaces().iter().filter_map(|i| Interface::parse(i)).any(|i| i.feature() == interface.feature()))?;
            Some(format!(
                "It offers the feature {}, which the loaded plugin {} offers already: take one of both out",
                interface.feature(),
                provider.id()
            ))
        })
    }

    /// Whether a plugin uses a feature of another, itself or through others.
    pub(crate) fn depends(&self, user: &str, provider: &str) -> bool {
        let (mut seen, mut todo) = (Vec::new(), vec![user.to_owned()]);
        while let Some(id) = todo.pop() {
            let needs = self
                .plugin(&id)
                .map(|p| p.needs.as_slice())
                .unwrap_or_default();
            for next in needs.iter().filter_map(|n| self.provider(n)) {
                if next.id() == provider {
                    return true;
                }
                if !seen.contains(&next.id()) {
                    seen.push(next.id());
                    todo.push(next.id().to_owned());
                }
            }
        }
        false
    }

    /// The elements that fill a field of the header.
    pub(crate) fn header_sources(&self, field: HeaderField) -> impl Iterator<Item = &HeaderSource> {
        self.header.iter().filter(move |s| s.field == field)
    }
}
