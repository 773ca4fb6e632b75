//! Common mistakes, looked for before cargo does, whose words for them help less.

use std::{fs, path::Path};

use sat_client::errors::exit;
use sat_manifest::Manifest;
use wit_parser::SourceMap;

use super::{Project, TARGET, no_cargo};
use crate::{failure::Failure, paint, sdk};

/// Looks at a project in Rust. What is no mistake but could be better, is said.
///
/// # Errors
/// The first mistake.
pub(super) fn look(project: &Project) -> Result<(), Failure> {
    let manifest = manifest(&project.dir)?;
    cargo_toml(&project.dir, &manifest)?;
    wit(&project.dir.join("wit"))?;
    target_is_installed(project)
}

fn manifest(dir: &Path) -> Result<Manifest, Failure> {
    let file = dir.join("plugin.toml");
    if !file.is_file() {
        let message = format!(
            "{} has no plugin.toml, which says who the plugin is and what it wants: write one with \
             `id`, `version` and `summary`, see doc/plugin-guide.md",
            dir.display()
        );
        return Err(Failure::new(exit::NOT_FOUND, message));
    }
    let text = fs::read_to_string(&file).map_err(|e| Failure::io(&file, &e))?;
    Manifest::parse(&text).map_err(|e| Failure::new(exit::DATA, format!("plugin.toml: {e}")))
}

fn cargo_toml(dir: &Path, manifest: &Manifest) -> Result<(), Failure> {
    let file = dir.join("Cargo.toml");
    let text = fs::read_to_string(&file).map_err(|e| Failure::io(&file, &e))?;
    // What can't be read, cargo will say better.
    let cargo: toml::Table = text.parse().unwrap_or_default();
    let at = |path: &[&str]| {
        let mut keys = path.iter();
        let first = keys.next().and_then(|key| cargo.get(*key));
        keys.fold(first, |value, key| value?.get(*key))?.as_str()
    };
    if at(&["profile", "release", "panic"]) == Some("unwind") {
        paint::warning(
            "Cargo.toml: panic = \"unwind\" is of no use, since a panic ends the instance anyway, and makes \
             the file larger where the compiler can unwind: write panic = \"abort\" below \
             [profile.release]",
        );
    }
    if let Some(version) = at(&["package", "version"]).filter(|v| *v != manifest.version) {
        paint::note(&format!(
            "Cargo.toml says version {version}, plugin.toml {}: the latter counts",
            manifest.version
        ));
    }
    let Some(path) = at(&["dependencies", "sat-sdk", "path"]) else {
        return Ok(());
    };
    let path = dir.join(path);
    if path.is_dir() || sdk::restore(&path)? {
        return Ok(());
    }
    let message = format!(
        "The SDK that Cargo.toml names isn't there: {}. Write the path that `sat plugin sdk` prints \
         behind `sat-sdk = {{ path =`",
        path.display()
    );
    Err(Failure::new(exit::NOT_FOUND, message))
}

/// The plugin's own WIT files, with the line of a fault: where the macro reads them, the compiler
/// knows the line of the macro only.
fn wit(folder: &Path) -> Result<(), Failure> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut sources = SourceMap::default();
    let mut any = false;
    for path in entries.map(|entry| entry.path()) {
        if path.extension().is_some_and(|e| e == "wit") {
            let text = fs::read_to_string(&path).map_err(|e| Failure::io(&path, &e))?;
            sources.push_str(&path.display().to_string(), text);
            any = true;
        }
    }
    if !any {
        return Ok(());
    }
    let fault = |(sources, e): (SourceMap, wit_parser::ParseError)| {
        Failure::new(exit::DATA, e.render(&sources))
    };
    sources.parse().map(|_| ()).map_err(fault)
}

fn target_is_installed(project: &Project) -> Result<(), Failure> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = project.command(&rustc);
    command.args(["--print", "target-libdir", "--target", TARGET]);
    let output = command.output().map_err(|e| no_cargo(&e))?;
    let folder = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && Path::new(folder.trim()).is_dir() {
        return Ok(());
    }
    let message = format!("Rust can't build for {TARGET} yet: `rustup target add {TARGET}`");
    Err(Failure::new(exit::MISSING_FEATURE, message))
}
