//! Who is at the other end, and which profiles they may use.

use crate::{
    openrpc::Documents,
    tokens::{Grant, Guesses, Tokens, lock},
};
use sat_host::{Backend, Error, Profile, Result, error::kind};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What all connections share.
pub(crate) struct Door {
    pub(crate) backend: Backend,
    pub(crate) tokens: Tokens,
    pub(crate) guesses: Guesses,
    pub(crate) documents: Documents,
    /// The token file's token, if TCP is open.
    pub(crate) admin_token: Option<String>,
    /// Changes after each `profile.lock`, so that subscriptions look at their grants again.
    pub(crate) locks: watch::Sender<u64>,
}

/// How a client came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// The Unix socket, as the backend's own user.
    Unix,
    /// Loopback TCP.
    Tcp,
}

/// One WebSocket, or one request over plain HTTP.
pub(crate) struct Session {
    pub(crate) door: Arc<Door>,
    transport: Transport,
    /// Whether it can get notifications.
    pub(crate) is_websocket: bool,
    admin: AtomicBool,
    grants: Mutex<BTreeMap<String, u64>>,
    /// Its subscriptions by id.
    pub(crate) subscriptions: Mutex<BTreeMap<String, CancellationToken>>,
}

/// What a session may do with a profile.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It unlocked the profile, or brought its token.
    Granted(Grant),
    /// The profile has no password and the client is our own user.
    Open,
    /// Nothing.
    Denied,
}

impl Session {
    /// A session of somebody who passed the door with these bearer tokens; `None` when TCP's
    /// visitor brought none that is good.
    pub(crate) fn new<'a>(
        door: Arc<Door>,
        transport: Transport,
        is_websocket: bool,
        bearers: impl Iterator<Item = &'a str>,
    ) -> Option<Self> {
        let session = Self {
            door,
            transport,
            is_websocket,
            admin: AtomicBool::new(transport == Transport::Unix),
            grants: Mutex::default(),
            subscriptions: Mutex::default(),
        };
        let good = bearers
            .filter(|token| session.present(token).is_ok())
            .count();
        // A token that died is no reason to turn our own user away: what needs it says so.
        (good > 0 || transport == Transport::Unix).then_some(session)
    }

    /// Takes a token: the token file's, or a profile's.
    pub(crate) fn present(&self, token: &str) -> Result<()> {
        if self
            .door
            .admin_token
            .as_ref()
            .is_some_and(|t| crate::http::same_secret(t, token))
        {
            self.admin.store(true, Ordering::Relaxed);
            return Ok(());
        }
        let dead = || {
            Error::new(
                kind::PROFILE_LOCKED,
                "The token isn't good any more: call profile.unlock",
            )
        };
        let grant = self.door.tokens.grant(token).ok_or_else(dead)?;
        let profile = self
            .door
            .backend
            .profile(&grant.profile)
            .map_err(|_| dead())?;
        if profile.lock_epoch() != grant.epoch {
            return Err(dead());
        }
        self.remember(grant);
        Ok(())
    }

    /// Lets this session use a profile until it is locked.
    pub(crate) fn remember(&self, grant: Grant) {
        lock(&self.grants).insert(grant.profile, grant.epoch);
    }

    /// Whether this is the administrator.
    pub(crate) fn is_admin(&self) -> bool {
        self.admin.load(Ordering::Relaxed)
    }

    /// An error unless this is the administrator.
    pub(crate) fn need_admin(&self) -> Result<()> {
        if self.is_admin() {
            return Ok(());
        }
        Err(Error::new(
            kind::FORBIDDEN,
            "Only the administrator may do this: over TCP, give the token file's token",
        ))
    }

    /// What this session may do with a profile.
    pub(crate) fn access(&self, profile: &Profile) -> Access {
        let epoch = lock(&self.grants).get(profile.name()).copied();
        match epoch {
            Some(epoch) if epoch == profile.lock_epoch() => Access::Granted(Grant {
                profile: profile.name().to_owned(),
                epoch,
            }),
            _ if self.transport == Transport::Unix && profile.has_empty_password() => Access::Open,
            _ => Access::Denied,
        }
    }

    /// The profile of a call, unlocked.
    pub(crate) async fn profile(&self, key: &str) -> Result<Arc<Profile>> {
        let profile = self.door.backend.profile(key)?;
        match self.access(&profile) {
            Access::Granted(_) if profile.is_unlocked() => Ok(profile),
            Access::Open => {
                if !profile.is_unlocked() {
                    profile.unlock("").await?;
                }
                Ok(profile)
            }
            Access::Granted(_) | Access::Denied => Err(locked(profile.name())),
        }
    }

    /// Names of the profiles that this session may use.
    pub(crate) fn usable(&self) -> Vec<String> {
        let profiles = self.door.backend.profiles().into_iter();
        let may = |name: &str| {
            self.door
                .backend
                .profile(name)
                .is_ok_and(|p| self.access(&p) != Access::Denied)
        };
        profiles.map(|p| p.name).filter(|name| may(name)).collect()
    }
}

/// The error of a profile that this connection may not use.
pub(crate) fn locked(name: &str) -> Error {
    let text = format!(
        "Profile {name:?} is locked for this connection: call profile.unlock with its password, or give its token"
    );
    Error::new(kind::PROFILE_LOCKED, text)
}
