//! `sat plugin test`.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sat_client::errors::exit;

use crate::{check, failure::Failure, programs, project::Project};

/// Runs the plugin's own tests, builds it, and tests the file, with others from these folders.
pub(crate) fn run(dir: &Path, plugins: &[PathBuf]) -> Result<(), Failure> {
    let project = Project::at(dir)?;
    project.native_tests()?;
    let file = project.build(true)?;
    scenarios(&project.dir, &file, plugins)
}

/// What is tested with the finished file, once the native tests have passed: whether the backend
/// takes it, the conformance suite, and the plays in `tests/`, both in the real host.
fn scenarios(dir: &Path, wasm: &Path, plugins: &[PathBuf]) -> Result<(), Failure> {
    check::report(wasm, None)?;
    let plays = plays(dir);
    let kit = programs::find("sat-testkit").ok_or_else(|| {
        let message = "The program sat-testkit is neither beside sat-plugin nor on the PATH: it comes \
                       with `make dist`";
        Failure::new(exit::MISSING_FEATURE, message)
    })?;
    println!("== The conformance suite");
    let folders = plugins
        .iter()
        .flat_map(|p| [OsStr::new("--plugins"), p.as_os_str()]);
    let mut arguments = vec![OsStr::new("suite"), wasm.as_os_str()];
    arguments.extend(folders.clone());
    testkit(&kit, &arguments)?;
    if plays.is_empty() {
        println!("== No plays: tests/*.play would be played, see the plugin guide");
        return Ok(());
    }
    println!("== Plays");
    let mut arguments = vec![OsStr::new("play"), OsStr::new("--plugin"), wasm.as_os_str()];
    arguments.extend(folders);
    arguments.extend(plays.iter().map(|p| p.as_os_str()));
    testkit(&kit, &arguments)
}

fn plays(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join("tests")).into_iter().flatten();
    let files = entries.flatten().map(|entry| entry.path());
    let mut plays: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|e| e == "play"))
        .collect();
    plays.sort();
    plays
}

fn testkit(program: &Path, arguments: &[&OsStr]) -> Result<(), Failure> {
    let status = Command::new(program)
        .args(arguments)
        .status()
        .map_err(|e| Failure::io(program, &e))?;
    match status.success() {
        true => Ok(()),
        false => Err(Failure::error(
            "The plugin doesn't pass: what failed stands above",
        )),
    }
}
