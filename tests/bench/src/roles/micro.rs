//! Single steps on the way of a message or a call, in one process.

use super::{commands, ours, say};
use crate::{
    Result,
    files::repository,
    stats::{median, micros},
};
use sat_host::{
    plugin::manifest::Manifest,
    route::matcher::{Facts, Hook, Matcher},
};
use serde_json::{Map, json};
use std::{fs, hint::black_box, path::Path, time::Instant};

/// Plugins that the matcher has.
const PLUGINS: usize = 20;

pub(super) async fn run(folder: &Path) -> Result<()> {
    let backend = ours::backend(folder).await?;
    let profile = ours::profile(&backend, "micro", "localhost", 1).await?;
    let mut commands = commands();
    while let Some(line) = commands.recv().await {
        let n: usize = line.parse()?;
        let find = matcher(n)?;
        let mut nothing = Vec::new();
        let empty = Map::new();
        for _ in 0..n {
            let start = Instant::now();
            ours::call(&backend, &profile, "bench.noop.nothing", &empty).await?;
            nothing.push(micros(start.elapsed()));
        }
        let mut write = Vec::new();
        for number in 0..n {
            let mut params = Map::new();
            params.insert("number".into(), number.into());
            let start = Instant::now();
            ours::call(&backend, &profile, "bench.noop.write", &params).await?;
            write.push(micros(start.elapsed()));
        }
        say(&json!({ "find": find, "nothing": median(&nothing), "write": median(&write) }));
    }
    Ok(())
}

/// Mean time to ask all incoming stages who wants a message.
fn matcher(n: usize) -> Result<f64> {
    let mut manifests = Vec::new();
    for entry in fs::read_dir(repository().join("plugins"))? {
        if let Ok(text) = fs::read_to_string(entry?.path().join("plugin.toml")) {
            manifests.push(Manifest::parse(&text)?);
        }
    }
    let own = manifests.clone();
    manifests.extend(
        own.into_iter()
            .cycle()
            .take(PLUGINS.saturating_sub(manifests.len())),
    );
    manifests.truncate(PLUGINS);
    let matcher = Matcher::new(&manifests);
    let message: minidom::Element =
        "<message xmlns='jabber:client' from='a@b/c' to='d@e/f' type='chat' id='1'>\
        <body>Shall I hear more?</body><origin-id xmlns='urn:xmpp:sid:0' id='1'/>\
        <active xmlns='http://jabber.org/protocol/chatstates'/></message>"
            .parse()?;
    let facts = Facts {
        account: false,
        server: false,
        claimed: false,
        requested: &|_| false,
    };
    let n = n * 100;
    let start = Instant::now();
    for _ in 0..n {
        for hook in [Hook::Unwrap, Hook::Decrypt, Hook::Amend, Hook::Message] {
            black_box(matcher.find(hook, black_box(&message), "chat", facts));
        }
    }
    Ok(micros(start.elapsed()) / n as f64)
}
