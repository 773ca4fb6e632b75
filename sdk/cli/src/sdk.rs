//! The SDK that the program carries with it, unpacked where cargo can link it.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{failure::Failure, paint};

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

use embedded::SDK_HASH;
pub(crate) use embedded::{SDK, TEMPLATES};

/// `sat plugin sdk`.
pub(crate) fn run() -> Result<(), Failure> {
    paint::line(&unpack()?.display().to_string())
}

/// The text of one of its files.
pub(crate) fn texts(folder: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let files = SDK.iter().filter(move |(name, _)| name.starts_with(folder));
    files.filter_map(|(name, content)| Some((*name, std::str::from_utf8(content).ok()?)))
}

/// Where this version of the SDK is unpacked: by version and content, so that a project goes on
/// building with the one that it was made with.
fn folder() -> Result<PathBuf, Failure> {
    let absolute = |name: &str| {
        let path = env::var_os(name).map(PathBuf::from);
        path.filter(|p| p.is_absolute())
    };
    let data = absolute("XDG_DATA_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".local/share")))
        .ok_or_else(|| {
            Failure::error("Neither XDG_DATA_HOME nor HOME says where to unpack the SDK: use --sdk")
        })?;
    let version = env!("CARGO_PKG_VERSION");
    Ok(data.join("sat/sdk").join(format!("{version}-{SDK_HASH}")))
}

/// Unpacks the SDK unless it is there, and returns its folder.
pub(crate) fn unpack() -> Result<PathBuf, Failure> {
    let folder = folder()?;
    if folder.is_dir() {
        return Ok(folder);
    }
    // Under another name until it is complete: two may unpack at once, and one may be killed.
    let draft = folder.with_extension(format!("new-{}", std::process::id()));
    for (name, content) in SDK {
        let file = draft.join(name);
        write(&file, content)?;
    }
    if let Err(e) = fs::rename(&draft, &folder) {
        fs::remove_dir_all(&draft).ok();
        if !folder.is_dir() {
            return Err(Failure::io(&folder, &e));
        }
    }
    Ok(folder)
}

/// Unpacks the SDK if `path` is where it would be: a project outlives a data folder.
pub(crate) fn restore(path: &Path) -> Result<bool, Failure> {
    let ours = folder().is_ok_and(|folder| folder == path);
    if ours {
        unpack()?;
    }
    Ok(ours)
}

/// Writes a file and makes its folder.
pub(crate) fn write(file: &Path, content: &[u8]) -> Result<(), Failure> {
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent).map_err(|e| Failure::io(parent, &e))?;
    }
    fs::write(file, content).map_err(|e| Failure::io(file, &e))
}
