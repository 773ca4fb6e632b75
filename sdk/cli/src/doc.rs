//! `sat plugin doc`: a reference in Markdown, from the doc comments of WIT.

mod page;
mod sources;

use std::{fmt::Write as _, path::Path};

use sat_client::errors::exit;
use sat_manifest::{Manifest, SettingType};
use wit_parser::Resolve;

use crate::{failure::Failure, paint, plugin::Plugin};

/// Describes a folder of WIT files, a WIT file, a plugin's folder or a plugin file.
pub(crate) fn run(path: &Path) -> Result<(), Failure> {
    let text = if path.extension().is_some_and(|e| e == "wasm") {
        plugin(path)?
    } else {
        let (resolve, package) = sources::read(path)?;
        let package = resolve.packages.get(package);
        let package = package.ok_or_else(|| Failure::error("The package got lost"))?;
        page::package(&resolve, package)
    };
    paint::line(text.trim_end())
}

/// A plugin file: who it is, what it asks for, and the features that it offers.
fn plugin(file: &Path) -> Result<String, Failure> {
    let plugin = Plugin::open(file)?;
    let fault = |why: String| Failure::new(exit::DATA, format!("{}: {why}", file.display()));
    let manifest =
        Manifest::parse(&plugin.manifest).map_err(|e| fault(format!("plugin.toml: {e}")))?;
    let mut out = head(&manifest);
    for port in plugin.exports().map_err(fault)? {
        let name = port.name();
        if name.name == name.package
            && let Some(package) = package(&plugin.wit, name.namespace, name.package)
        {
            out.push('\n');
            out.push_str(&page::package(&plugin.wit, package));
        }
    }
    Ok(out)
}

fn package<'a>(
    resolve: &'a Resolve,
    namespace: &str,
    name: &str,
) -> Option<&'a wit_parser::Package> {
    let mut all = resolve.packages.iter().map(|(_, p)| p);
    all.find(|p| p.name.namespace == namespace && p.name.name == name)
}

/// What the manifest says.
fn head(manifest: &Manifest) -> String {
    let Manifest {
        id,
        version,
        summary,
        ..
    } = manifest;
    let mut out = format!("# {id} {version}\n\n{summary}.\n");
    if !manifest.permissions.is_empty() {
        out.push_str("\n| asks for | because it |\n|---|---|\n");
        for (name, why) in &manifest.permissions {
            writeln!(out, "| `{name}` | {} |", page::cell(why)).ok();
        }
    }
    if !manifest.settings.is_empty() {
        out.push_str("\n| setting | type | default | |\n|---|---|---|---|\n");
        for (name, setting) in &manifest.settings {
            let kind = match setting.kind {
                SettingType::Bool => "bool",
                SettingType::Integer => "integer",
                SettingType::String => "string",
            };
            let (default, label) = (&setting.default, page::cell(&setting.label));
            writeln!(out, "| `{name}` | {kind} | `{default}` | {label} |").ok();
        }
    }
    out
}
