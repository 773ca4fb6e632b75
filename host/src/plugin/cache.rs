//! The compile cache: machine code that this host made, and can prove that it made.
//!
//! Loading machine code is running it. So each file carries a MAC under a key that only the
//! host's database holds, over the code and over what it was made from; anything else is
//! compiled again. Plugin folders never hold machine code.

use crate::{Error, Result, error::kind};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
};
use wasmtime::{Engine, component::Component};

/// Length of a MAC.
const MAC: usize = 32;

/// A folder of compiled components.
#[derive(Clone)]
pub struct Cache {
    folder: PathBuf,
    key: [u8; 32],
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cache({})", self.folder.display())
    }
}

/// SHA-256 of a plugin file.
pub type FileHash = [u8; 32];

/// The hash by which a plugin file is known.
pub fn hash(bytes: &[u8]) -> FileHash {
    Sha256::digest(bytes).into()
}

impl Cache {
    /// The cache in `folder`, whose files are authenticated under `key`.
    pub fn new(folder: PathBuf, key: [u8; 32]) -> Self {
        Self { folder, key }
    }

    /// Compiles a component, or takes what was compiled of the same bytes before.
    ///
    /// # Errors
    /// `bad-request` with the compiler's sentence when the bytes are no valid component.
    pub fn component(&self, engine: &Engine, bytes: &[u8], hash: &FileHash) -> Result<Component> {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let name: String = hash.iter().take(16).map(|b| format!("{b:02x}")).collect();
        let name = format!("{name}-{:016x}", hasher.finish());
        let path = self.folder.join(&name);
        if let Some(component) = self.load(engine, &path, &name) {
            return Ok(component);
        }
        let invalid = |e: wasmtime::Error| {
            Error::new(kind::BAD_REQUEST, format!("Not a valid component: {e:#}"))
        };
        let code = engine.precompile_component(bytes).map_err(invalid)?;
        if let Err(e) = self.save(&path, &name, &code) {
            tracing::warn!("Cannot write the compile cache, plugins will load slowly: {e}");
        }
        trusted(engine, &code).map_err(invalid)
    }

    fn load(&self, engine: &Engine, path: &PathBuf, name: &str) -> Option<Component> {
        let file = fs::read(path).ok()?;
        let (mac, code) = file.split_at_checked(MAC)?;
        self.mac(name, code).verify_slice(mac).ok()?;
        trusted(engine, code)
            .inspect_err(|e| tracing::debug!("Compiled again: {e:#}"))
            .ok()
    }

    fn save(&self, path: &PathBuf, name: &str, code: &[u8]) -> std::io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let temporary = path.with_extension("new");
        let mut file = self.mac(name, code).finalize().into_bytes().to_vec();
        file.extend_from_slice(code);
        fs::write(&temporary, file)?;
        fs::rename(temporary, path)
    }

    fn mac(&self, name: &str, code: &[u8]) -> Hmac<Sha256> {
        // HMAC pads a key to the hash's block of 64 bytes with zeros (RFC 2104).
        let mut block = [0; 64];
        block
            .iter_mut()
            .zip(self.key)
            .for_each(|(to, from)| *to = from);
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
        mac.update(name.as_bytes());
        mac.update(code);
        mac
    }
}

/// Loads machine code that this process made or whose MAC it has verified.
#[allow(unsafe_code)] // wasmtime can't check machine code; the MAC does.
fn trusted(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` comes from `Engine::precompile_component` of this host, see above.
    unsafe { Component::deserialize(engine, code) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_code_is_loaded() {
        let engine = crate::plugin::engine::engine().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().into(), [7; 32]);
        let bytes = &wat::parse_str("(component)").unwrap();
        let hash = hash(bytes);
        cache.component(engine, bytes, &hash).unwrap();
        let path = fs::read_dir(folder.path())
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(cache.load(engine, &path, name).is_some());
        assert!(
            Cache::new(folder.path().into(), [8; 32])
                .load(engine, &path, name)
                .is_none()
        );
        let mut file = fs::read(&path).unwrap();
        *file.last_mut().unwrap() ^= 1;
        fs::write(&path, file).unwrap();
        assert!(cache.load(engine, &path, name).is_none());
        cache.component(engine, bytes, &hash).unwrap();
        assert!(cache.load(engine, &path, name).is_some());
    }
}
