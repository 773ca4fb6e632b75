//! `sat:host/settings`: what people set for the plugin.

use crate::plugin::{
    bindings::sat::host::{settings, types::Json},
    instance::Ctx,
};

impl settings::Host for Ctx {
    fn get(&mut self, name: String) -> Option<Json> {
        let declared = self.plugin.manifest.settings.get(&name)?;
        let value = self.profile.setting(self.plugin.id(), &name);
        Some(Json {
            text: value.as_ref().unwrap_or(&declared.default).to_string(),
        })
    }
}
