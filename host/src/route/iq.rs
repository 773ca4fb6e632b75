//! Questions that wait for their answers (RFC 6120 §8.2.3).

use super::stanza::{StanzaError, bare, domain, set};
use crate::{Clock, Error, Result, error::kind};
use minidom::Element;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::oneshot;

/// How long an answer is waited for.
pub const TIMEOUT: Duration = Duration::from_secs(30);
/// The longest time that a plugin may ask for.
pub const LONGEST_TIMEOUT: Duration = Duration::from_secs(300);

struct Pending {
    to: Option<String>,
    plugin: String,
    answer: oneshot::Sender<Element>,
}

/// The questions of one profile.
#[derive(Default)]
pub struct Iqs {
    pending: Mutex<HashMap<String, Pending>>,
}

/// A question on its way; dropping it forgets it.
pub struct Question<'a> {
    iqs: &'a Iqs,
    id: String,
    answer: oneshot::Receiver<Element>,
}

impl Iqs {
    /// Notes a question of a plugin and gives the stanza its id, which nobody can guess.
    pub fn ask(&self, plugin: &str, id: String, iq: &mut Element) -> Question<'_> {
        set(iq, "id", &id);
        let (sender, answer) = oneshot::channel();
        let pending = Pending {
            to: iq.attr("to").map(str::to_owned),
            plugin: plugin.to_owned(),
            answer: sender,
        };
        self.lock().insert(id.clone(), pending);
        Question {
            iqs: self,
            id,
            answer,
        }
    }

    /// Takes an answer in; false when nobody asked for it, or somebody else was asked.
    pub fn answer(&self, account: &str, iq: Element) -> bool {
        let Some(id) = iq.attr("id") else {
            return false;
        };
        let mut pending = self.lock();
        let Some(asked) = pending.get(id) else {
            return false;
        };
        if !is_from_asked(account, asked.to.as_deref(), iq.attr("from")) {
            tracing::debug!("An answer came from somebody else than was asked");
            return false;
        }
        let id = id.to_owned();
        pending
            .remove(&id)
            .is_some_and(|asked| asked.answer.send(iq).is_ok())
    }

    /// Whether a plugin waits for an answer from this JID or, for a bare one, its account.
    pub fn is_asked(&self, plugin: &str, account: &str, from: Option<&str>) -> bool {
        self.lock().values().any(|p| {
            p.plugin == plugin
                && (is_from_asked(account, p.to.as_deref(), from)
                    || matches!((&p.to, from), (Some(to), Some(from)) if to == bare(from)))
        })
    }

    /// Fails every question: the stream is gone.
    pub fn fail_all(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Question<'_> {
    /// Waits for the payload of the answer.
    pub async fn wait(mut self, timeout: Duration, clock: &Clock) -> Result<Option<Element>> {
        let iq = match clock.timeout(timeout, &mut self.answer).await {
            Ok(Ok(iq)) => iq,
            Ok(Err(_)) => {
                return Err(Error::new(
                    kind::NOT_CONNECTED,
                    "The stream was lost before the answer came",
                ));
            }
            Err(_) => {
                return Err(Error::new(
                    kind::TIMEOUT,
                    format!("No answer within {} s", timeout.as_secs()),
                ));
            }
        };
        if iq.attr("type") == Some("error") {
            let error = StanzaError::of(&iq);
            let message = error
                .text
                .unwrap_or_else(|| format!("The other side answered: {}", error.condition));
            return Err(Error::new(error.condition, message));
        }
        let mut iq = iq;
        Ok(iq.unshift_child())
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        self.iqs.lock().remove(&self.id);
    }
}

/// Whether an answer comes from the entity asked. The own server answers for the account with
/// no `from`, the bare JID, or its own name (RFC 6120 §8.1.2.1).
fn is_from_asked(account: &str, to: Option<&str>, from: Option<&str>) -> bool {
    let own = |jid: Option<&str>| jid.is_none_or(|j| j == account);
    match to {
        Some(to) if to == account => own(from),
        Some(to) if to == domain(account) => from.is_none_or(|f| f == to),
        Some(to) => from == Some(to),
        None => own(from) || from == Some(domain(account)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_who_was_asked_answers() {
        let iqs = Iqs::default();
        let account = "a@x";
        for (to, good, bad) in [
            (
                Some("b@y/z"),
                vec![Some("b@y/z")],
                vec![None, Some("b@y"), Some("y"), Some("a@x"), Some("b@y/w")],
            ),
            (
                None,
                vec![None, Some("a@x"), Some("x")],
                vec![Some("b@y"), Some("a@x/other"), Some("y")],
            ),
            (
                Some("x"),
                vec![None, Some("x")],
                vec![Some("y"), Some("a@x")],
            ),
        ] {
            for (from, accepted) in good
                .iter()
                .map(|f| (f, true))
                .chain(bad.iter().map(|f| (f, false)))
            {
                let mut iq: Element = "<iq xmlns='jabber:client' type='get'/>".parse().unwrap();
                if let Some(to) = to {
                    set(&mut iq, "to", to);
                }
                let question = iqs.ask("p", "a1".into(), &mut iq);
                let mut answer: Element =
                    "<iq xmlns='jabber:client' type='result'><q xmlns='r'/></iq>"
                        .parse()
                        .unwrap();
                set(&mut answer, "id", iq.attr("id").unwrap());
                if let Some(from) = from {
                    set(&mut answer, "from", from);
                }
                assert_eq!(
                    iqs.answer(account, answer.clone()),
                    accepted,
                    "to {to:?} from {from:?}"
                );
                assert!(
                    !accepted || !iqs.answer(account, answer),
                    "a second answer counts"
                );
                if accepted {
                    assert!(
                        question
                            .wait(TIMEOUT, &Clock::system())
                            .await
                            .unwrap()
                            .unwrap()
                            .is("q", "r")
                    );
                }
            }
        }
        assert!(iqs.lock().is_empty());
    }
}
