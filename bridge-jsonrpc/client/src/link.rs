//! One WebSocket: a task that writes, a task that reads, and who waits for what.

use crate::{Event, RpcError, errors::Wire};
use futures::io::{BufReader, BufWriter};
use serde::Deserialize;
use serde_json::value::RawValue;
use soketto::{
    Data, Incoming,
    handshake::{Client as Handshake, ServerResponse, client::Header},
};
use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{mpsc, oneshot},
};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

/// Requests that wait to be written; callers wait beyond that.
const OUTGOING: usize = 64;
/// Events that wait for their reader; one that lags further has to subscribe again.
const EVENTS: usize = 1024;
/// The server answers with at most 4 MiB.
const MAX_MESSAGE: usize = 8 << 20;

type Answer = Result<Box<RawValue>, RpcError>;
type EventQueue = mpsc::Sender<Result<Event, RpcError>>;
type Io<S> = BufReader<BufWriter<Compat<S>>>;

/// A connection; it ends when the last handle is dropped.
pub(crate) struct Link {
    outgoing: mpsc::Sender<String>,
    shared: std::sync::Arc<Shared>,
    next_id: AtomicU64,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Why the connection ended.
    closed: Option<RpcError>,
    waiting: HashMap<u64, Waiting>,
    subscriptions: HashMap<String, EventQueue>,
}

struct Waiting {
    answer: oneshot::Sender<Answer>,
    /// Set for a subscription: its events may follow the answer at once.
    events: Option<EventQueue>,
}

/// Anything that the server sends.
#[derive(Deserialize)]
struct Message<'a> {
    id: Option<u64>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<Wire>,
    #[serde(borrow)]
    params: Option<Notification<'a>>,
}

#[derive(Deserialize)]
struct Notification<'a> {
    subscription: String,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    error: Option<Wire>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody who waits that nothing more comes.
    fn close(&self, error: RpcError) {
        let mut state = self.state();
        if state.closed.is_some() {
            return;
        }
        for (_, waiting) in state.waiting.drain() {
            waiting.answer.send(Err(error.clone())).ok();
        }
        for (_, queue) in state.subscriptions.drain() {
            queue.try_send(Err(error.clone())).ok();
        }
        state.closed = Some(error);
    }
}

impl Link {
    /// Upgrades a fresh connection to a WebSocket.
    pub(crate) async fn open<S>(io: S, host: &str, token: Option<&str>) -> Result<Self, RpcError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let authorization = token.map(|t| format!("Bearer {t}"));
        let headers: Vec<Header<'_>> = authorization
            .iter()
            .map(|a| Header {
                name: "Authorization",
                value: a.as_bytes(),
            })
            .collect();
        let io = BufReader::new(BufWriter::new(io.compat()));
        let mut handshake = Handshake::new(io, host, "/");
        handshake.set_headers(&headers);
        match handshake.handshake().await {
            Ok(ServerResponse::Accepted { .. }) => {}
            Ok(ServerResponse::Rejected {
                status_code: 401 | 403,
            }) => {
                return Err(RpcError::new(
                    "forbidden",
                    "The backend wants a token that is valid",
                ));
            }
            Ok(ServerResponse::Rejected {
                status_code: 429 | 503,
            }) => {
                return Err(RpcError::new(
                    "limit-reached",
                    "The backend has too many connections",
                ));
            }
            Ok(other) => return Err(broken(format!("the handshake was answered with {other:?}"))),
            Err(e) => return Err(broken(e)),
        }
        let mut builder = handshake.into_builder();
        builder.set_max_message_size(MAX_MESSAGE);
        let (sender, receiver) = builder.finish();
        let (outgoing, queue) = mpsc::channel(OUTGOING);
        let shared = std::sync::Arc::new(Shared::default());
        tokio::spawn(write(sender, queue, shared.clone()));
        tokio::spawn(read(receiver, shared.clone()));
        Ok(Self {
            outgoing,
            shared,
            next_id: AtomicU64::new(1),
        })
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn request(
        &self,
        method: &str,
        params: &str,
        events: Option<EventQueue>,
    ) -> Answer {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (answer, waiter) = oneshot::channel();
        {
            let mut state = self.shared.state();
            if let Some(error) = &state.closed {
                return Err(error.clone());
            }
            state.waiting.insert(id, Waiting { answer, events });
        }
        let _forget = Forget {
            shared: &self.shared,
            id,
        };
        self.outgoing
            .send(request_text(id, method, params))
            .await
            .map_err(|_| self.reason())?;
        waiter.await.map_err(|_| self.reason())?
    }

    /// A queue for the events of a subscription.
    pub(crate) fn event_queue() -> (EventQueue, mpsc::Receiver<Result<Event, RpcError>>) {
        mpsc::channel(EVENTS)
    }

    /// Ends a subscription without waiting.
    pub(crate) fn unsubscribe(&self, id: &str) {
        if self.shared.state().subscriptions.remove(id).is_some() {
            let params = serde_json::json!({ "subscription": id }).to_string();
            let call = self.next_id.fetch_add(1, Ordering::Relaxed);
            // Should the queue be full, the subscription's notifications are ignored.
            self.outgoing
                .try_send(request_text(call, "events.unsubscribe", &params))
                .ok();
        }
    }

    fn reason(&self) -> RpcError {
        self.shared
            .state()
            .closed
            .clone()
            .unwrap_or_else(|| broken("it was closed"))
    }
}

/// Takes a request out of the table, also when its caller stopped waiting.
struct Forget<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.shared.state().waiting.remove(&self.id);
    }
}

fn request_text(id: u64, method: &str, params: &str) -> String {
    let method = serde_json::Value::from(method);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{method},"params":{params}}}"#)
}

async fn write<S>(
    mut sender: soketto::Sender<Io<S>>,
    mut queue: mpsc::Receiver<String>,
    shared: std::sync::Arc<Shared>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(text) = queue.recv().await {
        let mut result = sender.send_text_owned(text).await;
        // Several requests go out with one system call.
        while let (Ok(()), Ok(text)) = (&result, queue.try_recv()) {
            result = sender.send_text_owned(text).await;
        }
        if result.is_ok() {
            result = sender.flush().await;
        }
        if let Err(e) = result {
            shared.close(broken(e));
            return;
        }
    }
    sender.close().await.ok();
}

async fn read<S>(mut receiver: soketto::Receiver<Io<S>>, shared: std::sync::Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut data = Vec::new();
    loop {
        data.clear();
        match receiver.receive(&mut data).await {
            Ok(Incoming::Data(Data::Text(_) | Data::Binary(_))) => deliver(&data, &shared),
            Ok(Incoming::Pong(_)) => {}
            Ok(Incoming::Closed(_)) => return shared.close(broken("the backend closed it")),
            Err(e) => return shared.close(broken(e)),
        }
    }
}

fn deliver(data: &[u8], shared: &Shared) {
    let Ok(message) = serde_json::from_slice::<Message<'_>>(data) else {
        return;
    };
    let mut state = shared.state();
    if let Some(id) = message.id {
        let Some(waiting) = state.waiting.remove(&id) else {
            return;
        };
        let answer = match (message.result, message.error) {
            (Some(result), _) => Ok(result.to_owned()),
            (None, Some(error)) => Err(RpcError::from(error)),
            (None, None) => Ok(RawValue::NULL.to_owned()),
        };
        if let (Ok(result), Some(queue)) = (&answer, waiting.events)
            && let Ok(id) = serde_json::from_str::<String>(result.get())
        {
            state.subscriptions.insert(id, queue);
        }
        waiting.answer.send(answer).ok();
    } else if let Some(params) = message.params {
        let Some(queue) = state.subscriptions.get(&params.subscription) else {
            return;
        };
        let item = match (params.event, params.error) {
            (Some(event), _) => serde_json::from_str(event.get())
                .map_err(|e| RpcError::new("bad-answer", format!("An event can't be read: {e}"))),
            (None, Some(error)) => Err(error.into()),
            (None, None) => return,
        };
        // Waiting here would hold up the answers of all calls. The reader sees the end of its
        // queue, and subscribes again from its last cursor.
        if queue.try_send(item).is_err() {
            state.subscriptions.remove(&params.subscription);
        }
    }
}

fn broken(cause: impl std::fmt::Display) -> RpcError {
    RpcError::new(
        "bridge-error",
        format!("The connection to the backend broke: {cause}"),
    )
}
