//! `events.subscribe`: events as notifications, replayed from a cursor and then live.
//!
//! Nothing is queued for a slow reader but the connection's small buffer: each log has a
//! follower with a position of its own, which reads from disk what the reader missed.

use super::{Source, sources, topics, write_event};
use crate::{
    core, fault, limits,
    params::{self, Args},
    rpc,
    session::{Session, locked},
    tokens::lock,
};
use futures::{FutureExt, future::join_all};
use jsonrpsee::server::{MethodCallback, MethodResponse, MethodSink, ResponsePayload};
use sat_host::{Error, Result};
use serde_json::value::RawValue;
use std::{fmt::Write, sync::Arc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The method, in the form that gets the connection's writing end from jsonrpsee.
pub(crate) fn callback() -> MethodCallback {
    MethodCallback::Subscription(Arc::new(|id, params, sink, state, mut extensions| {
        let id = id.into_owned();
        let params = params.as_str().map(|p| RawValue::from_string(p.to_owned()));
        let session = extensions.remove::<Arc<Session>>();
        let permit = state.subscription_permit;
        async move {
            let opened = async {
                let params = params
                    .transpose()
                    .map_err(|e| Error::internal("Read parameters", e))?;
                let session = session.ok_or_else(|| Error::internal("Subscribe", "no session"))?;
                open(session, params.as_deref(), sink).await
            };
            let subscription = match opened.await {
                Ok(subscription) => subscription,
                Err(e) => return rpc::answer(id, Err(e)),
            };
            let payload = ResponsePayload::success(subscription.id.clone());
            let (payload, written) = payload.notify_on_completion();
            tokio::spawn(async move {
                // The answer goes first, so that the client knows the id. In a batch nobody says
                // when it is written.
                written.await.ok();
                subscription.run().await;
                drop(permit);
            });
            MethodResponse::response(id, payload, limits::ANSWER)
        }
        .boxed()
    }))
}

struct Subscription {
    id: String,
    session: Arc<Session>,
    sink: MethodSink,
    topics: Vec<String>,
    sources: Vec<Source>,
    locks: watch::Receiver<u64>,
    cancel: CancellationToken,
}

async fn open(
    session: Arc<Session>,
    params: Option<&RawValue>,
    sink: MethodSink,
) -> Result<Subscription> {
    let method = core::find(super::SUBSCRIBE)
        .ok_or_else(|| Error::internal("Subscribe", "no such method"))?;
    let args = Args::check(params::parse(params)?, method.params)?;
    // Before the grants are looked at: no lock in between goes unseen.
    let locks = session.door.locks.subscribe();
    let topics = topics(&args)?;
    let sources = sources(&session, &args).await?;
    let id = crate::listen::secret()?
        .chars()
        .take(16)
        .collect::<String>();
    let cancel = CancellationToken::new();
    lock(&session.subscriptions).insert(id.clone(), cancel.clone());
    Ok(Subscription {
        id,
        session,
        sink,
        topics,
        sources,
        locks,
        cancel,
    })
}

impl Subscription {
    async fn run(self) {
        join_all(self.sources.iter().map(|source| self.follow(source))).await;
        lock(&self.session.subscriptions).remove(&self.id);
    }

    /// Sends the events of one log until somebody ends it.
    async fn follow(&self, source: &Source) {
        let mut follower = source.log.follow(source.after, self.topics.clone());
        let mut locks = self.locks.clone();
        loop {
            let events = tokio::select! {
                biased;
                () = self.cancel.cancelled() => return,
                () = self.sink.closed() => return,
                _ = locks.changed() => Ok(Vec::new()),
                events = follower.next() => events,
            };
            let events = match events {
                Ok(events) => events,
                Err(e) => return self.end(source, &e).await,
            };
            if source.is_locked() {
                return self.end(source, &locked(source.log.key())).await;
            }
            for event in events {
                let mut text = self.head();
                text.push_str(r#""event":"#);
                write_event(&event, limits::NOTIFICATION, &mut text);
                if !self.send(text).await {
                    return;
                }
            }
        }
    }

    /// Tells the client that no more comes from this log, and why.
    async fn end(&self, source: &Source, error: &Error) {
        let mut text = self.head();
        let profile = serde_json::Value::from(source.log.key());
        let _ = write!(
            text,
            r#""profile":{profile},"error":{}"#,
            fault::json(error)
        );
        self.send(text).await;
    }

    fn head(&self) -> String {
        format!(
            r#"{{"jsonrpc":"2.0","method":"events.event","params":{{"subscription":"{}","#,
            self.id
        )
    }

    /// Sends a notification. Who doesn't read for long loses the subscription and may take it up
    /// again from the last cursor; the connection's own deadline is the same.
    async fn send(&self, mut text: String) -> bool {
        text.push_str("}}");
        let Ok(json) = RawValue::from_string(text) else {
            tracing::error!("An event in the store isn't JSON");
            return true;
        };
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => false,
            sent = self.sink.send_timeout(json, limits::WRITE) => {
                if sent.is_err() {
                    self.cancel.cancel();
                }
                sent.is_ok()
            }
        }
    }
}
