//! The one wasmtime engine of the process, and the numbers that bound what a plugin can use.

use crate::{Error, Result};
use std::{sync::OnceLock, thread, time::Duration};
use wasmtime::{Config, Engine};

/// Time between two ticks of the epoch, the unit of the CPU budget.
pub const TICK: Duration = Duration::from_millis(10);
/// Ticks that a guest may compute without returning or waiting: 200 ms.
pub const CALL_TICKS: u64 = 20;
/// CPU time that an instance may use in each [`CPU_WINDOW`].
pub const CPU_PER_WINDOW: Duration = Duration::from_secs(20);
/// Window of [`CPU_PER_WINDOW`].
pub const CPU_WINDOW: Duration = Duration::from_secs(60);
/// Longest time from the start of a call to its answer, waiting included.
pub const CALL_DEADLINE: Duration = Duration::from_secs(30);
/// Memory of an instance, all its linear memories and tables together.
pub const MEMORY: usize = 64 << 20;
/// Elements of an instance's tables.
pub const TABLE_ELEMENTS: usize = 20_000;
/// Host memory for the values of one call from the guest, in wasmtime's units.
pub const HOSTCALL_FUEL: usize = 16 << 20;
/// Component handles of an instance.
pub const HANDLES: usize = 10_000;
/// Jobs that wait for an instance; further ones wait outside.
pub const QUEUE: usize = 256;
/// Depth of calls from plugin to plugin.
pub const CALL_DEPTH: u8 = 8;
/// Largest plugin file.
pub const FILE: u64 = sat_manifest::MAX_FILE as u64;
/// How long an unused instance is kept.
pub const IDLE: Duration = Duration::from_secs(60);

/// The engine. One for the process: types of different engines must never meet.
pub fn engine() -> Result<&'static Engine> {
    static ENGINE: OnceLock<std::result::Result<Engine, String>> = OnceLock::new();
    let made = ENGINE.get_or_init(|| {
        let mut config = Config::new();
        config.epoch_interruption(true);
        // Small reservations: hundreds of instances must fit into a small address space too.
        config.memory_reservation(64 << 20);
        config.memory_guard_size(64 << 10);
        config.max_wasm_stack(512 << 10);
        config.async_stack_size(2 << 20);
        let engine = Engine::new(&config).map_err(|e| e.to_string())?;
        let ticker = engine.weak();
        let tick = move || {
            while let Some(engine) = ticker.upgrade() {
                engine.increment_epoch();
                drop(engine);
                thread::sleep(TICK);
            }
        };
        thread::Builder::new()
            .name("epoch".into())
            .stack_size(64 << 10)
            .spawn(tick)
            .map_err(|e| e.to_string())?;
        Ok(engine)
    });
    made.as_ref()
        .map_err(|e| Error::internal("Cannot start the WebAssembly engine", e))
}
