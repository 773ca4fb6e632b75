//! The sources of a plugin, and when they were saved.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Folders that builds write to.
const BUILT: [&str; 5] = ["target", "dist", "build", "__pycache__", "node_modules"];

/// The files that there are, with length and time.
pub(super) type Stamps = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// Each file with its length and its time; equal as long as nobody saves. Hidden files and what
/// builds write don't count.
pub(super) fn stamps(dir: &Path) -> Stamps {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let (name, path) = (entry.file_name(), entry.path());
            let name = name.to_string_lossy();
            let written = name == "Cargo.lock" || name.ends_with(".wasm");
            if name.starts_with('.') || written || BUILT.contains(&&*name) {
                continue;
            }
            match entry.metadata() {
                Ok(data) if data.is_dir() => folders.push(path),
                Ok(data) => {
                    found.insert(path, (data.len(), data.modified().ok()));
                }
                Err(_) => {}
            }
        }
    }
    found
}
