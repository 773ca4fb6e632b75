//! Messages that go out, and what becomes of them.

use crate::{
    bindings::sat::chat::{
        events,
        types::{Message, Outgoing, Sent},
    },
    change,
    message::{self, State, Stored},
    place,
    table::{self, New},
};
use sat_sdk::{
    Error, Json, Via, datetime, fail, random,
    stanza::{self, tag},
    storage::{self, Transaction, Value},
    xmpp::{self, bare},
};

/// Ids in one statement.
const IDS: usize = 200;

/// Stores a message and puts it into the outbox, in one commit.
pub(crate) async fn send(request: Outgoing) -> Result<Sent, Error> {
    let to = place::normalize(&request.to)?;
    let body = message::check_body(&request.body)?;
    let lang = request.lang.as_deref().map(check_lang).transpose()?;
    table::ready().await?;
    check_extra(&request.extra).await?;
    let (with, kind) = conversation(&to).await?;
    // Both ids are ours to choose; equal ones are what everybody finds (XEP-0359 §3.2).
    let id = random::id();
    let stanza = stanza(&to, &id, &body, lang);
    let (row, stamp) = (message::new_row(), datetime::now_ms());
    let new = Stored {
        row,
        state: State::Queued,
        message: Message {
            id: message::id(row),
            message_id: Some(id.clone()),
            origin_id: Some(id),
            stanza_ids: Vec::new(),
            kind: kind.into(),
            with,
            direction: "out".into(),
            sender: xmpp::bound().unwrap_or_else(xmpp::account),
            occupant: None,
            via: Via::Live,
            body,
            stamp: datetime::format(stamp),
            edited_at: None,
            retracted: false,
            state: State::Queued.word().into(),
            error: None,
            unread: false,
            extra: request.extra,
        },
    };
    let statements = table::insert(&New {
        stored: &new,
        stamp,
    });
    let id = new.message.id.clone();
    events::message(new.message).await;
    let send = vec![xmpp::Outgoing::durable(stanza)];
    storage::commit(Transaction { statements, send }).await?;
    Ok(Sent { id })
}

/// The conversation with a JID. A full JID is its own conversation only when it is known as an
/// occupant's; else it is one device of somebody.
async fn conversation(to: &str) -> Result<(String, &'static str), Error> {
    if to.contains('/') {
        let select = "SELECT 1 FROM chat__conversation WHERE peer = ?1 AND kind = 'room-private'";
        if storage::select_value::<bool>(select, (to,))
            .await?
            .is_some()
        {
            return Ok((to.into(), "room-private"));
        }
    }
    Ok((bare(to).into(), "direct"))
}

fn check_lang(lang: &str) -> Result<&str, Error> {
    let valid = (1..=35).contains(&lang.len())
        && lang.split('-').all(|part| (1..=8).contains(&part.len()))
        && lang.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !valid {
        fail!("bad-request", "“{lang}” is no language tag like `fr`");
    }
    Ok(lang)
}

/// Refuses extra entries that can't be kept. Their values come from other plugins too, and
/// SQLite knows JSON.
pub(crate) async fn check_extra(extra: &[(String, Json)]) -> Result<(), Error> {
    message::check_extra(extra)?;
    for (key, value) in extra {
        let valid = storage::select_value("SELECT json_valid(?1)", (&value.text,)).await?;
        if valid != Some(true) {
            fail!("bad-request", "the value of `{key}` is not JSON");
        }
    }
    Ok(())
}

fn stanza(to: &str, id: &str, body: &str, lang: Option<&str>) -> String {
    let body = tag("body").maybe("xml:lang", lang).text(body);
    let origin_id = tag("origin-id").ns("urn:xmpp:sid:0").id(id);
    stanza::message(to)
        .id(id)
        .child(body)
        .child(origin_id)
        .into()
}

/// The server has these messages.
pub(crate) async fn sent(ids: &[String]) -> Result<(), Error> {
    table::ready().await?;
    for ids in ids.chunks(IDS) {
        let places = vec!["?"; ids.len()].join(", ");
        let condition = format!("m.message_id IN ({places}) AND m.out");
        let values: Vec<Value> = ids.iter().map(Value::from).collect();
        change::apply(&condition, values, |m| Ok(m.advance(State::Sent, None))).await?;
    }
    Ok(())
}

/// This message will not be sent.
pub(crate) async fn failed(id: &str, reason: &Error) -> Result<(), Error> {
    table::ready().await?;
    let error = format!("{}: {}", reason.code, reason.message);
    let advance = |m: &mut Stored| Ok(m.advance(State::Unsent, Some(error.clone())));
    change::apply("m.message_id = ?1 AND m.out", (id,), advance)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sat_sdk::xml;

    #[test]
    fn writes_stanzas() {
        let said = "<b> & 'so' \"on\"\n";
        let text = stanza("juliet@capulet.lit/'&", "7", said, Some("de-AT"));
        let message = xml::parse(&text).unwrap();
        assert_eq!(message.attr("to"), Some("juliet@capulet.lit/'&"));
        assert_eq!(
            (message.attr("id"), message.attr("type")),
            (Some("7"), Some("chat"))
        );
        let body = message.get_child("body", "jabber:client").unwrap();
        assert_eq!(
            (body.text().as_str(), xml::lang(body)),
            (said, Some("de-AT"))
        );
        let origin_id = message.get_child("origin-id", "urn:xmpp:sid:0").unwrap();
        assert_eq!(origin_id.attr("id"), Some("7"));
    }

    #[test]
    fn languages() {
        for good in ["fr", "de-AT", "zh-Hant-TW"] {
            assert!(check_lang(good).is_ok(), "{good}");
        }
        for bad in ["", "fr'", "-", "fr--x", "é", "abcdefghi", &"a-".repeat(20)] {
            assert!(check_lang(bad).is_err(), "{bad}");
        }
    }
}
