//! `sat:host/secrets`: small values under the profile's key.

use super::Caller;
use crate::{
    Result,
    plugin::{
        bindings::sat::host::{secrets, types::Error as GuestError},
        instance::{Ctx, Host},
    },
};
use wasmtime::component::Accessor;

impl secrets::Host for Ctx {}

/// The place that a secret is sealed for.
fn context(plugin: &str, name: &str) -> String {
    format!("secret.{plugin}.{name}")
}

impl secrets::HostWithStore<Ctx> for Host {
    async fn get(
        accessor: &Accessor<Ctx, Self>,
        name: String,
    ) -> Result<Option<Vec<u8>>, GuestError> {
        let caller = Caller::permitted(accessor, "secrets")?;
        let vault = caller.profile.vault()?;
        match caller.profile.db.secret_get(caller.id(), &name).await? {
            Some(sealed) => Ok(Some(
                vault.open(&context(caller.id(), &name), &sealed)?.to_vec(),
            )),
            None => Ok(None),
        }
    }

    async fn set(
        accessor: &Accessor<Ctx, Self>,
        name: String,
        value: Vec<u8>,
    ) -> Result<(), GuestError> {
        let caller = Caller::permitted(accessor, "secrets")?;
        let sealed = caller
            .profile
            .vault()?
            .seal(&context(caller.id(), &name), &value)?;
        Ok(caller
            .profile
            .db
            .secret_set(caller.id(), &name, sealed)
            .await?)
    }

    async fn delete(accessor: &Accessor<Ctx, Self>, name: String) -> Result<bool, GuestError> {
        let caller = Caller::permitted(accessor, "secrets")?;
        Ok(caller.profile.db.secret_delete(caller.id(), &name).await?)
    }
}
