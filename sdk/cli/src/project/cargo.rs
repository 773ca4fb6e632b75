//! What of cargo's JSON is read here: `cargo metadata`, and the messages of a build.

use serde::Deserialize;
use std::path::PathBuf;

/// The answer of `cargo metadata`.
#[derive(Deserialize)]
pub(super) struct Metadata {
    pub(super) packages: Vec<Package>,
    pub(super) target_directory: PathBuf,
}

/// A package.
#[derive(Deserialize)]
pub(super) struct Package {
    pub(super) manifest_path: PathBuf,
    pub(super) targets: Vec<Target>,
}

/// What is built of a package.
#[derive(Deserialize)]
pub(super) struct Target {
    pub(super) name: String,
    crate_types: Vec<String>,
}

impl Target {
    /// Whether it becomes a component.
    pub(super) fn is_cdylib(&self) -> bool {
        self.crate_types.iter().any(|t| t == "cdylib")
    }
}

/// The message of a build with these fields: `compiler-artifact`.
#[derive(Deserialize)]
pub(super) struct Artifact {
    pub(super) manifest_path: PathBuf,
    pub(super) target: Target,
    pub(super) filenames: Vec<PathBuf>,
}
