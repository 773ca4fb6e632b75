//! Key files, which open a profile for a backend that starts unattended.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};

use crate::failure::Failure;

/// Random bytes in a new key file.
const LENGTH: usize = 64;
/// Largest file that is taken for a key file, in bytes.
const LONGEST: u64 = 64 * 1024;

/// The contents of a key file in base64.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    let read = || {
        let mut contents = Vec::new();
        File::open(path)?.take(LONGEST).read_to_end(&mut contents)?;
        io::Result::Ok(contents)
    };
    let contents = read().map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
    Ok(BASE64.encode(contents))
}

/// The same; a file that isn't there is made with random contents, for its owner alone.
pub(super) fn read_or_make(path: &Path) -> Result<String, Failure> {
    let make = || {
        let mut key = [0; LENGTH];
        File::open("/dev/urandom")?.read_exact(&mut key)?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(&key)?;
        file.sync_all()
    };
    if !path.exists() {
        make().map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
    }
    read(path)
}
