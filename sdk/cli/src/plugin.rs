//! A plugin file, read without running anything of it.

use std::{fs, path::Path};

use sat_client::errors::exit;
use sat_manifest::names::Interface as Name;
use wasmparser::{Encoding, Parser, Payload};
use wit_parser::{
    Function, Interface, Resolve, WorldId, WorldItem, WorldKey,
    decoding::{DecodedWasm, decode},
};

use crate::{
    failure::Failure,
    signature::{self, Signed},
};

/// What a plugin file has.
pub(crate) struct Plugin {
    /// Bytes of the file.
    pub(crate) size: usize,
    /// The section `sat:manifest`.
    pub(crate) manifest: String,
    /// The section `sat:wit`, with its doc comments.
    pub(crate) wit: Resolve,
    /// Who signed it.
    pub(crate) signed: Signed,
    /// The types of the component itself.
    component: Resolve,
    world: WorldId,
}

/// An interface that a component imports or exports.
pub(crate) struct Port<'a> {
    /// `sat:ping/ping@0.1.0`.
    pub(crate) full: String,
    pub(crate) interface: &'a Interface,
}

impl Port<'_> {
    /// The parts of its name.
    pub(crate) fn name(&self) -> Name<'_> {
        // `ports` made only those that parse.
        Name::parse(&self.full).unwrap_or(Name {
            namespace: "",
            package: "",
            name: &self.full,
            version: "",
        })
    }

    pub(crate) fn functions(&self) -> impl Iterator<Item = &Function> {
        self.interface.functions.values()
    }
}

impl Plugin {
    /// Reads a file.
    pub(crate) fn open(file: &Path) -> Result<Self, Failure> {
        let bytes = fs::read(file).map_err(|e| Failure::io(file, &e))?;
        Self::read(&bytes)
            .map_err(|why| Failure::new(exit::DATA, format!("{}: {why}", file.display())))
    }

    /// Reads a file's bytes.
    ///
    /// # Errors
    /// A sentence: why this can't be a plugin.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let (manifest, wit) = sections(bytes)?;
        let mut resolve = Resolve::default();
        resolve
            .push_source("sat:wit", &wit)
            .map_err(|e| format!("The section sat:wit is no WIT: {e:#}"))?;
        let (component, world) = match decode(bytes) {
            Ok(DecodedWasm::Component(component, world)) => (component, world),
            Ok(DecodedWasm::WitPackage(..)) => {
                return Err("It is a WIT package, not a plugin".into());
            }
            Err(e) => return Err(format!("Not a valid component: {e:#}")),
        };
        Ok(Self {
            size: bytes.len(),
            manifest,
            wit: resolve,
            signed: signature::of(bytes),
            component,
            world,
        })
    }

    /// Where the component's types are.
    pub(crate) fn component(&self) -> &Resolve {
        &self.component
    }

    /// What it imports.
    pub(crate) fn imports(&self) -> Result<Vec<Port<'_>>, String> {
        let world = self
            .component
            .worlds
            .get(self.world)
            .ok_or("it has no type")?;
        self.ports(world.imports.iter(), "Import")
    }

    /// What it exports.
    pub(crate) fn exports(&self) -> Result<Vec<Port<'_>>, String> {
        let world = self
            .component
            .worlds
            .get(self.world)
            .ok_or("it has no type")?;
        self.ports(world.exports.iter(), "Export")
    }

    fn ports<'a>(
        &'a self,
        items: impl Iterator<Item = (&'a WorldKey, &'a WorldItem)>,
        what: &str,
    ) -> Result<Vec<Port<'a>>, String> {
        let port = |(key, item): (&WorldKey, &WorldItem)| {
            let full = self.component.name_world_key(key);
            let interface = match item {
                WorldItem::Interface { id, .. } => self.component.interfaces.get(*id),
                // A type alone takes nothing.
                WorldItem::Type { .. } => return None,
                WorldItem::Function(_) => None,
            };
            Some(match interface.filter(|_| Name::parse(&full).is_some()) {
                Some(interface) => Ok(Port { full, interface }),
                None => Err(format!(
                    "{what} `{full}` is no interface of a package: put it into one, \
                     `package acme:weather@0.1.0; interface weather {{ … }}`"
                )),
            })
        };
        items.filter_map(port).collect()
    }

    /// An interface of the embedded WIT text, by its full name or, without version, by the first
    /// of that name.
    pub(crate) fn described(&self, full: &str) -> Option<&Interface> {
        let of = |id| self.wit.id_of(id);
        let found = self.wit.interfaces.iter().find(|(id, _)| {
            of(*id).is_some_and(|name| name == full || name.split('@').next() == Some(full))
        });
        found.map(|(_, interface)| interface)
    }
}

/// The manifest and the WIT text.
fn sections(bytes: &[u8]) -> Result<(String, String), String> {
    if bytes.is_empty() {
        return Err("The file is empty".into());
    }
    let (mut manifests, mut wits) = (Vec::new(), Vec::new());
    let mut outermost = true;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|e| format!("Not a WebAssembly component: {e}"))?;
        match payload {
            Payload::Version { encoding, .. } => {
                if outermost && encoding == Encoding::Module {
                    return Err(
                        "It is a core module, not a component: build it with `sat plugin build`, for \
                         the target wasm32-wasip2"
                            .into(),
                    );
                }
                outermost = false;
            }
            Payload::CustomSection(section) => match section.name() {
                "sat:manifest" => manifests.push(section.data()),
                "sat:wit" => wits.push(section.data()),
                _ => {}
            },
            _ => {}
        }
    }
    let text = |found: &[&[u8]], name: &str| match found {
        [data] => {
            String::from_utf8(data.to_vec()).map_err(|_| format!("Section {name} is not UTF-8"))
        }
        [] => Err(format!(
            "The file has no {name} section: write `sat_sdk::plugin!(YourType: …);` in src/lib.rs and \
             build again"
        )),
        _ => Err(format!(
            "The file has more than one {name} section: only one crate of a plugin may say `plugin!`"
        )),
    };
    Ok((text(&manifests, "sat:manifest")?, text(&wits, "sat:wit")?))
}
