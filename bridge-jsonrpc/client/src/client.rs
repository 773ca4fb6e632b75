//! The client: connect, call, subscribe.

use crate::{Address, Events, RpcError, Since, link::Link};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::{io, path::Path, sync::Arc, time::Duration};
use tokio::net::{TcpStream, UnixStream};

/// Longer than the longest wait of `events.poll`.
const TIMEOUT: Duration = Duration::from_secs(90);

/// A connection to the backend. Clones share it.
#[derive(Clone)]
pub struct Client {
    link: Arc<Link>,
    timeout: Duration,
}

impl Client {
    /// Connects; `token` is that of a profile, or over TCP the one of the token file.
    ///
    /// # Errors
    /// `not-running`, `forbidden` (somebody else's socket, or a token that isn't valid),
    /// `bridge-error`.
    pub async fn connect(address: &Address, token: Option<&str>) -> Result<Self, RpcError> {
        let link = match address {
            Address::Unix(path) => Link::open(unix(path).await?, "localhost", token).await?,
            Address::Tcp(address) => {
                let tcp = TcpStream::connect(address).await;
                let tcp = tcp.map_err(|e| absent(&address.to_string(), &e))?;
                tcp.set_nodelay(true).ok();
                Link::open(tcp, &address.to_string(), token).await?
            }
        };
        Ok(Self {
            link: Arc::new(link),
            timeout: TIMEOUT,
        })
    }

    /// Waits at most so long for answers.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Calls a method; the answer as JSON text.
    pub async fn call<P: Serialize + ?Sized>(
        &self,
        method: &str,
        params: &P,
    ) -> Result<Box<RawValue>, RpcError> {
        let params = serde_json::to_string(params).map_err(|e| {
            RpcError::new("bad-request", format!("The parameters aren't JSON: {e}"))
        })?;
        self.request(method, &params).await
    }

    /// Calls a method and reads the answer into a type.
    pub async fn call_as<T: DeserializeOwned, P: Serialize + ?Sized>(
        &self,
        method: &str,
        params: &P,
    ) -> Result<T, RpcError> {
        let answer = self.call(method, params).await?;
        serde_json::from_str(answer.get()).map_err(|e| {
            RpcError::new(
                "bad-answer",
                format!("The answer of {method} can't be read: {e}"),
            )
        })
    }

    /// Events of these topics (`*`, `chat.*`, `chat.message`); `since` tells for each profile
    /// from where on. `None`: all profiles that this connection may use, from now on.
    pub async fn subscribe_events(
        &self,
        topics: &[&str],
        since: Option<&Since>,
    ) -> Result<Events, RpcError> {
        let mut params = serde_json::json!({ "topics": topics });
        if let (Some(since), Some(object)) = (since, params.as_object_mut()) {
            object.insert("since".into(), serde_json::json!(since));
        }
        let (sender, queue) = Link::event_queue();
        let params = params.to_string();
        let answer = self.link.request("events.subscribe", &params, Some(sender));
        let answer = tokio::time::timeout(self.timeout, answer)
            .await
            .map_err(|_| late("events.subscribe"))??;
        let id = serde_json::from_str(answer.get())
            .map_err(|e| RpcError::new("bad-answer", format!("The subscription has no id: {e}")))?;
        Ok(Events {
            id,
            queue,
            since: since.cloned().unwrap_or_default(),
            link: self.link.clone(),
        })
    }

    async fn request(&self, method: &str, params: &str) -> Result<Box<RawValue>, RpcError> {
        let answer = tokio::time::timeout(self.timeout, self.link.request(method, params, None));
        answer.await.map_err(|_| late(method))?
    }
}

/// Connects to a socket of the same user: a password must not go to somebody who put a socket
/// there.
async fn unix(path: &Path) -> Result<UnixStream, RpcError> {
    let socket = UnixStream::connect(path)
        .await
        .map_err(|e| absent(&path.display().to_string(), &e))?;
    let peer = socket
        .peer_cred()
        .map_err(|e| absent(&path.display().to_string(), &e))?;
    if peer.uid() != rustix::process::geteuid().as_raw() {
        let text = format!("{} belongs to another user", path.display());
        return Err(RpcError::new("forbidden", text));
    }
    Ok(socket)
}

fn absent(place: &str, error: &io::Error) -> RpcError {
    let kind = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => "not-running",
        io::ErrorKind::PermissionDenied => "forbidden",
        _ => "bridge-error",
    };
    match kind {
        "not-running" => RpcError::new(
            kind,
            format!("No backend listens at {place}: start it with `sat`"),
        ),
        kind => RpcError::new(kind, format!("Cannot connect to {place}: {error}")),
    }
}

fn late(method: &str) -> RpcError {
    RpcError::new("timeout", format!("{method} was not answered in time"))
}
