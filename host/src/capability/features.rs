//! `sat:host/features`: what this account's client is and can do.

use super::Caller;
use crate::{
    Result,
    plugin::{
        bindings::sat::host::{
            features::{self, FeatureSet, Identity},
            types::Error as GuestError,
        },
        instance::{Ctx, Host},
    },
};
use wasmtime::component::Accessor;

impl features::Host for Ctx {
    fn all(&mut self) -> FeatureSet {
        let (identities, features) = self.profile.feature_set();
        FeatureSet {
            identities: identities
                .into_iter()
                .map(|i| Identity {
                    category: i.category,
                    kind: i.kind,
                    name: i.name,
                })
                .collect(),
            features: features.into_iter().collect(),
        }
    }
}

impl features::HostWithStore<Ctx> for Host {
    async fn set(accessor: &Accessor<Ctx, Self>, features: Vec<String>) -> Result<(), GuestError> {
        let caller = Caller::of(accessor);
        caller.profile.set_features(caller.id(), features);
        Ok(())
    }
}
