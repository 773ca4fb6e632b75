//! `sat plugin check`: what is wrong with a plugin file, without running anything of it. The
//! rules are those by which the backend refuses files, and those of growing.

mod against;
mod imports;
mod offers;

pub(crate) use imports::uses;

use std::{fmt, path::Path};

use sat_client::errors::exit;
use sat_manifest::Manifest;

use crate::{
    contract::Contract, failure::Failure, paint, plugin::Plugin, project::Project,
    signature::Signed,
};

/// The largest file that the backend loads, in bytes.
const MAX_SIZE: usize = sat_manifest::MAX_FILE;
/// From this size on, in bytes, a file is called large.
const LARGE: usize = 1 << 20;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// The backend refuses the plugin, or others can't use it any more.
    Error,
    /// It works, and is not meant so.
    Warning,
    /// It could be better.
    Note,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    /// What it is and what to do.
    pub(crate) text: String,
}

impl Finding {
    fn error(text: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            text: text.into(),
        }
    }

    fn warning(text: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            text: text.into(),
        }
    }

    fn note(text: impl Into<String>) -> Self {
        Self {
            level: Level::Note,
            text: text.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Checks a file, or the one that the release build of a folder left.
pub(crate) fn run(path: &Path, against: Option<&Path>) -> Result<(), Failure> {
    let file = if path.is_dir() {
        Project::at(path)?.built()?
    } else {
        path.to_owned()
    };
    report(&file, against)
}

/// Checks a file and says what was found.
///
/// # Errors
/// When there is an error among it.
pub(crate) fn report(file: &Path, against: Option<&Path>) -> Result<(), Failure> {
    let plugin = Plugin::open(file)?;
    let mut found = findings(&plugin)?;
    if let Some(old) = against {
        found.extend(against::findings(&Plugin::open(old)?, &plugin));
    }
    found.sort_by_key(|finding| finding.level);
    for finding in &found {
        match finding.level {
            Level::Error => paint::error(&finding.text),
            Level::Warning => paint::warning(&finding.text),
            Level::Note => paint::note(&finding.text),
        }
    }
    let errors = found.iter().filter(|f| f.level == Level::Error).count();
    let name = file.display();
    match errors {
        0 => paint::line(&format!("{name}: good, {}", paint::size(plugin.size))),
        1 => Err(Failure::new(
            exit::DATA,
            format!("{name} has a fault, see above"),
        )),
        n => Err(Failure::new(
            exit::DATA,
            format!("{name} has {n} faults, see above"),
        )),
    }
}

/// Everything that is to be said of one file.
pub(crate) fn findings(plugin: &Plugin) -> Result<Vec<Finding>, Failure> {
    let contract = Contract::read()?;
    let mut found = Vec::new();
    let manifest = match Manifest::parse(&plugin.manifest) {
        Ok(manifest) => Some(manifest),
        Err(e) => {
            found.push(Finding::error(format!("plugin.toml: {e}")));
            None
        }
    };
    match (plugin.imports(), plugin.exports()) {
        (Ok(imports), Ok(exports)) => {
            offers::check(plugin, &exports, &contract, manifest.as_ref(), &mut found);
            imports::check(
                plugin,
                &imports,
                &exports,
                &contract,
                manifest.as_ref(),
                &mut found,
            );
        }
        (imports, exports) => {
            let faults = [imports.err(), exports.err()].into_iter().flatten();
            found.extend(faults.map(Finding::error));
        }
    }
    if plugin.size > MAX_SIZE {
        found.push(Finding::error(format!(
            "The file has {}, and the backend loads at most {} (FILE)",
            paint::size(plugin.size),
            paint::size(MAX_SIZE)
        )));
    } else if plugin.size > LARGE {
        found.push(Finding::note(format!(
            "The file has {}: most plugins in Rust have 100 to 400 KiB, with opt-level = \"s\", lto = true, \
             strip = true and panic = \"abort\" below [profile.release] in Cargo.toml",
            paint::size(plugin.size)
        )));
    }
    if let Signed::Wrong(why) = &plugin.signed {
        found.push(Finding::error(format!("Signature: {why}")));
    }
    Ok(found)
}
