//! Where things are: programs, plugins, the benchmark's own guests, folders for each run.

use crate::Result;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// What all figures need.
pub(crate) struct Setup {
    /// Folder of `sat` and `jp`.
    pub(crate) bin: PathBuf,
    /// Whether to hurry.
    pub(crate) quick: bool,
    plugins: PathBuf,
}

impl Setup {
    /// Builds the guests.
    pub(crate) fn new(bin: Option<PathBuf>, quick: bool) -> Result<Self> {
        let own = env::current_exe()?;
        let beside = own.parent().ok_or("the program is nowhere")?.to_owned();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(target) => PathBuf::from(target),
            None => beside
                .parent()
                .ok_or("the program is not in a target folder")?
                .to_owned(),
        };
        let out = target.join("plugins");
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        for (name, _) in env::vars_os() {
            // What cargo told this program is not meant for another cargo.
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST") {
                cargo.env_remove(&*name);
            }
        }
        let built = cargo
            .args(["build", "--quiet", "--release", "--target", "wasm32-wasip2"])
            .current_dir(repository().join("tests/bench/guests"))
            .env("CARGO_TARGET_DIR", &out)
            .status()?;
        if !built.success() {
            return Err("the benchmark's guests can't be built".into());
        }
        let plugins = out.join("wasm32-wasip2/release");
        Ok(Self {
            bin: bin.unwrap_or(beside),
            quick,
            plugins,
        })
    }

    /// `n` of something, or a tenth of it when in a hurry.
    pub(crate) fn count(&self, n: usize) -> usize {
        if self.quick { (n / 10).max(1) } else { n }
    }

    /// A folder in memory with these plugins in `plugins/`.
    pub(crate) fn folder(&self, plugins: &[String]) -> Result<TempDir> {
        let folder = memory_folder()?;
        let into = folder.path().join("plugins");
        fs::create_dir(&into)?;
        for name in plugins {
            let file = format!("{}.wasm", name.replace('-', "_"));
            fs::copy(self.plugins.join(&file), into.join(&file))
                .map_err(|e| format!("{file}: {e}; `make plugins` builds it"))?;
        }
        Ok(folder)
    }
}

/// The plugins of the repository.
pub(crate) fn all_plugins() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(repository().join("plugins"))? {
        let entry = entry?;
        if entry.path().join("plugin.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// A folder in memory, so that no disk is measured.
pub(crate) fn memory_folder() -> Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("sat-bench-");
    let memory = Path::new("/dev/shm");
    Ok(if memory.is_dir() {
        builder.tempdir_in(memory)?
    } else {
        builder.tempdir()?
    })
}

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
