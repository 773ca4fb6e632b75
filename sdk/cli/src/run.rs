//! `sat plugin run`: the plugin in the running backend, built again on each save.

mod backend;
mod dropped;
mod sources;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use sat_client::{Event, Events, RpcError, errors::exit};
use sat_manifest::Manifest;
use serde_json::Value;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use crate::{build::build, failure::Failure, paint, plugin::Plugin, project::Project};
use backend::Backend;
use dropped::Dropped;
use sources::Stamps;

/// How often sources and the log are looked at.
const TICK: Duration = Duration::from_millis(500);

/// Builds, drops in, and follows until Ctrl-C.
pub(crate) fn run(
    dir: &Path,
    profile: Option<&str>,
    config: Option<&Path>,
    keep: bool,
) -> Result<(), Failure> {
    let project = Project::at(dir)?;
    let backend = backend::find(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|e| Failure::error(format!("The runtime can't start: {e}")))?;
    let done = runtime.block_on(async {
        // Before the build: without a backend there is no use in it.
        let backend = Backend::connect(backend, profile).await?;
        let (mut session, file) = Session::start(project, backend, keep).await?;
        let mut stop = Stop::new()?;
        let done = tokio::select! {
            done = session.follow(&file) => done,
            () = stop.wanted() => Ok(()),
        };
        session.backend.show_log(&session.id).await.ok();
        session.dropped.take_out().and(done)
    });
    // A build that still runs isn't waited for.
    runtime.shutdown_background();
    done
}

/// The signals that end it.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn new() -> Result<Self, Failure> {
        let catch = |kind| signal(kind).map_err(|e| Failure::error(format!("Signals: {e}")));
        Ok(Self {
            interrupt: catch(SignalKind::interrupt())?,
            terminate: catch(SignalKind::terminate())?,
        })
    }

    async fn wanted(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

struct Session {
    project: Project,
    backend: Backend,
    events: Events,
    dropped: Dropped,
    /// Its id, and the beginnings of its topics.
    id: String,
    topics: Vec<String>,
    /// The sources of the last build.
    seen: Stamps,
}

impl Session {
    /// Builds; nothing is dropped yet.
    async fn start(
        project: Project,
        mut backend: Backend,
        keep: bool,
    ) -> Result<(Self, PathBuf), Failure> {
        let events = backend.events().await?;
        let seen = sources::stamps(&project.dir);
        let file = build(&project, true)?;
        let (id, topics) = who(&file)?;
        let to = backend.folder.join(format!("{id}.wasm"));
        backend.skip_log(&id).await?;
        let session = Self {
            project,
            backend,
            events,
            dropped: Dropped::new(to, keep),
            id,
            topics,
            seen,
        };
        Ok((session, file))
    }

    /// Puts the file in the folder and says what the backend made of it.
    async fn drop_in(&mut self, file: &Path) -> Result<(), Failure> {
        if !self.dropped.put(file)? {
            paint::step("the backend has this file already");
        }
        let name = self.dropped.name();
        let of = (self.id.as_str(), name.as_str());
        let is_new = self.dropped.is_new;
        match self.backend.outcome(of, &mut self.events, is_new).await? {
            Ok(version) => paint::step(&format!(
                "{} {version} is loaded; Ctrl-C takes it out",
                self.id
            )),
            Err(why) => paint::error(&format!("The backend refused it: {why}")),
        }
        Ok(())
    }

    async fn follow(&mut self, file: &Path) -> Result<(), Failure> {
        self.drop_in(file).await?;
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut building: Option<JoinHandle<Result<PathBuf, Failure>>> = None;
        loop {
            tokio::select! {
                event = self.events.next() => self.show(event)?,
                built = finished(&mut building) => {
                    building = None;
                    match built {
                        Ok(file) => self.renew(&file).await?,
                        Err(failure) => {
                            paint::error(&format!("{failure}; waiting for the next save"));
                        }
                    }
                }
                _ = tick.tick() => {
                    self.backend.show_log(&self.id).await?;
                    let now = sources::stamps(&self.project.dir);
                    if now != self.seen && building.is_none() {
                        self.seen = now;
                        paint::step("saved: building again");
                        let project = self.project.clone();
                        building = Some(tokio::task::spawn_blocking(move || build(&project, true)));
                    }
                }
            }
        }
    }

    /// Takes a newer file.
    async fn renew(&mut self, file: &Path) -> Result<(), Failure> {
        let (id, topics) = who(file)?;
        if id != self.id {
            let message = format!("The id was {} and is {id}: start again", self.id);
            return Err(Failure::new(exit::DATA, message));
        }
        self.topics = topics;
        self.drop_in(file).await
    }

    /// Prints an event, if it is the plugin's own.
    fn show(&self, event: Option<Result<Event, RpcError>>) -> Result<(), Failure> {
        let event = match event {
            Some(Ok(event)) => event,
            // One profile was locked; the others go on.
            Some(Err(error)) => {
                paint::note(&error.to_string());
                return Ok(());
            }
            None => {
                let message =
                    "The backend has ended the connection: start it with `sat`, then try again";
                return Err(Failure::new(exit::NOT_RUNNING, message));
            }
        };
        if self.topics.iter().any(|t| event.topic.starts_with(t))
            && self.backend.shows(&event.profile)
        {
            let data = event
                .data
                .as_ref()
                .map_or("(too large to be shown)", |d| d.get());
            paint::line(&format!("{} event {} {data}", event.profile, event.topic))?;
        }
        Ok(())
    }
}

/// The id of a file, and how its topics begin.
fn who(file: &Path) -> Result<(String, Vec<String>), Failure> {
    let plugin = Plugin::open(file)?;
    let fault = |why: String| Failure::new(exit::DATA, why);
    let manifest = Manifest::parse(&plugin.manifest).map_err(|e| fault(e.to_string()))?;
    let exports = plugin.exports().map_err(fault)?;
    let features = exports.iter().map(|p| p.name());
    let features = features.filter(|n| n.name == n.package);
    Ok((
        manifest.id,
        features.map(|n| format!("{}.", n.feature())).collect(),
    ))
}

/// The end of a build; never, when none runs.
async fn finished(
    building: &mut Option<JoinHandle<Result<PathBuf, Failure>>>,
) -> Result<PathBuf, Failure> {
    match building {
        Some(handle) => match handle.await {
            Ok(built) => built,
            Err(e) => Err(Failure::error(format!("The build broke off: {e}"))),
        },
        None => std::future::pending().await,
    }
}

/// A text of an answer.
fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
