//! Signatures of plugin files: Ed25519 (RFC 8032) over all bytes of the file, in a custom section
//! `sat:signature` behind them, which has the public key and the signature.

use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sat_client::errors::exit;
use wasmparser::{Parser, Payload};

use crate::{failure::Failure, paint, plugin::Plugin, sdk};

/// Name of the section.
const SECTION: &str = "sat:signature";
/// Bytes of a public key and of a signature.
const KEY: usize = 32;
const SIGNATURE: usize = 64;
/// First line of a file with a secret key.
const HEADER: &str = "sat-plugin secret key";

/// What a file's signature says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signed {
    /// There is none.
    No,
    /// By the owner of this key, in base64, and nothing was changed since.
    By(String),
    /// It doesn't fit; why.
    Wrong(String),
}

/// Looks at the signature of a file. Whose key it is, is for the reader to know.
pub(crate) fn of(bytes: &[u8]) -> Signed {
    let Some((start, data, end)) = find(bytes) else {
        return Signed::No;
    };
    let wrong = |why: &str| Signed::Wrong(format!("{why}: take the file from its author again"));
    if end != bytes.len() {
        return wrong("Something was added behind the signature");
    }
    let message = bytes.get(..start).unwrap_or_default();
    let parts = data
        .split_first_chunk::<KEY>()
        .and_then(|(key, rest)| Some((key, <&[u8; SIGNATURE]>::try_from(rest).ok()?)));
    let Some((key, signature)) = parts else {
        return wrong("The section sat:signature has another length than a key and a signature");
    };
    let Ok(verifying) = VerifyingKey::from_bytes(key) else {
        return wrong("The section sat:signature has no valid key");
    };
    match verifying.verify_strict(message, &Signature::from_bytes(signature)) {
        Ok(()) => Signed::By(STANDARD.encode(key)),
        Err(_) => wrong("The signature doesn't fit: the file was changed after it was signed"),
    }
}

/// Start of the section, its content, and its end. Only the component's own sections count.
fn find(bytes: &[u8]) -> Option<(usize, &[u8], usize)> {
    let (mut depth, mut before, mut found) = (0usize, 0, None);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.ok()? {
            Payload::Version { range, .. } => {
                depth += 1;
                before = range.end;
            }
            Payload::End(offset) => {
                depth = depth.saturating_sub(1);
                before = offset;
            }
            Payload::CustomSection(section) if depth == 1 => {
                let range = section.range();
                if section.name() == SECTION && found.is_none() {
                    found = Some((before, section.data(), range.end));
                }
                before = range.end;
            }
            payload => {
                if let Some((_, range)) = payload.as_section() {
                    before = range.end;
                }
            }
        }
    }
    found
}

/// `sat plugin keygen`.
pub(crate) fn keygen(file: &Path) -> Result<(), Failure> {
    let mut seed = [0; KEY];
    getrandom::fill(&mut seed)
        .map_err(|e| Failure::error(format!("The system gives no random bytes: {e}")))?;
    let key = SigningKey::from_bytes(&seed);
    let text = format!("{HEADER}\n{}\n", STANDARD.encode(seed));
    // Never over another key, and for nobody else to read.
    let created = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    created
        .and_then(|mut f| f.write_all(text.as_bytes()))
        .map_err(|e| Failure::io(file, &e))?;
    let public = STANDARD.encode(key.verifying_key().as_bytes());
    let public_file = PathBuf::from(format!("{}.pub", file.display()));
    sdk::write(&public_file, format!("{public}\n").as_bytes())?;
    paint::line(&format!(
        "Secret key: {}, which nobody else must see\nPublic key: {public}, also in {}",
        file.display(),
        public_file.display()
    ))
}

/// `sat plugin sign`: replaces a signature that is there.
pub(crate) fn sign(file: &Path, key: &Path) -> Result<(), Failure> {
    let key = read_key(key)?;
    let mut bytes = fs::read(file).map_err(|e| Failure::io(file, &e))?;
    Plugin::read(&bytes)
        .map_err(|why| Failure::new(exit::DATA, format!("{}: {why}", file.display())))?;
    if let Some((start, _, end)) = find(&bytes) {
        if end != bytes.len() {
            let message = format!(
                "{}: something was added behind its signature: build it again, then sign",
                file.display()
            );
            return Err(Failure::new(exit::DATA, message));
        }
        bytes.truncate(start);
    }
    append(&mut bytes, &key);
    // As a whole or not at all: a backend may be looking.
    let draft = file.with_extension("wasm.new");
    sdk::write(&draft, &bytes)?;
    fs::rename(&draft, file).map_err(|e| Failure::io(file, &e))?;
    let public = STANDARD.encode(key.verifying_key().as_bytes());
    paint::line(&format!("{} is signed by {public}", file.display()))
}

fn append(bytes: &mut Vec<u8>, key: &SigningKey) {
    let signature = key.sign(bytes);
    let mut content = Vec::new();
    leb128(SECTION.len(), &mut content);
    content.extend_from_slice(SECTION.as_bytes());
    content.extend_from_slice(key.verifying_key().as_bytes());
    content.extend_from_slice(&signature.to_bytes());
    // Id 0 is a custom section.
    bytes.push(0);
    leb128(content.len(), bytes);
    bytes.extend_from_slice(&content);
}

fn leb128(mut number: usize, out: &mut Vec<u8>) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

fn read_key(file: &Path) -> Result<SigningKey, Failure> {
    let text = fs::read_to_string(file).map_err(|e| Failure::io(file, &e))?;
    let seed = text
        .strip_prefix(HEADER)
        .and_then(|rest| STANDARD.decode(rest.trim()).ok())
        .and_then(|seed| <[u8; KEY]>::try_from(seed).ok());
    let seed = seed.ok_or_else(|| {
        let message = format!(
            "{} is no secret key: `sat plugin keygen FILE` makes one",
            file.display()
        );
        Failure::new(exit::DATA, message)
    })?;
    Ok(SigningKey::from_bytes(&seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest component: its magic number and version.
    const EMPTY: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

    #[test]
    fn what_is_changed_is_noticed() {
        let key = SigningKey::from_bytes(&[7; KEY]);
        let mut bytes = EMPTY.to_vec();
        // A custom section "x" with two bytes.
        bytes.extend([0, 4, 1, b'x', 1, 2]);
        assert_eq!(of(&bytes), Signed::No);
        append(&mut bytes, &key);
        let public = STANDARD.encode(key.verifying_key().as_bytes());
        assert_eq!(of(&bytes), Signed::By(public));
        let changed = |at: usize| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            of(&bytes)
        };
        for at in [13, bytes.len() - 1, bytes.len() - SIGNATURE - 1] {
            assert!(matches!(changed(at), Signed::Wrong(_)), "{at}");
        }
        let mut longer = bytes.clone();
        longer.extend([0, 2, 1, b'y']);
        assert!(matches!(of(&longer), Signed::Wrong(why) if why.contains("behind")));
    }
}
