//! What the process does without, since it holds keys and passwords.

use rustix::{
    fs::Mode,
    process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit, umask},
};

/// Files that this process makes are for its user alone.
pub(crate) fn keep_files_private() {
    umask(Mode::from_raw_mode(0o077));
}

/// No core dumps, and no other process of the user may read the memory. Returns what the
/// system refused; the backend works without.
pub(crate) fn hide_memory() -> Vec<String> {
    let mut refused = Vec::new();
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(errno) = setrlimit(Resource::Core, none) {
        refused.push(format!("Core dumps can't be switched off: {errno}"));
    }
    if let Err(errno) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        refused.push(format!(
            "The process's memory stays readable for its user: {errno}"
        ));
    }
    refused
}
