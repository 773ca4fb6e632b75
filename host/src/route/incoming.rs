//! Incoming stanzas: IQ requests to whoever answers them, presences to those who watch them,
//! messages through the stages unwrap, decrypt and amend to their handlers.

use super::{
    header::{Origin, header, kind},
    matcher::{Facts, Hit, Hook},
    stanza::{StanzaError, bare, domain, iq_answer},
};
use crate::{
    Result, error,
    plugin::{
        bindings::sat::plugin::filter_types::Verdict,
        instance::{Answer, Call, Instance},
        manifest::Policy,
    },
    profile::Profile,
    wire,
};
use futures::future::join_all;
use minidom::Element;
use std::{collections::BTreeSet, sync::Arc};

/// Takes a stanza from the stream. Returns when there is room for the next one.
pub(crate) async fn receive(profile: &Arc<Profile>, incoming: wire::Incoming) {
    let wire::Incoming { stanza, handled } = incoming;
    if stanza.name() == "iq" && matches!(stanza.attr("type"), Some("result" | "error")) {
        // Answers overtake: a handler of the same peer may be waiting for one.
        profile.iqs.answer(profile.account(), stanza);
        return;
    }
    let peer = stanza
        .attr("from")
        .map_or(profile.account(), bare)
        .to_owned();
    let work = {
        let profile = profile.clone();
        async move {
            match stanza.name() {
                "iq" => iq(&profile, stanza).await,
                "presence" => presence(&profile, &stanza).await,
                _ => message(&profile, stanza, Origin::live(), Stage::Unwrap, 0).await,
            }
            // Only now is the stanza acknowledged to the server (XEP-0198).
            drop(handled);
        }
    };
    profile.lanes.push(&peer, work).await;
}

/// Where a message enters the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(crate) enum Stage {
    /// At the beginning.
    Unwrap,
    /// Behind unwrapping: it was unwrapped already, and one level is enough.
    Decrypt,
}

/// The instances that want a stanza, with the payloads to hand over.
fn wanted(profile: &Arc<Profile>, hook: Hook, stanza: &Element) -> Vec<(Arc<Instance>, Hit)> {
    let catalog = profile.catalog();
    if !catalog.matcher.has(hook) {
        return Vec::new();
    }
    let (account, from) = (profile.account(), stanza.attr("from"));
    let requested = |plugin: usize| {
        catalog
            .plugins
            .get(plugin)
            .is_some_and(|p| profile.iqs.is_asked(p.id(), account, from))
    };
    let facts = Facts {
        account: from.is_none_or(|f| f == account),
        server: from == Some(domain(account)),
        claimed: from.is_some_and(|f| profile.peers.is_claimed(f)),
        requested: &requested,
    };
    let hits = catalog.matcher.find(hook, stanza, kind(stanza), facts);
    hits.into_iter()
        .filter_map(|hit| Some((profile.instance(catalog.plugins.get(hit.plugin)?)?, hit)))
        .collect()
}

fn payloads(stanza: &Element, hit: &Hit) -> Vec<String> {
    stanza
        .children()
        .enumerate()
        .filter(|(n, _)| hit.payloads.contains(n))
        .map(|(_, payload)| String::from(payload))
        .collect()
}

/// Every request gets its answer (RFC 6120 §8.2.3), also when the plugin crashes.
async fn iq(profile: &Arc<Profile>, iq: Element) {
    if !matches!(iq.attr("type"), Some("get" | "set")) {
        return;
    }
    let answer = answer(profile, &iq).await;
    if let Err(e) = profile.send_now(iq_answer(&iq, answer)).await {
        tracing::debug!(profile = profile.name(), "An IQ stays without answer: {e}");
    }
}

async fn answer(profile: &Arc<Profile>, iq: &Element) -> Result<Option<Element>, StanzaError> {
    let unavailable = || StanzaError::new("service-unavailable", "cancel");
    let failed = || StanzaError::new("internal-server-error", "cancel");
    if iq.children().count() != 1 {
        return Err(StanzaError::new("bad-request", "modify"));
    }
    let (instance, hit) = wanted(profile, Hook::Iq, iq)
        .into_iter()
        .next()
        .ok_or_else(unavailable)?;
    let payload = payloads(iq, &hit).pop().unwrap_or_default();
    let call = Call::Iq(header(profile, iq, &Origin::live()), payload);
    match instance.call(call, 0).await {
        Ok(Answer::Iq(Ok(None))) => Ok(None),
        Ok(Answer::Iq(Ok(Some(xml)))) => xml.parse().map(Some).map_err(|e| {
            profile.log(
                instance.plugin().id(),
                "error",
                &format!("answered an IQ with bad XML: {e}"),
            );
            failed()
        }),
        Ok(Answer::Iq(Err(e))) => Err(StanzaError {
            condition: e.condition,
            kind: e.kind,
            text: e.text,
        }),
        Err(e) if e.is(error::kind::NO_PROVIDER) => Err(unavailable()),
        Ok(_) | Err(_) => Err(failed()),
    }
}

async fn presence(profile: &Arc<Profile>, stanza: &Element) {
    let calls =
        wanted(profile, Hook::Presence, stanza)
            .into_iter()
            .map(|(instance, hit)| async move {
                let call = Call::Presence(
                    header(profile, stanza, &Origin::live()),
                    payloads(stanza, &hit),
                );
                note(profile, &instance, instance.call(call, 0).await);
            });
    join_all(calls).await;
}

/// Runs a message through the pipeline, to the end of its handlers.
pub(crate) async fn message(
    profile: &Arc<Profile>,
    mut stanza: Element,
    origin: Origin,
    enter: Stage,
    depth: u8,
) {
    for hook in [Hook::Unwrap, Hook::Decrypt, Hook::Amend] {
        if hook == Hook::Unwrap && enter > Stage::Unwrap {
            continue;
        }
        match filter(profile, hook, stanza, &origin, depth).await {
            Some(kept) => stanza = kept,
            None => return,
        }
    }
    let stanza = &stanza;
    let calls = wanted(profile, Hook::Message, stanza)
        .into_iter()
        .map(|(instance, hit)| {
            let origin = &origin;
            async move {
                let call =
                    || Call::Message(header(profile, stanza, origin), payloads(stanza, &hit));
                let mut result = instance.call(call(), depth).await;
                if matches!(&result, Err(e) if e.is(error::kind::PLUGIN_CRASHED)) {
                    // Another call may have brought the instance down: the message gets a second chance.
                    result = instance.call(call(), depth).await;
                }
                note(profile, &instance, result);
            }
        });
    join_all(calls).await;
}

/// One stage: each filter that wants the message, in order; matched again after each change.
async fn filter(
    profile: &Arc<Profile>,
    hook: Hook,
    mut stanza: Element,
    origin: &Origin,
    depth: u8,
) -> Option<Element> {
    let mut asked = BTreeSet::new();
    loop {
        let next = wanted(profile, hook, &stanza)
            .into_iter()
            .find(|(_, hit)| !asked.contains(&hit.plugin));
        let Some((instance, hit)) = next else {
            return Some(stanza);
        };
        asked.insert(hit.plugin);
        let (header, xml) = (header(profile, &stanza, origin), String::from(&stanza));
        let call = match hook {
            Hook::Unwrap => Call::Unwrap(header, xml),
            Hook::Decrypt => Call::Decrypt(header, xml),
            _ => Call::Amend(header, xml),
        };
        let verdict = instance.call(call, depth).await;
        match apply(profile, &instance, hit.policy, verdict) {
            Some(Verdict::Keep) => {}
            Some(Verdict::Replace(xml)) => match replaced(&stanza, &xml) {
                Some(new) => stanza = new,
                None => {
                    profile.log(
                        instance.plugin().id(),
                        "error",
                        "replaced a message by something else",
                    );
                    return None;
                }
            },
            Some(Verdict::Drop) | None => return None,
        }
    }
}

/// What a filter's answer means; a filter that is down stops the message or lets it pass.
pub(super) fn apply(
    profile: &Arc<Profile>,
    instance: &Arc<Instance>,
    policy: Policy,
    answer: Result<Answer>,
) -> Option<Verdict> {
    let failure = match answer {
        Ok(Answer::Verdict(Ok(verdict))) => return Some(verdict),
        Ok(Answer::Verdict(Err(e))) => format!("{} ({})", e.message, e.code),
        Ok(_) => "it gave no verdict".into(),
        Err(e) => e.to_string(),
    };
    profile.log(
        instance.plugin().id(),
        "warn",
        &format!("filter failed: {failure}"),
    );
    (policy == Policy::Pass).then_some(Verdict::Keep)
}

/// A filter's new message: it must still be a message of the same sender and receiver.
pub(super) fn replaced(old: &Element, xml: &str) -> Option<Element> {
    let new: Element = xml.parse().ok()?;
    let same = |name: &str| new.attr(name) == old.attr(name);
    (new.name() == "message" && same("from") && same("to")).then_some(new)
}

/// Logs what a handler could not do.
fn note(profile: &Arc<Profile>, instance: &Arc<Instance>, answer: Result<Answer>) {
    let failure = match answer {
        Ok(Answer::Done(Err(e))) => format!("{} ({})", e.message, e.code),
        Err(e) => e.to_string(),
        Ok(_) => return,
    };
    profile.log(
        instance.plugin().id(),
        "warn",
        &format!("handler failed: {failure}"),
    );
}
