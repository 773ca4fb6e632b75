//! `sat plugin build`.

use std::path::{Path, PathBuf};

use crate::{check, failure::Failure, project::Project};

/// Builds, checks, and says which file it is.
pub(crate) fn run(dir: &Path, debug: bool) -> Result<(), Failure> {
    build(&Project::at(dir)?, !debug).map(|_| ())
}

/// Builds and checks.
pub(crate) fn build(project: &Project, release: bool) -> Result<PathBuf, Failure> {
    let file = project.build(release)?;
    check::report(&file, None)?;
    Ok(file)
}
