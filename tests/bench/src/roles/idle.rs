//! A backend with many profiles that do nothing.

use super::{commands, ours, say};
use crate::Result;
use serde_json::json;
use std::path::Path;

pub(super) async fn run(port: u16, folder: &Path) -> Result<()> {
    let backend = ours::backend(folder).await?;
    let mut connected = 0;
    let mut commands = commands();
    // The number of profiles to be connected.
    while let Some(line) = commands.recv().await {
        let wanted: usize = line.parse()?;
        for n in connected..wanted {
            let profile = ours::profile(&backend, &format!("idle{n}"), "localhost", port).await?;
            profile.connect().await?;
        }
        connected = wanted;
        say(&json!({ "connected": backend.status().connected }));
    }
    Ok(())
}
