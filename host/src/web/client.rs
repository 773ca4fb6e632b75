//! A request with its redirects: each URL is checked, each name is looked up once, and the
//! connection goes to an address that was checked.

use super::{
    allow::{Allow, Reach},
    net::{Connection, Net},
    request::Request,
};
use crate::{Error, Result, error::kind, plugin::bindings::sat::host::http};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, StatusCode,
    body::Incoming,
    client::conn::http1,
    header::{self, HeaderValue},
};
use hyper_util::rt::TokioIo;
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::{sync::Semaphore, task::JoinSet, time::timeout};
use url::{Host, Url};

/// Requests of a plugin in a profile at once; further ones wait for their turn.
pub(crate) const REQUESTS: usize = 4;
/// How long a request may take unless it says otherwise.
const TIME: Duration = Duration::from_secs(10);
/// Longest such time.
const LONGEST_TIME: Duration = Duration::from_secs(60);
/// How much of a body is read unless the request says otherwise.
const BODY: usize = 256 << 10;
/// Most of a body.
const LARGEST_BODY: usize = 1 << 20;
/// Redirects that are followed.
const REDIRECTS: usize = 5;
/// Headers of an answer.
const HEADERS: usize = 128;
/// All headers of an answer together, in bytes.
const HEAD: usize = 32 << 10;
/// Addresses of a host that are tried.
const ADDRESSES: usize = 4;
/// How long one address is tried.
const CONNECT: Duration = Duration::from_secs(5);

/// Asks on behalf of a plugin.
pub(crate) struct Client<'a, N> {
    pub(crate) net: &'a N,
    pub(crate) allow: Allow<'a>,
    /// What `User-Agent` says.
    pub(crate) agent: &'a str,
    /// [`REQUESTS`] turns.
    pub(crate) turns: &'a Semaphore,
}

impl<N: Net> Client<'_, N> {
    /// Sends a request, follows redirects, and reads the answer as far as it is wanted.
    pub(crate) async fn fetch(&self, request: http::Request) -> Result<http::Response> {
        let time = request.timeout_ms.map_or(TIME, Duration::from_millis);
        let time = time.min(LONGEST_TIME);
        let wanted = request.max_bytes.map_or(BODY, |bytes| bytes as usize);
        let request = Request::try_from(request)?;
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let answer = async {
            let _turn = self.turns.acquire().await;
            self.follow(request, wanted.min(LARGEST_BODY)).await
        };
        timeout(time, answer).await.unwrap_or_else(|_| {
            Err(Error::new(
                kind::TIMEOUT,
                format!("{host} didn't answer within {} ms", time.as_millis()),
            ))
        })
    }

    async fn follow(&self, mut request: Request, wanted: usize) -> Result<http::Response> {
        for _ in 0..=REDIRECTS {
            let exchange = self.ask(&request).await?;
            match request.redirected(exchange.status, &exchange.headers)? {
                Some(next) => request = next,
                None => return exchange.read(&request.url, wanted).await,
            }
        }
        Err(Error::new(
            kind::LIMIT,
            format!("The server redirects more than {REDIRECTS} times (REDIRECTS)"),
        ))
    }

    /// Sends one request and reads the head of its answer.
    async fn ask(&self, request: &Request) -> Result<Exchange> {
        let reach = self.allow.check(&request.url)?;
        let connection = self.connect(&request.url, reach).await?;
        let sent = outgoing(request, self.agent)?;
        let (mut sender, connection) = http1::Builder::new()
            .max_headers(HEADERS)
            .max_header_size(HEAD)
            .max_buf_size(2 * HEAD)
            .handshake(TokioIo::new(connection))
            .await
            .map_err(broken)?;
        let mut task = JoinSet::new();
        task.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a web server's connection ended");
            }
        });
        let answer = sender.send_request(sent).await.map_err(broken)?;
        let (head, body) = answer.into_parts();
        Ok(Exchange {
            status: head.status,
            headers: head.headers,
            body,
            _connection: task,
        })
    }

    /// Connects to the first address that is allowed and answers.
    async fn connect(&self, url: &Url, reach: Reach) -> Result<Box<dyn Connection>> {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or(80);
        let secure = (url.scheme() == "https").then(|| host.trim_end_matches('.'));
        let mut error = Error::new(
            kind::HOST_NOT_FOUND,
            format!("No server was found under the name {host}"),
        );
        let addresses = match url.host() {
            Some(Host::Ipv4(address)) => vec![SocketAddr::from((address, port))],
            Some(Host::Ipv6(address)) => vec![SocketAddr::from((address, port))],
            _ => self.net.resolve(host, port).await.unwrap_or_default(),
        };
        let mut tries = 0;
        for address in addresses {
            if let Err(what) = reach.admits(address.ip()) {
                error = not_public(host, address.ip(), what);
                continue;
            }
            if tries == ADDRESSES {
                break;
            }
            tries += 1;
            match timeout(CONNECT, self.net.connect(address, secure)).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(e)) => error = Error::new(e.kind, format!("{host}: {}", e.message)),
                Err(_) => {
                    error = Error::new(
                        kind::CONNECTION_FAILED,
                        format!("{host} doesn't answer on port {port}"),
                    );
                }
            }
        }
        Err(error)
    }
}

fn not_public(host: &str, address: IpAddr, what: &str) -> Error {
    let name = if address.to_string() == host.trim_matches(['[', ']']) {
        host.to_owned()
    } else {
        format!("The address of {host}")
    };
    Error::new(
        kind::FORBIDDEN,
        format!(
            "{name} is not public ({what}): plugins reach public addresses, and private ones only \
             with [plugins] http_private = true if the manifest names the host itself"
        ),
    )
}

/// The request as hyper sends it.
fn outgoing(request: &Request, agent: &str) -> Result<hyper::Request<Full<Bytes>>> {
    let url = &request.url;
    let internal = |e: &dyn std::fmt::Display| Error::internal("Make a request", e);
    let authority = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    let value = |text: &str| HeaderValue::from_str(text).map_err(|e| internal(&e));
    let target = url.query().map_or_else(
        || url.path().to_owned(),
        |query| format!("{}?{query}", url.path()),
    );
    let mut sent = hyper::Request::new(Full::new(request.body.clone()));
    *sent.method_mut() = request.method.clone();
    *sent.uri_mut() = target.parse().map_err(|e| internal(&e))?;
    let headers = sent.headers_mut();
    headers.insert(header::HOST, value(&authority)?);
    headers.insert(header::USER_AGENT, value(agent)?);
    headers.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static("identity"),
    );
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.extend(request.headers.clone());
    Ok(sent)
}

/// An answer whose body wasn't read yet. Dropping it closes the connection.
struct Exchange {
    status: StatusCode,
    headers: HeaderMap,
    body: Incoming,
    _connection: JoinSet<()>,
}

impl Exchange {
    async fn read(mut self, url: &Url, wanted: usize) -> Result<http::Response> {
        let (mut body, mut truncated) = (Vec::new(), false);
        while let Some(frame) = self.body.frame().await {
            let Ok(data) = frame.map_err(broken)?.into_data() else {
                continue;
            };
            let room = wanted - body.len();
            truncated = data.len() > room;
            body.extend_from_slice(&data.slice(..data.len().min(room)));
            if truncated {
                break;
            }
        }
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = self.headers.iter();
        Ok(http::Response {
            status: self.status.as_u16(),
            url: url.to_string(),
            headers: headers
                .map(|(name, value)| (name.to_string(), text(value)))
                .collect(),
            body,
            truncated,
        })
    }
}

fn broken(error: hyper::Error) -> Error {
    if error.is_parse_too_large() {
        return Error::new(
            kind::LIMIT,
            format!(
                "The server's answer has more than {HEADERS} headers (HEADERS) or {HEAD} bytes of them (HEAD)"
            ),
        );
    }
    let message = if error.is_parse() {
        format!("The server doesn't answer with HTTP: {error}")
    } else {
        format!("The server closed the connection: {error}")
    };
    Error::new(kind::CONNECTION_FAILED, message)
}
