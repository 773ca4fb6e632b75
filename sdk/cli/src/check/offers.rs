//! What a plugin exports: hooks, received events, feature interfaces.

use sat_manifest::Manifest;
use wit_parser::Function;

use super::Finding;
use crate::{
    contract::Contract,
    plugin::{Plugin, Port},
    types,
};

/// Checks the exports by the backend's rules.
pub(super) fn check(
    plugin: &Plugin,
    exports: &[Port<'_>],
    contract: &Contract,
    manifest: Option<&Manifest>,
    found: &mut Vec<Finding>,
) {
    let hooks = contract.hooks();
    let mut undocumented = Vec::new();
    for port in exports {
        let (full, name) = (&port.full, port.name());
        if let Some(reason) = name.other_contract() {
            found.push(Finding::error(format!("Export {reason}")));
        } else if name.namespace == "sat" && name.package == "plugin" {
            if !hooks.contains(&name.name) && port.functions().next().is_some() {
                found.push(Finding::error(format!(
                    "Export `{full}`: there is no such hook; the hooks are {}",
                    hooks.join(", ")
                )));
            }
        } else if name.name == "events" {
            for function in port.functions() {
                if let Some(why) = types::no_event(plugin.component(), function) {
                    found.push(event_fault(full, function, &why));
                }
            }
        } else if name.name == name.package {
            if let Some(reason) = name.refused() {
                found.push(Finding::error(reason));
            }
            for function in port.functions() {
                if let Some(why) = types::not_offered(plugin.component(), function) {
                    let function = &function.name;
                    found.push(Finding::error(format!(
                        "`{full}#{function}` can't be offered: {why}"
                    )));
                }
                describe(plugin, full, function, found, &mut undocumented);
            }
            let events = format!("{}:{}/events", name.namespace, name.package);
            let events = plugin.described(&events);
            for event in events.iter().flat_map(|i| i.functions.values()) {
                if event.docs.contents.is_none() {
                    undocumented.push(format!("the event {}", name.method(&event.name)));
                }
            }
        } else if port.functions().next().is_some() {
            found.push(Finding::error(format!(
                "Export `{full}` is neither a hook, nor `events`, nor a feature interface, which has its \
                 package's name: call it `{}:{1}/{1}`",
                name.namespace, name.package
            )));
        }
    }
    if !undocumented.is_empty() {
        found.push(Finding::note(format!(
            "Without description in `jp help`: {}. Write a line `/// …` above each in the WIT file",
            undocumented.join(", ")
        )));
    }
    let Some(manifest) = manifest else { return };
    let has = |hook: &str| {
        let is = |p: &Port<'_>| p.name().package == "plugin" && p.name().name == hook;
        exports.iter().any(is)
    };
    let topics: Vec<String> = exports
        .iter()
        .filter(|p| p.name().name == "events")
        .flat_map(|p| p.functions().map(|f| p.name().method(&f.name)))
        .collect();
    let receives = |topic: &str| topics.iter().any(|t| t == topic);
    let faults = [manifest.check_hooks(has), manifest.check_events(receives)];
    let faults = faults.into_iter().filter_map(Result::err);
    found.extend(faults.map(|e| Finding::error(format!("plugin.toml: {e}"))));
}

/// An event that can't be one.
pub(super) fn event_fault(interface: &str, function: &Function, why: &str) -> Finding {
    Finding::error(format!("Event `{interface}#{}`: {why}", function.name))
}

/// Compares a function with the embedded WIT, and looks whether that describes it.
fn describe(
    plugin: &Plugin,
    full: &str,
    function: &Function,
    found: &mut Vec<Finding>,
    undocumented: &mut Vec<String>,
) {
    let name = &function.name;
    let described = plugin.described(full).and_then(|i| i.functions.get(name));
    let same = |d: &Function| {
        types::structure(&plugin.wit, d) == types::structure(plugin.component(), function)
    };
    match described.filter(|d| same(d)) {
        None => found.push(Finding::error(format!(
            "`{full}#{name}` isn't what the WIT text of the file says: build it again, from one version \
             of the WIT files"
        ))),
        Some(d) if d.docs.contents.is_none() => undocumented.push(name.clone()),
        Some(_) => {}
    }
}
