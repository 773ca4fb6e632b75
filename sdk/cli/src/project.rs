//! A plugin's folder: what is in it, and building it.

mod cargo;
mod mistakes;

use std::{
    ffi::OsString,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sat_client::errors::exit;

use crate::{failure::Failure, python};

/// What plugins are built for.
const TARGET: &str = "wasm32-wasip2";

/// A plugin's folder.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    /// Absolute.
    pub(crate) dir: PathBuf,
    /// Whether it is written in Python.
    pub(crate) python: bool,
}

impl Project {
    /// The project in a folder.
    pub(crate) fn at(dir: &Path) -> Result<Self, Failure> {
        let absolute = dir.canonicalize().map_err(|e| Failure::io(dir, &e))?;
        let has = |name: &str| absolute.join(name).is_file();
        let rust = has("Cargo.toml");
        let python = !rust && (has("plugin.py") || has("pyproject.toml"));
        if !rust && !python {
            let message = format!(
                "{} is no plugin's folder, it has neither Cargo.toml nor plugin.py: `sat plugin new NAME` \
                 makes one",
                dir.display()
            );
            return Err(Failure::new(exit::NOT_FOUND, message));
        }
        Ok(Self {
            dir: absolute,
            python,
        })
    }

    /// Builds the plugin, with the build's own output shown, and returns the file.
    pub(crate) fn build(&self, release: bool) -> Result<PathBuf, Failure> {
        if self.python {
            return python::build(&self.dir);
        }
        mistakes::look(self)?;
        let cargo = self.cargo()?;
        let mut command = self.command(&cargo_program());
        command.args([
            "build",
            "--target",
            TARGET,
            "--message-format",
            "json-render-diagnostics",
        ]);
        if release {
            command.arg("--release");
        }
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| no_cargo(&e))?;
        let mut file = None;
        if let Some(output) = child.stdout.take() {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                file = artifact(&line, &cargo.manifest).or(file);
            }
        }
        let status = child.wait().map_err(|e| no_cargo(&e))?;
        if !status.success() {
            return Err(Failure::error("The plugin can't be built, see above"));
        }
        file.ok_or_else(|| Failure::error("cargo says of no file that it is the plugin"))
    }

    /// The file that the last release build left.
    pub(crate) fn built(&self) -> Result<PathBuf, Failure> {
        let file = if self.python {
            python::built(&self.dir)
        } else {
            let cargo = self.cargo()?;
            let folder = cargo.target.join(TARGET).join("release");
            Some(folder.join(format!("{}.wasm", cargo.library.replace('-', "_"))))
        };
        file.filter(|f| f.is_file()).ok_or_else(|| {
            let message = format!("{} isn't built yet: `sat plugin build`", self.dir.display());
            Failure::new(exit::NOT_FOUND, message)
        })
    }

    /// Runs the tests of the plugin's own logic.
    pub(crate) fn native_tests(&self) -> Result<(), Failure> {
        if self.python {
            return python::test(&self.dir);
        }
        mistakes::look(self)?;
        let mut command = self.command(&cargo_program());
        let status = command.arg("test").status().map_err(|e| no_cargo(&e))?;
        if status.success() {
            Ok(())
        } else {
            Err(Failure::error("Tests fail, see above"))
        }
    }

    /// What cargo knows of the project.
    fn cargo(&self) -> Result<Cargo, Failure> {
        let mut command = self.command(&cargo_program());
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        let output = command
            .stderr(Stdio::inherit())
            .output()
            .map_err(|e| no_cargo(&e))?;
        if !output.status.success() {
            return Err(Failure::error("cargo can't read the project, see above"));
        }
        let metadata: cargo::Metadata = serde_json::from_slice(&output.stdout)
            .map_err(|e| Failure::error(format!("cargo metadata: {e}")))?;
        let manifest = self.dir.join("Cargo.toml");
        let mut packages = metadata.packages.into_iter();
        let package = packages.find(|p| p.manifest_path == manifest);
        let package = package.ok_or_else(|| {
            Failure::error(format!(
                "{} has no [package]: go into the plugin's folder",
                manifest.display()
            ))
        })?;
        let library = package.targets.into_iter().find(cargo::Target::is_cdylib);
        let library = library.ok_or_else(|| {
            let message = "Cargo.toml makes no component: write\n  [lib]\n  crate-type = [\"cdylib\"]\nand \
                           keep the plugin in src/lib.rs";
            Failure::new(exit::DATA, message)
        })?;
        Ok(Cargo {
            manifest,
            library: library.name,
            target: metadata.target_directory,
        })
    }

    fn command(&self, program: &OsString) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.dir);
        command
    }
}

/// What cargo knows of a project.
struct Cargo {
    /// Its `Cargo.toml`.
    manifest: PathBuf,
    /// Name of its library.
    library: String,
    /// Where builds go.
    target: PathBuf,
}

/// The component in a line of cargo's, if that is of this package.
fn artifact(line: &str, manifest: &Path) -> Option<PathBuf> {
    let artifact: cargo::Artifact = serde_json::from_str(line).ok()?;
    if artifact.manifest_path != manifest || !artifact.target.is_cdylib() {
        return None;
    }
    let mut files = artifact.filenames.into_iter();
    files.find(|f| f.extension().is_some_and(|e| e == "wasm"))
}

fn cargo_program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn no_cargo(error: &std::io::Error) -> Failure {
    let message =
        format!("cargo can't be run ({error}): install Rust with rustup, https://rustup.rs");
    Failure::new(exit::MISSING_FEATURE, message)
}
