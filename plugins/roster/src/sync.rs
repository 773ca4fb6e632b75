//! Keeping the table equal to the server's roster.

use crate::{
    bindings::sat::roster::{
        events,
        types::{Contact, ContactRemoved},
    },
    item::{self, Item},
    table,
};
use sat_sdk::{
    Error, PeerKind, fail,
    peers::{self, Peer},
    xmpp,
};
use std::{cell::Cell, collections::BTreeMap};

thread_local! {
    /// Whether this instance has heard the whole roster on this stream. An instance that was
    /// dropped and started again asks once more, which costs little.
    static CURRENT: Cell<bool> = const { Cell::new(false) };

    /// Counts the changes of the table, to notice those that come while a request waits.
    static CHANGES: Cell<u64> = const { Cell::new(0) };
}

/// What the server offers when it can send changes only (RFC 6121 §2.6.1).
const VERSIONING: &str = "urn:xmpp:features:rosterver";

/// Whether the table is what the server has.
pub(crate) fn is_current() -> bool {
    CURRENT.get()
}

/// The stream is gone.
pub(crate) fn forget() {
    CURRENT.set(false);
}

/// Asks for the roster and makes the table equal to it.
pub(crate) async fn sync() -> Result<(), Error> {
    for _ in 0..5 {
        let changes = CHANGES.get();
        let answer = ask().await?;
        let known = table::all().await?;
        // A push that came meanwhile is newer than the answer: ask again.
        if changes == CHANGES.get() {
            replace(known, answer).await?;
            CURRENT.set(true);
            return Ok(());
        }
    }
    fail!("conflict", "the roster changes faster than it can be read");
}

/// Takes a roster push over (§2.1.6).
pub(crate) async fn push(item: Item, version: Option<String>) -> Result<(), Error> {
    CHANGES.set(CHANGES.get() + 1);
    match item {
        Item::Contact(contact) => {
            events::changed(contact.clone()).await;
            let jid = contact.jid.clone();
            table::change(&[contact], &[]).await?;
            peers::claim(vec![claim(jid)]).await?;
        }
        Item::Removed(jid) => {
            events::removed(ContactRemoved { jid: jid.clone() }).await;
            table::change(&[], std::slice::from_ref(&jid)).await?;
            peers::release(vec![jid]).await?;
        }
    }
    table::set_version(version).await
}

/// The whole roster, or nothing when it is still the one that we have.
async fn ask() -> Result<Option<item::Query>, Error> {
    let versioning = xmpp::stream_features().is_some_and(|features| features.contains(VERSIONING));
    let version = if versioning {
        table::version().await?.or(Some(String::new()))
    } else {
        None
    };
    let answer = xmpp::get(None, item::request(version.as_deref())).await?;
    if answer.is_empty() && versioning {
        Ok(None)
    } else {
        item::parse(&answer).map(Some)
    }
}

/// Replaces what is known by the answer, and tells of the real differences.
async fn replace(known: Vec<Contact>, answer: Option<item::Query>) -> Result<(), Error> {
    let Some(query) = answer else {
        return claim_all(known.into_iter().map(|contact| contact.jid)).await;
    };
    CHANGES.set(CHANGES.get() + 1);
    let mut known: BTreeMap<String, Contact> = known
        .into_iter()
        .map(|contact| (contact.jid.clone(), contact))
        .collect();
    let (mut jids, mut changed) = (Vec::new(), Vec::new());
    for item in query.items {
        let Item::Contact(contact) = item else {
            continue;
        };
        jids.push(contact.jid.clone());
        if known.remove(&contact.jid).as_ref() != Some(&contact) {
            events::changed(contact.clone()).await;
            changed.push(contact);
        }
    }
    let gone: Vec<String> = known.into_keys().collect();
    for jid in gone.clone() {
        events::removed(ContactRemoved { jid }).await;
    }
    table::change(&changed, &gone).await?;
    claim_all(jids.into_iter()).await?;
    peers::release(gone).await?;
    table::set_version(query.version).await
}

async fn claim_all(jids: impl Iterator<Item = String>) -> Result<(), Error> {
    peers::claim(jids.map(claim).collect()).await
}

fn claim(jid: String) -> Peer {
    Peer {
        jid,
        kind: PeerKind::Contact,
    }
}
