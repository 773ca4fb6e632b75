//! The profile's stream: connecting, what comes of it, and going offline.

use super::Profile;
use crate::{
    Error, Result,
    error::kind,
    plugin::instance::Call,
    route::{incoming, outbox},
    wire::{self, Event, Security, Stream},
};
use minidom::Element;
use serde_json::json;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::AbortHandle,
};
use xmpp_parsers::jid::BareJid;
use zeroize::Zeroizing;

/// Where the XMPP password is sealed for.
pub(crate) const PASSWORD_CONTEXT: &str = "account.password";

/// The stream of a profile, if there is one.
pub(crate) struct Sessions {
    state: watch::Sender<State>,
    /// One connect or disconnect at a time.
    turn: tokio::sync::Mutex<()>,
    outbox: Mutex<Option<AbortHandle>>,
}

#[derive(Clone, Default)]
struct State {
    phase: Phase,
    error: Option<Error>,
    stream: Option<Stream>,
    bound: Option<String>,
    features: Option<Element>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Disconnected,
    Connecting,
    Connected,
    Waiting,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            state: watch::Sender::new(State::default()),
            turn: tokio::sync::Mutex::new(()),
            outbox: Mutex::default(),
        }
    }
}

impl Sessions {
    /// State for people, and why it isn't connected.
    pub(crate) fn state(&self) -> (&'static str, Option<Error>) {
        let state = self.state.borrow();
        let name = match state.phase {
            Phase::Disconnected => "disconnected",
            Phase::Connecting => "connecting",
            Phase::Connected => "connected",
            Phase::Waiting => "waiting",
        };
        (name, state.error.clone())
    }

    /// The stream while it carries stanzas.
    pub(crate) fn stream(&self) -> Option<Stream> {
        let state = self.state.borrow();
        state
            .stream
            .clone()
            .filter(|_| state.phase == Phase::Connected)
    }

    /// The full JID of the stream.
    pub(crate) fn bound(&self) -> Option<String> {
        let state = self.state.borrow();
        state
            .bound
            .clone()
            .filter(|_| state.phase == Phase::Connected)
    }

    /// The stream's features.
    pub(crate) fn features(&self) -> Option<Element> {
        let state = self.state.borrow();
        state
            .features
            .clone()
            .filter(|_| state.phase == Phase::Connected)
    }
}

impl Profile {
    /// Connects, and returns when the stream is bound, or with the reason why it isn't.
    /// Does nothing when there is a stream already.
    pub async fn connect(&self) -> Result<()> {
        let _turn = self.session.turn.lock().await;
        self.vault()?;
        if self.session.state.borrow().stream.is_some() {
            return match self.session.state.borrow().error.clone() {
                Some(error) if self.session.stream().is_none() => Err(error),
                _ => Ok(()),
            };
        }
        let account = self.wire_account().await?;
        let me = self.me.clone();
        let password = Arc::new(move || {
            let profile = me
                .upgrade()
                .ok_or_else(|| Error::new(kind::NOT_FOUND, "The profile was deleted"))?;
            profile.account_password()
        });
        self.session.state.send_replace(State {
            phase: Phase::Connecting,
            ..State::default()
        });
        let (stream, events) = wire::connect(account, password, self.shared.connector.clone());
        self.session
            .state
            .send_modify(|s| s.stream = Some(stream.clone()));
        let (first, bound) = oneshot::channel();
        if let Some(profile) = self.me.upgrade() {
            tokio::spawn(run(profile, stream, events, first));
        }
        bound
            .await
            .unwrap_or_else(|_| Err(Error::new(kind::CONNECTION_FAILED, "The stream ended")))
    }

    /// Closes the stream in an orderly way and waits until it is gone.
    pub async fn disconnect(&self) -> Result<()> {
        let stream = self.session.state.borrow().stream.clone();
        if let Some(stream) = stream {
            // Plugins say goodbye while there is a stream: there is nothing for them to do yet.
            stream.close();
            let mut state = self.session.state.subscribe();
            state.wait_for(|s| s.stream.is_none()).await.ok();
        }
        Ok(())
    }

    async fn wire_account(&self) -> Result<wire::Account> {
        let account = self.db.account().await?;
        Ok(wire::Account {
            jid: BareJid::new(&account.jid)
                .map_err(|e| Error::internal("Read the account's JID", e))?,
            resource: Some(account.resource),
            host: account.host,
            port: account.port,
            security: security(&account.security)?,
            ca_file: account.ca_file.map(PathBuf::from),
        })
    }

    fn account_password(&self) -> Result<Zeroizing<String>> {
        let sealed = self.sealed_password()?;
        let opened = self.vault()?.open(PASSWORD_CONTEXT, &sealed)?;
        let text = std::str::from_utf8(&opened)
            .map_err(|e| Error::internal("Read the account's password", e))?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

/// How the stream is secured, by the word that people use.
pub(crate) fn security(word: &str) -> Result<Security> {
    match word {
        "starttls" => Ok(Security::StartTls),
        "tls" => Ok(Security::DirectTls),
        "plain" => Ok(Security::Plain),
        other => Err(Error::new(
            kind::BAD_REQUEST,
            format!("security: {other:?} is none of \"starttls\", \"tls\" and \"plain\""),
        )),
    }
}

type First = oneshot::Sender<Result<()>>;

/// Takes what the stream brings, to its end.
async fn run(
    profile: Arc<Profile>,
    stream: Stream,
    mut events: mpsc::Receiver<Event>,
    first: First,
) {
    let mut first = Some(first);
    let mut was_bound = false;
    let mut reason = None;
    while let Some(event) = events.recv().await {
        match event {
            Event::Stanza(incoming) => incoming::receive(&profile, incoming).await,
            Event::Bound {
                jid,
                features,
                resumed,
            } => {
                if !resumed {
                    profile.iqs.fail_all();
                    if was_bound {
                        profile.tell_all(|| Call::Disconnected);
                    }
                }
                let first_time = !std::mem::replace(&mut was_bound, true);
                profile.session.state.send_modify(|s| {
                    s.phase = Phase::Connected;
                    s.error = None;
                    s.bound = Some(jid.to_string());
                    s.features = Some(features.clone());
                });
                if first_time {
                    let task =
                        tokio::spawn(outbox::run(profile.clone(), stream.clone())).abort_handle();
                    let old = profile
                        .session
                        .outbox
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .replace(task);
                    old.inspect(AbortHandle::abort);
                }
                profile.outbox.wake();
                profile.tell_connected(resumed);
                profile
                    .host_event(
                        "profile.connected",
                        json!({"jid": jid.to_string(), "resumed": resumed}),
                    )
                    .await;
                if let Some(first) = first.take() {
                    first.send(Ok(())).ok();
                }
            }
            Event::Sent(id) => {
                // Without stream management, written is all that can be known.
                let managed = profile
                    .session
                    .features()
                    .is_some_and(|f| f.children().any(|c| c.name() == "sm"));
                if !managed {
                    profile.outbox.acknowledged(number(id));
                }
            }
            Event::Acknowledged(id) => profile.outbox.acknowledged(number(id)),
            Event::Dropped(id) => profile.outbox.dropped(number(id)),
            Event::Lost { error, retry_in } => {
                tracing::info!(
                    profile = profile.name(),
                    "Connection lost, next try in {retry_in:?}: {error}"
                );
                profile.session.state.send_modify(|s| {
                    s.phase = Phase::Waiting;
                    s.error = Some(error.clone());
                });
                let data = json!({"kind": error.kind, "message": error.message, "retry_in_ms": retry_in.as_millis() as u64});
                profile.host_event("profile.interrupted", data).await;
            }
            Event::Ended { error } => {
                reason = error;
                break;
            }
        }
    }
    if let Some(task) = profile
        .session
        .outbox
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take()
    {
        task.abort();
    }
    profile.iqs.fail_all();
    profile.session.state.send_replace(State {
        error: reason.clone(),
        ..State::default()
    });
    if was_bound {
        profile.tell_all(|| Call::Disconnected);
        let data = match &reason {
            Some(e) => json!({"kind": e.kind, "message": e.message}),
            None => json!({}),
        };
        profile.host_event("profile.disconnected", data).await;
    }
    if let Some(first) = first {
        let closed = || {
            Error::new(
                kind::CONNECTION_FAILED,
                "The stream was closed before it was bound",
            )
        };
        first.send(Err(reason.unwrap_or_else(closed))).ok();
    }
}

fn number(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}
