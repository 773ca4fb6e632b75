//! Requests to the web: `http::get("https://example.org/feed").await?.text()`.
//!
//! The manifest names the hosts (`[http] hosts`), and the permission is called `http`.

use crate::Error;
pub use crate::bindings::sat::host::http::{Request, Response, fetch};

/// Gets a page; any status but 2xx is an error.
pub async fn get(url: impl Into<String>) -> Result<Response, Error> {
    Request::new("GET", url).send().await?.ok()
}

impl Request {
    /// A request without headers and body, with the host's limits.
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: None,
            timeout_ms: None,
            max_bytes: None,
        }
    }

    /// With one more header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With a body and its type (`application/json`, say).
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self.header("content-type", content_type)
    }

    /// Sends it; an answer of any status is an answer.
    pub async fn send(self) -> Result<Response, Error> {
        fetch(self).await
    }
}

impl Response {
    /// The answer if its status is 2xx, else an error: `not-found` for 404 and 410, `forbidden`
    /// for 401 and 403, `http-error` for others.
    pub fn ok(self) -> Result<Self, Error> {
        let code = match self.status {
            200..300 => return Ok(self),
            404 | 410 => "not-found",
            401 | 403 => "forbidden",
            _ => "http-error",
        };
        let message = format!("{} answered with status {}", self.url, self.status);
        Err(Error::new(code, message))
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The whole body as UTF-8; an error when it isn't, or when it was cut.
    pub fn text(self) -> Result<String, Error> {
        if self.truncated {
            let message = format!("{} is longer than was asked for (max-bytes)", self.url);
            return Err(Error::new("limit-reached", message));
        }
        let url = self.url;
        String::from_utf8(self.body)
            .map_err(|_| Error::new("bad-text", format!("{url} is not UTF-8 text")))
    }
}
