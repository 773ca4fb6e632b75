//! XEP-0114: Jabber Component Protocol.

use super::End;
use crate::{
    link::{Link, write_all},
    ns,
    server::Server,
    xml::{self, XmlReader},
};
use sha1::{Digest, Sha1};
use std::fmt::Write as _;
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadHalf};

/// Serves a component until its connection ends.
pub(crate) async fn serve<S>(server: Server, socket: S)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (read, write) = tokio::io::split(socket);
    let (link, frames) = Link::new(server.cutter());
    let cut = link.cut.clone();
    let writer = tokio::spawn(write_all(write, frames, cut.clone()));
    let mut domain = None;
    let stream = XmlReader::new(BufReader::new(read));
    let end = tokio::select! {
        () = cut.cancelled() => End::Lost,
        end = run(&server, &link, stream, &mut domain) => end,
    };
    if let Some(domain) = domain {
        let mut state = server.lock();
        state.components.remove(&domain);
        state.play.note(&format!("component {domain} is gone"));
    }
    if let End::Error(condition) = end {
        link.send(super::error(condition));
    }
    match end {
        End::Lost => cut.cancel(),
        End::Closed | End::Error(_) => {
            link.send("</stream:stream>".to_owned());
            link.end();
        }
    }
    let _ = writer.await;
}

async fn run<S: AsyncRead>(
    server: &Server,
    link: &Link,
    mut stream: XmlReader<BufReader<ReadHalf<S>>>,
    connected: &mut Option<String>,
) -> End {
    match talk(server, link, &mut stream, connected).await {
        Ok(()) => End::Closed,
        Err(end) => end,
    }
}

async fn talk<S: AsyncRead>(
    server: &Server,
    link: &Link,
    stream: &mut XmlReader<BufReader<ReadHalf<S>>>,
    connected: &mut Option<String>,
) -> Result<(), End> {
    let header = stream.header().await?;
    let domain = header.attr("to").unwrap_or_default().to_owned();
    let (id, secret) = {
        let mut state = server.lock();
        let secret = match state.has("0114") {
            true => state.options.components.get(&domain).cloned(),
            false => None,
        };
        (state.id("stream-"), secret)
    };
    link.send(xml::header(
        ns::COMPONENT,
        &[("id", &id), ("from", &domain)],
    ));
    let secret = secret.ok_or(End::Error("host-unknown"))?;
    let handshake = stream.next().await?.ok_or(End::Closed)?;
    let mut digest = String::new();
    for byte in Sha1::digest(format!("{id}{secret}")) {
        let _ = write!(digest, "{byte:02x}");
    }
    if handshake.name() != "handshake" || handshake.text().trim().to_lowercase() != digest {
        return Err(End::Error("not-authorized"));
    }
    {
        let mut state = server.lock();
        if state.components.contains_key(&domain) {
            return Err(End::Error("conflict"));
        }
        state.components.insert(domain.clone(), link.clone());
        state.play.note(&format!("component {domain} is connected"));
        *connected = Some(domain.clone());
    }
    link.send("<handshake/>".to_owned());
    while let Some(element) = stream.next().await? {
        let mut state = server.lock();
        let text = xml::write(&element, ns::COMPONENT);
        state.play.heard(&domain, &text);
        if !matches!(element.name(), "message" | "presence" | "iq") {
            return Err(End::Error("unsupported-stanza-type"));
        }
        state.hear_component(&domain, element)?;
    }
    Ok(())
}
