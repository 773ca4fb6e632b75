//! Which files are read, and whether they may be trusted.

use std::{
    fs::{File, Metadata},
    io::{ErrorKind, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{ConfigError, Environment};

/// More than any hand-written file, less than a disk image given by mistake.
const MAX_BYTES: u64 = 1024 * 1024;

/// The one file that was asked for.
pub(super) fn explicit(file: &Path) -> Result<(PathBuf, String), ConfigError> {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    match read(&file)? {
        Some((text, _)) => Ok((file, text)),
        None => Err(fault(&file, "There is no such file".into())),
    }
}

/// The files that exist in the usual places, weakest first.
pub(super) fn search(environment: &Environment) -> Result<Vec<(PathBuf, String)>, ConfigError> {
    let mut found = Vec::new();
    for file in places(environment) {
        let Some((text, metadata)) = read(&file)? else {
            continue;
        };
        // One of these places is wherever the program was started: a file that somebody else
        // put there must not choose where data goes and which plugins run.
        let owner = metadata.uid();
        if owner != 0 && owner != rustix::process::geteuid().as_raw() {
            return Err(fault(
                &file,
                "It belongs to somebody else; --config FILE reads it".into(),
            ));
        }
        if metadata.mode() & 0o002 != 0 {
            return Err(fault(&file, "Anybody may write to it: chmod o-w it".into()));
        }
        found.push((file, text));
    }
    Ok(found)
}

/// Where SàT has always looked, each place once.
pub(super) fn places(environment: &Environment) -> Vec<PathBuf> {
    let folders = [
        Some(PathBuf::from("/etc")),
        environment.home.clone(),
        environment.config_home().map(|home| home.join("sat")),
        environment.current_dir.clone(),
    ];
    let mut places: Vec<PathBuf> = Vec::new();
    for folder in folders.into_iter().flatten() {
        for name in ["sat.conf", ".sat.conf"] {
            let file = folder.join(name);
            // The working directory may be one of the others: then it is the later place.
            places.retain(|place| *place != file);
            places.push(file);
        }
    }
    places
}

fn read(file: &Path) -> Result<Option<(String, Metadata)>, ConfigError> {
    let fails = |error: std::io::Error| fault(file, format!("It can't be read: {error}"));
    let opened = match File::open(file) {
        Ok(opened) => opened,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(fails(error)),
    };
    let metadata = opened.metadata().map_err(fails)?;
    if metadata.len() > MAX_BYTES {
        return Err(fault(file, format!("It is larger than {MAX_BYTES} bytes")));
    }
    let mut bytes = Vec::new();
    opened
        .take(MAX_BYTES)
        .read_to_end(&mut bytes)
        .map_err(fails)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = error.as_bytes().iter().take(good);
        let line = before
            .filter(|byte| **byte == b'\n')
            .count()
            .saturating_add(1);
        ConfigError {
            line: Some(line),
            ..fault(file, "This isn't UTF-8".into())
        }
    })?;
    Ok(Some((text, metadata)))
}

fn fault(file: &Path, message: String) -> ConfigError {
    ConfigError {
        file: Some(file.to_owned()),
        line: None,
        message,
    }
}
