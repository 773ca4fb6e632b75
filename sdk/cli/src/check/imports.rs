//! What a plugin imports: the host's interfaces, WASI, its own events, others' features.

use sat_manifest::Manifest;

use super::{Finding, offers::event_fault};
use crate::{
    contract::Contract,
    plugin::{Plugin, Port},
    types,
};

/// Checks the imports by the backend's rules.
pub(super) fn check(
    plugin: &Plugin,
    imports: &[Port<'_>],
    exports: &[Port<'_>],
    contract: &Contract,
    manifest: Option<&Manifest>,
    found: &mut Vec<Finding>,
) {
    for port in imports {
        let (full, name) = (&port.full, port.name());
        if let Some(reason) = name.other_contract() {
            found.push(Finding::error(format!("Import {reason}")));
        } else if let Some(reason) = name.refused_wasi() {
            found.push(Finding::error(reason));
        } else if name.is_hosts() {
            if name.namespace == "sat" {
                of_contract(plugin, port, contract, found);
            }
        } else if name.name == "events" {
            let own = |e: &Port<'_>| {
                let e = e.name();
                e.namespace == name.namespace && e.package == name.package && e.name == e.package
            };
            for function in port.functions() {
                if !exports.iter().any(own) {
                    found.push(Finding::error(format!(
                        "Import `{full}`: only the plugin that offers `{0}:{1}/{1}` may emit its events. \
                         Export `{1}` in the world, or, to receive the events, export `{full}` instead",
                        name.namespace, name.package
                    )));
                    break;
                }
                if let Some(why) = types::no_event(plugin.component(), function) {
                    found.push(event_fault(full, function, &why));
                }
            }
        } else {
            for function in port.functions() {
                if let Some(why) = types::not_offered(plugin.component(), function) {
                    found.push(Finding::error(format!(
                        "Import `{full}#{}` is no feature function: {why}. Take the WIT files of the \
                         plugin that offers it",
                        function.name
                    )));
                }
            }
        }
    }
    if let Some(manifest) = manifest {
        permissions(imports, manifest, found);
    }
}

/// What the plugin uses, as the manifest's permissions name it.
pub(crate) fn uses(imports: &[Port<'_>]) -> Vec<String> {
    let name = |port: &Port<'_>| {
        let name = port.name();
        let has_functions = port.functions().next().is_some();
        match name.namespace {
            "wasi" => None,
            _ if name.is_hosts() => has_functions.then(|| name.name.to_owned()),
            _ if name.name == "events" => None,
            _ => has_functions.then(|| name.feature()),
        }
    };
    imports.iter().filter_map(name).collect()
}

fn permissions(imports: &[Port<'_>], manifest: &Manifest, found: &mut Vec<Finding>) {
    let uses = uses(imports);
    for name in &uses {
        if let Err(e) = manifest.check_uses([name.as_str()]) {
            found.push(Finding::error(format!("plugin.toml: {e}")));
        }
    }
    for name in manifest.unused(&uses) {
        found.push(Finding::warning(format!(
            "plugin.toml: it asks for the permission `{name}` and doesn't use it: take it out, people \
             read what a plugin asks for"
        )));
    }
}

/// Whether the contract has these functions, with these types.
fn of_contract(plugin: &Plugin, port: &Port<'_>, contract: &Contract, found: &mut Vec<Finding>) {
    let (full, name) = (&port.full, port.name());
    let known = contract.interface(name.package, name.name);
    for function in port.functions() {
        let theirs = types::structure(plugin.component(), function);
        let ours = known
            .and_then(|i| i.functions.get(&function.name))
            .map(|f| contract.structure(f));
        if ours.as_ref() != Some(&theirs) {
            let why = if ours.is_none() {
                "isn't there"
            } else {
                "has another type"
            };
            found.push(Finding::error(format!(
                "Import `{full}#{}` {why} in the contract of this SàT: update SàT, or build the plugin \
                 again with its SDK",
                function.name
            )));
        }
    }
}
