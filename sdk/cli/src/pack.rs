//! `sat plugin pack`: the file for others.

use std::{fmt::Write, fs, path::Path};

use sat_client::errors::exit;
use sat_manifest::Manifest;
use sha2::{Digest, Sha256};

use crate::{build::build, failure::Failure, paint, plugin::Plugin, project::Project, sdk};

/// Builds, checks, and leaves `<id>-<version>.wasm` and its checksum in `dist/`.
pub(crate) fn run(dir: &Path) -> Result<(), Failure> {
    let project = Project::at(dir)?;
    let built = build(&project, true)?;
    let manifest = Manifest::parse(&Plugin::open(&built)?.manifest)
        .map_err(|e| Failure::new(exit::DATA, format!("plugin.toml: {e}")))?;
    let name = format!("{}-{}.wasm", manifest.id, manifest.version);
    let file = project.dir.join("dist").join(&name);
    let bytes = fs::read(&built).map_err(|e| Failure::io(&built, &e))?;
    sdk::write(&file, &bytes)?;
    let sum = checksum(&bytes);
    // In the form of sha256sum, which checks it with -c.
    let sum_file = file.with_extension("wasm.sha256");
    sdk::write(&sum_file, format!("{sum}  {name}\n").as_bytes())?;
    paint::line(&format!("{}\n{}", file.display(), sum_file.display()))
}

fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").ok();
            hex
        })
}
