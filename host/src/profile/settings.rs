//! Settings of a profile: the host's own and those that plugins declare.

use super::Profile;
use crate::{
    Error, Result,
    error::kind,
    plugin::{
        instance::Call,
        manifest::{Setting, SettingType},
    },
    store::ProfileDb,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::PoisonError};

/// Owner of the host's own settings.
pub(crate) const HOST: &str = "host";
/// The host's note that the profile opens without a password; not shown.
pub(crate) const EMPTY_PASSWORD: &str = "empty_password";
/// Connects when the backend starts, if the key can be had without a person.
pub(crate) const AUTOCONNECT: &str = "autoconnect";

pub(crate) type Settings = BTreeMap<(String, String), Value>;

/// The host's own settings.
fn host_settings() -> Vec<(&'static str, Setting)> {
    vec![(
        AUTOCONNECT,
        Setting {
            kind: SettingType::Bool,
            default: Value::Bool(false),
            label: "Connect when the backend starts; needs an empty password or a key file".into(),
        },
    )]
}

pub(crate) async fn load(db: &ProfileDb) -> Result<Settings> {
    let mut all = Settings::new();
    for owner in db.setting_owners().await? {
        for (name, value) in db.settings(&owner).await? {
            if let Ok(value) = serde_json::from_str(&value) {
                all.insert((owner.clone(), name), value);
            }
        }
    }
    Ok(all)
}

impl Profile {
    /// All settings with their values, by owner and name.
    pub async fn get_settings(&self) -> Result<Value> {
        let mut all = serde_json::Map::new();
        for (owner, name, setting) in self.declared() {
            let value = self
                .setting(&owner, &name)
                .unwrap_or_else(|| setting.default.clone());
            let shown = json!({"value": value, "type": setting.kind, "default": setting.default, "label": setting.label});
            let of_owner = all.entry(owner).or_insert_with(|| json!({}));
            if let Some(map) = of_owner.as_object_mut() {
                map.insert(name, shown);
            }
        }
        Ok(Value::Object(all))
    }

    /// Sets a setting of the host (owner `host`) or of a loaded plugin.
    pub async fn set_setting(&self, owner: &str, name: &str, value: Value) -> Result<()> {
        let declared = self.declared();
        let Some((_, _, setting)) = declared.iter().find(|(o, n, _)| o == owner && n == name)
        else {
            let known: Vec<_> = declared
                .iter()
                .map(|(o, n, _)| format!("{o}.{n}"))
                .collect();
            return Err(Error::new(
                kind::NOT_FOUND,
                format!(
                    "There is no setting {owner}.{name}; there are {}",
                    known.join(", ")
                ),
            ));
        };
        if !setting.kind.accepts(&value) {
            return Err(Error::new(
                kind::BAD_REQUEST,
                format!("{owner}.{name} is of type {:?}, not {value}", setting.kind),
            ));
        }
        self.store_setting(owner, name, value).await?;
        let catalog = self.catalog();
        if let Some(plugin) = catalog.plugin(owner)
            && plugin.hooks.contains_key("lifecycle")
            && let Some(instance) = self.instance(plugin)
        {
            self.tell(instance, Call::SettingsChanged(vec![name.to_owned()]));
        }
        Ok(())
    }

    pub(crate) async fn store_setting(&self, owner: &str, name: &str, value: Value) -> Result<()> {
        self.db.setting_set(owner, name, &value.to_string()).await?;
        let mut settings = self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        settings.insert((owner.to_owned(), name.to_owned()), value);
        Ok(())
    }

    /// The value that was set.
    pub(crate) fn setting(&self, owner: &str, name: &str) -> Option<Value> {
        let settings = self.settings.read().unwrap_or_else(PoisonError::into_inner);
        settings.get(&(owner.to_owned(), name.to_owned())).cloned()
    }

    fn declared(&self) -> Vec<(String, String, Setting)> {
        let host = host_settings()
            .into_iter()
            .map(|(name, s)| (HOST.to_owned(), name.to_owned(), s));
        let catalog = self.catalog();
        let plugins = catalog.plugins.iter().flat_map(|p| {
            p.manifest
                .settings
                .iter()
                .map(|(name, s)| (p.id().to_owned(), name.clone(), s.clone()))
        });
        host.chain(plugins).collect()
    }
}
