//! A profile's data key: under which passwords it lies, and what it encrypts.
//!
//! As LUKS does it: the key is random, and each [`Slot`] holds it wrapped under a key that is
//! derived from one password (argon2id) or from one key file. So passwords come and go without
//! encrypting anything again. An empty password is allowed, and no protection.

mod derive;

use std::fmt;

use aes_gcm::{
    Aes256Gcm,
    aead::{Aead, KeyInit, Nonce, Payload},
};
use zeroize::Zeroizing;

pub use self::derive::{KEY_FILE_MIN, KdfParams, PASSWORD_MAX};
use crate::{
    error::{Error, Result, kind},
    store::Slot,
};

const KEY: usize = 32;
const NONCE: usize = 12;
/// First byte of what is sealed: how. Another way gets another number.
const VERSION: u8 = 1;
const PASSWORD: &str = "password";
const FILE: &str = "file";

/// A slot to be stored.
pub type NewSlot = Slot;

/// A key of 256 bits, gone from memory with its owner.
type Key = Zeroizing<[u8; KEY]>;

/// An unlocked profile: its data key. Dropping it locks the profile.
#[derive(Clone)]
pub struct Vault {
    profile: String,
    key: Key,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(***)")
    }
}

impl Vault {
    /// Makes a data key for a new profile, and its first slot.
    ///
    /// `profile_id` is the profile's folder id, which never changes.
    pub async fn create(
        profile_id: &str,
        password: Zeroizing<String>,
        params: KdfParams,
    ) -> Result<(Self, NewSlot)> {
        let mut key = Key::default();
        random(key.as_mut())?;
        let vault = Self {
            profile: profile_id.to_owned(),
            key,
        };
        let slot = vault.password_slot("", password, params).await?;
        Ok((vault, slot))
    }

    /// Opens the profile with a password, whichever slot it fits.
    pub async fn unlock(
        profile_id: &str,
        slots: &[Slot],
        password: Zeroizing<String>,
    ) -> Result<Self> {
        let slots: Vec<Slot> = slots
            .iter()
            .filter(|slot| slot.kind == PASSWORD)
            .cloned()
            .collect();
        let profile = profile_id.to_owned();
        derive::one_at_a_time(move || {
            for slot in &slots {
                // A slot that was tampered with is passed over as one that doesn't fit.
                let Ok(params) = KdfParams::of_slot(slot) else {
                    continue;
                };
                let Ok(wrapping) = derive::from_password(&password, &slot.salt, params) else {
                    continue;
                };
                if let Some(key) = unwrap(&profile, slot, &wrapping) {
                    return Ok(Self { profile, key });
                }
            }
            Err(Error::new(
                kind::WRONG_PASSWORD,
                "The profile's password is wrong",
            ))
        })
        .await
    }

    /// Opens the profile with the contents of a key file, whichever slot it fits.
    pub fn unlock_with_file(profile_id: &str, slots: &[Slot], contents: &[u8]) -> Result<Self> {
        Self::file_slot_of(profile_id, slots, contents).map(|(vault, _)| vault)
    }

    /// The vault that a key file opens, and the id of the slot that it fits.
    pub fn file_slot_of(
        profile_id: &str,
        slots: &[Slot],
        contents: &[u8],
    ) -> Result<(Self, String)> {
        for slot in slots.iter().filter(|slot| slot.kind == FILE) {
            let wrapping = derive::from_file(contents, &slot.salt)?;
            if let Some(key) = unwrap(profile_id, slot, &wrapping) {
                let vault = Self {
                    profile: profile_id.to_owned(),
                    key,
                };
                return Ok((vault, slot.id.clone()));
            }
        }
        Err(Error::new(
            kind::WRONG_PASSWORD,
            "The key file doesn't open this profile",
        ))
    }

    /// Which slot a password fits, to know which one to remove.
    pub async fn find_slot(
        profile_id: &str,
        slots: &[Slot],
        password: Zeroizing<String>,
    ) -> Result<String> {
        for slot in slots {
            let one = std::slice::from_ref(slot);
            match Self::unlock(profile_id, one, password.clone()).await {
                Ok(_) => return Ok(slot.id.clone()),
                Err(error) if error.is(kind::WRONG_PASSWORD) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(
            kind::WRONG_PASSWORD,
            "The profile has no such password",
        ))
    }

    /// A slot that opens with this password too.
    pub async fn password_slot(
        &self,
        label: &str,
        password: Zeroizing<String>,
        params: KdfParams,
    ) -> Result<NewSlot> {
        if password.len() > PASSWORD_MAX {
            let sentence = format!("A password has at most {PASSWORD_MAX} bytes");
            return Err(Error::new(kind::BAD_REQUEST, sentence));
        }
        let slot = blank(PASSWORD, label, params)?;
        let vault = self.clone();
        derive::one_at_a_time(move || {
            let params = KdfParams::of_slot(&slot)?;
            let wrapping = derive::from_password(&password, &slot.salt, params)?;
            vault.wrap(slot, &wrapping)
        })
        .await
    }

    /// A slot that opens with the contents of a file, for starting unattended: at least
    /// [`KEY_FILE_MIN`] bytes, which must be random, for they are not made slow to guess.
    pub fn file_slot(&self, label: &str, contents: &[u8]) -> Result<NewSlot> {
        let slot = blank(FILE, label, KdfParams::NONE)?;
        let wrapping = derive::from_file(contents, &slot.salt)?;
        self.wrap(slot, &wrapping)
    }

    /// Encrypts a value for one place, named by `context`: it opens nowhere else.
    pub fn seal(&self, context: &str, plaintext: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE];
        random(&mut nonce)?;
        let aad = aad(&[b"value", self.profile.as_bytes(), context.as_bytes()]);
        let sealed = encrypt(&self.key, &nonce, plaintext, &aad)?;
        Ok([&[VERSION], nonce.as_slice(), sealed.as_slice()].concat())
    }

    /// Decrypts what [`Self::seal`] gave for the same context.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let aad = aad(&[b"value", self.profile.as_bytes(), context.as_bytes()]);
        let opened = match sealed.split_first() {
            Some((&VERSION, rest)) => rest
                .split_first_chunk::<NONCE>()
                .and_then(|(nonce, sealed)| decrypt(&self.key, nonce, sealed, &aad)),
            _ => None,
        };
        opened.ok_or_else(|| {
            Error::new(
                kind::STORAGE,
                "A secret was changed or moved in the profile's file",
            )
        })
    }

    fn wrap(&self, mut slot: NewSlot, wrapping: &Key) -> Result<NewSlot> {
        let nonce = slot.nonce.as_slice().try_into().unwrap_or_default();
        slot.wrapped = encrypt(
            wrapping,
            &nonce,
            self.key.as_slice(),
            &slot_aad(&self.profile, &slot),
        )?;
        Ok(slot)
    }
}

fn unwrap(profile: &str, slot: &Slot, wrapping: &Key) -> Option<Key> {
    let nonce = slot.nonce.as_slice().try_into().ok()?;
    let opened = decrypt(wrapping, &nonce, &slot.wrapped, &slot_aad(profile, slot))?;
    let mut key = Key::default();
    if opened.len() != KEY {
        return None;
    }
    key.copy_from_slice(&opened);
    Some(key)
}

/// A slot without its key yet.
fn blank(kind: &str, label: &str, params: KdfParams) -> Result<NewSlot> {
    let mut id = [0; 8];
    let mut salt = vec![0; 16];
    let mut nonce = vec![0; NONCE];
    random(&mut id)?;
    random(&mut salt)?;
    random(&mut nonce)?;
    Ok(Slot {
        id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
        kind: kind.to_owned(),
        label: label.to_owned(),
        m_kib: params.m_kib.into(),
        t: params.t.into(),
        p: params.p.into(),
        salt,
        nonce,
        wrapped: Vec::new(),
    })
}

/// What binds a wrapped key to its row: a slot from elsewhere or with other parameters is none.
fn slot_aad(profile: &str, slot: &Slot) -> Vec<u8> {
    let params = [slot.m_kib, slot.t, slot.p].map(i64::to_be_bytes).concat();
    aad(&[
        b"slot",
        profile.as_bytes(),
        slot.id.as_bytes(),
        slot.kind.as_bytes(),
        &params,
        &slot.salt,
    ])
}

/// The parts, each behind its length, so that no two lists give the same bytes.
fn aad(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

fn encrypt(key: &Key, nonce: &[u8; NONCE], msg: &[u8], aad: &[u8]) -> Result<Vec<u8>> {
    let cipher = Aes256Gcm::new((&**key).into());
    let nonce: &Nonce<Aes256Gcm> = nonce.into();
    cipher
        .encrypt(nonce, Payload { msg, aad })
        .map_err(|_| Error::internal("Encryption", "the value is too long"))
}

fn decrypt(key: &Key, nonce: &[u8; NONCE], msg: &[u8], aad: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let cipher = Aes256Gcm::new((&**key).into());
    let nonce: &Nonce<Aes256Gcm> = nonce.into();
    cipher
        .decrypt(nonce, Payload { msg, aad })
        .ok()
        .map(Zeroizing::new)
}

fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|error| Error::internal("Random numbers", error))
}

#[cfg(test)]
mod tests;
