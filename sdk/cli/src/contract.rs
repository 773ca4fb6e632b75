//! The contract that this tool and its SDK know: `sat:host` and `sat:plugin`, from the embedded
//! WIT files.

use wit_parser::{Function, Interface, Resolve, SourceMap};

use crate::{failure::Failure, sdk};

/// The contract.
pub(crate) struct Contract {
    resolve: Resolve,
}

impl Contract {
    /// Reads the embedded files.
    pub(crate) fn read() -> Result<Self, Failure> {
        let mut resolve = Resolve::default();
        for folder in ["wit/host/", "wit/plugin/"] {
            let mut sources = SourceMap::default();
            for (name, text) in sdk::texts(folder).filter(|(name, _)| name.ends_with(".wit")) {
                sources.push_str(name, text);
            }
            let group = sources
                .parse()
                .map_err(|(_, e)| Failure::error(format!("The SDK's {folder}: {e}")))?;
            resolve
                .push_group(group)
                .map_err(|e| Failure::error(format!("The SDK's {folder}: {e:#}")))?;
        }
        Ok(Self { resolve })
    }

    /// An interface, by its package (`host`) and name (`xmpp`).
    pub(crate) fn interface(&self, package: &str, name: &str) -> Option<&Interface> {
        let mut all = self.resolve.interfaces.iter().map(|(_, i)| i);
        all.find(|i| self.package(i) == package && i.name.as_deref() == Some(name))
    }

    /// The hooks: the interfaces of `sat:plugin` with functions.
    pub(crate) fn hooks(&self) -> Vec<&str> {
        let all = self.resolve.interfaces.iter().map(|(_, i)| i);
        all.filter(|i| self.package(i) == "plugin" && !i.functions.is_empty())
            .filter_map(|i| i.name.as_deref())
            .collect()
    }

    /// A function's type, in the form of [`crate::types::structure`].
    pub(crate) fn structure(&self, function: &Function) -> String {
        crate::types::structure(&self.resolve, function)
    }

    fn package(&self, interface: &Interface) -> &str {
        let package = interface
            .package
            .and_then(|id| self.resolve.packages.get(id));
        package.map_or("", |p| &p.name.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sat_manifest::{DECLARED, FREE, names::CONTRACT};

    #[test]
    fn the_embedded_contract_is_what_the_manifest_knows() {
        let contract = Contract::read().unwrap_or_else(|e| panic!("{e}"));
        let hooks = contract.hooks();
        for (_, hook) in DECLARED {
            assert!(hooks.contains(&hook), "{hook}");
        }
        for name in FREE {
            assert!(contract.interface("host", name).is_some(), "{name}");
        }
        for (_, package) in contract.resolve.packages.iter() {
            let version = package.name.version.as_ref().map(ToString::to_string);
            assert_eq!(version.as_deref(), Some(CONTRACT), "{}", package.name);
        }
    }
}
