//! XEP-0160, XEP-0280, XEP-0313, XEP-0334 and XEP-0359.

use crate::{all, condition, find, is_message, is_result, options, server, text};
use sat_testserver::{Element, Options, Peer, Server, ns};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

async fn say(peer: &mut Peer, to: &str, body: &str) {
    peer.send(&format!(
        "<message to='{to}' type='chat'><body>{body}</body></message>"
    ))
    .await;
    peer.settle().await;
}

#[tokio::test]
async fn xep_0160_messages_wait_for_a_session() {
    let server = server();
    let mut romeo = Peer::login(&server, "romeo", "street").await;
    say(&mut romeo, "juliet@localhost", "later").await;
    romeo
        .send("<message to='juliet@localhost' type='headline'><body>news</body></message>")
        .await;
    romeo
        .send(&format!(
            "<message to='juliet@localhost' type='chat'><composing xmlns='{}'/></message>",
            ns::CHATSTATES
        ))
        .await;
    romeo.settle().await;
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    juliet
        .send("<presence><priority>-1</priority></presence>")
        .await;
    assert!(!juliet.drain().await.iter().any(|e| e.name() == "message"));
    juliet.send("<presence/>").await;
    let late = juliet.take("it", is_message("later")).await;
    let delay = late.get_child("delay", ns::DELAY).unwrap();
    assert_eq!(delay.attr("stamp"), Some("1597-01-29T20:00:00.000Z"));
    assert!(late.has_child("stanza-id", ns::SID));
    assert!(!juliet.drain().await.iter().any(|e| e.name() == "message"));

    let server = Server::new(options().without("0160"));
    let mut romeo = Peer::login(&server, "romeo", "street").await;
    say(&mut romeo, "juliet@localhost", "never").await;
    let error = romeo.take("the error", |e| e.name() == "message").await;
    assert_eq!(condition(&error), "service-unavailable");
}

#[tokio::test]
async fn xep_0280_other_resources_get_copies() {
    let server = server();
    let mut first = Peer::online(&server, "juliet", "first").await;
    let mut second = Peer::online(&server, "juliet", "second").await;
    let mut plain = Peer::online(&server, "juliet", "plain").await;
    for peer in [&mut first, &mut second] {
        let on = format!("<enable xmlns='{}'/>", ns::CARBONS);
        assert!(is_result(&peer.ask("set", None, &on).await));
    }
    let mut romeo = Peer::online(&server, "romeo", "street").await;
    say(&mut romeo, "juliet@localhost/first", "psst").await;
    first.take("it", is_message("psst")).await;
    let copy = second
        .take("a copy", |e| find(e, "received").is_some())
        .await;
    assert_eq!(copy.attr("from"), Some("juliet@localhost"));
    let inner = find(&copy, "forwarded")
        .unwrap()
        .get_child("message", ns::CLIENT)
        .unwrap();
    assert_eq!(inner.attr("to"), Some("juliet@localhost/first"));
    assert!(inner.has_child("stanza-id", ns::SID));
    say(&mut first, "romeo@localhost", "shh").await;
    second.take("a copy", |e| find(e, "sent").is_some()).await;
    assert!(
        !first
            .drain()
            .await
            .iter()
            .any(|e| find(e, "sent").is_some())
    );
    assert!(!plain.drain().await.iter().any(|e| e.name() == "message"));
    romeo
        .send(&format!(
            "<message to='juliet@localhost/first' type='chat'><body>private</body><private xmlns='{}'/></message>",
            ns::CARBONS
        ))
        .await;
    romeo.settle().await;
    assert!(!second.drain().await.iter().any(|e| e.name() == "message"));
}

/// The ids of a query's results, and what its end says.
async fn query(peer: &mut Peer, to: Option<&str>, form: &str, set: &str) -> (Vec<String>, Element) {
    let payload = format!(
        "<query xmlns='{0}' queryid='q'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>{0}</value></field>{form}</x><set xmlns='{1}'>{set}</set></query>",
        ns::MAM,
        ns::RSM
    );
    let answer = peer.ask("set", to, &payload).await;
    let results = peer.drain().await;
    let results = results
        .iter()
        .filter_map(|m| m.get_child("result", ns::MAM));
    let bodies = results.map(|r| find(r, "body").map(Element::text).unwrap_or_default());
    (bodies.collect(), answer)
}

fn value(name: &str, value: &str) -> String {
    format!("<field var='{name}'><value>{value}</value></field>")
}

#[tokio::test]
async fn xep_0313_the_archive_is_paged_and_filtered() {
    let minute = Arc::new(AtomicI64::new(0));
    let clock = minute.clone();
    let start: chrono::DateTime<chrono::Utc> = "1597-01-29T20:00:00Z".parse().unwrap();
    let server = Server::new(
        Options::new("localhost")
            .account("juliet", "r0m30")
            .account("romeo", "jul13t")
            .account("nurse", "x")
            .clock(Arc::new(move || {
                start + chrono::Duration::minutes(clock.load(Ordering::Relaxed))
            })),
    );
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    let mut romeo = Peer::login(&server, "romeo", "street").await;
    for (count, body) in ["one", "two", "three", "four"].iter().enumerate() {
        minute.store(count as i64, Ordering::Relaxed);
        say(&mut romeo, "juliet@localhost", body).await;
    }
    say(&mut juliet, "nurse@localhost", "nurse!").await;
    let (all_of_them, fin) = query(&mut juliet, None, "", "").await;
    assert_eq!(all_of_them, ["one", "two", "three", "four", "nurse!"]);
    assert_eq!(find(&fin, "fin").unwrap().attr("complete"), Some("true"));
    let (page, fin) = query(&mut juliet, None, "", "<max>2</max>").await;
    assert_eq!(page, ["one", "two"]);
    assert_eq!(find(&fin, "fin").unwrap().attr("complete"), None);
    assert_eq!(find(&fin, "count").unwrap().text(), "5");
    let last = find(&fin, "last").unwrap().text();
    let (page, _) = query(
        &mut juliet,
        None,
        "",
        &format!("<max>2</max><after>{last}</after>"),
    )
    .await;
    assert_eq!(page, ["three", "four"]);
    let (page, _) = query(&mut juliet, None, &value("after-id", &last), "").await;
    assert_eq!(page, ["three", "four", "nurse!"]);
    let (page, _) = query(&mut juliet, None, "", "<max>2</max><before/>").await;
    assert_eq!(page, ["four", "nurse!"]);
    let with = value("with", "nurse@localhost");
    assert_eq!(query(&mut juliet, None, &with, "").await.0, ["nurse!"]);
    let between = value("start", "1597-01-29T20:01:00Z") + &value("end", "1597-01-29T20:02:00Z");
    assert_eq!(
        query(&mut juliet, None, &between, "").await.0,
        ["two", "three"]
    );
    let (_, error) = query(&mut juliet, None, "", "<after>unknown</after>").await;
    assert_eq!(condition(&error), "item-not-found");
    let (_, error) = query(&mut juliet, None, &value("colour", "red"), "").await;
    assert_eq!(condition(&error), "feature-not-implemented");
    let (_, error) = query(&mut juliet, Some("romeo@localhost"), "", "").await;
    assert_eq!(condition(&error), "forbidden");
    let metadata = format!("<metadata xmlns='{}'/>", ns::MAM);
    let metadata = juliet.ask("get", None, &metadata).await;
    let start = find(&metadata, "start").unwrap();
    assert_eq!(start.attr("timestamp"), Some("1597-01-29T20:00:00.000Z"));
    let (sent, _) = query(&mut romeo, None, "", "").await;
    assert_eq!(sent.len(), 4, "the sender has them too");
}

#[tokio::test]
async fn xep_0313_preferences_and_hints_keep_messages_out() {
    let server = server();
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    juliet
        .send("<message to='romeo@localhost' type='chat'><body>x</body><no-store xmlns='urn:xmpp:hints'/></message>")
        .await;
    say(&mut juliet, "romeo@localhost", "kept").await;
    let prefs = format!(
        "<prefs xmlns='{}' default='always'><always/><never><jid>romeo@localhost</jid></never></prefs>",
        ns::MAM
    );
    assert!(is_result(&juliet.ask("set", None, &prefs).await));
    say(&mut juliet, "romeo@localhost", "not kept").await;
    assert_eq!(query(&mut juliet, None, "", "").await.0, ["kept"]);
    let server = Server::new(options().without("0313"));
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    let (_, error) = query(&mut juliet, None, "", "").await;
    assert_eq!(condition(&error), "service-unavailable");
}

#[tokio::test]
async fn xep_0359_only_the_account_gives_its_ids() {
    let server = server();
    let mut juliet = Peer::online(&server, "juliet", "balcony").await;
    let mut romeo = Peer::login(&server, "romeo", "street").await;
    romeo
        .send("<message to='juliet@localhost' type='chat'><body>x</body><stanza-id xmlns='urn:xmpp:sid:0' by='juliet@localhost' id='forged'/><stanza-id xmlns='urn:xmpp:sid:0' by='other' id='o'/></message>")
        .await;
    let message = juliet.take("it", is_message("x")).await;
    assert_eq!(text(&message, "body").as_deref(), Some("x"));
    let ids: Vec<_> = all(&message, "stanza-id")
        .iter()
        .map(|e| e.attr("by"))
        .collect();
    assert_eq!(ids, [Some("other"), Some("juliet@localhost")]);
    let own = all(&message, "stanza-id")[1].attr("id").unwrap();
    let (_, fin) = query(&mut juliet, None, "", "").await;
    assert_eq!(find(&fin, "last").unwrap().text(), own);
}
