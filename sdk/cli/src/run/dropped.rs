//! The file in the plugin folder, which is gone again at the end, whatever the end is.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{failure::Failure, sdk};

/// A file that was dropped into the plugin folder.
pub(super) struct Dropped {
    file: PathBuf,
    /// What was there before.
    before: Option<Vec<u8>>,
    keep: bool,
    /// Whether the last `put` changed anything.
    pub(super) is_new: bool,
    put: bool,
}

impl Dropped {
    pub(super) fn new(file: PathBuf, keep: bool) -> Self {
        Self {
            before: fs::read(&file).ok(),
            file,
            keep,
            is_new: false,
            put: false,
        }
    }

    /// Its name, as `plugin.list` has it.
    pub(super) fn name(&self) -> String {
        let name = self.file.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Copies a built file there, whole at once; false when it is there already.
    pub(super) fn put(&mut self, built: &Path) -> Result<bool, Failure> {
        let bytes = fs::read(built).map_err(|e| Failure::io(built, &e))?;
        self.is_new = fs::read(&self.file).ok().as_ref() != Some(&bytes);
        self.put = true;
        if self.is_new {
            write_whole(&self.file, &bytes)?;
        }
        Ok(self.is_new)
    }

    /// Takes the file out, or puts back what was there before.
    pub(super) fn take_out(mut self) -> Result<(), Failure> {
        self.undo()
    }

    fn undo(&mut self) -> Result<(), Failure> {
        if self.keep || !std::mem::take(&mut self.put) {
            return Ok(());
        }
        match &self.before {
            Some(bytes) => write_whole(&self.file, bytes),
            None => fs::remove_file(&self.file).map_err(|e| Failure::io(&self.file, &e)),
        }
    }
}

impl Drop for Dropped {
    fn drop(&mut self) {
        if let Err(e) = self.undo() {
            crate::paint::error(&format!("The plugin couldn't be taken out again: {e}"));
        }
    }
}

/// The backend reads no hidden files, and the new name comes with the whole content.
fn write_whole(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let draft = file.with_file_name(format!(".{name}.new"));
    sdk::write(&draft, bytes)?;
    fs::rename(&draft, file).map_err(|e| Failure::io(file, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_the_folder_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (built, file) = (folder.path().join("built"), folder.path().join("a.wasm"));
        fs::write(&built, "new").unwrap();
        let mut dropped = Dropped::new(file.clone(), false);
        assert!(dropped.put(&built).unwrap());
        assert!(!dropped.put(&built).unwrap());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        drop(dropped);
        assert!(!file.exists());

        fs::write(&file, "old").unwrap();
        let mut dropped = Dropped::new(file.clone(), false);
        dropped.put(&built).unwrap();
        dropped.take_out().unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"old");

        let mut dropped = Dropped::new(file.clone(), true);
        dropped.put(&built).unwrap();
        drop(dropped);
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }
}
