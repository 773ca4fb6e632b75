//! `sat fg`: the backend itself, from the lock on its folder to a clean end.

use sat_host::{Backend, config::Config};
use std::{io, time::Duration};

use sat_bridge_jsonrpc::Server;
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::{
    background::runs_already,
    failure::{Failure, exit},
    harden, log, notify,
    pidfile::{PidFile, Refused},
};

/// Stack of the threads that run everything. Plugins run on them in fibres of their own; what
/// needs the room is deep recursion on foreign input: dropping a tree of nested XML elements,
/// compiling a large plugin. Only what is touched costs memory.
const THREAD_STACK: usize = 8 * 1024 * 1024;

/// So long streams and calls may take to end.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// How long the runtime waits for work on its blocking threads, once everything is stored.
const LEFTOVERS: Duration = Duration::from_millis(200);

/// Serves until told to stop.
pub(crate) fn run(config: &Config, detached: bool) -> Result<(), Failure> {
    if detached {
        // As a leader of its own session it survives the terminal. It is no leader of a
        // process group yet, so this can't fail but for a caller that isn't `sat`.
        rustix::process::setsid().map_err(|errno| Failure::of("A session of its own", errno))?;
    }
    log::init(config.log_level)?;
    for refused in harden::hide_memory() {
        tracing::warn!("{refused}");
    }
    let local_dir = &config.local_dir;
    let folder = |error: io::Error| {
        Failure::of(
            &format!("Folder {} (local_dir)", local_dir.display()),
            error,
        )
    };
    std::fs::create_dir_all(local_dir).map_err(folder)?;
    let lock = PidFile::lock(local_dir).map_err(|refused| match refused {
        Refused::Held { pid } => runs_already(pid),
        Refused::Io(error) => Failure::of("sat.pid", error),
    })?;
    // The folder that it was started from may be unmounted; all paths are absolute by now.
    std::env::set_current_dir(local_dir).map_err(folder)?;
    let runtime = runtime().map_err(|error| Failure::of("The runtime", error))?;
    let done = runtime.block_on(serve(config));
    runtime.shutdown_timeout(LEFTOVERS);
    drop(lock);
    done
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(THREAD_STACK)
        .build()
}

async fn serve(config: &Config) -> Result<(), Failure> {
    // Before the start: a signal during it must not kill half-done work.
    let mut stop = Stop::new().map_err(|error| Failure::of("Signals", error))?;
    let start = async {
        let backend = Backend::start(config)
            .await
            .map_err(|error| Failure::of("The backend can't start", error))?;
        let options = sat_bridge_jsonrpc::Options {
            socket: config.bridge_socket.clone(),
            listen: config.bridge_listen,
            token_file: config.bridge_token_file.clone(),
        };
        // Only now: who can connect may rely on everything being there.
        match Server::bind(&options) {
            Ok(server) => Ok((backend, server)),
            Err(error) => {
                backend.shutdown().await;
                Err(Failure::of("The bridge can't start", error))
            }
        }
    };
    let (backend, server) = tokio::select! {
        started = start => started?,
        () = stop.wanted() => {
            return Err(Failure::new(exit::FAILED, "Stopped during the start"));
        }
    };

    let closing = CancellationToken::new();
    let mut bridge = tokio::spawn(server.run(backend.clone(), closing.clone()));
    notify::tell(notify::READY);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        pid = std::process::id(),
        "SàT runs"
    );

    let mut broken = None;
    tokio::select! {
        () = stop.wanted() => tracing::info!("Stopping: a signal came"),
        () = backend.stopped() => tracing::info!("Stopping: host.stop was called"),
        ended = &mut bridge => {
            let why = match ended {
                Ok(Ok(())) => "it stopped by itself".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            // Without its door nobody can reach the backend: a restart is better.
            broken = Some(Failure::of("The bridge has ended", why));
        }
    }
    notify::tell(notify::STOPPING);
    closing.cancel();
    let end = async {
        if broken.is_none() {
            let _ = bridge.await;
        }
        backend.shutdown().await;
    };
    tokio::select! {
        ended = tokio::time::timeout(SHUTDOWN, end) => {
            if ended.is_err() {
                let seconds = SHUTDOWN.as_secs();
                tracing::warn!("Not everything has ended within {seconds} s; leaving anyway");
            }
        }
        () = stop.wanted() => tracing::warn!("A second signal came; leaving at once"),
    }
    broken.map_or(Ok(()), Err)
}

/// The signals that end the backend.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Returns when one comes.
    async fn wanted(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
