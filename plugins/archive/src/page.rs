//! One page: a question, the messages that come for it, the answer.

use crate::query::{self, Filter, Fin};
use sat_sdk::{
    Error, StanzaId, Via,
    deliver::{self, Forwarded},
    fail, forward, random,
    rsm::Position,
    stanza::tag,
    xml,
    xmpp::{self, IqKind, IqRequest},
};
use std::{cell::RefCell, collections::BTreeMap};

/// How long the answer to a query may take.
const TIMEOUT_MS: u64 = 15_000;
/// How many times to wait for results that the answer has overtaken.
const PATIENCE: u32 = 200;
/// Most messages of a page that are taken: an archive that sends more is broken.
const MESSAGES: usize = 1000;

/// What came for a query so far.
#[derive(Default)]
struct Collected {
    messages: Vec<Forwarded>,
    /// Id of the result that came last, with or without a message in it.
    last: Option<String>,
}

thread_local! {
    /// The queries in flight, by their id.
    static QUERIES: RefCell<BTreeMap<String, Collected>> = const { RefCell::new(BTreeMap::new()) };
}

/// A page that is delivered.
pub(crate) struct Page {
    pub(crate) fin: Fin,
    /// How many messages it had.
    pub(crate) messages: usize,
    /// When the last of them was sent.
    pub(crate) stamp: Option<String>,
}

/// Fetches a page and delivers it. When this returns its messages are stored by who wants them.
pub(crate) async fn fetch(
    filter: &Filter,
    max: u32,
    position: Position<'_>,
) -> Result<Page, Error> {
    let id = random::id();
    QUERIES.with_borrow_mut(|queries| queries.insert(id.clone(), Collected::default()));
    let fin = ask(&id, filter, max, position).await;
    let collected = QUERIES.with_borrow_mut(|queries| queries.remove(&id));
    let found = collected
        .map(|collected| collected.messages)
        .unwrap_or_default();
    let fin = fin?;
    let (messages, stamp) = (found.len(), found.last().and_then(|m| m.stamp.clone()));
    if messages > 0 {
        deliver::deliver(found).await?;
    }
    Ok(Page {
        fin,
        messages,
        stamp,
    })
}

async fn ask(id: &str, filter: &Filter, max: u32, position: Position<'_>) -> Result<Fin, Error> {
    let request = IqRequest {
        to: None,
        kind: IqKind::Set,
        payload: query::query(id, filter, max, position).into(),
        timeout_ms: Some(TIMEOUT_MS),
    };
    let fin = query::fin(&xmpp::iq(request).await?)?;
    // The server sends the answer last, but answers overtake messages here. A question to the
    // server takes a moment, in which they arrive.
    for _ in 0..PATIENCE {
        if has_come(id, &fin) {
            return Ok(fin);
        }
        match xmpp::get(Some(&xmpp::server()), tag("ping").ns("urn:xmpp:ping")).await {
            Err(e) if matches!(&*e.code, "not-connected" | "timeout") => return Err(e),
            _ => {}
        }
    }
    if has_come(id, &fin) {
        return Ok(fin);
    }
    fail!("incomplete-page", "results of the archive did not arrive")
}

/// Whether all results of a page are here.
fn has_come(id: &str, fin: &Fin) -> bool {
    QUERIES.with_borrow(|queries| {
        let last = queries.get(id).and_then(|q| q.last.as_ref());
        fin.page.last.is_none() || fin.page.last.as_ref() == last
    })
}

/// Keeps a result for its query. Those for queries that are not, or no more, in flight are
/// nobody's (§9.2).
pub(crate) fn collect(stanza: &str, account: &str) -> Result<(), Error> {
    let stanza = xml::parse(stanza)?;
    let Some(result) = stanza.get_child("result", query::NS) else {
        return Ok(());
    };
    let (Some(query), Some(id)) = (result.attr("queryid"), result.attr("id")) else {
        return Ok(());
    };
    QUERIES.with_borrow_mut(|queries| {
        let Some(collected) = queries.get_mut(query) else {
            return;
        };
        collected.last = Some(id.to_owned());
        // There may be none: an archive can forget a message and keep its place (§3.2).
        if let Some(inner) = forward::inner(result)
            && collected.messages.len() < MESSAGES
        {
            collected.messages.push(Forwarded {
                stanza: xml::text(&inner.message),
                via: Via::Archive,
                stamp: inner.stamp,
                stanza_id: Some(StanzaId {
                    id: id.to_owned(),
                    by: account.to_owned(),
                }),
            });
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sat_sdk::rsm;

    const ME: &str = "romeo@montague.lit";

    fn result(query: &str, id: &str, inner: &str) -> String {
        format!(
            "<message xmlns='jabber:client'><result xmlns='urn:xmpp:mam:2' queryid='{query}' \
             id='{id}'><forwarded xmlns='urn:xmpp:forward:0'>\
             <delay xmlns='urn:xmpp:delay' stamp='2010-07-10T23:08:25Z'/>{inner}</forwarded>\
             </result></message>"
        )
    }

    fn ended_by(last: Option<&str>) -> Fin {
        let page = rsm::Page {
            last: last.map(str::to_owned),
            ..rsm::Page::default()
        };
        Fin {
            page,
            complete: false,
            unstable: false,
        }
    }

    #[test]
    fn collects_what_was_asked_for() {
        let message = "<message xmlns='jabber:client' from='juliet@capulet.lit'/>";
        QUERIES.with_borrow_mut(|q| q.insert("mine".into(), Collected::default()));
        for (query, id, inner) in [
            ("mine", "a1", message),
            ("another", "a2", message),
            ("mine", "a3", ""),
            ("", "a4", message),
        ] {
            collect(&result(query, id, inner), ME).unwrap();
        }
        collect("<message xmlns='jabber:client'/>", ME).unwrap();
        assert!(has_come("mine", &ended_by(Some("a3"))) && has_come("mine", &ended_by(None)));
        assert!(!has_come("mine", &ended_by(Some("a4"))));
        let collected = QUERIES.with_borrow_mut(|q| q.remove("mine")).unwrap();
        let [only] = <[_; 1]>::try_from(collected.messages).unwrap();
        assert_eq!(only.via, Via::Archive);
        assert_eq!(only.stamp.as_deref(), Some("2010-07-10T23:08:25Z"));
        let id = only.stanza_id.unwrap();
        assert_eq!((id.id.as_str(), id.by.as_str()), ("a1", ME));
        // The query is over: what is late is dropped.
        collect(&result("mine", "a5", message), ME).unwrap();
        assert!(QUERIES.with_borrow(BTreeMap::is_empty));
    }
}
