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
        header::{self, Origin},
        incoming::{Stage, message},
        stanza::JABBER_CLIENT,
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
        let caller = Caller::permitted(accessor, "deliver")?;
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
        let lane =
            header::lane(profile.account(), stanza.attr("from"), stanza.attr("to")).to_owned();
        let origin = Origin {
            via: forwarded.via,
            stamp: forwarded.stamp,
            stanza_id: forwarded.stanza_id,
        };
        let (finished, wait) = oneshot::channel::<()>();
        let (owner, depth) = (profile.clone(), caller.depth + 1);
        let work = async move {
            message(&owner, stanza, origin, Stage::Decrypt, depth).await;
            drop(finished);
        };
        if caller.lane.as_deref() == Some(&lane) {
            // The caller holds that lane, and would wait for itself.
            work.await;
        } else {
            profile.lanes.push(&lane, work).await;
        }
        done.push(wait);
    }
    for wait in done {
        // Only ever dropped: the end of the work is the news.
        wait.await.ok();
    }
    Ok(())
}
