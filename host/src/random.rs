//! Randomness that others see: ids of stanzas, resources, jitter, and what guests draw. With a
//! seed it can be had again. Keys, salts and tokens never come from here.

use rand::{Rng, SeedableRng, TryRng, rngs::SmallRng};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    convert::Infallible,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// Bytes of an id.
const ID: usize = 16;

/// A source of randomness. Clones are handles of the same.
///
/// Each drawer names its series, such as `juliet/chat`. With a seed each series is reproducible
/// by itself, so that drawers who run at the same time don't change each other's draws.
#[derive(Clone, Default)]
pub struct Random {
    seeded: Option<Arc<Seeded>>,
}

struct Seeded {
    seed: u64,
    series: Mutex<HashMap<String, SmallRng>>,
}

impl Random {
    /// The system's randomness.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// Randomness that is the same for the same seed. For tests: who knows the seed knows all.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        let seeded = Seeded {
            seed,
            series: Mutex::default(),
        };
        Self {
            seeded: Some(Arc::new(seeded)),
        }
    }

    /// A random id of 128 bits in 32 hexadecimal digits.
    #[must_use]
    pub fn id(&self, series: &str) -> String {
        let mut bytes = [0u8; ID];
        // Without randomness there is no safe id; the kernel's generator does not fail after boot.
        if self.fill(series, &mut bytes).is_err() {
            tracing::error!("No randomness from the system");
        }
        use std::fmt::Write as _;
        bytes.iter().fold(String::with_capacity(32), |mut out, b| {
            let _ = write!(out, "{b:02x}");
            out
        })
    }

    /// A number above 0 and up to 1.
    #[must_use]
    pub fn fraction(&self, series: &str) -> f64 {
        let mut bytes = [0u8; 4];
        // Without randomness the longest wait is the safe one.
        let draw = match self.fill(series, &mut bytes) {
            Ok(()) => u32::from_le_bytes(bytes),
            Err(_) => u32::MAX,
        };
        (f64::from(draw) + 1.0) / (f64::from(u32::MAX) + 1.0)
    }

    /// A series as a generator; none where the system's randomness is used.
    pub(crate) fn generator(&self, series: String) -> Option<Generator> {
        let seeded = self.seeded.clone()?;
        Some(Generator { seeded, series })
    }

    fn fill(&self, series: &str, bytes: &mut [u8]) -> Result<(), getrandom::Error> {
        match &self.seeded {
            None => getrandom::fill(bytes),
            Some(seeded) => {
                seeded.draw(series, |rng| rng.fill_bytes(bytes));
                Ok(())
            }
        }
    }
}

impl Seeded {
    fn draw<R>(&self, series: &str, draw: impl FnOnce(&mut SmallRng) -> R) -> R {
        let mut all = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rng) = all.get_mut(series) {
            return draw(rng);
        }
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        hash.update(series);
        let seed = hash.finalize();
        let seed = seed.iter().take(8).fold(0, |n, b| n << 8 | u64::from(*b));
        let rng = all.entry(series.to_owned());
        draw(rng.or_insert_with(|| SmallRng::seed_from_u64(seed)))
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seed = self.seeded.as_ref().map(|seeded| seeded.seed);
        write!(f, "Random({seed:?})")
    }
}

/// A series of a seed, for guests.
pub(crate) struct Generator {
    seeded: Arc<Seeded>,
    series: String,
}

impl TryRng for Generator {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.seeded.draw(&self.series, Rng::next_u32))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.seeded.draw(&self.series, Rng::next_u64))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.seeded.draw(&self.series, |rng| rng.fill_bytes(bytes));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_depends_on_the_seed_and_its_name_alone() {
        let (a, b) = (Random::seeded(7), Random::seeded(7));
        let first: Vec<_> = (0..3).map(|_| a.id("x")).collect();
        assert_ne!(b.id("y"), first[0]);
        let mut generator = b.generator("z".into()).unwrap();
        generator.next_u64();
        assert_eq!(first, (0..3).map(|_| b.id("x")).collect::<Vec<_>>());
        assert_ne!(first[0], first[1]);
        assert_ne!(Random::seeded(8).id("x"), first[0]);
        assert_ne!(Random::seeded(7).id("y"), first[0]);
        assert_ne!(Random::system().id("x"), Random::system().id("x"));
    }

    #[test]
    fn fractions_are_above_zero() {
        for random in [Random::system(), Random::seeded(1)] {
            for _ in 0..1000 {
                let fraction = random.fraction("x");
                assert!(fraction > 0.0 && fraction <= 1.0, "{fraction}");
            }
        }
    }
}
