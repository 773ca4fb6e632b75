//! The plugin folders: what lies in them is what is loaded, as it comes and goes.

use super::{
    cache::{Cache, FileHash, hash},
    catalog::Catalog,
    engine::FILE,
    loaded::LoadedPlugin,
};
use crate::{Error, Result, error::kind};
use notify::{RecursiveMode, Watcher};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::sync::mpsc;

/// Quiet time after a change before the folders are read: a copy is many changes.
pub const SETTLE: Duration = Duration::from_millis(200);
/// How often the folders are read without a change being noticed: some file systems tell nothing.
pub const RESCAN: Duration = Duration::from_secs(30);

/// What a file looked like when it was read.
#[derive(Clone, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
}

/// A file and what became of it.
#[derive(Clone)]
struct Entry {
    stamp: Stamp,
    result: Result<Arc<LoadedPlugin>>,
}

/// A plugin file that can't be used.
#[derive(Debug, Clone)]
pub struct Refused {
    /// The file.
    pub file: PathBuf,
    /// Why.
    pub error: Error,
}

/// The folders and what was last seen in them.
pub struct Folders {
    folders: Vec<PathBuf>,
    cache: Cache,
    seen: BTreeMap<PathBuf, Entry>,
}

/// What a scan found.
pub struct Scan {
    /// What can be loaded, each id once.
    pub plugins: Vec<Arc<LoadedPlugin>>,
    /// What can't.
    pub refused: Vec<Refused>,
    /// Whether a file is still being written: scan again soon.
    pub unfinished: bool,
}

impl Folders {
    /// These folders; of two files with one id, that of the earlier folder counts.
    pub fn new(folders: Vec<PathBuf>, cache: Cache) -> Self {
        Self {
            folders,
            cache,
            seen: BTreeMap::new(),
        }
    }

    /// Reads the folders and compiles what is new. Blocks.
    pub fn scan(&mut self) -> Scan {
        let mut found = BTreeMap::new();
        let mut unfinished = false;
        let mut scan = Scan {
            plugins: Vec::new(),
            refused: Vec::new(),
            unfinished: false,
        };
        for file in self.files() {
            let Some(stamp) = stamp(&file) else { continue };
            let known = self.seen.get(&file);
            let entry = match known.filter(|e| e.stamp == stamp) {
                Some(entry) => entry.clone(),
                None if is_fresh(&stamp)
                    && known.is_none_or(|e| e.stamp != stamp)
                    && !is_whole(&file) =>
                {
                    // Somebody is writing it: what was loaded of it stays until it is whole.
                    unfinished = true;
                    match known {
                        Some(entry) => entry.clone(),
                        None => continue,
                    }
                }
                None => {
                    let before = known.and_then(|e| e.result.as_ref().ok()).cloned();
                    Entry {
                        result: self.load(&file, before),
                        stamp,
                    }
                }
            };
            found.insert(file, entry);
        }
        // In the order of the folders, so that the first of two equal ids wins.
        for folder in &self.folders {
            for (file, entry) in found.iter().filter(|(f, _)| f.parent() == Some(folder)) {
                let refused = match &entry.result {
                    Ok(plugin) => match conflict(&scan.plugins, plugin) {
                        None => {
                            scan.plugins.push(plugin.clone());
                            continue;
                        }
                        Some(sentence) => Error::new(kind::CONFLICT, sentence),
                    },
                    Err(e) => e.clone(),
                };
                scan.refused.push(Refused {
                    file: file.clone(),
                    error: refused,
                });
            }
        }
        self.seen = found;
        scan.unfinished = unfinished;
        scan
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = self
            .folders
            .iter()
            .filter_map(|f| fs::read_dir(f).ok())
            .flatten()
            .flatten();
        entries.map(|e| e.path()).filter(|p| is_plugin(p)).collect()
    }

    /// `before`: what was loaded of this file; it comes back when the bytes are the same.
    fn load(&self, file: &Path, before: Option<Arc<LoadedPlugin>>) -> Result<Arc<LoadedPlugin>> {
        let unreadable = |e| Error::new(kind::BAD_REQUEST, format!("Cannot read the file: {e}"));
        let bytes = fs::read(file).map_err(unreadable)?;
        if bytes.len() as u64 > FILE {
            return Err(Error::new(
                kind::LIMIT,
                format!("The file is larger than {} MiB (FILE)", FILE >> 20),
            ));
        }
        let same: Option<FileHash> = before.as_ref().map(|b| b.hash);
        if let Some(before) = before.filter(|_| same == Some(hash(&bytes))) {
            return Ok(before);
        }
        LoadedPlugin::load(file, &bytes, &self.cache).map(Arc::new)
    }
}

/// Watches the folders: a message for each batch of changes, and one now and then.
///
/// The watcher lives as long as the returned guard.
pub fn watch(folders: &[PathBuf]) -> (Option<notify::RecommendedWatcher>, mpsc::Receiver<()>) {
    let (changed, changes) = mpsc::channel(1);
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|e| !e.kind.is_access()) {
            // One waiting message is enough for any number of changes.
            changed.try_send(()).ok();
        }
    });
    let watcher = match watcher {
        Ok(mut watcher) => {
            for folder in folders {
                if let Err(e) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                    tracing::debug!(
                        "Not watched, only looked at every {RESCAN:?}: {}: {e}",
                        folder.display()
                    );
                }
            }
            Some(watcher)
        }
        Err(e) => {
            tracing::warn!(
                "Plugin folders can't be watched, they are looked at every {RESCAN:?}: {e}"
            );
            None
        }
    };
    (watcher, changes)
}

fn is_plugin(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_none_or(|n| n.to_string_lossy().starts_with('.'));
    !hidden && path.extension().is_some_and(|e| e == "wasm") && path.is_file()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let data = fs::metadata(path).ok()?;
    Some(Stamp {
        length: data.len(),
        modified: data.modified().ok(),
    })
}

/// Whether the file changed within the last moments.
fn is_fresh(stamp: &Stamp) -> bool {
    stamp
        .modified
        .and_then(|at| at.elapsed().ok())
        .is_none_or(|age| age < SETTLE * 5)
}

/// Whether a file parses to its end: half a copy does not.
fn is_whole(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| {
        wasmparser::Parser::new(0)
            .parse_all(&bytes)
            .all(|p| p.is_ok())
            && !bytes.is_empty()
    })
}

/// Why a plugin can't join those before it.
fn conflict(plugins: &[Arc<LoadedPlugin>], plugin: &LoadedPlugin) -> Option<String> {
    if let Some(first) = plugins.iter().find(|p| p.id() == plugin.id()) {
        return Some(format!(
            "{} has the id {} already: take one of both out",
            first.file.display(),
            plugin.id()
        ));
    }
    Catalog::new(0, plugins.to_vec()).refuses(plugin)
}
