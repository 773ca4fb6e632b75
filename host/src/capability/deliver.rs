//! `sat:host/deliver`: unwrapped messages into the pipeline.

use super::Caller;
use crate::{
    Error, Result,
    error::kind,
    plugin::{
        bindings::sat::host::{
            deliver::{self, Forwarded},
            types::Error as GuestError,
        },
        instance::{Ctx, Host},
    },
    route::{
        header::Origin,
        incoming::{Stage, message},
        stanza::{JABBER_CLIENT, bare},
    },
};
use minidom::Element;
use tokio::sync::oneshot;
use wasmtime::component::Accessor;

/// Messages that one call may deliver.
const BATCH: usize = 1000;

impl deliver::Host for Ctx {}

impl deliver::HostWithStore<Ctx> for Host {
    async fn deliver(
        accessor: &Accessor<Ctx, Self>,
        messages: Vec<Forwarded>,
    ) -> Result<(), GuestError> {
        let caller = Caller::of(accessor);
        Ok(run(&caller, messages).await?)
    }
}

async fn run(caller: &Caller, messages: Vec<Forwarded>) -> Result<()> {
    if messages.len() > BATCH {
        return Err(Error::new(
            kind::LIMIT,
            format!("At most {BATCH} messages can be delivered at once (BATCH)"),
        ));
    }
    let mut done = Vec::new();
    for forwarded in messages {
        let stanza: Element = forwarded.stanza.parse().map_err(|e| {
            Error::new(
                kind::BAD_REQUEST,
                format!("A delivered stanza is not well-formed XML: {e}"),
            )
        })?;
        if stanza.name() != "message" || !stanza.has_ns(JABBER_CLIENT) {
            return Err(Error::new(
                kind::BAD_REQUEST,
                "Only messages can be delivered",
            ));
        }
        let profile = &caller.profile;
        // The lane of the other side: the sender, or the receiver of what we sent ourselves.
        let from = stanza.attr("from").map_or(profile.account(), bare);
        let other = if from == profile.account() {
            stanza.attr("to").map_or(from, bare)
        } else {
            from
        };
        let lane = other.to_owned();
        let origin = Origin {
            via: forwarded.via,
            stamp: forwarded.stamp,
            stanza_id: forwarded.stanza_id,
        };
        let (finished, wait) = oneshot::channel::<()>();
        let (owner, depth) = (profile.clone(), caller.depth + 1);
        profile
            .lanes
            .push(&lane, async move {
                message(&owner, stanza, origin, Stage::Decrypt, depth).await;
                drop(finished);
            })
            .await;
        done.push(wait);
    }
    for wait in done {
        // Only ever dropped: the end of the work is the news.
        wait.await.ok();
    }
    Ok(())
}
