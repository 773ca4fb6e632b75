//! The running backend: where it is, what it made of a file, and the plugin's log.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use sat_client::{Address, Client, Events, errors::exit};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::text;
use crate::{failure::Failure, paint, programs};

/// How long the backend may take to look at a file and to compile it.
const LOADING: Duration = Duration::from_secs(60);
/// How often it is asked meanwhile.
const ASKED: Duration = Duration::from_millis(200);
/// When it is looked whether it refused the file without telling.
const AGAIN: Duration = Duration::from_secs(5);
/// Lines of a log that are read at once: all that the backend keeps.
const LINES: u32 = 1000;

/// Where a backend is.
pub(super) struct Place {
    socket: PathBuf,
    folder: PathBuf,
}

/// Asks the program `sat` beside this one, or else in `PATH`, for its configuration.
pub(super) fn find(config: Option<&Path>) -> Result<Place, Failure> {
    let sat = programs::find("sat").ok_or_else(|| {
        let message =
            "There is no program `sat` beside sat-plugin or in PATH: install SàT to try plugins";
        Failure::new(exit::MISSING_FEATURE, message)
    })?;
    let ask = |option: &str| {
        let mut command = Command::new(&sat);
        if let Some(config) = config {
            command.arg("--config").arg(config);
        }
        command.args(["config", option]).stdin(Stdio::null());
        let output = command.output().map_err(|e| Failure::io(&sat, &e))?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Failure::new(exit::BAD_ARGUMENT, why));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let folders = ask("plugins.dirs")?;
    let folder = own_folder(&folders)?;
    let socket = match env::var_os("SAT_SOCKET") {
        Some(socket) => PathBuf::from(socket),
        None => PathBuf::from(ask("bridge.socket")?),
    };
    Ok(Place { socket, folder })
}

/// The first folder that can be written to.
fn own_folder(folders: &str) -> Result<PathBuf, Failure> {
    let writable = |path: &PathBuf| {
        path.is_dir() && rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
    };
    let mut all = folders.split(',').map(|f| PathBuf::from(f.trim()));
    all.find(writable).ok_or_else(|| {
        let message = format!(
            "None of the plugin folders can be written to ({folders}): make one, or set `dirs` below \
             [plugins] in sat.conf"
        );
        Failure::new(exit::NOT_FOUND, message)
    })
}

/// A connection to the backend.
pub(super) struct Backend {
    client: Client,
    /// Where plugins are dropped.
    pub(super) folder: PathBuf,
    profile: Option<String>,
    /// Time of the last line of the log that was shown, and how many lines of that time.
    shown: (String, usize),
}

impl Backend {
    pub(super) async fn connect(place: Place, profile: Option<&str>) -> Result<Self, Failure> {
        let client = Client::connect(&Address::Unix(place.socket), None).await?;
        Ok(Self {
            client,
            folder: place.folder,
            profile: profile.map(str::to_owned),
            shown: (String::new(), 0),
        })
    }

    /// Whether this profile's lines and events are to be shown.
    pub(super) fn shows(&self, profile: &str) -> bool {
        self.profile.as_deref().is_none_or(|p| p == profile)
    }

    /// All events from now on.
    pub(super) async fn events(&self) -> Result<Events, Failure> {
        Ok(self.client.subscribe_events(&["*"], None).await?)
    }

    /// What became of the file: its version, or why it was refused. A file that is new counts
    /// only after the backend has told of it, since the list may be of before.
    pub(super) async fn outcome(
        &self,
        (id, file): (&str, &str),
        events: &mut Events,
        is_new: bool,
    ) -> Result<Result<String, String>, Failure> {
        let waited = timeout(LOADING, async {
            let mut told = !is_new;
            while !told {
                told = match timeout(AGAIN, changed(id, file, events)).await {
                    Ok(told) => told.map(|()| true)?,
                    // It doesn't tell again of what it refused for the same reason before.
                    Err(_) => matches!(self.listed(file).await?, Some(Err(_))),
                };
            }
            loop {
                if let Some(outcome) = self.listed(file).await? {
                    return Ok(outcome);
                }
                sleep(ASKED).await;
            }
        });
        waited.await.unwrap_or_else(|_| {
            let message = format!(
                "The backend hasn't looked at {} within {} s: is {} one of its plugin folders? \
                 `sat config plugins.dirs` shows them",
                file,
                LOADING.as_secs(),
                self.folder.display()
            );
            Err(Failure::new(exit::NOT_FOUND, message))
        })
    }

    /// What `plugin.list` says of a file.
    async fn listed(&self, file: &str) -> Result<Option<Result<String, String>>, Failure> {
        let list: Vec<Value> = self.client.call_as("plugin.list", &json!({})).await?;
        let entry = list.iter().find(|p| text(p, "file") == file);
        Ok(entry.map(|entry| match text(entry, "state") {
            "refused" => Err(text(entry, "error").to_owned()),
            _ => Ok(text(entry, "version").to_owned()),
        }))
    }

    /// Counts what is in the log as shown.
    pub(super) async fn skip_log(&mut self, id: &str) -> Result<(), Failure> {
        self.new_lines(id).await.map(|_| ())
    }

    /// Prints the new lines of the log.
    pub(super) async fn show_log(&mut self, id: &str) -> Result<(), Failure> {
        for line in self.new_lines(id).await? {
            let profile = Some(text(&line, "profile")).filter(|p| !p.is_empty());
            paint::line(&format!(
                "{} {} {}",
                profile.unwrap_or("-"),
                text(&line, "level"),
                text(&line, "message")
            ))?;
        }
        Ok(())
    }

    async fn new_lines(&mut self, id: &str) -> Result<Vec<Value>, Failure> {
        let params = json!({"id": id, "profile": self.profile, "limit": LINES});
        let lines: Vec<Value> = self.client.call_as("plugin.logs", &params).await?;
        let (at, count) = &self.shown;
        let mut same = 0;
        let new: Vec<Value> = lines
            .iter()
            .filter(|line| {
                let time = text(line, "at");
                if time == at {
                    same += 1;
                }
                time > at.as_str() || (time == at && same > *count)
            })
            .cloned()
            .collect();
        if let Some(last) = lines.last() {
            let at = text(last, "at").to_owned();
            let count = lines.iter().filter(|line| text(line, "at") == at).count();
            self.shown = (at, count);
        }
        Ok(new)
    }
}

/// Returns when the backend has told that it loaded the plugin, or that it refused the file.
async fn changed(id: &str, file: &str, events: &mut Events) -> Result<(), Failure> {
    while let Some(event) = events.next().await {
        let event = event?;
        let data = event.data.as_ref().map(|d| d.get()).unwrap_or_default();
        let data: Value = serde_json::from_str(data).unwrap_or_default();
        let added = data.get("added").and_then(Value::as_array);
        match event.topic.as_str() {
            "plugin.changed" if added.into_iter().flatten().any(|p| text(p, "id") == id) => {
                return Ok(());
            }
            "plugin.refused" if text(&data, "file") == file => return Ok(()),
            _ => {}
        }
    }
    let message = "The backend has ended the connection";
    Err(Failure::new(exit::NOT_RUNNING, message))
}
