//! A backend in this process, without its bridge.

use crate::{Result, prosody::PASSWORD};
use sat_host::{Backend, NewProfile, Options, PluginOptions, Profile, profile::vault::KdfParams};
use serde_json::{Map, Value};
use std::{path::Path, sync::Arc};

/// Starts a backend on `folder/local` with the plugins of `folder/plugins`.
pub(super) async fn backend(folder: &Path) -> Result<Backend> {
    let options = Options {
        // Costs nothing: deriving keys isn't measured.
        kdf: KdfParams {
            m_kib: 64,
            t: 1,
            p: 1,
        },
        // The wire and the host are measured, not the limit.
        plugins: PluginOptions {
            stanzas_per_second: 0,
            ..PluginOptions::default()
        },
        ..Options::new(folder.join("local"), vec![folder.join("plugins")])
    };
    let backend = Backend::start(options).await?;
    for plugin in backend.plugins() {
        if let Some(error) = plugin.error {
            return Err(format!("{}: {error}", plugin.file).into());
        }
    }
    Ok(backend)
}

/// Creates and opens a profile named like its account.
pub(super) async fn profile(
    backend: &Backend,
    name: &str,
    domain: &str,
    port: u16,
) -> Result<Arc<Profile>> {
    let new = NewProfile {
        profile: name.into(),
        password: String::new(),
        jid: format!("{name}@{domain}"),
        jid_password: PASSWORD.into(),
        host: Some("127.0.0.1".into()),
        port: Some(port),
        security: Some("plain".into()),
        ca_file: None,
    };
    backend.create_profile(new).await?;
    let profile = backend.profile(name)?;
    profile.unlock("").await?;
    Ok(profile)
}

/// Calls a method as the bridge does.
pub(super) async fn call(
    backend: &Backend,
    profile: &Profile,
    method: &str,
    params: &Map<String, Value>,
) -> Result<()> {
    let catalog = backend.catalog();
    let method = catalog
        .methods
        .get(method)
        .ok_or("there is no such method")?;
    profile.call(method, params).await?;
    Ok(())
}
