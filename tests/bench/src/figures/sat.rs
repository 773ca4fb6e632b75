//! The real daemon, with a folder of its own.

use crate::{Result, child::Program, files::Setup, websocket::Socket};
use serde_json::{Value, json};
use std::{
    fs,
    path::PathBuf,
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A folder on which `sat fg` is run.
pub(super) struct Home {
    program: PathBuf,
    config: String,
    /// Where it listens.
    pub(super) socket: PathBuf,
    plugins: usize,
    _folder: TempDir,
}

impl Home {
    pub(super) fn new(setup: &Setup, plugins: &[String]) -> Result<Self> {
        let folder = setup.folder(plugins)?;
        let path = folder.path();
        let (config, socket) = (path.join("sat.conf"), path.join("run/bridge.sock"));
        let text = format!(
            "[DEFAULT]\nlocal_dir = {0}/local\nlog_level = warn\n[plugins]\ndirs = {0}/plugins\n\
             [bridge]\nsocket = {1}\n",
            path.display(),
            socket.display()
        );
        fs::write(&config, text)?;
        Ok(Self {
            program: setup.bin.join("sat"),
            config: config.to_string_lossy().into_owned(),
            socket,
            plugins: plugins.len(),
            _folder: folder,
        })
    }

    /// Starts the daemon; the time until it has answered `host.status` with all plugins loaded.
    pub(super) fn start(&self) -> Result<(Program, Socket, Duration)> {
        let start = Instant::now();
        let mut sat = Program::start(&self.program, &["fg", "--config", &self.config])?;
        let mut socket = loop {
            if let Ok(socket) = Socket::connect(&self.socket) {
                break socket;
            }
            if sat.has_ended() || start.elapsed() > Duration::from_secs(60) {
                return Err(format!("{} doesn't start", self.program.display()).into());
            }
            sleep(Duration::from_millis(1));
        };
        let status = socket.call("host.status", json!({}))?;
        let time = start.elapsed();
        let loaded = status["plugins"].as_u64().unwrap_or(0) as usize;
        if loaded != self.plugins {
            return Err(
                format!("{loaded} of {} plugins are loaded: {status}", self.plugins).into(),
            );
        }
        Ok((sat, socket, time))
    }
}

/// Creates a profile of Prosody's account of the same name.
pub(super) fn create(socket: &mut Socket, name: &str, port: u16) -> Result<Value> {
    socket.call(
        "profile.create",
        json!({
            "profile": name, "jid": format!("{name}@localhost"),
            "jid_password": crate::prosody::PASSWORD, "host": "127.0.0.1", "port": port,
            "security": "plain",
        }),
    )
}
