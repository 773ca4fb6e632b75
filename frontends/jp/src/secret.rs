//! Passwords: from a prompt, a file descriptor or standard input, never from the command line,
//! which others can read.

use std::{
    fs::File,
    io::{self, BufRead, IsTerminal, Read},
};

use crate::failure::Failure;

/// Longest password that is read, in bytes.
const LONGEST: usize = 4096;

/// A password; it has no `Debug` so that it doesn't get into a message.
pub(crate) struct Secret(String);

impl Secret {
    /// The password itself, for the parameter that needs it.
    pub(crate) fn into_string(self) -> String {
        self.0
    }

    /// Whether it protects nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Where a password comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source {
    /// The next line of standard input.
    Stdin,
    /// The first line of an open file descriptor.
    Descriptor(u32),
    /// The terminal.
    Prompt,
}

impl Source {
    /// What the options say.
    pub(crate) fn new(stdin: bool, descriptor: Option<u32>) -> Self {
        match descriptor {
            Some(number) => Self::Descriptor(number),
            None if stdin => Self::Stdin,
            None => Self::Prompt,
        }
    }

    /// Reads a password that exists.
    pub(crate) fn read(self, what: &str) -> Result<Secret, Failure> {
        let text = match self {
            Self::Stdin => {
                let mut text = String::new();
                let limit = u64::try_from(LONGEST).unwrap_or(u64::MAX).saturating_add(3);
                let mut stdin = io::stdin().lock();
                match stdin.by_ref().take(limit).read_line(&mut text) {
                    Ok(0) => {
                        return Err(Failure::usage(format!("{what}: standard input has ended")));
                    }
                    Ok(_) => line_end_off(text),
                    Err(error) => return Err(Failure::internal(what, error)),
                }
            }
            Self::Descriptor(number) => {
                let file = File::open(format!("/dev/fd/{number}"))
                    .map_err(|error| Failure::usage(format!("Descriptor {number}: {error}")))?;
                first_line(file).map_err(|error| Failure::internal(what, error))?
            }
            Self::Prompt => rpassword::prompt_password(format!("{what}: ")).map_err(|error| {
                let other = "--password-fd and --passwords-stdin take one without";
                Failure::usage(format!("{what}: no terminal to ask on ({error}); {other}"))
            })?,
        };
        if text.len() > LONGEST {
            return Err(Failure::usage(format!(
                "{what}: longer than {LONGEST} bytes"
            )));
        }
        Ok(Secret(text))
    }

    /// Reads a new password: on a terminal twice, since nobody sees what is typed.
    pub(crate) fn read_new(self, what: &str) -> Result<Secret, Failure> {
        let secret = self.read(what)?;
        if matches!(self, Self::Prompt) && !secret.is_empty() {
            let again = self.read("Once more")?;
            if again.0 != secret.0 {
                return Err(Failure::usage("The two aren't the same"));
            }
        }
        Ok(secret)
    }
}

/// Whether a person sits in front, who can be asked in between.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a yes or a no; no terminal means no.
pub(crate) fn agrees(question: &str) -> bool {
    if !can_ask() {
        return false;
    }
    crate::output::note(&format!("{question} [y/N]"));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

#[expect(
    clippy::unbuffered_bytes,
    reason = "what follows the line belongs to somebody else"
)]
fn first_line(file: File) -> io::Result<String> {
    let mut line = Vec::new();
    for byte in file.bytes().take(LONGEST.saturating_add(1)) {
        match byte? {
            b'\n' => break,
            byte => line.push(byte),
        }
    }
    String::from_utf8(line)
        .map(line_end_off)
        .map_err(|_| io::Error::other("it isn't UTF-8"))
}

fn line_end_off(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
    }
    if text.ends_with('\r') {
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    fn read(contents: &str) -> Result<String, Failure> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, contents).unwrap();
        let file = File::open(path).unwrap();
        let source = Source::new(false, u32::try_from(file.as_raw_fd()).ok());
        source.read_new("Password").map(Secret::into_string)
    }

    #[test]
    fn from_a_descriptor() {
        assert_eq!(read("O Romeo, \n more").unwrap(), "O Romeo, ");
        assert_eq!(read("x\r\n").unwrap(), "x");
        assert_eq!(read("").unwrap(), "");
        assert_eq!(read(&"x".repeat(LONGEST)).unwrap().len(), LONGEST);
        assert!(read(&"x".repeat(LONGEST + 1)).is_err());
        assert!(Source::Descriptor(9999).read("Password").is_err());
    }
}
