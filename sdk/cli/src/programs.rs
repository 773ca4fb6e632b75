//! Other programs of the project: beside this one, or on the PATH.

use std::{
    env,
    path::{Path, PathBuf},
};

/// Where a program is.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let own = env::current_exe().ok();
    let beside = own.as_deref().and_then(Path::parent).map(Path::to_owned);
    let path = env::var_os("PATH").unwrap_or_default();
    // Relative entries of PATH are left out: what lies in the working directory isn't trusted.
    let folders = beside.into_iter().chain(env::split_paths(&path));
    let programs = folders
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name));
    programs.into_iter().find(|program| program.is_file())
}
