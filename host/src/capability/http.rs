//! `sat:host/http`: requests to the web.

use super::Caller;
use crate::{
    plugin::{
        bindings::sat::host::{
            http::{self, Request, Response},
            types::Error as GuestError,
        },
        instance::{Ctx, Host},
    },
    web::{allow::Allow, client::Client, net::Way},
};
use wasmtime::component::Accessor;

impl http::Host for Ctx {}

impl http::HostWithStore<Ctx> for Host {
    async fn fetch(
        accessor: &Accessor<Ctx, Self>,
        request: Request,
    ) -> Result<Response, GuestError> {
        let caller = Caller::permitted(accessor, "http")?;
        let client = Client {
            net: &Way::new(caller.profile.shared.web.as_ref()),
            allow: Allow {
                hosts: caller.plugin.manifest.http_hosts(),
                private: caller.profile.shared.plugins.http_private,
            },
            agent: &format!("sat/{} (plugin {})", env!("CARGO_PKG_VERSION"), caller.id()),
            turns: &caller.quota.requests,
        };
        Ok(client.fetch(request).await?)
    }
}
