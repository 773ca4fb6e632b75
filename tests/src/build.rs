//! Where built plugins are, and building the tests' own.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ has a parent")
        .to_owned()
}

/// Cargo's target folder.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from)
}

/// Where `make plugins` leaves the plugins.
const BUILT: &str = "wasm32-wasip2/release";

/// The file of a plugin of this repository.
pub fn plugin(name: &str) -> PathBuf {
    let file = target()
        .join("plugins")
        .join(BUILT)
        .join(format!("{}.wasm", name.replace('-', "_")));
    assert!(
        file.is_file(),
        "{} is missing: run `make plugins` first",
        file.display()
    );
    file
}

/// Whether a plugin of this repository was built.
pub fn has_plugin(name: &str) -> bool {
    target()
        .join("plugins")
        .join(BUILT)
        .join(format!("{}.wasm", name.replace('-', "_")))
        .is_file()
}

/// The file of a plugin in `tests/guests`, all of which are built when this is first called.
pub fn guest(name: &str) -> PathBuf {
    static BUILD: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILD.get_or_init(|| {
        let _lock = lock("guests");
        let out = target().join("guests");
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        for (name, _) in env::vars_os() {
            // What cargo told this test is not meant for another cargo.
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_PKG_")
                || name.starts_with("CARGO_MANIFEST")
                || name == "RUSTFLAGS"
            {
                cargo.env_remove(&*name);
            }
        }
        let run = cargo
            .args(["build", "--quiet", "--release", "--target", "wasm32-wasip2"])
            .current_dir(repository().join("tests/guests"))
            .env("CARGO_TARGET_DIR", &out)
            .output()
            .expect("cargo can be started");
        assert!(
            run.status.success(),
            "tests/guests: {}",
            String::from_utf8_lossy(&run.stderr)
        );
        out.join(BUILT)
    });
    let file = folder.join(format!("{}.wasm", name.replace('-', "_")));
    assert!(file.is_file(), "there is no guest {name} in tests/guests");
    file
}

/// Holds other test programs off until it is dropped.
pub fn lock(name: &str) -> File {
    let folder = target().join("tests");
    fs::create_dir_all(&folder).expect("the target folder is writable");
    let file =
        File::create(folder.join(format!("{name}.lock"))).expect("the target folder is writable");
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)
        .expect("a file can be locked");
    file
}
