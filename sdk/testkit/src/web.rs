//! The web of a stage: pages that a scenario puts there, and nothing else.

use sat_host::PlayedWeb;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// Bytes that wait in a connection.
const PIPE: usize = 64 << 10;
/// Most bytes of a request's head.
const HEAD: u64 = 64 << 10;

/// Pages by their URLs. Clones are handles of the same.
#[derive(Debug, Clone, Default)]
pub struct Web(Arc<Mutex<BTreeMap<String, Page>>>);

#[derive(Debug, Clone)]
struct Page {
    status: u16,
    kind: &'static str,
    body: String,
}

impl Web {
    /// Answers `GET`s of a URL with a text, as HTML, JSON or plain by how it begins.
    pub fn put(&self, url: &str, body: &str) {
        let kind = match body.trim_start().chars().next() {
            Some('<') => "text/html; charset=utf-8",
            Some('{' | '[') => "application/json",
            _ => "text/plain; charset=utf-8",
        };
        self.answer(url, 200, kind, body);
    }

    /// Answers a URL with a status and nothing else.
    pub fn fail(&self, url: &str, status: u16) {
        self.answer(url, status, "text/plain", "");
    }

    fn answer(&self, url: &str, status: u16, kind: &'static str, body: &str) {
        let body = body.to_owned();
        let page = Page { status, kind, body };
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pages.insert(address(url).to_owned(), page);
    }

    /// The page under `host` and `path`; 404 when the host has others, none when it isn't there.
    fn page(&self, host: &str, path: &str) -> Option<Page> {
        let pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = pages.get(&format!("{host}{path}")) {
            return Some(page.clone());
        }
        let site = format!("{host}/");
        let known = pages.keys().any(|url| url.starts_with(&site));
        known.then(|| Page {
            status: 404,
            kind: "text/plain",
            body: String::new(),
        })
    }

    /// For the backend's options.
    pub(crate) fn played(&self) -> PlayedWeb {
        let web = self.clone();
        PlayedWeb::new(move |host| {
            web.page(host, "/")?;
            let (ours, theirs) = tokio::io::duplex(PIPE);
            let (web, host) = (web.clone(), host.to_owned());
            tokio::spawn(async move {
                // A client that has gone needs no answer.
                serve(theirs, &host, &web).await.ok();
            });
            Some(ours)
        })
    }
}

/// A URL without its scheme: plays have no TLS, and no two sites for one name.
fn address(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, address)| address)
}

/// Answers one request.
async fn serve(stream: DuplexStream, host: &str, web: &Web) -> std::io::Result<()> {
    let mut stream = stream.take(HEAD);
    let mut head = Vec::new();
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or("/");
    let Some(Page { status, kind, body }) = web.page(host, path) else {
        return Ok(());
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} Played\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.get_mut().write_all(answer.as_bytes()).await
}
