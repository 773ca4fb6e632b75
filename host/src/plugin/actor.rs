//! The task that owns a store: takes jobs from a bounded queue and runs each as an async call.
//! Calls interleave where they wait. A trap ends the task, and with it every running call.

use super::{
    bindings::sat::{
        host::{
            timers::Timer,
            types::{Error as GuestError, Header, StanzaError},
        },
        plugin::filter_types::Verdict,
    },
    engine::{
        CALL_TICKS, CPU_PER_WINDOW, CPU_WINDOW, HANDLES, HOSTCALL_FUEL, MEMORY, TABLE_ELEMENTS,
        engine,
    },
    instance::{Answer, Call, CallState, Ctx},
    loaded::LoadedPlugin,
    values,
};
use crate::{Error, Result, error::kind, route::header};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};
use wasmtime::{
    CallHook, ResourceLimiter, Store, UpdateDeadline,
    component::{
        Accessor, AccessorTask, ComponentExportIndex, ComponentNamedList, Instance, Lift, Lower,
        TypedFunc, Val,
    },
};

/// A call and where its answer goes.
pub(crate) struct Job {
    pub(crate) call: Call,
    pub(crate) depth: u8,
    pub(crate) reply: oneshot::Sender<Result<Answer>>,
}

/// Runs an instance until its queue is closed and its calls are done, or until it crashes.
pub(crate) async fn run(ctx: Ctx, mut jobs: mpsc::Receiver<Job>) -> wasmtime::Result<()> {
    let engine = engine().map_err(|e| wasmtime::Error::msg(e.to_string()))?;
    let plugin = ctx.plugin.clone();
    let mut store = Store::new(engine, ctx);
    store.limiter(|ctx| &mut ctx.limits);
    store.set_hostcall_fuel(HOSTCALL_FUEL);
    store.set_max_component_handles(HANDLES);
    meter(&mut store);
    let instance = plugin.pre.instantiate_async(&mut store).await?;
    store
        .run_concurrent(async move |accessor| -> wasmtime::Result<()> {
            while let Some(job) = jobs.recv().await {
                accessor.spawn(Task {
                    job,
                    instance,
                    plugin: plugin.clone(),
                })?;
            }
            std::future::poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
            Ok(())
        })
        .await?
}

/// Bounds the guest's CPU time: for each stretch without a return to the host, and by the minute.
fn meter(store: &mut Store<Ctx>) {
    let ticks = Arc::new(AtomicU64::new(0));
    let entered = ticks.clone();
    let (mut since, mut window, mut used) = (None::<Instant>, Instant::now(), Duration::ZERO);
    store.call_hook(move |_, hook| {
        match hook {
            // Only entering resets: the epoch callback itself counts as a return from the host.
            CallHook::CallingWasm => {
                entered.store(0, Relaxed);
                since = Some(Instant::now());
            }
            CallHook::ReturningFromWasm => {
                used += since.take().map_or(Duration::ZERO, |at| at.elapsed());
                if window.elapsed() > CPU_WINDOW {
                    (window, used) = (Instant::now(), Duration::ZERO);
                } else if used > CPU_PER_WINDOW {
                    return Err(wasmtime::Error::msg(format!(
                        "it used more than {} s of CPU in {} s (CPU_PER_WINDOW)",
                        CPU_PER_WINDOW.as_secs(),
                        CPU_WINDOW.as_secs()
                    )));
                }
            }
            CallHook::CallingHost | CallHook::ReturningFromHost => {}
        }
        Ok(())
    });
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        Ok(if ticks.fetch_add(1, Relaxed) >= CALL_TICKS {
            UpdateDeadline::Interrupt
        } else {
            UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))
        })
    });
}

/// What a store may grow to.
#[derive(Default)]
pub(crate) struct Limits {
    memory: usize,
    table: usize,
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.memory = self.memory.saturating_add(desired.saturating_sub(current));
        if self.memory > MEMORY {
            // An error, since a guest turns a refusal into a trap without a reason.
            return Err(wasmtime::Error::msg(format!(
                "it wanted more than {} MiB of memory (MEMORY)",
                MEMORY >> 20
            )));
        }
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.table = self.table.saturating_add(desired.saturating_sub(current));
        if self.table > TABLE_ELEMENTS {
            return Err(wasmtime::Error::msg(format!(
                "it wanted more than {TABLE_ELEMENTS} table elements (TABLE_ELEMENTS)"
            )));
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        16
    }

    fn tables(&self) -> usize {
        16
    }

    fn memories(&self) -> usize {
        4
    }
}

/// One call.
struct Task {
    job: Job,
    instance: Instance,
    plugin: Arc<LoadedPlugin>,
}

type Guest<T> = std::result::Result<T, GuestError>;

impl AccessorTask<Ctx> for Task {
    async fn run(self, accessor: &Accessor<Ctx>) -> wasmtime::Result<()> {
        let Job { call, depth, reply } = self.job;
        let lane = call.header().map(|h| {
            accessor.with(|mut access| {
                let account = access.get().profile.account().to_owned();
                header::lane(&account, h.from.as_deref(), h.to.as_deref()).to_owned()
            })
        });
        let guest = Callee {
            accessor,
            instance: self.instance,
            plugin: &self.plugin,
            depth,
            lane,
        };
        let answer = match call {
            Call::Feature(name, args) => match self.plugin.methods.get(&name) {
                Some(method) => guest
                    .dynamic(&method.index, &args)
                    .await?
                    .map(Answer::Value),
                None => Err(Error::new(
                    kind::NO_PROVIDER,
                    format!("Plugin {} has no {name}", self.plugin.id()),
                )),
            },
            Call::Event {
                interface,
                topic,
                data,
            } => {
                let receiver = self
                    .plugin
                    .receivers
                    .iter()
                    .find(|r| r.topic == topic && r.interface == interface);
                match receiver.map(|r| (&r.index, values::event_from_json(&r.record, &data))) {
                    Some((index, Ok(record))) => {
                        guest.none(index, &[record]).await?.map(|()| Answer::Unit)
                    }
                    Some((_, Err(e))) => Err(e),
                    None => Ok(Answer::Unit),
                }
            }
            Call::Connected(resumed) => guest
                .hook::<_, ()>("lifecycle", "connected", (resumed,))
                .await?
                .map(|()| Answer::Unit),
            Call::Disconnected => guest
                .hook::<_, ()>("lifecycle", "disconnected", ())
                .await?
                .map(|()| Answer::Unit),
            Call::SettingsChanged(names) => guest
                .hook::<_, ()>("lifecycle", "settings-changed", (names,))
                .await?
                .map(|()| Answer::Unit),
            Call::FeaturesChanged => guest
                .hook::<_, ()>("lifecycle", "features-changed", ())
                .await?
                .map(|()| Answer::Unit),
            Call::Unload => guest
                .hook::<_, ()>("lifecycle", "unload", ())
                .await?
                .map(|()| Answer::Unit),
            Call::Iq(header, payload) => guest
                .hook::<(Header, String), (std::result::Result<Option<String>, StanzaError>,)>(
                    "iq-handler",
                    "on-iq",
                    (header, payload),
                )
                .await?
                .map(|(r,)| Answer::Iq(r)),
            Call::Message(header, payloads) => guest
                .hook::<_, (Guest<()>,)>("message-handler", "on-message", (header, payloads))
                .await?
                .map(|(r,)| Answer::Done(r)),
            Call::Presence(header, payloads) => guest
                .hook::<_, (Guest<()>,)>("presence-handler", "on-presence", (header, payloads))
                .await?
                .map(|(r,)| Answer::Done(r)),
            Call::PresenceFilter(stanza) => guest
                .hook::<_, (Guest<String>,)>("presence-filter", "on-presence", (stanza,))
                .await?
                .map(|(r,)| Answer::Stanza(r)),
            Call::Unwrap(header, stanza) => {
                guest
                    .filter("unwrap-filter", "unwrap", (header, stanza))
                    .await?
            }
            Call::Decrypt(header, stanza) => {
                guest
                    .filter("decrypt-filter", "decrypt", (header, stanza))
                    .await?
            }
            Call::Amend(header, stanza) => {
                guest
                    .filter("amend-filter", "amend", (header, stanza))
                    .await?
            }
            Call::Compose(stanza) => guest.filter("compose-filter", "compose", (stanza,)).await?,
            Call::Seal(stanza) => guest.filter("seal-filter", "seal", (stanza,)).await?,
            Call::OutboxSent(ids) => guest
                .hook::<_, ()>("outbox-handler", "on-sent", (ids,))
                .await?
                .map(|()| Answer::Unit),
            Call::OutboxFailed(id, reason) => guest
                .hook::<_, ()>("outbox-handler", "on-failed", (id, reason))
                .await?
                .map(|()| Answer::Unit),
            Call::Timer(timer) => guest
                .hook::<_, (Guest<()>,)>("timer-handler", "on-timer", (Timer::from(timer),))
                .await?
                .map(|(r,)| Answer::Done(r)),
        };
        // Whoever asked may have stopped waiting.
        reply.send(answer).ok();
        Ok(())
    }
}

/// The guest, for one call.
struct Callee<'a> {
    accessor: &'a Accessor<Ctx>,
    instance: Instance,
    plugin: &'a Arc<LoadedPlugin>,
    depth: u8,
    lane: Option<String>,
}

impl Callee<'_> {
    /// Calls a hook's function. The outer error is a trap.
    async fn hook<P, R>(
        &self,
        hook: &'static str,
        function: &str,
        params: P,
    ) -> wasmtime::Result<Result<R>>
    where
        P: ComponentNamedList + Lower + Send + Sync + 'static,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let found = self.plugin.hooks.get(hook).and_then(|parent| {
            self.plugin
                .component
                .get_export_index(Some(parent), function)
        });
        let Some(index) = found else {
            return Ok(Err(Error::new(
                kind::NO_PROVIDER,
                format!("Plugin {} has no {hook}", self.plugin.id()),
            )));
        };
        let (function, call) = self.accessor.with(|mut access| {
            let function: TypedFunc<P, R> = self.instance.get_typed_func(&mut access, index)?;
            // The guest runs when this task waits: the call is noted before.
            let call = function.start_call_concurrent(&mut access, params)?;
            access.get().calls.insert(call.task(), self.state());
            wasmtime::error::Ok((function, call))
        })?;
        let task = call.task();
        let result = function.finish_call_concurrent(self.accessor, call).await?;
        Ok(self.end(task).await.map(|()| result))
    }

    async fn filter<P>(
        &self,
        hook: &'static str,
        function: &str,
        params: P,
    ) -> wasmtime::Result<Result<Answer>>
    where
        P: ComponentNamedList + Lower + Send + Sync + 'static,
    {
        Ok(self
            .hook::<P, (Guest<Verdict>,)>(hook, function, params)
            .await?
            .map(|(r,)| Answer::Verdict(r)))
    }

    /// Calls a function by the component's own types.
    async fn dynamic(
        &self,
        index: &ComponentExportIndex,
        args: &[Val],
    ) -> wasmtime::Result<Result<Val>> {
        let mut out = [Val::Bool(false)];
        let result = self.values(index, args, &mut out).await?;
        let [value] = out;
        Ok(result.map(|()| value))
    }

    async fn none(
        &self,
        index: &ComponentExportIndex,
        args: &[Val],
    ) -> wasmtime::Result<Result<()>> {
        self.values(index, args, &mut []).await
    }

    async fn values(
        &self,
        index: &ComponentExportIndex,
        args: &[Val],
        out: &mut [Val],
    ) -> wasmtime::Result<Result<()>> {
        let started = self.accessor.with(|mut access| {
            let Some(function) = self.instance.get_func(&mut access, index) else {
                return Ok(None);
            };
            let call = function.start_call_concurrent(&mut access, args, out)?;
            access.get().calls.insert(call.task(), self.state());
            wasmtime::error::Ok(Some((function, call)))
        })?;
        let Some((function, call)) = started else {
            return Ok(Err(Error::internal("Call a plugin", "its export is gone")));
        };
        let task = call.task();
        function.finish_call_concurrent(self.accessor, call).await?;
        Ok(self.end(task).await)
    }

    fn state(&self) -> CallState {
        CallState {
            depth: self.depth,
            lane: self.lane.clone(),
            events: Vec::new(),
        }
    }

    /// Writes the events that the call emitted and has not committed.
    async fn end(&self, task: wasmtime::component::GuestTaskId) -> Result<()> {
        let (state, profile) = self.accessor.with(|mut access| {
            let ctx = access.get();
            (ctx.calls.remove(&task), ctx.profile.clone())
        });
        match state {
            Some(state) if !state.events.is_empty() => {
                profile.emit(self.plugin.id(), state.events).await
            }
            _ => Ok(()),
        }
    }
}
