//! What the plugin does, with the host, the web and the chat played by the SDK's mock.

use super::*;
use crate::page::first_link;
use bindings::sat::roster::types::Contact;
use events::Guest;
use sat_sdk::{
    Via,
    http::Response,
    mock::{Host, block_on},
};
use std::{cell::RefCell, rc::Rc};

const PAGE: &str = "<!DOCTYPE html><HTML><head><TITLE>Plain\n title</TITLE>
    <meta name='description' content='Plain words'>
    <META property=\"og:title\" content=\"Tea &amp; cake\"/>
    <meta property='og:image' content='https://tea.lit/pot.png'></head></html>";

fn message(body: &str) -> ChatMessage {
    ChatMessage {
        id: "1".into(),
        message_id: Some("m1".into()),
        origin_id: None,
        stanza_ids: vec![],
        kind: "direct".into(),
        with: "juliet@capulet.lit".into(),
        direction: "in".into(),
        sender: "juliet@capulet.lit/balcony".into(),
        occupant: None,
        via: Via::Live,
        body: body.into(),
        stamp: "2024-01-01T00:00:00.000Z".into(),
        edited_at: None,
        retracted: false,
        state: "received".into(),
        error: None,
        unread: true,
        extra: vec![],
    }
}

/// A host whose chat keeps what is put at messages.
fn host() -> (Host, Rc<RefCell<Vec<Amendment>>>) {
    let host = Host::new::<LinkPreview>();
    let amended = Rc::new(RefCell::new(Vec::new()));
    let keep = amended.clone();
    host.on_call("chat.amend", move |amendment: Amendment| {
        keep.borrow_mut().push(amendment);
        Ok(())
    });
    host.on_call("roster.get", |jid: String| match jid.as_str() {
        "juliet@capulet.lit" => Ok(Contact {
            jid,
            name: None,
            groups: vec![],
            subscription: "both".into(),
            pending_out: false,
            approved: false,
        }),
        _ => Err(Error::new("item-not-found", "Not in the roster")),
    });
    host.on_http(|request| Ok(page(&request.url, PAGE)));
    (host, amended)
}

/// An answer of the web.
fn page(url: &str, html: &str) -> Response {
    let kind = if html.starts_with('<') {
        "text/html"
    } else {
        "text/plain"
    };
    Response {
        status: 200,
        url: url.into(),
        headers: vec![("content-type".into(), kind.into())],
        body: html.into(),
        truncated: false,
    }
}

#[test]
fn finds_links() {
    for (text, link) in [
        (
            "Look: https://tea.lit/a?b=c#d.",
            Some("https://tea.lit/a?b=c#d"),
        ),
        (
            "(http://tea.lit/) and https://cake.lit",
            Some("http://tea.lit/"),
        ),
        ("<https://tea.lit>", Some("https://tea.lit")),
        ("ftp://tea.lit https:// tea.lit é", None),
    ] {
        assert_eq!(first_link(text), link, "{text}");
    }
}

#[test]
fn annotates() {
    let (_host, amended) = host();
    block_on(LinkPreview::message(message("Look: https://tea.lit/a")));
    let amended = amended.borrow();
    assert_eq!(amended[0].message_id, "m1");
    let (key, value) = &amended[0].extra[0];
    let value: serde_json::Value = serde_json::from_str(&value.text).unwrap();
    assert_eq!(key, KEY);
    let expected = json!({
        "url": "https://tea.lit/a", "title": "Tea & cake", "description": "Plain words",
        "picture": "https://tea.lit/pot.png",
    });
    assert_eq!(value, expected);
}

#[test]
fn follows_strangers_only_when_told() {
    let (host, amended) = host();
    let stranger = || ChatMessage {
        with: "tybalt@capulet.lit".into(),
        ..message("https://tea.lit/")
    };
    block_on(LinkPreview::message(stranger()));
    assert!(host.fetched().is_empty());
    host.set_setting("strangers", "true");
    block_on(LinkPreview::message(stranger()));
    assert_eq!(amended.borrow().len(), 1);
}

#[test]
fn bears_any_page() {
    let (host, amended) = host();
    let long = format!("<title>{}</title>{}", "x".repeat(1000), " ".repeat(1 << 20));
    host.on_http(move |request| Ok(page(&request.url, &long)));
    let get = |url: &str| block_on(<LinkPreview as link_preview::Guest>::get(url.into()));
    let found = get("https://tea.lit/long").unwrap();
    assert_eq!(found.title.unwrap().chars().count(), 201);
    for html in [
        "<p>Nothing</p>",
        "<meta property='og:title' content='",
        "</title><title>",
        "<meta property='og:image' content='javascript:alert(1)'>",
        "words",
    ] {
        host.on_http(move |request| Ok(page(&request.url, html)));
        block_on(LinkPreview::message(message("https://tea.lit/")));
    }
    host.on_http(|_| Err(Error::new("host-not-found", "Nobody knows it")));
    block_on(LinkPreview::message(message("https://nowhere.lit/")));
    assert!(amended.borrow().is_empty());
    assert_eq!(host.log().len(), 6);
}
