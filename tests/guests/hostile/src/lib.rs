//! Does what plugins must not do.

use bindings::{acme::mirror::mirror, exports::acme::hostile::hostile};
use sat_sdk::{
    Error, Header, IqHandler, MessageHandler, StanzaError, storage,
    storage::sql,
    xmpp::{self, Outgoing},
};
use std::{future::poll_fn, hint::black_box, pin::Pin, task::Poll};

sat_sdk::plugin!(Hostile: IqHandler, MessageHandler);

struct Hostile;

impl hostile::Guest for Hostile {
    async fn do_(what: String, n: Option<u32>) -> Result<String, Error> {
        let n = n.unwrap_or(0);
        match what.as_str() {
            "nothing" => {}
            "spin" => spin(),
            "spin-in-the-host" => loop {
                storage::get("x".into()).await?;
            },
            "allocate" => {
                let mut all = Vec::new();
                loop {
                    all.push(black_box(vec![1u8; 1 << 20]));
                }
            }
            "crash" => panic!("asked to crash"),
            "print" => {
                print!("to standard ");
                println!("output\n{}", "x".repeat(n as usize));
                eprintln!("to standard error");
            }
            // What was said before isn't why this one ends.
            "print-and-spin" => {
                eprintln!("thread 'main' panicked at nowhere:\nnothing");
                spin()
            }
            "overflow" => return Ok(deeper(1).to_string()),
            "huge" => return Ok("x".repeat(n as usize)),
            "store-huge" => {
                storage::set("huge".into(), vec![0; n as usize]).await?;
            }
            "bounce" => return mirror::bounce(n + 1).await,
            "send-to-itself" => again(0).await?,
            "flood" => return Ok(flood(n, false).await),
            "flood-at-once" => return Ok(flood(n, true).await),
            "count" => return Ok(count().await?.to_string()),
            "long-query" => {
                let all = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
                storage::query(sql(all, [])).await?;
            }
            "foreign-from" => {
                let stanza = "<message xmlns='jabber:client' from='juliet@localhost' to='mallory@localhost' id='forged'><body>I am Juliet</body></message>";
                return xmpp::send_now(stanza).await;
            }
            "iq-as-message" => {
                let stanza = "<iq xmlns='jabber:client' type='get' id='forged'><ping xmlns='urn:xmpp:ping'/></iq>";
                return xmpp::send_now(stanza).await;
            }
            "two-stanzas" => {
                let stanza = "<message xmlns='jabber:client' to='mallory@localhost'/><presence xmlns='jabber:client' type='unavailable'/>";
                return xmpp::send_now(stanza).await;
            }
            _ => {
                return Err(Error::new(
                    "bad-request",
                    format!("nothing hostile is called {what}"),
                ));
            }
        }
        Ok(String::new())
    }
}

fn spin() -> ! {
    let mut n = 0u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}

#[allow(unconditional_recursion)]
fn deeper(n: u64) -> u64 {
    let page = black_box([n; 512]);
    deeper(n + 1) + page[0]
}

/// Sends messages that may be lost, at once or one after the other: how many went out, and why
/// the first of the others didn't.
async fn flood(n: u32, at_once: bool) -> String {
    let send = || xmpp::send_now("<message xmlns='jabber:client' to='mallory@localhost'/>");
    let mut results = Vec::new();
    if at_once {
        let mut waiting: Vec<_> = (0..n).map(|_| Box::pin(send())).collect();
        poll_fn(|cx| {
            waiting.retain_mut(|sending| match Pin::new(sending).poll(cx) {
                Poll::Ready(result) => {
                    results.push(result);
                    false
                }
                Poll::Pending => true,
            });
            if waiting.is_empty() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    } else {
        for _ in 0..n {
            results.push(send().await);
        }
    }
    let sent = results.iter().filter(|result| result.is_ok()).count();
    let why = results.into_iter().find_map(Result::err);
    let why = why.map_or(String::new(), |e| format!("{}: {}", e.code, e.message));
    format!("{sent} {why}")
}

async fn count() -> Result<u64, Error> {
    let found = storage::get("count".into()).await?;
    Ok(found
        .and_then(|b| b.try_into().ok())
        .map_or(0, u64::from_le_bytes))
}

async fn again(count: u64) -> Result<(), Error> {
    storage::set("count".into(), count.to_le_bytes().into()).await?;
    let to = xmpp::bound().unwrap_or_default();
    let stanza = format!(
        "<message xmlns='jabber:client' to='{to}'><again xmlns='urn:example:hostile'/></message>"
    );
    xmpp::send(Outgoing {
        stanza,
        durable: false,
        ttl_ms: None,
    })
    .await
    .map(drop)
}

impl IqHandler for Hostile {
    async fn on_iq(_: Header, payload: String) -> Result<Option<String>, StanzaError> {
        if payload.contains("<garbage") {
            return Ok(Some("<iq type='result'><a></iq></stream:stream>".into()));
        }
        if payload.contains("<two") {
            return Ok(Some(
                "<a xmlns='urn:example:hostile'/><b xmlns='urn:example:hostile'/>".into(),
            ));
        }
        if payload.contains("<spin") {
            spin();
        }
        panic!("asked to crash");
    }
}

impl MessageHandler for Hostile {
    async fn on_message(_: Header, payloads: Vec<String>) -> Result<(), Error> {
        if payloads.iter().any(|p| p.contains("<again")) {
            return again(count().await? + 1).await;
        }
        panic!("asked to crash");
    }
}
