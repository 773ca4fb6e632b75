//! `<local_dir>/sat.pid`: one backend per folder.
//!
//! The lock (flock) tells whether a backend runs, and ends with its process in every case; the
//! number in the file only says which one.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
    thread::sleep,
    time::Duration,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

const NAME: &str = "sat.pid";

/// [`holder`] of another process takes the lock for a moment: so often and so long is waited
/// before the folder counts as taken.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(10);

/// The lock of a folder, held as long as this lives.
#[derive(Debug)]
pub(crate) struct PidFile {
    file: File,
}

/// Why there is no lock.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Another backend has it.
    Held {
        /// Its process, where the file says so.
        pid: Option<u32>,
    },
    /// The file can't be used.
    Io(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl PidFile {
    /// Locks the folder for this process.
    pub(crate) fn lock(local_dir: &Path) -> Result<Self, Refused> {
        let path = local_dir.join(NAME);
        let options = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .clone();
        let mut file = options.open(path)?;
        for _ in 0..TRIES {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    file.set_len(0)?;
                    file.write_all(format!("{}\n", std::process::id()).as_bytes())?;
                    return Ok(Self { file });
                }
                Err(Errno::WOULDBLOCK) => sleep(PAUSE),
                Err(errno) => return Err(Refused::Io(errno.into())),
            }
        }
        Err(Refused::Held {
            pid: read_pid(&mut file)?,
        })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // The file stays: removing it could take away the lock of one that starts just now.
        let _ = self.file.set_len(0);
    }
}

/// The process of the backend that has the folder; none when none runs.
pub(crate) fn holder(local_dir: &Path) -> io::Result<Option<u32>> {
    let mut file = match File::open(local_dir.join(NAME)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    for _ in 0..TRIES {
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => return Ok(None),
            Err(Errno::WOULDBLOCK) => {
                if let Some(pid) = read_pid(&mut file)? {
                    return Ok(Some(pid));
                }
                // It has the lock and is about to write its number.
                sleep(PAUSE);
            }
            Err(errno) => return Err(errno.into()),
        }
    }
    Err(io::Error::other(
        "the lock is held, but sat.pid names no process",
    ))
}

fn read_pid(file: &mut File) -> io::Result<Option<u32>> {
    use std::io::Seek;
    // Room for any number: the file may be something else.
    const LONGEST: u64 = 32;
    file.rewind()?;
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text)?;
    Ok(text.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(holder(dir.path()).unwrap(), None);
        let lock = PidFile::lock(dir.path()).unwrap();
        assert_eq!(holder(dir.path()).unwrap(), Some(std::process::id()));
        let refused = PidFile::lock(dir.path()).unwrap_err();
        assert!(matches!(refused, Refused::Held { pid } if pid == Some(std::process::id())));
        drop(lock);
        assert_eq!(holder(dir.path()).unwrap(), None);
        PidFile::lock(dir.path()).unwrap();
    }

    #[test]
    fn a_stale_file_is_no_holder() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(NAME), "1\n").unwrap();
        assert_eq!(holder(dir.path()).unwrap(), None);
        let _lock = PidFile::lock(dir.path()).unwrap();
        let text = std::fs::read_to_string(dir.path().join(NAME)).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
    }

    #[test]
    fn a_look_does_not_refuse_a_start() {
        let dir = tempfile::tempdir().unwrap();
        drop(PidFile::lock(dir.path()).unwrap());
        let looking = File::open(dir.path().join(NAME)).unwrap();
        flock(&looking, FlockOperation::NonBlockingLockShared).unwrap();
        let looker = std::thread::spawn(move || {
            sleep(PAUSE.saturating_mul(3));
            drop(looking);
        });
        PidFile::lock(dir.path()).unwrap();
        looker.join().unwrap();
    }
}
