//! What guests have of WASI: no environment, no arguments, no folders, no sockets; time and
//! randomness of the backend's clock and seed.

use super::instance::Ctx;
use crate::{clock::Clock, profile::Profile};
use std::time::Duration;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::{
    HostWallClock, Rng, WasiCtx, WasiCtxBuilder, async_trait,
    p2::{
        self, DynPollable, Pollable,
        bindings::clocks::monotonic_clock::{self, Duration as Nanoseconds, Instant},
        subscribe,
    },
};

/// The WASI context of a plugin in a profile; deny-all is the default.
pub(super) fn context(profile: &Profile, plugin: &str) -> WasiCtxBuilder {
    let mut wasi = WasiCtx::builder();
    wasi.wall_clock(WallClock(profile.clock().clone()));
    let series = format!("{}/{plugin}/wasi", profile.name());
    let random = &profile.shared.random;
    if let (Some(secure), Some(insecure), Some(mut seed)) = (
        random.generator(series.clone()),
        random.generator(series.clone()),
        random.generator(series),
    ) {
        wasi.secure_random(secure);
        wasi.insecure_random(insecure);
        wasi.insecure_random_seed(seed.next_u64().into());
    }
    wasi
}

/// Links WASI 0.2, with the monotonic clock of the backend: `wasmtime_wasi` lets its readings be
/// replaced, but not its waits.
pub(super) fn link(linker: &mut Linker<Ctx>) -> wasmtime::Result<()> {
    p2::add_to_linker_async(linker)?;
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<Ctx, Clocks>(linker, Clocks::of)?;
    linker.allow_shadowing(false);
    Ok(())
}

struct WallClock(Clock);

impl HostWallClock for WallClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        let since_1970 = self
            .0
            .now()
            .signed_duration_since(chrono::DateTime::UNIX_EPOCH);
        // A clock before 1970 is a broken one; 1970 serves as well.
        since_1970.to_std().unwrap_or_default()
    }
}

struct Clocks;

impl HasData for Clocks {
    type Data<'a> = Monotonic<'a>;
}

impl Clocks {
    fn of(ctx: &mut Ctx) -> Monotonic<'_> {
        Monotonic {
            clock: ctx.profile.clock().clone(),
            table: &mut ctx.table,
        }
    }
}

struct Monotonic<'a> {
    clock: Clock,
    table: &'a mut ResourceTable,
}

impl monotonic_clock::Host for Monotonic<'_> {
    fn now(&mut self) -> wasmtime::Result<Instant> {
        Ok(nanoseconds(self.clock.monotonic()))
    }

    fn resolution(&mut self) -> wasmtime::Result<Nanoseconds> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: Instant) -> wasmtime::Result<Resource<DynPollable>> {
        let left = when.saturating_sub(nanoseconds(self.clock.monotonic()));
        self.subscribe_duration(left)
    }

    fn subscribe_duration(
        &mut self,
        duration: Nanoseconds,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        let wait = Wait {
            clock: self.clock.clone(),
            due: self.clock.monotonic() + Duration::from_nanos(duration),
        };
        let wait = self.table.push(wait)?;
        subscribe(self.table, wait)
    }
}

fn nanoseconds(reading: Duration) -> u64 {
    u64::try_from(reading.as_nanos()).unwrap_or(u64::MAX)
}

struct Wait {
    clock: Clock,
    due: Duration,
}

#[async_trait]
impl Pollable for Wait {
    async fn ready(&mut self) {
        let left = self.due.saturating_sub(self.clock.monotonic());
        if left.is_zero() {
            // A guest that asks in a loop must not keep others from their turn.
            tokio::task::yield_now().await;
        } else {
            self.clock.sleep(left).await;
        }
    }
}
