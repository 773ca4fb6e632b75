//! Asks web servers.

use bindings::exports::acme::fetcher::fetcher::{self, Page};
use sat_sdk::{Error, http};

sat_sdk::plugin!(Fetcher);

struct Fetcher;

impl fetcher::Guest for Fetcher {
    async fn fetch(asked: fetcher::Request) -> Result<Page, Error> {
        let mut request = http::Request::new(&asked.method, asked.url);
        if let Some(value) = asked.test {
            request = request.header("x-test", value);
        }
        if let Some(body) = asked.body {
            request = request.body("text/plain", body);
        }
        request.timeout_ms = asked.timeout_ms;
        request.max_bytes = asked.max_bytes;
        let answer = request.send().await?;
        let headers = answer.headers.iter();
        Ok(Page {
            status: answer.status,
            url: answer.url.clone(),
            test: headers
                .filter(|(name, _)| name == "x-test")
                .map(|(_, value)| value.clone())
                .collect(),
            body: String::from_utf8_lossy(&answer.body).into_owned(),
            truncated: answer.truncated,
        })
    }

    async fn text(url: String) -> Result<String, Error> {
        http::get(url).await?.text()
    }
}
