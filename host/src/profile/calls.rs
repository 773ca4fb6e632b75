//! Calls to features: from frontends by JSON, from plugins by values.

use super::Profile;
use crate::{
    Error, Result,
    error::kind,
    plugin::{
        ComponentFunc, Val,
        instance::{Answer, Call},
        linker::same_type,
        loaded::Method,
        names::Interface,
    },
};
use serde_json::{Map, Value, value::RawValue};
use std::sync::Arc;

impl Profile {
    /// Calls a method for a frontend.
    ///
    /// # Errors
    /// `bad-request` with the path to the fault in `params`; the plugin's own error; what
    /// [`crate::error::kind`] says of plugins that are gone or crash.
    pub async fn call(
        &self,
        method: &Method,
        params: &Map<String, Value>,
    ) -> Result<Box<RawValue>> {
        let catalog = self.catalog();
        // The caller may hold a method of a table that was swapped since.
        let method = catalog
            .methods
            .get(&method.name)
            .ok_or_else(|| gone(&method.name))?;
        let args = method.signature.params(params)?;
        let value = self.call_method(method, args, 0).await?;
        method.signature.result(&value)
    }

    /// Calls another plugin's feature for a plugin that was built against the type `wanted`.
    pub(crate) async fn call_feature(
        &self,
        interface: &str,
        function: &str,
        wanted: &ComponentFunc,
        args: Vec<Val>,
        depth: u8,
    ) -> Result<Val> {
        let catalog = self.catalog();
        let absent = || gone(&format!("{interface}#{function}"));
        let provider = catalog.provider(interface).ok_or_else(absent)?;
        let name = Interface::parse(interface)
            .ok_or_else(absent)?
            .method(function);
        let method = provider.methods.get(&name).ok_or_else(absent)?;
        // A value of another type would kill the provider's instance.
        if !same_type(wanted, &method.ty) {
            return Err(Error::new(
                kind::INCOMPATIBLE,
                format!(
                    "{name} of the loaded plugin {} {} has another type than its caller was built for",
                    provider.id(),
                    provider.manifest.version
                ),
            ));
        }
        self.call_method(method, args, depth).await
    }

    async fn call_method(&self, method: &Arc<Method>, args: Vec<Val>, depth: u8) -> Result<Val> {
        self.vault()?;
        let catalog = self.catalog();
        let plugin = catalog
            .plugin(&method.plugin)
            .ok_or_else(|| gone(&method.name))?;
        let instance = self.instance(plugin).ok_or_else(|| {
            Error::new(
                kind::NO_PROVIDER,
                format!(
                    "Plugin {} is switched off for profile {}",
                    plugin.id(),
                    self.name()
                ),
            )
        })?;
        match instance
            .call(Call::Feature(method.name.clone(), args), depth)
            .await?
        {
            Answer::Value(value) => Ok(value),
            _ => Err(Error::internal("Call a plugin", "it gave no value")),
        }
    }
}

fn gone(what: &str) -> Error {
    Error::new(kind::NO_PROVIDER, format!("No loaded plugin offers {what}"))
}
