//! `sat:host/xmpp`: sending and asking.

use super::Caller;
use crate::{
    Error, Result,
    error::kind,
    plugin::{
        bindings::sat::host::{
            types::Error as GuestError,
            xmpp::{self, IqKind, IqRequest, Outgoing},
        },
        instance::{Ctx, Host},
    },
    route::{
        iq::{LONGEST_TIMEOUT, TIMEOUT},
        outgoing,
        stanza::{JABBER_CLIENT, set},
    },
    store::Commit,
};
use minidom::Element;
use std::time::Duration;
use wasmtime::component::Accessor;

impl xmpp::Host for Ctx {
    fn account(&mut self) -> String {
        self.profile.account().to_owned()
    }

    fn bound(&mut self) -> Option<String> {
        self.profile.session.bound()
    }

    fn stream_features(&mut self) -> Option<String> {
        self.profile.session.features().map(|f| String::from(&f))
    }
}

impl xmpp::HostWithStore<Ctx> for Host {
    async fn send(accessor: &Accessor<Ctx, Self>, request: Outgoing) -> Result<String, GuestError> {
        let caller = Caller::permitted(accessor, "xmpp")?;
        Ok(send(&caller, request).await?)
    }

    async fn iq(accessor: &Accessor<Ctx, Self>, request: IqRequest) -> Result<String, GuestError> {
        let caller = Caller::permitted(accessor, "xmpp")?;
        Ok(iq(&caller, request).await?)
    }
}

async fn send(caller: &Caller, request: Outgoing) -> Result<String> {
    if !request.durable {
        caller.stanza().await?;
        return outgoing::send(&caller.profile, caller.id(), &request.stanza, caller.depth).await;
    }
    let row = outgoing::compose(
        &caller.profile,
        caller.id(),
        &request.stanza,
        request.ttl_ms,
        caller.depth,
    )
    .await?;
    let id = row.stanza_id.clone();
    let commit = Commit {
        outbox: vec![row],
        ..Commit::default()
    };
    caller.profile.db.commit(caller.id(), commit).await?;
    caller.profile.outbox.wake();
    Ok(id)
}

async fn iq(caller: &Caller, request: IqRequest) -> Result<String> {
    let refuse = |m: String| Error::new(kind::BAD_REQUEST, m);
    let payload: Element = request
        .payload
        .parse()
        .map_err(|e| refuse(format!("The payload is not one well-formed element: {e}")))?;
    let mut iq = Element::bare("iq", JABBER_CLIENT);
    set(
        &mut iq,
        "type",
        if request.kind == IqKind::Get {
            "get"
        } else {
            "set"
        },
    );
    if let Some(to) = &request.to {
        set(&mut iq, "to", to);
    }
    iq.append_child(payload);
    let timeout = request
        .timeout_ms
        .map_or(TIMEOUT, Duration::from_millis)
        .min(LONGEST_TIMEOUT);
    let profile = &caller.profile;
    caller.stanza().await?;
    let question = profile
        .iqs
        .ask(caller.id(), profile.random_id(caller.id()), &mut iq);
    profile.send_now(iq).await?;
    let answer = question.wait(timeout, profile.clock()).await?;
    Ok(answer
        .map(|payload| String::from(&payload))
        .unwrap_or_default())
}
