//! `sat plugin test`.

use std::path::Path;

use crate::{check, failure::Failure, project::Project};

/// Runs the plugin's own tests, builds it, and tests the file.
pub(crate) fn run(dir: &Path) -> Result<(), Failure> {
    let project = Project::at(dir)?;
    project.native_tests()?;
    let file = project.build(true)?;
    scenarios(&project.dir, &file)
}

/// What is tested with the finished file, once the native tests have passed: whether the backend
/// takes it. Everything that runs the file in a host belongs here too.
fn scenarios(_dir: &Path, wasm: &Path) -> Result<(), Failure> {
    check::report(wasm, None)
}
