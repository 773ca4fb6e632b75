//! From a password or a key file to the key that wraps a slot.

use argon2::{Algorithm, Argon2, Params, Version};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::{KEY, Key};
use crate::{
    error::{Error, Result, kind},
    store::Slot,
};

/// Longest password in bytes.
pub const PASSWORD_MAX: usize = 4096;
/// Shortest key file in bytes.
pub const KEY_FILE_MIN: usize = 32;

/// Highest parameters that are read: a slot that was tampered with must not allocate
/// terabytes or compute for years.
const MAX: KdfParams = KdfParams {
    m_kib: 1 << 20,
    t: 20,
    p: 8,
};

/// argon2id takes its memory times the number of callers: one at a time in the process, so that
/// many clients at once can't use up the machine.
static TURN: Semaphore = Semaphore::const_new(1);

/// How expensive it is to try a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KdfParams {
    /// Memory in KiB.
    pub m_kib: u32,
    /// Passes over it.
    pub t: u32,
    /// Lanes.
    pub p: u32,
}

impl KdfParams {
    /// What new slots get: 64 MiB and three passes, about 0.15 s.
    pub const STANDARD: Self = Self {
        m_kib: 64 << 10,
        t: 3,
        p: 1,
    };
    /// For slots that open without a password.
    pub(super) const NONE: Self = Self {
        m_kib: 0,
        t: 0,
        p: 0,
    };

    /// The parameters of a slot, when they are within bounds.
    pub(super) fn of_slot(slot: &Slot) -> Result<Self> {
        let read = |value: i64, max: u32| {
            u32::try_from(value)
                .ok()
                .filter(|&value| (1..=max).contains(&value))
        };
        match (
            read(slot.m_kib, MAX.m_kib),
            read(slot.t, MAX.t),
            read(slot.p, MAX.p),
        ) {
            (Some(m_kib), Some(t), Some(p)) => Ok(Self { m_kib, t, p }),
            _ => Err(Error::new(
                kind::BAD_REQUEST,
                "The key slot's parameters are out of bounds",
            )),
        }
    }
}

/// Runs argon2 on a blocking thread when its turn has come.
pub(super) async fn one_at_a_time<T, F>(work: F) -> Result<T>
where
    F: FnOnce() -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    let turn = TURN
        .acquire()
        .await
        .map_err(|error| Error::internal("Key derivation", error))?;
    // The turn ends with the work, also when the caller has stopped waiting for it.
    let outcome = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    outcome
        .await
        .unwrap_or_else(|error| Err(Error::internal("Key derivation", error)))
}

/// argon2id, version 1.3 (RFC 9106).
pub(super) fn from_password(password: &str, salt: &[u8], params: KdfParams) -> Result<Key> {
    let failed = |error| Error::internal("Key derivation", error);
    let KdfParams { m_kib, t, p } = params;
    let params = Params::new(m_kib, t, p, Some(KEY)).map_err(failed)?;
    let mut key = Key::default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, key.as_mut())
        .map_err(failed)?;
    Ok(key)
}

/// HKDF with SHA-256 (RFC 5869), one block of output.
pub(super) fn from_file(contents: &[u8], salt: &[u8]) -> Result<Key> {
    if contents.len() < KEY_FILE_MIN {
        return Err(Error::new(
            kind::BAD_REQUEST,
            format!("A key file has at least {KEY_FILE_MIN} bytes, random ones"),
        ));
    }
    let extracted = Zeroizing::new(hmac(salt, &[contents])?);
    Ok(Zeroizing::new(hmac(
        extracted.as_slice(),
        &[b"sat key slot", &[1]],
    )?))
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Result<[u8; KEY]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .map_err(|error| Error::internal("Key derivation", error))?;
    for part in parts {
        mac.update(part);
    }
    Ok(mac.finalize().into_bytes().into())
}
