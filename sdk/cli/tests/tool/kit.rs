//! Running the tool and changing what it made.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

/// The program.
pub(crate) const TOOL: &str = env!("CARGO_BIN_EXE_sat-plugin");

/// A folder outside of the repository.
pub(crate) struct Kit {
    folder: TempDir,
}

/// What the tool said.
pub(crate) struct Said {
    pub(crate) code: i32,
    /// Standard output and standard error.
    pub(crate) text: String,
}

impl Said {
    #[track_caller]
    pub(crate) fn has(&self, words: &str) -> &Self {
        assert!(self.text.contains(words), "no {words:?} in:\n{}", self.text);
        self
    }

    #[track_caller]
    pub(crate) fn lacks(&self, words: &str) -> &Self {
        assert!(!self.text.contains(words), "{words:?} in:\n{}", self.text);
        self
    }

    #[track_caller]
    pub(crate) fn ends(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{}", self.text);
        self
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        let code = output.status.code().expect("the tool wasn't killed");
        Self { code, text }
    }
}

impl Kit {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("sat-plugin-").tempdir();
        Self {
            folder: folder.expect("a folder"),
        }
    }

    /// With a new project. Names differ between tests, since all builds go to one folder.
    pub(crate) fn with(name: &str, template: &str) -> Self {
        let kit = Self::new();
        let said = kit.run(&["new", name, "--template", template]);
        said.ends(0);
        kit
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the tool in the folder.
    pub(crate) fn run(&self, words: &[&str]) -> Said {
        let output = self.command(words).output();
        output.expect("the tool can be started").into()
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(TOOL);
        for (name, _) in env::vars_os() {
            // What cargo told this test isn't meant for another cargo.
            let name = name.to_string_lossy();
            let told = ["CARGO_PKG_", "CARGO_MANIFEST", "CARGO_BIN_", "RUSTFLAGS"];
            if told.iter().any(|t| name.starts_with(t)) {
                command.env_remove(&*name);
            }
        }
        command
            .args(words)
            .current_dir(self.folder.path())
            .env("CARGO_TARGET_DIR", built())
            .env("CARGO_NET_OFFLINE", "true")
            // Always the same place, so that the SDK is compiled once.
            .env("XDG_DATA_HOME", built().join("sat-plugin-data"));
        command
    }

    /// Copies a folder of the repository here, without what building left in it.
    pub(crate) fn copy(&self, folder: &Path, name: &str) {
        let to = self.path(name);
        fs::create_dir_all(&to).expect("a folder");
        for entry in fs::read_dir(folder).expect("readable").flatten() {
            let file = entry.file_name();
            if ["target", "dist", "Cargo.lock"].iter().any(|n| *n == file) {
                continue;
            }
            let below = format!("{name}/{}", file.to_string_lossy());
            if entry.path().is_dir() {
                self.copy(&entry.path(), &below);
            } else {
                fs::copy(entry.path(), self.path(&below)).expect("readable");
            }
        }
    }

    /// Replaces a text in a project's file.
    #[track_caller]
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.path(file);
        let text = fs::read_to_string(&path).expect("readable");
        assert!(text.contains(from), "no {from:?} in {file}:\n{text}");
        fs::write(path, text.replace(from, to)).expect("writable");
    }

    /// The file that a build left.
    pub(crate) fn wasm(&self, name: &str) -> PathBuf {
        let name = format!("{}.wasm", name.replace('-', "_"));
        built().join("wasm32-wasip2/release").join(name)
    }

    /// Keeps a copy of what a build left.
    pub(crate) fn keep(&self, name: &str, copy: &str) -> PathBuf {
        let copy = self.path(copy);
        fs::copy(self.wasm(name), &copy).expect("it was built");
        copy
    }
}

/// Where `make plugins` leaves the plugins of the repository.
pub(crate) fn plugins() -> String {
    let folder = built().join("wasm32-wasip2/release");
    folder.display().to_string()
}

/// The target folder of the repository's plugins: what they link is compiled there already.
fn built() -> PathBuf {
    target().join("plugins")
}

/// Cargo's target folder.
fn target() -> PathBuf {
    let programs = Path::new(TOOL).parent();
    let target = programs.and_then(Path::parent);
    target.expect("a program lies in target/debug").to_owned()
}
