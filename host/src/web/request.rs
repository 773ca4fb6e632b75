//! What a plugin may send: a request, checked, and where its redirects lead.

use crate::{Error, Result, error::kind, plugin::bindings::sat::host::http};
use bytes::Bytes;
use hyper::{
    HeaderMap, Method, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use url::Url;

/// Longest URL.
const URL: usize = 8 << 10;
/// Most headers of a request.
const REQUEST_HEADERS: usize = 64;
/// All headers of a request together, in bytes.
const REQUEST_HEAD: usize = 16 << 10;
/// Largest body of a request.
const REQUEST_BODY: usize = 1 << 20;

const METHODS: [Method; 6] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// Headers that belong to the connection (RFC 9110 §7.6.1) or that the host sets itself.
const OURS: [HeaderName; 14] = [
    header::HOST,
    header::USER_AGENT,
    header::ACCEPT_ENCODING,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHORIZATION,
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::EXPECT,
];

/// A request that may be sent, if its host may be asked.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

fn refuse(message: impl Into<String>) -> Error {
    Error::new(kind::BAD_REQUEST, message)
}

fn limit(message: String) -> Error {
    Error::new(kind::LIMIT, message)
}

impl Request {
    /// Checks what a plugin asks for.
    pub(super) fn check(
        method: &str,
        address: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Result<Self> {
        let found = METHODS.iter().find(|known| known.as_str() == method);
        let method = found.cloned().ok_or_else(|| {
            refuse(format!(
                "The method {method:?} is none of GET, HEAD, POST, PUT, PATCH, DELETE"
            ))
        })?;
        if address.len() > URL {
            return Err(limit(format!("A URL has at most {URL} bytes (URL)")));
        }
        let parsed = Url::parse(address).map_err(|e| refuse(format!("The URL is wrong: {e}")))?;
        if body.is_some() && matches!(method, Method::GET | Method::HEAD) {
            return Err(refuse(format!("A {method} has no body")));
        }
        let body = body.unwrap_or_default();
        if body.len() > REQUEST_BODY {
            return Err(limit(format!(
                "A request's body has at most {REQUEST_BODY} bytes (REQUEST_BODY)"
            )));
        }
        Ok(Self {
            method,
            url: checked(parsed)?,
            headers: headers_of(headers)?,
            body: body.into(),
        })
    }

    /// What to ask next, when an answer is a redirect.
    pub(super) fn redirected(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Option<Self>> {
        let location = match (status.as_u16(), headers.get(header::LOCATION)) {
            (301 | 302 | 303 | 307 | 308, Some(location)) => location,
            _ => return Ok(None),
        };
        let location = std::str::from_utf8(location.as_bytes())
            .ok()
            .filter(|location| location.len() <= URL)
            .and_then(|location| self.url.join(location).ok())
            .ok_or_else(|| refuse("The server redirects to something that is no URL"))?;
        let mut next = Self {
            url: checked(location)?,
            ..self.clone()
        };
        if self.url.scheme() == "https" && next.url.scheme() == "http" {
            return Err(Error::new(
                kind::FORBIDDEN,
                format!(
                    "The server redirects to {} without encryption",
                    next.url.host_str().unwrap_or_default()
                ),
            ));
        }
        // RFC 9110 §15.4: 303 asks for another thing, and after 301 and 302 clients do so too.
        let becomes_get = match status.as_u16() {
            303 => self.method != Method::HEAD,
            301 | 302 => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            next.method = Method::GET;
            next.body = Bytes::new();
            for name in [
                header::CONTENT_TYPE,
                header::CONTENT_ENCODING,
                header::CONTENT_LANGUAGE,
                header::CONTENT_LOCATION,
            ] {
                next.headers.remove(name);
            }
        }
        if self.url.origin() != next.url.origin() {
            next.headers.remove(header::AUTHORIZATION);
            next.headers.remove(header::COOKIE);
        }
        Ok(Some(next))
    }
}

/// A URL that can be asked, without its fragment.
fn checked(mut url: Url) -> Result<Url> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse(format!(
            "{}: is not on the web; only http: and https: are",
            url.scheme()
        )));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse(
            "A URL must not have a user name or password: send the header Authorization",
        ));
    }
    url.set_fragment(None);
    Ok(url)
}

fn headers_of(headers: &[(String, String)]) -> Result<HeaderMap> {
    let bytes: usize = headers.iter().map(|(n, v)| n.len() + v.len() + 4).sum();
    if headers.len() > REQUEST_HEADERS || bytes > REQUEST_HEAD {
        return Err(limit(format!(
            "A request has at most {REQUEST_HEADERS} headers (REQUEST_HEADERS) with {REQUEST_HEAD} bytes (REQUEST_HEAD)"
        )));
    }
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| refuse(format!("{name:?} is no name of a header")))?;
        if OURS.contains(&parsed) {
            return Err(refuse(format!("The header {name} is set by the backend")));
        }
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            refuse(format!(
                "The header {name} has a value with control characters"
            ))
        })?;
        map.append(parsed, value);
    }
    Ok(map)
}

impl TryFrom<http::Request> for Request {
    type Error = Error;

    fn try_from(request: http::Request) -> Result<Self> {
        let http::Request {
            method,
            url,
            headers,
            body,
            ..
        } = request;
        Self::check(&method, &url, &headers, body)
    }
}
