//! Bots that send every message back.

use super::{commands, native, ours};
use crate::Result;
use futures::StreamExt;
use std::path::Path;

const DOMAIN: &str = "bench.test";

/// On plain tokio-xmpp, as its own example does it.
pub(super) async fn native(port: u16) -> Result<()> {
    let mut client = native::connect("bot", DOMAIN, port).await?;
    let mut commands = commands();
    loop {
        tokio::select! {
            event = client.next() => {
                let event = event.ok_or("the stream ended")?;
                if let Some((from, body)) = native::said(event) {
                    client.send_stanza(native::message(from, body)).await?;
                }
            }
            line = commands.recv() => if line.is_none() { return Ok(()) },
        }
    }
}

/// As a plugin of the backend.
pub(super) async fn ours(port: u16, folder: &Path) -> Result<()> {
    let backend = ours::backend(folder).await?;
    ours::profile(&backend, "bot", DOMAIN, port)
        .await?
        .connect()
        .await?;
    let mut commands = commands();
    while commands.recv().await.is_some() {}
    Ok(())
}
