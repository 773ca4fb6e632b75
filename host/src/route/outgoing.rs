//! Outgoing stanzas: checked, given an id, passed through the filters, and sent or committed.

use super::{
    header::kind,
    incoming::{apply, replaced},
    matcher::{Facts, Hit, Hook},
    stanza::{JABBER_CLIENT, bare, set},
};
use crate::{
    Error, Result,
    error::kind as word,
    plugin::{
        bindings::sat::plugin::filter_types::Verdict,
        instance::{Answer, Call, Instance},
    },
    profile::Profile,
    store::NewOutbox,
};
use minidom::Element;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// Largest stanza that a plugin may send, in bytes.
pub const MAX_STANZA: usize = 256 << 10;
/// How long an undelivered message is worth sending unless its sender says otherwise.
pub const TTL: Duration = Duration::from_secs(7 * 24 * 3600);

/// Reads and checks a stanza that a plugin wants to send; it has an id afterwards.
pub(crate) fn check(profile: &Profile, plugin: &str, xml: &str) -> Result<Element> {
    let refuse = |message: String| Err(Error::new(word::BAD_REQUEST, message));
    if xml.len() > MAX_STANZA {
        return Err(Error::new(
            word::LIMIT,
            format!("A stanza has at most {MAX_STANZA} bytes (MAX_STANZA)"),
        ));
    }
    let mut stanza: Element = match xml.parse() {
        Ok(stanza) => stanza,
        Err(e) => return refuse(format!("The stanza is not well-formed XML: {e}")),
    };
    if !matches!(stanza.name(), "message" | "presence") || !stanza.has_ns(JABBER_CLIENT) {
        return refuse(format!(
            "Only <message/> and <presence/> in the namespace {JABBER_CLIENT} can be sent; ask with `iq`"
        ));
    }
    if stanza.attr("from").is_some() {
        return refuse("`from` is set by the server".into());
    }
    if stanza.name() == "message" && stanza.attr("to").is_none() {
        return refuse("A message needs `to`".into());
    }
    if stanza.attr("id").is_none_or(str::is_empty) {
        set(&mut stanza, "id", &profile.random_id(plugin));
    }
    Ok(stanza)
}

/// The id of a checked stanza.
pub(crate) fn id(stanza: &Element) -> String {
    stanza.attr("id").unwrap_or_default().to_owned()
}

/// Sends a stanza that may be lost.
pub(crate) async fn send(
    profile: &Arc<Profile>,
    plugin: &str,
    xml: &str,
    depth: u8,
) -> Result<String> {
    let stanza = check(profile, plugin, xml)?;
    let stanza = if stanza.name() == "presence" {
        presence(profile, stanza, depth).await?
    } else {
        let stanza = filter(profile, Hook::Compose, stanza, depth).await?;
        filter(profile, Hook::Seal, stanza, depth).await?
    };
    let id = id(&stanza);
    profile.send_now(stanza).await?;
    Ok(id)
}

/// Composes a durable message: what goes into the outbox, and the stanza's id.
pub(crate) async fn compose(
    profile: &Arc<Profile>,
    plugin: &str,
    xml: &str,
    ttl_ms: Option<u64>,
    depth: u8,
) -> Result<NewOutbox> {
    let stanza = check(profile, plugin, xml)?;
    if stanza.name() != "message" {
        return Err(Error::new(
            word::BAD_REQUEST,
            "Only messages can be durable",
        ));
    }
    let stanza = filter(profile, Hook::Compose, stanza, depth).await?;
    let ttl = ttl_ms
        .and_then(|ms| i64::try_from(ms).ok())
        .unwrap_or(TTL.as_millis() as i64);
    let now_ms = profile.clock().now_ms();
    Ok(NewOutbox {
        to_bare: stanza.attr("to").map(bare).unwrap_or_default().to_owned(),
        stanza_id: id(&stanza),
        xml: String::from(&stanza),
        created_at_ms: now_ms,
        expires_at_ms: Some(now_ms.saturating_add(ttl)),
    })
}

/// The instances that want an outgoing stanza.
fn wanted(profile: &Arc<Profile>, hook: Hook, stanza: &Element) -> Vec<(Arc<Instance>, Hit)> {
    let catalog = profile.catalog();
    if !catalog.matcher.has(hook) {
        return Vec::new();
    }
    let hits = catalog.matcher.find(hook, stanza, kind(stanza), Facts::OWN);
    hits.into_iter()
        .filter_map(|hit| Some((profile.instance(catalog.plugins.get(hit.plugin)?)?, hit)))
        .collect()
}

/// The stage `compose` or `seal`. A filter that refuses, or a blocking one that is down, is an
/// error for the sender.
pub(crate) async fn filter(
    profile: &Arc<Profile>,
    hook: Hook,
    mut stanza: Element,
    depth: u8,
) -> Result<Element> {
    let mut asked = BTreeSet::new();
    loop {
        let next = wanted(profile, hook, &stanza)
            .into_iter()
            .find(|(_, hit)| !asked.contains(&hit.plugin));
        let Some((instance, hit)) = next else {
            return Ok(stanza);
        };
        asked.insert(hit.plugin);
        let xml = String::from(&stanza);
        let call = if hook == Hook::Compose {
            Call::Compose(xml)
        } else {
            Call::Seal(xml)
        };
        let plugin = instance.plugin().id().to_owned();
        let stopped = |what: &str| {
            Error::new(
                word::FORBIDDEN,
                format!("The filter of plugin {plugin} {what}"),
            )
        };
        let answer = instance.call(call, depth + 1).await;
        if let Ok(Answer::Verdict(Err(e))) = answer {
            return Err(Error::new(e.code, e.message));
        }
        match apply(profile, &instance, hit.policy, answer) {
            Some(Verdict::Keep) => {}
            Some(Verdict::Replace(xml)) => {
                match replaced(&stanza, &xml).filter(|new| new.attr("id") == stanza.attr("id")) {
                    Some(new) => stanza = new,
                    None => return Err(stopped("changed the message's receiver or id")),
                }
            }
            Some(Verdict::Drop) => return Err(stopped("stopped the message")),
            None => return Err(stopped("is down, and nothing goes out without it")),
        }
    }
}

/// The presence filters; one that is down is passed over.
async fn presence(profile: &Arc<Profile>, mut stanza: Element, depth: u8) -> Result<Element> {
    for (instance, _) in wanted(profile, Hook::PresenceFilter, &stanza) {
        match instance
            .call(Call::PresenceFilter(String::from(&stanza)), depth + 1)
            .await
        {
            Ok(Answer::Stanza(Ok(xml))) => match check(profile, instance.plugin().id(), &xml) {
                Ok(new) if new.name() == "presence" && new.attr("to") == stanza.attr("to") => {
                    stanza = new
                }
                _ => profile.log(
                    instance.plugin().id(),
                    "error",
                    "replaced a presence by something else",
                ),
            },
            Ok(Answer::Stanza(Err(e))) => {
                profile.log(
                    instance.plugin().id(),
                    "warn",
                    &format!("presence filter failed: {}", e.message),
                );
            }
            Ok(_) => {}
            Err(e) => profile.log(
                instance.plugin().id(),
                "warn",
                &format!("presence filter failed: {e}"),
            ),
        }
    }
    Ok(stanza)
}
