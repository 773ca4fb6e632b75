//! Plugins in Python: `python3 -m sat_sdk` does what is particular to them.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sat_client::errors::exit;

use crate::{args::New, failure::Failure};

/// Makes a folder with a plugin in Python.
pub(crate) fn new(new: &New) -> Result<(), Failure> {
    let options = ["--template", &new.template, "--namespace", &new.namespace];
    let words = ["new", &new.name].into_iter().chain(options);
    run(Path::new("."), words)
}

/// Builds a plugin and returns the file.
pub(crate) fn build(dir: &Path) -> Result<PathBuf, Failure> {
    run(dir, [OsStr::new("build"), dir.as_os_str()])?;
    built(dir).ok_or_else(|| {
        let message =
            "`python3 -m sat_sdk build` left no .wasm in the folder, nor in dist/ or build/";
        Failure::error(message)
    })
}

/// Runs a plugin's tests.
pub(crate) fn test(dir: &Path) -> Result<(), Failure> {
    run(dir, [OsStr::new("test"), dir.as_os_str()])
}

/// The newest file that a build left.
pub(crate) fn built(dir: &Path) -> Option<PathBuf> {
    let folders = [dir.to_owned(), dir.join("dist"), dir.join("build")];
    let files = folders
        .iter()
        .filter_map(|f| fs::read_dir(f).ok())
        .flatten()
        .flatten();
    files
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "wasm"))
        .max_by_key(|path| fs::metadata(path).and_then(|m| m.modified()).ok())
}

fn run<S: AsRef<OsStr>>(dir: &Path, words: impl IntoIterator<Item = S>) -> Result<(), Failure> {
    let python = |what: &str| {
        let mut command = Command::new("python3");
        command.current_dir(dir).arg(what);
        command
    };
    let missing = |message: &str| Failure::new(exit::MISSING_FEATURE, message);
    let found = python("-c")
        .arg("import sat_sdk")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|_| missing("Plugins in Python need python3: install it"))?;
    if !found.success() {
        return Err(missing(
            "Plugins in Python need the package sat_sdk: `python3 -m pip install ./sdk/python` in a \
             checkout of SàT",
        ));
    }
    let status = python("-m").arg("sat_sdk").args(words).status();
    match status.map_err(|_| missing("Plugins in Python need python3: install it"))? {
        status if status.success() => Ok(()),
        _ => Err(Failure::error("`python3 -m sat_sdk` failed, see above")),
    }
}
