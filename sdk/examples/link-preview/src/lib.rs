//! Shows what is behind the first link of a message.

mod page;
#[cfg(test)]
mod tests;

use bindings::{
    acme::link_preview::types::Preview,
    exports::{
        acme::link_preview::link_preview,
        sat::chat::events::{self, ChatMessage, ReadMark},
    },
    sat::{
        chat::{chat, types::Amendment},
        roster::roster,
    },
};
use sat_sdk::{Error, Json, OrLog, fail, http::Request, settings, xmpp::bare};
use serde_json::json;

sat_sdk::plugin!(LinkPreview);

struct LinkPreview;

/// The record whose values stand under this key.
const KEY: &str = "acme:link-preview/types.preview";
/// How much of a page is read. What it says about itself stands at its beginning.
const PAGE: u32 = 128 << 10;
/// How long a page may take, in milliseconds.
const TIME: u64 = 8000;

impl link_preview::Guest for LinkPreview {
    async fn get(url: String) -> Result<Preview, Error> {
        let mut request = Request::new("GET", url).header("accept", "text/html");
        (request.max_bytes, request.timeout_ms) = (Some(PAGE), Some(TIME));
        let answer = request.send().await?.ok()?;
        let kind = answer.header("content-type").unwrap_or_default();
        if !kind.starts_with("text/html") {
            fail!("no-preview", "{} is no web page: {kind}", answer.url);
        }
        // A page that was cut is fine, and so is one with a few odd bytes.
        let html = String::from_utf8_lossy(&answer.body);
        let Some(preview) = page::preview(&html, &answer.url) else {
            fail!("no-preview", "{} says nothing about itself", answer.url);
        };
        Ok(preview)
    }
}

impl events::Guest for LinkPreview {
    async fn message(message: ChatMessage) {
        let (Some(link), Some(id)) = (page::first_link(&message.body), message.message_id) else {
            return;
        };
        if settings::is_on("strangers") || is_contact(&message.with).await {
            let done = annotate(message.with, id, link).await;
            done.or_warn("no preview");
        }
    }

    async fn updated(_: ChatMessage) {}
    async fn read(_: ReadMark) {}
}

/// Whether somebody is in the roster; nobody is, when there is none.
async fn is_contact(jid: &str) -> bool {
    roster::get(bare(jid).to_owned()).await.is_ok()
}

/// Fetches a page and puts its preview at the message with the link.
async fn annotate(with: String, message_id: String, link: &str) -> Result<(), Error> {
    let preview = <LinkPreview as link_preview::Guest>::get(link.to_owned()).await?;
    // As the bridge writes the record: fields that are empty are absent.
    let Preview {
        url,
        title,
        description,
        picture,
    } = preview;
    let mut value = json!({ "url": url });
    for (name, text) in [
        ("title", title),
        ("description", description),
        ("picture", picture),
    ] {
        if let (Some(text), Some(object)) = (text, value.as_object_mut()) {
            object.insert(name.into(), text.into());
        }
    }
    let text = value.to_string();
    chat::amend(Amendment {
        with,
        message_id,
        direction: "in".into(),
        state: None,
        error: None,
        body: None,
        edited_at: None,
        retracted: None,
        extra: vec![(KEY.into(), Json { text })],
        clear: Vec::new(),
    })
    .await
}
