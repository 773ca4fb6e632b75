//! What `profile.unlock` hands out, and what it does about guessing.

use crate::{limits, listen};
use sat_host::{Error, Result, error::kind};
use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Wrong passwords that cost nothing.
const FREE: u32 = 3;
/// The longest delay.
const LONGEST: Duration = Duration::from_secs(60);

/// A lock, also after a panic of somebody who held it: what it guards is whole between statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to use a profile until it is locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) profile: String,
    /// The profile's lock epoch when it was given.
    pub(crate) epoch: u64,
}

/// Tokens in memory: they die with the backend.
#[derive(Default)]
pub(crate) struct Tokens {
    issued: Mutex<Issued>,
}

#[derive(Default)]
struct Issued {
    count: u64,
    grants: BTreeMap<String, (u64, Grant)>,
}

impl Tokens {
    /// A new token for a grant.
    pub(crate) fn issue(&self, grant: Grant) -> Result<String> {
        let token = listen::secret()?;
        let mut issued = lock(&self.issued);
        issued
            .grants
            .retain(|_, (_, g)| g.profile != grant.profile || g.epoch == grant.epoch);
        if issued.grants.len() >= limits::TOKENS {
            let oldest = issued.grants.iter().min_by_key(|(_, (number, _))| *number);
            if let Some(token) = oldest.map(|(token, _)| token.clone()) {
                issued.grants.remove(&token);
            }
        }
        issued.count += 1;
        let number = issued.count;
        issued.grants.insert(token.clone(), (number, grant));
        Ok(token)
    }

    /// What a token stands for; whether it is still good, its epoch tells.
    ///
    /// The search compares whole strings of 256 random bits: its time tells nothing that helps.
    pub(crate) fn grant(&self, token: &str) -> Option<Grant> {
        lock(&self.issued)
            .grants
            .get(token)
            .map(|(_, grant)| grant.clone())
    }
}

/// Slows down who guesses a profile's password, and checks one password at a time.
#[derive(Default)]
pub(crate) struct Guesses {
    profiles: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<Guess>>>>,
}

#[derive(Default)]
struct Guess {
    failures: u32,
    until: Option<Instant>,
}

impl Guesses {
    /// Runs `check`, which checks a password of a profile that exists.
    pub(crate) async fn attempt<T>(
        &self,
        profile: &str,
        check: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let guess = lock(&self.profiles)
            .entry(profile.to_owned())
            .or_default()
            .clone();
        let mut guess = guess.lock().await;
        let wait = guess
            .until
            .map(|until| until.saturating_duration_since(Instant::now()));
        if let Some(wait) = wait.filter(|w| !w.is_zero()) {
            let seconds = wait.as_secs() + 1;
            let text = format!(
                "Too many wrong passwords for profile {profile:?}: try again in {seconds} s"
            );
            return Err(Error::new(kind::LIMIT, text));
        }
        let result = check.await;
        match &result {
            Ok(_) => *guess = Guess::default(),
            Err(e) if e.is(kind::WRONG_PASSWORD) => {
                guess.failures = guess.failures.saturating_add(1);
                if let Some(over) = guess.failures.checked_sub(FREE) {
                    let delay = Duration::from_secs(1 << over.min(6)).min(LONGEST);
                    guess.until = Some(Instant::now() + delay);
                }
            }
            Err(_) => {}
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_give_way_and_die_with_their_epoch() {
        let tokens = Tokens::default();
        let grant = |epoch| Grant {
            profile: "juliet".into(),
            epoch,
        };
        let first = tokens.issue(grant(1)).unwrap();
        assert_eq!(tokens.grant(&first), Some(grant(1)));
        assert_eq!(tokens.grant("x"), None);
        for _ in 0..limits::TOKENS {
            tokens.issue(grant(1)).unwrap();
        }
        assert_eq!(tokens.grant(&first), None);
        tokens.issue(grant(2)).unwrap();
        assert_eq!(lock(&tokens.issued).grants.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn guessing_is_slowed() {
        let guesses = Guesses::default();
        let wrong = async || {
            guesses
                .attempt("juliet", async {
                    Err::<(), _>(Error::new(kind::WRONG_PASSWORD, ""))
                })
                .await
        };
        for _ in 0..FREE {
            assert!(wrong().await.unwrap_err().is(kind::WRONG_PASSWORD));
        }
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert!(wrong().await.unwrap_err().is(kind::LIMIT));
            tokio::time::advance(Duration::from_millis(seconds * 1000 - 1)).await;
            assert!(wrong().await.unwrap_err().is(kind::LIMIT), "{seconds}");
            tokio::time::advance(Duration::from_millis(2)).await;
            assert!(
                wrong().await.unwrap_err().is(kind::WRONG_PASSWORD),
                "{seconds}"
            );
        }
        guesses.attempt("romeo", async { Ok(()) }).await.unwrap();
        tokio::time::advance(LONGEST).await;
        guesses.attempt("juliet", async { Ok(()) }).await.unwrap();
        assert!(wrong().await.unwrap_err().is(kind::WRONG_PASSWORD));
    }
}
