//! The host's side of each function, in memory.

use super::{CURRENT, state::State};
use crate::{Error, bindings::sat::host as bindings};
use std::{any::Any, cell::RefCell, rc::Rc};

/// Bytes of a key, and of a value under a key or a secret's name.
const KEY: usize = 256;
const VALUE: usize = 256 << 10;

fn current() -> Rc<RefCell<State>> {
    CURRENT
        .with_borrow(Option::clone)
        .expect("this thread has no host: make a mock::Host first, and keep it")
}

/// The state, for a use that needs this permission.
fn permitted<T>(permission: &str, act: impl FnOnce(&mut State) -> T) -> T {
    let state = current();
    state.borrow().need(permission);
    let mut state = state.borrow_mut();
    act(&mut state)
}

pub(crate) fn instance() -> u64 {
    CURRENT.with_borrow(|state| state.as_ref().map_or(0, |s| s.borrow().instance))
}

pub(crate) fn now_ms() -> Option<i64> {
    CURRENT.with_borrow(|state| state.as_ref()?.borrow().now)
}

/// Keeps a line; false when the thread has no host.
pub(crate) fn log(level: bindings::log::Level, message: &str) -> bool {
    let Some(state) = CURRENT.with_borrow(Option::clone) else {
        return false;
    };
    state.borrow_mut().log.push((level, message.into()));
    true
}

pub(crate) fn emit(topic: &'static str, event: impl Any) {
    current().borrow_mut().events.push((topic, Box::new(event)));
}

pub(crate) fn call<A: 'static, R: 'static>(method: &str, arguments: A) -> Result<R, Error> {
    let feature = method
        .rsplit_once('.')
        .map_or(method, |(feature, _)| feature);
    let provider = permitted(feature, |state| state.providers.get(method).cloned());
    let Some(provider) = provider else {
        let message = format!("no loaded plugin offers {method}");
        return Err(Error::new("no-provider", message));
    };
    let answer = (provider.borrow_mut())(Box::new(arguments));
    *answer.downcast::<Result<R, Error>>().unwrap_or_else(|_| {
        let expected = std::any::type_name::<R>();
        panic!("{method} has another result than the closure: it returns {expected}")
    })
}

fn not_connected() -> Error {
    Error::new("not-connected", "the profile is not connected")
}

fn limit(what: &str, max: usize, bytes: usize) -> Result<(), Error> {
    if bytes <= max {
        return Ok(());
    }
    let message = format!("a {what} has at most {max} bytes, this one has {bytes}");
    Err(Error::new("limit-reached", message))
}

pub(crate) mod xmpp {
    use super::*;
    use crate::{payload, random, xml};
    use bindings::xmpp::{IqRequest, Outgoing};

    pub(crate) fn send(request: Outgoing) -> Result<String, Error> {
        permitted("xmpp", |state| send_from(state, request))
    }

    /// Sends, or puts into the outbox.
    pub(super) fn send_from(state: &mut State, mut request: Outgoing) -> Result<String, Error> {
        let stanza = xml::parse(&request.stanza)?;
        if stanza.attr("from").is_some() || stanza.ns() != "jabber:client" {
            let message = "a stanza is in jabber:client and has no `from`";
            return Err(Error::new("bad-request", message));
        }
        if state.bound.is_none() && !request.durable {
            return Err(not_connected());
        }
        let id = stanza.attr("id").map_or_else(random::id, str::to_owned);
        if stanza.attr("id").is_none() {
            let name = payload::name(&request.stanza).len() + 1;
            request.stanza.insert_str(name, &format!(" id='{id}'"));
        }
        state.sent.push(request);
        Ok(id)
    }

    pub(crate) fn iq(request: IqRequest) -> Result<String, Error> {
        let namespace = xml::parse(&request.payload)?.ns();
        let answer = permitted("xmpp", |state| {
            if state.bound.is_none() {
                return Err(not_connected());
            }
            state.asked.push(request.clone());
            Ok(state.answers.get(&namespace).cloned())
        })?;
        match answer {
            Some(answer) => (answer.borrow_mut())(&request),
            None => Err(Error::new(
                "service-unavailable",
                format!("the test answers no IQs of {namespace}"),
            )),
        }
    }

    pub(crate) fn account() -> String {
        current().borrow().account.clone()
    }

    pub(crate) fn bound() -> Option<String> {
        current().borrow().bound.clone()
    }

    pub(crate) fn stream_features() -> Option<String> {
        let state = current();
        let state = state.borrow();
        let features = state.stream_features.clone();
        state.bound.as_ref().and(features)
    }
}

pub(crate) mod deliver {
    use super::*;
    use bindings::deliver::Forwarded;

    pub(crate) fn deliver(messages: Vec<Forwarded>) -> Result<(), Error> {
        permitted("deliver", |state| state.delivered.extend(messages));
        Ok(())
    }
}

pub(crate) mod features {
    use super::*;
    use bindings::features::FeatureSet;

    pub(crate) fn set(features: Vec<String>) -> Result<(), Error> {
        current().borrow_mut().features = features;
        Ok(())
    }

    pub(crate) fn all() -> FeatureSet {
        let state = current();
        let state = state.borrow();
        if let Some(features) = &state.feature_set {
            return features.clone();
        }
        let own = state.static_features.iter().map(|f| (*f).to_owned());
        let mut features: Vec<String> = own.chain(state.features.iter().cloned()).collect();
        features.sort();
        features.dedup();
        FeatureSet {
            identities: Vec::new(),
            features,
        }
    }
}

pub(crate) mod peers {
    use super::*;
    use bindings::peers::Peer;

    pub(crate) fn claim(claims: Vec<Peer>) -> Result<(), Error> {
        let claims = claims.into_iter().map(|peer| (peer.jid, peer.kind));
        permitted("peers", |state| state.claims.extend(claims));
        Ok(())
    }

    pub(crate) fn release(jids: Vec<String>) -> Result<(), Error> {
        permitted("peers", |state| {
            state.claims.retain(|jid, _| !jids.contains(jid))
        });
        Ok(())
    }
}

pub(crate) mod storage {
    use super::*;
    use bindings::storage::{Committed, Rows, Statement, Transaction};

    pub(crate) fn commit(request: Transaction) -> Result<Committed, Error> {
        if !request.send.is_empty() {
            current().borrow().need("xmpp");
        }
        permitted("storage", |state| {
            if request.send.iter().any(|message| !message.durable) {
                let message = "only durable messages can be part of a commit";
                return Err(Error::new("bad-request", message));
            }
            let results = state.database.commit(request.statements)?;
            let send = request.send.into_iter();
            let sent = send
                .map(|message| xmpp::send_from(state, message))
                .collect();
            Ok(Committed {
                results,
                sent: Result::<_, Error>::from_iter::<Vec<_>>(sent)?,
            })
        })
    }

    pub(crate) fn query(request: Statement) -> Result<Rows, Error> {
        permitted("storage", |state| state.database.query(request))
    }

    pub(crate) fn get(key: String) -> Result<Option<Vec<u8>>, Error> {
        Ok(permitted("storage", |state| state.keys.get(&key).cloned()))
    }

    pub(crate) fn set(key: String, value: Vec<u8>) -> Result<(), Error> {
        limit("key", KEY, key.len())?;
        limit("value", VALUE, value.len())?;
        permitted("storage", |state| state.keys.insert(key, value));
        Ok(())
    }

    pub(crate) fn delete(key: String) -> Result<bool, Error> {
        Ok(permitted("storage", |state| state.keys.remove(&key)).is_some())
    }

    pub(crate) fn keys(
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<String>, Error> {
        let is_next = |key: &&String| {
            key.starts_with(&prefix) && after.as_ref().is_none_or(|after| *key > after)
        };
        Ok(permitted("storage", |state| {
            let keys = state.keys.keys().filter(is_next);
            keys.take(limit as usize).cloned().collect()
        }))
    }
}

pub(crate) mod secrets {
    use super::*;

    pub(crate) fn get(name: String) -> Result<Option<Vec<u8>>, Error> {
        Ok(permitted("secrets", |s| s.secrets.get(&name).cloned()))
    }

    pub(crate) fn set(name: String, value: Vec<u8>) -> Result<(), Error> {
        permitted("secrets", |s| s.secrets.insert(name, value));
        Ok(())
    }

    pub(crate) fn delete(name: String) -> Result<bool, Error> {
        Ok(permitted("secrets", |s| s.secrets.remove(&name)).is_some())
    }
}

pub(crate) mod timers {
    use super::*;
    use crate::datetime;
    use bindings::timers::Timer;

    /// Timers of a plugin.
    const TIMERS: usize = 1000;

    pub(crate) fn set(mut timer: Timer) -> Result<(), Error> {
        limit("timer's name", KEY, timer.name.len())?;
        limit("timer's payload", 16 << 10, timer.payload.len())?;
        let Some(at) = datetime::parse(&timer.at) else {
            let message = format!("{} is no RFC 3339 time", timer.at);
            return Err(Error::new("bad-request", message));
        };
        timer.at = datetime::format(at);
        permitted("timers", |state| {
            state.timers.retain(|t| t.name != timer.name);
            if state.timers.len() == TIMERS {
                let message = format!("a plugin has at most {TIMERS} timers");
                return Err(Error::new("limit-reached", message));
            }
            state.timers.push(timer);
            state
                .timers
                .sort_by(|a, b| (&a.at, &a.name).cmp(&(&b.at, &b.name)));
            Ok(())
        })
    }

    pub(crate) fn cancel(name: String) -> Result<bool, Error> {
        Ok(permitted("timers", |state| {
            let count = state.timers.len();
            state.timers.retain(|t| t.name != name);
            state.timers.len() < count
        }))
    }

    pub(crate) fn list(after: Option<String>, limit: u32) -> Result<Vec<Timer>, Error> {
        permitted("timers", |state| {
            let start = match after {
                None => 0,
                Some(after) => match state.timers.iter().position(|t| t.name == after) {
                    Some(at) => at + 1,
                    None => return Err(Error::new("not-found", format!("no timer {after}"))),
                },
            };
            let behind = state.timers.iter().skip(start);
            Ok(behind.take(limit as usize).cloned().collect())
        })
    }
}

pub(crate) mod http {
    use super::*;
    use bindings::http::{Request, Response};

    pub(crate) fn fetch(request: Request) -> Result<Response, Error> {
        let web = permitted("http", |state| {
            state.fetched.push(request.clone());
            state.web.clone()
        });
        match web {
            Some(web) => (web.borrow_mut())(&request),
            None => Err(Error::new("host-not-found", "the test answers no requests")),
        }
    }
}

pub(crate) mod settings {
    use super::*;
    use bindings::types::Json;

    pub(crate) fn get(name: &str) -> Option<Json> {
        let text = current().borrow().settings.get(name).cloned()?;
        Some(Json { text })
    }
}
