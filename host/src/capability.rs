//! What the host offers to plugins, one file for each interface of `sat:host`.

mod deliver;
mod features;
mod http;
mod log;
mod peers;
mod secrets;
mod settings;
mod storage;
mod timers;
mod xmpp;

use crate::{
    Error, Result,
    plugin::{
        bindings::sat::{host, plugin},
        instance::{CallState, Ctx, Host, caller},
        loaded::LoadedPlugin,
        quota::Quota,
    },
    profile::Profile,
};
use std::sync::Arc;
use wasmtime::component::Accessor;

impl From<Error> for host::types::Error {
    fn from(e: Error) -> Self {
        Self {
            code: e.kind.into_owned(),
            message: e.message,
        }
    }
}

/// On whose behalf a host function runs.
struct Caller {
    profile: Arc<Profile>,
    plugin: Arc<LoadedPlugin>,
    quota: Arc<Quota>,
    depth: u8,
    /// The lane of the stanza that is being dealt with.
    lane: Option<String>,
}

impl Caller {
    fn of(accessor: &Accessor<Ctx, Host>) -> Self {
        accessor.with(|mut access| {
            // Outside of a call there is no depth to count.
            let (depth, lane) =
                caller(&mut access, |call| (call.depth, call.lane.clone())).unwrap_or_default();
            let ctx = access.get();
            Self {
                profile: ctx.profile.clone(),
                plugin: ctx.plugin.clone(),
                quota: ctx.quota.clone(),
                depth,
                lane,
            }
        })
    }

    /// The same, when the plugin may use the interface.
    fn permitted(accessor: &Accessor<Ctx, Host>, permission: &str) -> Result<Self> {
        let caller = Self::of(accessor);
        let shared = &caller.profile.shared;
        shared.permit(caller.id(), permission).map(|()| caller)
    }

    /// Waits until the plugin may send one more stanza.
    async fn stanza(&self) -> Result<()> {
        let per_second = self.profile.shared.plugins.stanzas_per_second;
        self.quota.stanza(per_second, self.profile.clock()).await
    }

    fn id(&self) -> &str {
        self.plugin.id()
    }
}

/// Changes the state of the call that the guest makes this from.
fn with_call<R>(accessor: &Accessor<Ctx, Host>, f: impl FnOnce(&mut CallState) -> R) -> Option<R> {
    accessor.with(|mut access| caller(&mut access, f)).ok()
}

impl host::types::Host for Ctx {}
impl plugin::filter_types::Host for Ctx {}
