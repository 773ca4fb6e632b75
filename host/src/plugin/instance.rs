//! One plugin in one profile: an actor that owns the store and runs calls concurrently in it.
//!
//! The instance is the unit of blast radius, quota and log. Its guest memory is a cache: it is
//! started by the first call, dropped when idle, and replaced by a fresh one after a trap.

use super::{
    actor::{self, Job},
    bindings::sat::{
        host::types::{Error as GuestError, Header, StanzaError},
        plugin::filter_types::Verdict,
    },
    engine::{CALL_DEADLINE, CALL_DEPTH, IDLE, QUEUE},
    loaded::LoadedPlugin,
    output::Output,
    quota::Quota,
    wasi,
};
use crate::{
    Clock, Error, Result,
    error::kind,
    profile::Profile,
    store::{self, NewEvent},
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::AbortHandle,
};
use wasmtime::{
    AsContextMut,
    component::{Access, GuestTaskId, HasData, ResourceTable, Val},
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// How long a lifecycle hook may take: catching up with an archive is one.
const LIFECYCLE_DEADLINE: Duration = Duration::from_secs(600);
/// Crashes within [`CRASH_WINDOW`] before the plugin has to rest.
const CRASHES: usize = 5;
/// Window of [`CRASHES`].
const CRASH_WINDOW: Duration = Duration::from_secs(60);
/// First rest; each further one is twice as long, up to [`LONGEST_REST`].
const REST: Duration = Duration::from_secs(10);
/// Longest rest.
const LONGEST_REST: Duration = Duration::from_secs(1800);

/// Something that a plugin is asked to do.
pub(crate) enum Call {
    /// A feature function, by the name of its method.
    Feature(String, Vec<Val>),
    /// An event, by its topic and interface, as JSON.
    Event {
        interface: String,
        topic: String,
        data: Arc<str>,
    },
    Connected(bool),
    Disconnected,
    SettingsChanged(Vec<String>),
    FeaturesChanged,
    Unload,
    Iq(Header, String),
    Message(Header, Vec<String>),
    Presence(Header, Vec<String>),
    PresenceFilter(String),
    Unwrap(Header, String),
    Decrypt(Header, String),
    Amend(Header, String),
    Compose(String),
    Seal(String),
    OutboxSent(Vec<String>),
    OutboxFailed(String, GuestError),
    Timer(store::Timer),
}

impl Call {
    /// The header of the stanza that the call is about.
    pub(crate) fn header(&self) -> Option<&Header> {
        match self {
            Self::Iq(header, _)
            | Self::Message(header, _)
            | Self::Presence(header, _)
            | Self::Unwrap(header, _)
            | Self::Decrypt(header, _)
            | Self::Amend(header, _) => Some(header),
            _ => None,
        }
    }
}

/// What came of a [`Call`].
pub(crate) enum Answer {
    Unit,
    Value(Val),
    Iq(std::result::Result<Option<String>, StanzaError>),
    Done(std::result::Result<(), GuestError>),
    Stanza(std::result::Result<String, GuestError>),
    Verdict(std::result::Result<Verdict, GuestError>),
}

/// The data of a store.
pub(crate) struct Ctx {
    pub(crate) profile: Arc<Profile>,
    pub(crate) plugin: Arc<LoadedPlugin>,
    pub(crate) quota: Arc<Quota>,
    pub(crate) calls: HashMap<GuestTaskId, CallState>,
    pub(crate) limits: actor::Limits,
    pub(super) table: ResourceTable,
    wasi: WasiCtx,
}

impl Ctx {
    pub(crate) fn new(
        profile: Arc<Profile>,
        plugin: Arc<LoadedPlugin>,
        quota: Arc<Quota>,
        output: &Arc<Output>,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(1000);
        let wasi = wasi::context(&profile, plugin.id())
            .stdout(output.stdout())
            .stderr(output.stderr())
            .build();
        Self {
            profile,
            plugin,
            quota,
            calls: HashMap::new(),
            limits: actor::Limits::default(),
            table,
            wasi,
        }
    }
}

impl WasiView for Ctx {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// Names [`Ctx`] for the generated bindings.
pub(crate) struct Host;

impl HasData for Host {
    type Data<'a> = &'a mut Ctx;
}

/// A call that runs in an instance.
#[derive(Default)]
pub(crate) struct CallState {
    /// How many plugins called each other to get here.
    pub(crate) depth: u8,
    /// The lane of the stanza that is being dealt with.
    pub(crate) lane: Option<String>,
    /// Events that the call has emitted since its last commit.
    pub(crate) events: Vec<NewEvent>,
}

/// The call on whose behalf the guest is in the host now.
pub(crate) fn caller<D: HasData, R>(
    access: &mut Access<'_, Ctx, D>,
    f: impl FnOnce(&mut CallState) -> R,
) -> wasmtime::Result<R> {
    let mut store = access.as_context_mut();
    // The last of the stack is the call that the host started.
    let task = store.async_call_stack()?.last();
    let calls = &mut store.data_mut().calls;
    match task.and_then(|task| calls.get_mut(&task)) {
        Some(call) => Ok(f(call)),
        // Work that a guest does after its call has returned belongs to no call.
        None => Ok(f(&mut CallState {
            depth: 1,
            ..CallState::default()
        })),
    }
}

/// The handle of one plugin in one profile.
pub(crate) struct Instance {
    plugin: Arc<LoadedPlugin>,
    profile: Weak<Profile>,
    clock: Clock,
    quota: Arc<Quota>,
    state: Mutex<State>,
}

/// Times are the clock's monotonic readings.
#[derive(Default)]
struct State {
    running: Option<Running>,
    last_used: Duration,
    in_flight: usize,
    crashes: VecDeque<Duration>,
    rests: u32,
    resting_until: Duration,
    last_error: Option<String>,
    retired: bool,
    /// Numbers the actors, so that the end of an old one isn't taken for the end of a new one.
    generation: u64,
}

/// Becomes the reason when an actor ends before its time.
type Ended = watch::Receiver<Option<String>>;

struct Running {
    jobs: mpsc::Sender<Job>,
    ended: Ended,
    task: AbortHandle,
}

impl Instance {
    pub(crate) fn new(plugin: Arc<LoadedPlugin>, profile: &Profile) -> Arc<Self> {
        Arc::new(Self {
            plugin,
            profile: profile.me(),
            clock: profile.clock().clone(),
            quota: Arc::default(),
            state: Mutex::default(),
        })
    }

    pub(crate) fn plugin(&self) -> &Arc<LoadedPlugin> {
        &self.plugin
    }

    /// Runs a call to its end.
    ///
    /// # Errors
    /// `plugin-crashed` when the instance ended meanwhile (a trap, a limit), or is resting;
    /// `timeout` when it took too long, which ends the instance too.
    pub(crate) async fn call(self: &Arc<Self>, call: Call, depth: u8) -> Result<Answer> {
        if depth > CALL_DEPTH {
            return Err(Error::new(
                kind::LIMIT,
                format!("Plugins called each other more than {CALL_DEPTH} deep (CALL_DEPTH)"),
            ));
        }
        let deadline = match call {
            Call::Connected(_) | Call::Event { .. } | Call::OutboxSent(_) | Call::Timer(_) => {
                LIFECYCLE_DEADLINE
            }
            _ => CALL_DEADLINE,
        };
        let (reply, answer) = oneshot::channel();
        let (jobs, ended, generation) = self.begin()?;
        let _in_flight = InFlight(self);
        let run = async {
            if jobs.send(Job { call, depth, reply }).await.is_err() {
                return Err(self.crashed(ended).await);
            }
            drop(jobs);
            match answer.await {
                Ok(answer) => answer,
                Err(_) => Err(self.crashed(ended).await),
            }
        };
        match tokio::time::timeout(deadline, run).await {
            Ok(result) => result,
            Err(_) => {
                self.kill(generation, "a call took too long");
                Err(Error::new(
                    kind::TIMEOUT,
                    format!(
                        "Plugin {} didn't answer within {} s (CALL_DEADLINE) and was restarted",
                        self.plugin.id(),
                        deadline.as_secs()
                    ),
                ))
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The queue of the running actor, which is started when there is none.
    fn begin(self: &Arc<Self>) -> Result<(mpsc::Sender<Job>, Ended, u64)> {
        let mut state = self.state();
        if state.retired {
            return Err(Error::new(
                kind::NO_PROVIDER,
                format!("Plugin {} was taken out", self.plugin.id()),
            ));
        }
        let now = self.clock.monotonic();
        if state.resting_until > now {
            return Err(Error::new(
                kind::PLUGIN_CRASHED,
                format!(
                    "Plugin {} crashed {CRASHES} times in {} s and rests for {} s: {}",
                    self.plugin.id(),
                    CRASH_WINDOW.as_secs(),
                    (state.resting_until - now).as_secs() + 1,
                    state.last_error.as_deref().unwrap_or("unknown reason")
                ),
            ));
        }
        state.in_flight += 1;
        state.last_used = now;
        if let Some(running) = state.running.as_ref().filter(|r| !r.jobs.is_closed()) {
            return Ok((
                running.jobs.clone(),
                running.ended.clone(),
                state.generation,
            ));
        }
        let Some(profile) = self.profile.upgrade() else {
            state.in_flight -= 1;
            return Err(Error::new(kind::NOT_FOUND, "The profile was deleted"));
        };
        state.generation += 1;
        let generation = state.generation;
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (end, ended) = watch::channel(None);
        tokio::spawn(drop_when_idle(
            Arc::downgrade(self),
            self.clock.clone(),
            generation,
        ));
        let instance = Arc::downgrade(self);
        let output = Output::new(profile.clone(), self.plugin.clone());
        let ctx = Ctx::new(profile, self.plugin.clone(), self.quota.clone(), &output);
        let task = tokio::spawn(async move {
            let result = actor::run(ctx, queue).await;
            if let (Err(error), Some(instance)) = (result, instance.upgrade()) {
                let reason = reason(&format!("{error:#}"), output.panic());
                instance.ended(generation, &reason, &error);
                end.send_replace(Some(reason));
            }
        });
        let task = task.abort_handle();
        state.running = Some(Running {
            jobs: jobs.clone(),
            ended: ended.clone(),
            task,
        });
        Ok((jobs, ended, generation))
    }

    /// The actor ended with a trap or at a limit.
    fn ended(&self, generation: u64, reason: &str, error: &wasmtime::Error) {
        if let Some(profile) = self.profile.upgrade() {
            let text = format!("crashed: {reason}\n{error:#}");
            profile.log(self.plugin.id(), "error", &text);
        }
        let mut state = self.state();
        if state.generation == generation {
            state.running = None;
        }
        let now = self.clock.monotonic();
        state.last_error = Some(reason.to_owned());
        state.crashes.push_back(now);
        state
            .crashes
            .retain(|at| now.saturating_sub(*at) < CRASH_WINDOW);
        if state.crashes.len() >= CRASHES {
            let rest = REST
                .saturating_mul(1 << state.rests.min(8))
                .min(LONGEST_REST);
            state.rests += 1;
            state.crashes.clear();
            state.resting_until = now + rest;
        }
    }

    /// Why the actor ended. Replies are dropped with its store, just before the reason is known.
    async fn crashed(&self, mut ended: Ended) -> Error {
        let reason = match ended.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone(),
            Err(_) => self.state().last_error.clone(),
        };
        let reason = reason.unwrap_or_else(|| "it was stopped during the call".into());
        Error::new(
            kind::PLUGIN_CRASHED,
            format!("Plugin {} crashed: {reason}", self.plugin.id()),
        )
    }

    fn kill(&self, generation: u64, reason: &str) {
        let mut state = self.state();
        if state.generation == generation
            && let Some(running) = state.running.take()
        {
            running.task.abort();
            state.last_error = Some(reason.into());
        }
    }

    /// Ends the instance: for good when the plugin is taken out, or for now. Calls that run are
    /// finished; new ones start a fresh actor unless it is `retired`.
    pub(crate) fn stop(&self, retire: bool) {
        let mut state = self.state();
        state.retired |= retire;
        // The actor ends when the last sender of its queue is gone and its calls are done.
        state.running = None;
    }

    /// Ends the instance without waiting for its calls.
    pub(crate) fn abort(&self) {
        let mut state = self.state();
        state.retired = true;
        if let Some(running) = state.running.take() {
            running.task.abort();
        }
    }

    /// Gives the guest's memory back when nobody has used it for a while. Returns how long to
    /// wait before looking again; none when this actor doesn't run any more.
    fn drop_if_idle(&self, generation: u64) -> Option<Duration> {
        let mut state = self.state();
        if state.generation != generation || state.running.is_none() {
            return None;
        }
        if state.in_flight > 0 {
            return Some(IDLE);
        }
        let unused = self.clock.monotonic().saturating_sub(state.last_used);
        let left = IDLE.saturating_sub(unused);
        if left.is_zero() {
            state.running = None;
            return None;
        }
        Some(left)
    }

    /// `idle`, `running` or `resting`, and the last crash.
    pub(crate) fn status(&self) -> (&'static str, Option<String>) {
        let state = self.state();
        let name = if state.resting_until > self.clock.monotonic() {
            "resting"
        } else if state.running.is_some() {
            "running"
        } else {
            "idle"
        };
        (name, state.last_error.clone())
    }
}

/// Watches an actor from its start to its end.
async fn drop_when_idle(instance: Weak<Instance>, clock: Clock, generation: u64) {
    let mut wait = IDLE;
    loop {
        clock.sleep(wait).await;
        match instance.upgrade().and_then(|i| i.drop_if_idle(generation)) {
            Some(left) => wait = left,
            None => return,
        }
    }
}

/// Counts a call for as long as its caller waits.
struct InFlight<'a>(&'a Instance);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.in_flight -= 1;
        state.last_used = self.0.clock.monotonic();
    }
}

/// Why an instance ended: what its panic said, or the last line of wasmtime's error; what comes
/// before is the backtrace.
fn reason(error: &str, panic: Option<String>) -> String {
    let last = error.rsplit(": ").next().unwrap_or(error);
    let panic = panic.filter(|_| last.contains("unreachable"));
    let text = if let Some(panic) = panic {
        panic
    } else if last.contains("interrupt") {
        format!("it computed longer than its CPU budget allows (CALL_TICKS) [{last}]")
    } else {
        error.lines().next_back().unwrap_or(error).trim().to_owned()
    };
    text.chars().take(300).collect()
}
