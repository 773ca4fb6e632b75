//! Accepting connections, and handing each to jsonrpsee behind our checks.

use crate::{
    Options, events,
    gate::Gated,
    http::{self, Denied},
    limits,
    listen::{self, Socket, Tcp},
    openrpc::Documents,
    rpc::Rpc,
    session::{Door, Session, Transport},
    tokens::{Guesses, Tokens},
};
use futures::{FutureExt, future::BoxFuture};
use hyper::{body::Incoming, http::StatusCode};
use jsonrpsee::{
    core::{BoxError, middleware::RpcServiceBuilder},
    server::{
        BatchRequestConfig, HttpBody, HttpRequest, HttpResponse, Methods, PingConfig,
        ServerBuilder, ServerConfig, StopHandle, serve_with_graceful_shutdown, stop_channel,
        ws::is_upgrade_request,
    },
};
use sat_host::{Backend, Error, Result};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, UnixListener},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};
use tokio_util::sync::CancellationToken;
use tower::Service;

/// How long connections have to finish their calls when the backend stops.
const DRAIN: Duration = Duration::from_secs(3);

/// What a connection over the limit gets.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Bound listeners: everything that can fail for a reason of the configuration has not failed.
pub struct Server {
    socket: Socket,
    tcp: Option<Tcp>,
}

impl Server {
    /// Binds the listeners. Needs no runtime, so that a daemon can report errors before it goes
    /// to the background.
    ///
    /// # Errors
    /// `conflict` when a backend listens there already; `forbidden` for an address that isn't
    /// loopback and a folder that isn't the user's own.
    pub fn bind(options: &Options) -> Result<Self> {
        let socket = listen::unix(&options.socket)?;
        let tcp = options
            .listen
            .map(|address| listen::tcp(address, &options.token_file))
            .transpose()?;
        Ok(Self { socket, tcp })
    }

    /// The address of the TCP listener, with the port that the system chose for port 0.
    pub fn tcp_port(&self) -> Option<u16> {
        self.tcp.as_ref().map(|tcp| tcp.port)
    }

    /// Serves until `shutdown`.
    pub async fn run(mut self, backend: Backend, shutdown: CancellationToken) -> Result<()> {
        let usable = |e: io::Error| Error::internal("Use a listener", e);
        let unix = UnixListener::from_std(self.socket.listener.try_clone().map_err(usable)?)
            .map_err(usable)?;
        let tcp = match &self.tcp {
            Some(tcp) => {
                let listener = TcpListener::from_std(tcp.listener.try_clone().map_err(usable)?)
                    .map_err(usable)?;
                Some((listener, tcp.port))
            }
            None => None,
        };
        let door = Arc::new(Door {
            backend,
            tokens: Tokens::default(),
            guesses: Guesses::default(),
            documents: Documents::default(),
            admin_token: self.tcp.as_mut().map(|tcp| std::mem::take(&mut tcp.token)),
            locks: watch::Sender::new(0),
        });
        let mut methods = Methods::new();
        methods
            .verify_and_insert(events::SUBSCRIBE, events::callback())
            .map_err(|e| Error::internal("Set up the methods", e))?;
        let (stop, stopper) = stop_channel();
        let room = Arc::new(Semaphore::new(limits::CONNECTIONS));
        let entry = Entry {
            door,
            methods,
            stop,
            builder: Arc::new(config()),
        };

        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = unix.accept() => accepted.map(|(io, _)| entry.visitor_unix(io, &room)),
                accepted = accept_tcp(tcp.as_ref()) => accepted.map(|(io, port)| {
                    io.set_nodelay(true).ok();
                    entry.admit(io, &room, Transport::Tcp, Some(port));
                }),
            };
            if let Err(e) = accepted {
                // Mostly: no file descriptors left. Trying again at once would only burn time.
                tracing::warn!("Cannot accept a connection: {e}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        // No new connections, and none of the sockets' files; calls that run may finish.
        drop((unix, tcp, self));
        stopper.stop().ok();
        let all = u32::try_from(limits::CONNECTIONS).unwrap_or(u32::MAX);
        tokio::time::timeout(DRAIN, room.acquire_many(all))
            .await
            .ok();
        Ok(())
    }
}

/// The next TCP connection; never when TCP isn't open.
async fn accept_tcp(tcp: Option<&(TcpListener, u16)>) -> io::Result<(tokio::net::TcpStream, u16)> {
    match tcp {
        Some((listener, port)) => Ok((listener.accept().await?.0, *port)),
        None => std::future::pending().await,
    }
}

fn config() -> ServerConfig {
    let ping = PingConfig::new()
        .ping_interval(limits::PING)
        .inactive_limit(limits::PING * 2)
        .max_failures(1);
    ServerConfig::builder()
        .max_request_body_size(limits::REQUEST)
        .max_response_body_size(u32::try_from(limits::ANSWER).unwrap_or(u32::MAX))
        .max_subscriptions_per_connection(limits::SUBSCRIPTIONS)
        .set_message_buffer_capacity(limits::BUFFER)
        // Counted by our own batch, which says so in our own words.
        .set_batch_request_config(BatchRequestConfig::Unlimited)
        .enable_ws_ping(ping)
        .build()
}

/// What it takes to serve a connection.
#[derive(Clone)]
struct Entry {
    door: Arc<Door>,
    methods: Methods,
    stop: StopHandle,
    builder: Arc<ServerConfig>,
}

impl Entry {
    /// Only our own user may come in by the Unix socket: the file's mode says so already, except
    /// to root.
    fn visitor_unix(&self, io: tokio::net::UnixStream, room: &Arc<Semaphore>) {
        match io.peer_cred() {
            Ok(peer) if peer.uid() == rustix::process::geteuid().as_raw() => {
                self.admit(io, room, Transport::Unix, None);
            }
            _ => tracing::warn!("Turned away another user's connection to the bridge"),
        }
    }

    fn admit<S>(&self, mut io: S, room: &Arc<Semaphore>, transport: Transport, port: Option<u16>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        match room.clone().try_acquire_owned() {
            Ok(permit) => {
                tokio::spawn(
                    self.clone()
                        .serve(Gated::new(io), Arc::new(permit), transport, port),
                );
            }
            Err(_) => {
                tokio::spawn(async move {
                    io.write_all(FULL).await.ok();
                    io.shutdown().await.ok();
                });
            }
        }
    }

    /// A boxed future: the compiler can't see through jsonrpsee's that it may move to a task.
    fn serve<S>(
        self,
        io: Gated<S>,
        permit: Arc<OwnedSemaphorePermit>,
        transport: Transport,
        port: Option<u16>,
    ) -> BoxFuture<'static, ()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let in_flight = Arc::new(Semaphore::new(limits::IN_FLIGHT));
        let stopped = self.stop.clone().shutdown();
        let service = tower::service_fn(move |request: hyper::Request<Incoming>| {
            let (entry, in_flight, permit) = (self.clone(), in_flight.clone(), permit.clone());
            entry
                .request(
                    request.map(HttpBody::new),
                    in_flight,
                    permit,
                    transport,
                    port,
                )
                .boxed()
        });
        let served = serve_with_graceful_shutdown(io, service, stopped);
        served
            .map(|result| {
                if let Err(e) = result {
                    tracing::debug!("A connection to the bridge ended: {e}");
                }
            })
            .boxed()
    }

    /// One HTTP request, which may become a WebSocket.
    async fn request(
        self,
        request: HttpRequest,
        in_flight: Arc<Semaphore>,
        permit: Arc<OwnedSemaphorePermit>,
        transport: Transport,
        port: Option<u16>,
    ) -> Result<HttpResponse, BoxError> {
        let is_websocket = is_upgrade_request(&request);
        let (parts, body) = request.into_parts();
        if let Err(denied) = http::check(&parts, port) {
            return Ok(deny(denied));
        }
        let bearers = http::bearers(&parts.headers);
        let Some(session) = Session::new(self.door, transport, is_websocket, bearers) else {
            let text = "Give the token file's token, or a profile's, as Authorization: Bearer\n";
            return Ok(deny(Denied(StatusCode::UNAUTHORIZED, text)));
        };
        let session = Arc::new(session);
        let layer = RpcServiceBuilder::new().layer_fn(move |inner| Rpc {
            inner,
            session: session.clone(),
            in_flight: in_flight.clone(),
        });
        let mut service = ServerBuilder::with_config((*self.builder).clone())
            .set_rpc_middleware(layer)
            .to_service_builder()
            .build(self.methods, self.stop);
        let closed = service.on_session_closed();
        if is_websocket {
            // The socket lives on after this request, and counts as long as it does.
            tokio::spawn(async move {
                closed.await;
                drop(permit);
            });
        }
        service.call(HttpRequest::from_parts(parts, body)).await
    }
}

fn deny(Denied(status, text): Denied) -> HttpResponse {
    let mut response = HttpResponse::new(HttpBody::from(text));
    *response.status_mut() = status;
    if status == StatusCode::UNAUTHORIZED {
        let bearer = hyper::header::HeaderValue::from_static("Bearer");
        response
            .headers_mut()
            .insert(hyper::header::WWW_AUTHENTICATE, bearer);
    }
    response
}
