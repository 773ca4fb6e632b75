//! The compile cache that all stages of a user share, so that a plugin is compiled once and not
//! for each scenario.

use crate::Failure;
use sat_host::plugin::cache::Cache;
use std::{
    env, fs,
    io::{ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The cache in the user's cache folder, for this user alone.
pub(crate) fn shared() -> Result<Cache, Failure> {
    let folder = folder()?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)?;
    Ok(Cache::new(
        folder.join("compiled"),
        key(&folder.join("key"))?,
    ))
}

fn folder() -> Result<PathBuf, Failure> {
    if let Some(cache) = env::var_os("XDG_CACHE_HOME").filter(|c| !c.is_empty()) {
        return Ok(PathBuf::from(cache).join("sat-testkit"));
    }
    let home = env::var_os("HOME").ok_or(Failure::new("HOME isn't set"))?;
    Ok(PathBuf::from(home).join(".cache/sat-testkit"))
}

/// The key in a file, which is made when it isn't there.
fn key(path: &Path) -> Result<[u8; 32], Failure> {
    let mut key = [0; 32];
    for _ in 0..100 {
        match fs::read(path) {
            Ok(found) => match found.try_into() {
                Ok(key) => return Ok(key),
                // Another scenario is just writing it.
                Err(_) => std::thread::yield_now(),
            },
            Err(e) if e.kind() == ErrorKind::NotFound => {
                fs::File::open("/dev/urandom")?.read_exact(&mut key)?;
                let mut options = fs::OpenOptions::new();
                match options.write(true).create_new(true).mode(0o600).open(path) {
                    Ok(mut file) => file.write_all(&key)?,
                    Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                    Err(e) => return Err(e.into()),
                }
            }
            Err(e) => return Err(e.into()),
        }
    }
    Err(Failure::new(format!(
        "{} is no key: remove it",
        path.display()
    )))
}
