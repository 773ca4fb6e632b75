//! Scenarios of the test server, in memory; one with a foreign client over TCP.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests fail them so, as tests do"
)]

mod core;
mod messages;
mod pubsub;
mod rooms;
mod services;
mod slixmpp;
mod streams;

use sat_testserver::{Element, Options, Peer, Server, ns};

/// A server with two accounts.
fn server() -> Server {
    Server::new(options())
}

fn options() -> Options {
    Options::new("localhost")
        .account("juliet", "r0m30")
        .account("romeo", "jul13t")
        .clock(std::sync::Arc::new(|| {
            "1597-01-29T20:00:00Z".parse().unwrap_or_default()
        }))
}

fn is_message(body: &str) -> impl Fn(&Element) -> bool + '_ {
    move |e| text(e, "body").as_deref() == Some(body)
}

fn text(stanza: &Element, name: &str) -> Option<String> {
    stanza.get_child(name, ns::CLIENT).map(Element::text)
}

fn condition(stanza: &Element) -> &str {
    sat_testserver::condition(stanza).unwrap_or("no error")
}

fn is_result(iq: &Element) -> bool {
    iq.attr("type") == Some("result")
}

fn is_presence(from: &str, kind: Option<&str>) -> impl Fn(&Element) -> bool {
    let (from, kind) = (from.to_owned(), kind.map(str::to_owned));
    move |e| {
        e.name() == "presence" && e.attr("from") == Some(&from) && e.attr("type") == kind.as_deref()
    }
}

/// An element anywhere inside another one, itself included.
fn find<'a>(element: &'a Element, name: &str) -> Option<&'a Element> {
    if element.name() == name {
        return Some(element);
    }
    element.children().find_map(|child| find(child, name))
}

/// All elements of this name inside another one.
fn all<'a>(element: &'a Element, name: &str) -> Vec<&'a Element> {
    let mut found: Vec<&Element> = Vec::new();
    for child in element.children() {
        if child.name() == name {
            found.push(child);
        }
        found.extend(all(child, name));
    }
    found
}

/// Answers the server's question for the capabilities that it announces.
async fn announce(peer: &mut Peer, ver: &str, features: &[&str]) {
    peer.send(&format!(
        "<presence><c xmlns='{}' hash='sha-1' node='urn:test' ver='{ver}'/></presence>",
        ns::CAPS
    ))
    .await;
    let question = peer
        .take("the question for caps", |e| {
            e.name() == "iq" && e.attr("type") == Some("get")
        })
        .await;
    let id = question.attr("id").unwrap_or_default();
    let features: String = features
        .iter()
        .map(|var| format!("<feature var='{var}'/>"))
        .collect();
    peer.send(&format!(
        "<iq type='result' to='localhost' id='{id}'><query xmlns='{}' node='urn:test#{ver}'>{features}</query></iq>",
        ns::DISCO_INFO
    ))
    .await;
    peer.settle().await;
}
