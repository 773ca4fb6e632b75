//! A plugin file, inspected and compiled: what it offers, what it wants, how to start it.

use super::{
    cache::{Cache, FileHash, hash},
    engine::engine,
    instance::Ctx,
    linker,
    manifest::{Manifest, Mode},
    names::Interface,
    values::{Shape, Signature},
};
use crate::{Error, Result, error::kind};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};
use wasmparser::{Parser, Payload};
use wasmtime::component::{
    Component, ComponentExportIndex, InstancePre, Type,
    types::{ComponentFunc, ComponentItem},
};

/// The hooks of `sat:plugin` that a component may export.
pub(crate) const HOOKS: [&str; 12] = [
    "lifecycle",
    "iq-handler",
    "message-handler",
    "presence-handler",
    "presence-filter",
    "unwrap-filter",
    "decrypt-filter",
    "amend-filter",
    "compose-filter",
    "seal-filter",
    "outbox-handler",
    "timer-handler",
];

/// A method that a plugin offers to frontends and other plugins.
pub struct Method {
    /// `ping.ping`.
    pub name: String,
    /// Id of the plugin.
    pub plugin: String,
    /// `sat:ping/ping@0.1.0`.
    pub interface: String,
    /// Name of the function in WIT.
    pub function: String,
    pub(crate) signature: Signature,
    pub(crate) ty: ComponentFunc,
    pub(crate) index: ComponentExportIndex,
}

/// An event that a plugin receives.
pub(crate) struct Receiver {
    /// `sat:chat/events`, without version.
    pub(crate) interface: String,
    /// `chat.message`.
    pub(crate) topic: String,
    pub(crate) index: ComponentExportIndex,
    /// Its one parameter.
    pub(crate) record: Type,
}

/// A loaded plugin.
pub struct LoadedPlugin {
    /// What it says of itself.
    pub manifest: Manifest,
    /// The file that it came from.
    pub file: PathBuf,
    pub(crate) hash: FileHash,
    wit: String,
    /// Feature interfaces that it exports.
    interfaces: Vec<String>,
    pub(crate) methods: BTreeMap<String, Arc<Method>>,
    pub(crate) receivers: Vec<Receiver>,
    /// Topics that it emits → the event's record.
    pub(crate) emits: BTreeMap<String, Shape>,
    pub(crate) hooks: BTreeMap<&'static str, ComponentExportIndex>,
    /// Interfaces of the host that it uses, such as `storage`.
    pub uses: Vec<String>,
    /// Feature interfaces of other plugins that it uses, without version.
    pub(crate) needs: Vec<String>,
    pub(crate) component: Component,
    pub(crate) pre: InstancePre<Ctx>,
}

impl std::fmt::Debug for LoadedPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "LoadedPlugin({} {})",
            self.manifest.id, self.manifest.version
        )
    }
}

impl LoadedPlugin {
    /// Inspects and compiles a plugin file. Heavy when the file is new to the cache.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the file and what its author can do.
    pub fn load(file: &Path, bytes: &[u8], cache: &Cache) -> Result<Self> {
        let (text, wit) = sections(bytes)?;
        let manifest = parse(&text)?;
        let engine = engine()?;
        let hash = hash(bytes);
        let component = cache.component(engine, bytes, &hash)?;
        let exported = Exports::of(&component, &manifest)?;
        let Imports { emits, uses, needs } = imports(&component, &exported)?;
        let used = used(&uses, &needs);
        let receives = |topic: &str| exported.receivers.iter().any(|r| r.topic == topic);
        manifest
            .check_hooks(|hook| exported.hooks.contains_key(hook))
            .and_then(|()| manifest.check_uses(used.iter().map(String::as_str)))
            .and_then(|()| manifest.check_events(receives))
            .map_err(|e| refuse(format!("Manifest (plugin.toml): {e}")))?;
        let pre = linker::link(engine, &component, &emits)?;
        Ok(Self {
            file: file.to_owned(),
            hash,
            wit,
            interfaces: exported.interfaces,
            methods: exported
                .methods
                .into_iter()
                .map(|m| (m.name.clone(), m))
                .collect(),
            receivers: exported.receivers,
            hooks: exported.hooks,
            emits,
            uses,
            needs,
            component,
            pre,
            manifest,
        })
    }

    /// The plugin's id.
    pub fn id(&self) -> &str {
        &self.manifest.id
    }

    /// The WIT text with doc comments that the plugin embeds.
    pub fn wit(&self) -> &str {
        &self.wit
    }

    /// The feature interfaces that it offers: `sat:ping/ping@0.1.0`.
    pub fn interfaces(&self) -> &[String] {
        &self.interfaces
    }

    /// Topics of the events that it emits.
    pub fn topics(&self) -> impl Iterator<Item = &str> {
        self.emits.keys().map(String::as_str)
    }

    /// Names of the methods that it offers.
    pub fn method_names(&self) -> impl Iterator<Item = &str> {
        self.methods.keys().map(String::as_str)
    }

    /// What it uses, by the names that permissions have: interfaces of the host (`storage`) and
    /// features of other plugins (`chat`, `acme.weather`).
    pub fn used(&self) -> Vec<String> {
        used(&self.uses, &self.needs)
    }

    /// Whether it runs in this kind of profile.
    pub fn is_for(&self, mode: Mode) -> bool {
        self.manifest.is_for(mode)
    }
}

fn used(uses: &[String], needs: &[String]) -> Vec<String> {
    let features = needs.iter().filter_map(|n| Interface::parse(n));
    let features = features.map(|i| i.feature());
    uses.iter().cloned().chain(features).collect()
}

fn refuse(sentence: impl Into<String>) -> Error {
    Error::new(kind::BAD_REQUEST, sentence)
}

/// What a plugin file says of itself, read without compiling anything.
///
/// # Errors
/// When it is no plugin, or its manifest is wrong.
pub fn manifest(bytes: &[u8]) -> Result<Manifest> {
    parse(&sections(bytes)?.0)
}

fn parse(manifest: &str) -> Result<Manifest> {
    Manifest::parse(manifest).map_err(|e| refuse(format!("Manifest (plugin.toml): {e}")))
}

/// The manifest and the WIT text, read without compiling anything.
fn sections(bytes: &[u8]) -> Result<(String, String)> {
    let (mut manifests, mut wits) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|e| refuse(format!("Not a WebAssembly component: {e}")))?;
        if let Payload::CustomSection(section) = payload {
            match section.name() {
                "sat:manifest" => manifests.push(section.data()),
                "sat:wit" => wits.push(section.data()),
                _ => {}
            }
        }
    }
    let text = |found: &[&[u8]], name: &str| match found {
        [data] => String::from_utf8(data.to_vec())
            .map_err(|_| refuse(format!("Section {name} is not UTF-8"))),
        [] => Err(refuse(format!(
            "The file has no {name} section: write `sat_sdk::plugin!(YourType: …);` in src/lib.rs and build again"
        ))),
        _ => Err(refuse(format!("The file has more than one {name} section"))),
    };
    Ok((text(&manifests, "sat:manifest")?, text(&wits, "sat:wit")?))
}

/// What a component exports.
#[derive(Default)]
struct Exports {
    interfaces: Vec<String>,
    methods: Vec<Arc<Method>>,
    receivers: Vec<Receiver>,
    hooks: BTreeMap<&'static str, ComponentExportIndex>,
}

impl Exports {
    fn of(component: &Component, manifest: &Manifest) -> Result<Self> {
        let mut found = Self::default();
        let engine = engine()?;
        for (name, item) in component.component_type().exports(engine) {
            let ComponentItem::ComponentInstance(instance) = item.ty else {
                continue;
            };
            let Some(interface) = Interface::parse(name) else {
                return Err(refuse(format!(
                    "Export `{name}` is no interface of a package"
                )));
            };
            if let Some(reason) = interface.other_contract() {
                return Err(refuse(format!("Export {reason}")));
            }
            let Some((_, parent)) = component.get_export(None, name) else {
                continue;
            };
            let functions: Vec<(String, ComponentFunc)> = instance
                .exports(engine)
                .filter_map(|(f, item)| match item.ty {
                    ComponentItem::ComponentFunc(ty) => Some((f.to_owned(), ty)),
                    _ => None,
                })
                .collect();
            let index = |function: &str| {
                component
                    .get_export_index(Some(&parent), function)
                    .ok_or_else(|| Error::internal("Find an export", function))
            };
            if interface.namespace == "sat" && interface.package == "plugin" {
                let Some(hook) = HOOKS.into_iter().find(|h| *h == interface.name) else {
                    return Err(refuse(format!(
                        "This backend knows no hook `{name}`: update the backend, or build the plugin with \
                         the SDK of this backend"
                    )));
                };
                found.hooks.insert(hook, parent);
            } else if interface.name == "events" {
                for (function, ty) in functions {
                    let params: Vec<Type> = ty.params().map(|(_, ty)| ty).collect();
                    let [record] = params.as_slice() else {
                        return Err(refuse(format!(
                            "Event `{name}#{function}` needs exactly one parameter"
                        )));
                    };
                    found.receivers.push(Receiver {
                        interface: interface.unversioned(),
                        topic: interface.method(&function),
                        index: index(&function)?,
                        record: record.clone(),
                    });
                }
            } else if interface.name == interface.package {
                if let Some(reason) = interface.refused() {
                    return Err(refuse(reason));
                }
                for (function, ty) in functions {
                    let signature = Signature::checked(&ty).map_err(|e| {
                        refuse(format!("`{name}#{function}` can't be offered: {e}"))
                    })?;
                    found.methods.push(Arc::new(Method {
                        name: interface.method(&function),
                        plugin: manifest.id.clone(),
                        interface: name.to_owned(),
                        index: index(&function)?,
                        function,
                        signature,
                        ty,
                    }));
                }
                found.interfaces.push(name.to_owned());
            } else if !functions.is_empty() {
                return Err(refuse(format!(
                    "Export `{name}` is neither a hook, nor `events`, nor a feature interface with \
                     its package's name (`{}:{1}/{1}`)",
                    interface.namespace, interface.package
                )));
            }
        }
        Ok(found)
    }
}

/// What a component imports.
#[derive(Default)]
struct Imports {
    emits: BTreeMap<String, Shape>,
    uses: Vec<String>,
    needs: Vec<String>,
}

fn imports(component: &Component, exports: &Exports) -> Result<Imports> {
    let Imports {
        mut emits,
        mut uses,
        mut needs,
    } = Imports::default();
    let engine = engine()?;
    for (name, item) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(instance) = item.ty else {
            return Err(refuse(format!("Import `{name}` is no interface")));
        };
        let Some(interface) = Interface::parse(name) else {
            return Err(refuse(format!(
                "Import `{name}` is no interface of a package"
            )));
        };
        let functions = instance
            .exports(engine)
            .filter_map(|(f, item)| match item.ty {
                ComponentItem::ComponentFunc(ty) => Some((f.to_owned(), ty)),
                _ => None,
            });
        if interface.is_hosts() {
            if let Some(reason) = interface.other_contract() {
                return Err(refuse(format!("Import {reason}")));
            }
            let has_functions = functions.count() > 0;
            if interface.namespace == "sat" && has_functions {
                uses.push(interface.name.to_owned());
            }
            if let Some(reason) = interface.refused_wasi() {
                return Err(refuse(reason));
            }
        } else if interface.name == "events" {
            let own = format!(
                "{}:{}/{}",
                interface.namespace, interface.package, interface.package
            );
            let provides =
                |full: &String| Interface::parse(full).is_some_and(|i| i.unversioned() == own);
            for (function, ty) in functions {
                if !exports.interfaces.iter().any(provides) {
                    return Err(refuse(format!(
                        "Import `{name}`: only the plugin that offers `{own}` may emit its events. Export \
                         `{0}` in the world, or, to receive the events, export `{name}` instead",
                        interface.package
                    )));
                }
                let params: Vec<Type> = ty.params().map(|(_, ty)| ty).collect();
                let shape = match (params.as_slice(), ty.async_(), ty.results().count()) {
                    ([record], true, 0) => {
                        Shape::of(record).map_err(|e| refuse(format!("Event `{function}`: {e}")))?
                    }
                    _ => {
                        return Err(refuse(format!(
                            "Event `{name}#{function}` must be `async func` with one parameter and no result"
                        )));
                    }
                };
                emits.insert(interface.method(&function), shape);
            }
        } else if functions.count() > 0 {
            // Not where only types are used: they need nobody.
            needs.push(interface.unversioned());
        }
    }
    Ok(Imports { emits, uses, needs })
}
