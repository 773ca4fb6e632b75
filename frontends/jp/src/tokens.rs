//! What `profile.unlock` returned, for the next commands: one file per backend and profile in
//! the user's runtime folder. Tokens die with the backend or when the profile is locked.

use std::{
    env,
    fs::{self, DirBuilder, OpenOptions},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Longer than any token.
const LONGEST: usize = 4096;

/// The tokens of one backend.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    folder: PathBuf,
    backend: String,
}

impl Tokens {
    /// Those of the backend with this name, which may be anything that tells it from others.
    pub(crate) fn of_user(backend: &str) -> Option<Self> {
        let absolute = |path: PathBuf| path.is_absolute().then_some(path);
        let variable = |name: &str| env::var_os(name).map(PathBuf::from).and_then(absolute);
        let home = || {
            env::home_dir()
                .and_then(absolute)
                .map(|home| home.join(".local/share"))
        };
        let folder = variable("XDG_RUNTIME_DIR")
            .map(|dir| dir.join("sat"))
            .or_else(|| {
                variable("XDG_DATA_HOME")
                    .or_else(home)
                    .map(|data| data.join("sat/run"))
            });
        Some(Self::in_folder(folder?.join("jp-tokens"), backend))
    }

    fn in_folder(folder: PathBuf, backend: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        backend.hash(&mut hasher);
        Self {
            folder,
            backend: format!("{:016x}", hasher.finish()),
        }
    }

    /// The token of a profile, if it was unlocked before.
    pub(crate) fn read(&self, profile: &str) -> Option<String> {
        let text = fs::read_to_string(self.file(profile)).ok()?;
        Some(text).filter(|text| !text.is_empty() && text.len() <= LONGEST)
    }

    /// Keeps a token for the next commands.
    pub(crate) fn write(&self, profile: &str, token: &str) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        let file = self.file(profile);
        // Renamed when it is whole, so that a command at the same time reads all or nothing.
        let fresh = file.with_added_extension(std::process::id().to_string());
        let _ = fs::remove_file(&fresh);
        let mut options = OpenOptions::new();
        let written = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)
            .and_then(|mut out| out.write_all(token.as_bytes()))
            .and_then(|()| fs::rename(&fresh, file));
        if written.is_err() {
            let _ = fs::remove_file(&fresh);
        }
        written
    }

    /// Forgets a token.
    pub(crate) fn remove(&self, profile: &str) {
        let _ = fs::remove_file(self.file(profile));
    }

    fn file(&self, profile: &str) -> PathBuf {
        // Any name becomes one that has no `/` and is no `..`.
        let mut name = format!("{}-", self.backend);
        for byte in profile.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_".contains(&byte) {
                name.push(char::from(byte));
            } else {
                name.push_str(&format!("%{byte:02x}"));
            }
        }
        self.folder.join(Path::new(&name))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn kept_private_and_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("sat/jp-tokens");
        let tokens = Tokens::in_folder(folder.clone(), "/run/a.sock");
        let other = Tokens::in_folder(folder.clone(), "/run/b.sock");
        for name in ["juliet", "@DEFAULT@", "../../x", "ü"] {
            assert_eq!(tokens.read(name), None);
            tokens.write(name, "first").unwrap();
            tokens.write(name, "second").unwrap();
            assert_eq!(tokens.read(name).as_deref(), Some("second"));
            assert_eq!(other.read(name), None);
        }
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        let files: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|f| f.unwrap().path())
            .collect();
        assert_eq!(files.len(), 4);
        assert!(files.iter().all(|file| mode(file) == 0o600));
        tokens.remove("juliet");
        assert_eq!(tokens.read("juliet"), None);
    }
}
