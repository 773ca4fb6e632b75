//! `sat:host/peers`: what other entities are to the account.

use super::Caller;
use crate::{
    Error, Result,
    error::kind,
    plugin::{
        bindings::sat::host::{
            peers::{self, Peer},
            types::{Error as GuestError, PeerKind},
        },
        instance::{Ctx, Host},
    },
    route::peers::Claim,
};
use wasmtime::component::Accessor;

impl peers::Host for Ctx {}

impl peers::HostWithStore<Ctx> for Host {
    async fn claim(accessor: &Accessor<Ctx, Self>, claims: Vec<Peer>) -> Result<(), GuestError> {
        let caller = Caller::permitted(accessor, "peers")?;
        let claims = claims.into_iter().map(|peer| {
            let claim = match peer.kind {
                PeerKind::Contact => Claim::Contact,
                PeerKind::Room => Claim::Room,
                PeerKind::Occupant => Claim::Occupant,
                _ => {
                    let sentence = "Only contacts, rooms and occupants can be claimed; the rest follows from the JID";
                    return Err(Error::new(kind::BAD_REQUEST, sentence));
                }
            };
            Ok((peer.jid, claim))
        });
        let claims: Vec<_> = claims.collect::<Result<_>>()?;
        caller.profile.peers.claim(caller.id(), claims);
        Ok(())
    }

    async fn release(accessor: &Accessor<Ctx, Self>, jids: Vec<String>) -> Result<(), GuestError> {
        let caller = Caller::permitted(accessor, "peers")?;
        caller.profile.peers.release(caller.id(), Some(&jids));
        Ok(())
    }
}
