//! XEP-0030, 0049, 0054, 0077, 0092, 0115, 0191, 0199 and 0363.

use crate::{all, condition, find, is_message, is_presence, is_result, options, server};
use sat_testserver::{Element, Options, Peer, Server, ns};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

fn vars(answer: &Element) -> Vec<&str> {
    all(answer, "feature")
        .into_iter()
        .filter_map(|f| f.attr("var"))
        .collect()
}

fn info() -> String {
    format!("<query xmlns='{}'/>", ns::DISCO_INFO)
}

#[tokio::test]
async fn xep_0030_tells_what_is_on() {
    let server = server();
    server.befriend("juliet", "romeo");
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    let answer = juliet.ask("get", Some("localhost"), &info()).await;
    assert!(vars(&answer).contains(&ns::CARBONS));
    let account = juliet.ask("get", None, &info()).await;
    assert!(vars(&account).contains(&ns::MAM));
    assert!(
        all(&account, "identity")
            .iter()
            .any(|i| i.attr("type") == Some("pep"))
    );
    let items = format!("<query xmlns='{}'/>", ns::DISCO_ITEMS);
    let items = juliet.ask("get", Some("localhost"), &items).await;
    let jids: Vec<_> = all(&items, "item")
        .iter()
        .filter_map(|i| i.attr("jid"))
        .collect();
    assert_eq!(
        jids,
        ["pubsub.localhost", "rooms.localhost", "upload.localhost"]
    );
    server.add_account("paris", "x");
    let mut paris = Peer::login(&server, "paris", "hall").await;
    let hidden = paris.ask("get", Some("juliet@localhost"), &info()).await;
    assert_eq!(condition(&hidden), "service-unavailable");
    let mut romeo = Peer::login(&server, "romeo", "street").await;
    assert!(is_result(
        &romeo.ask("get", Some("juliet@localhost"), &info()).await
    ));

    let server = Server::new(options().without("0280").without("0060"));
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    let answer = juliet.ask("get", Some("localhost"), &info()).await;
    assert!(!vars(&answer).contains(&ns::CARBONS));
    let on = format!("<enable xmlns='{}'/>", ns::CARBONS);
    assert_eq!(
        condition(&juliet.ask("set", None, &on).await),
        "service-unavailable"
    );
}

#[tokio::test]
async fn xep_0115_the_server_names_its_own_capabilities() {
    let server = server();
    let (_, features) = Peer::authenticate(&server, "juliet").await;
    let caps = features.get_child("c", ns::CAPS).unwrap();
    let node = format!(
        "{}#{}",
        caps.attr("node").unwrap(),
        caps.attr("ver").unwrap()
    );
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    let query = format!("<query xmlns='{}' node='{node}'/>", ns::DISCO_INFO);
    let answer = juliet.ask("get", Some("localhost"), &query).await;
    assert!(vars(&answer).contains(&ns::DISCO_INFO));
}

#[tokio::test]
async fn xep_0199_and_0092_answer() {
    let server = server();
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    for to in [None, Some("localhost")] {
        assert!(is_result(
            &juliet.ask("get", to, "<ping xmlns='urn:xmpp:ping'/>").await
        ));
    }
    let version = juliet
        .ask(
            "get",
            Some("localhost"),
            "<query xmlns='jabber:iq:version'/>",
        )
        .await;
    assert_eq!(find(&version, "name").unwrap().text(), "sat-testserver");
}

#[tokio::test]
async fn xep_0049_private_xml_is_private() {
    let server = server();
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    let get = "<query xmlns='jabber:iq:private'><n xmlns='urn:example:n'/></query>";
    let empty = juliet.ask("get", None, get).await;
    assert_eq!(find(&empty, "n").unwrap().text(), "");
    let set = "<query xmlns='jabber:iq:private'><n xmlns='urn:example:n'>notes</n></query>";
    assert!(is_result(&juliet.ask("set", None, set).await));
    assert_eq!(
        find(&juliet.ask("get", None, get).await, "n")
            .unwrap()
            .text(),
        "notes"
    );
    let mut romeo = Peer::login(&server, "romeo", "street").await;
    let foreign = romeo.ask("get", Some("juliet@localhost"), get).await;
    assert_eq!(condition(&foreign), "forbidden");
}

#[tokio::test]
async fn xep_0054_cards_are_public() {
    let server = server();
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    let mut romeo = Peer::login(&server, "romeo", "street").await;
    let get = "<vCard xmlns='vcard-temp'/>";
    let to = Some("juliet@localhost");
    assert_eq!(
        condition(&romeo.ask("get", to, get).await),
        "item-not-found"
    );
    let set = "<vCard xmlns='vcard-temp'><FN>Juliet</FN></vCard>";
    assert!(is_result(&juliet.ask("set", None, set).await));
    assert_eq!(
        find(&romeo.ask("get", to, get).await, "FN").unwrap().text(),
        "Juliet"
    );
    assert_eq!(condition(&romeo.ask("set", to, set).await), "forbidden");
}

#[tokio::test]
async fn xep_0191_the_blocked_reach_nobody() {
    let server = server();
    server.befriend("juliet", "romeo");
    let mut juliet = Peer::online(&server, "juliet", "balcony").await;
    let mut romeo = Peer::online(&server, "romeo", "street").await;
    romeo
        .take("juliet", is_presence("juliet@localhost/balcony", None))
        .await;
    let item = "<item jid='romeo@localhost'/>";
    let block = format!("<block xmlns='{}'>{item}</block>", ns::BLOCKING);
    assert!(is_result(&juliet.ask("set", None, &block).await));
    juliet
        .take("the push", |e| e.attr("type") == Some("set"))
        .await;
    romeo
        .take(
            "she is gone",
            is_presence("juliet@localhost/balcony", Some("unavailable")),
        )
        .await;
    romeo
        .send("<message to='juliet@localhost' id='m'><body>x</body></message>")
        .await;
    let error = romeo.take("the error", |e| e.attr("id") == Some("m")).await;
    assert_eq!(condition(&error), "service-unavailable");
    let version = "<query xmlns='jabber:iq:version'/>";
    let error = romeo
        .ask("get", Some("juliet@localhost/balcony"), version)
        .await;
    assert_eq!(condition(&error), "service-unavailable");
    juliet
        .send("<message to='romeo@localhost' id='n'><body>x</body></message>")
        .await;
    let error = juliet
        .take("the error", |e| e.attr("id") == Some("n"))
        .await;
    assert!(find(&error, "blocked").is_some());
    let list = format!("<blocklist xmlns='{}'/>", ns::BLOCKING);
    assert_eq!(all(&juliet.ask("get", None, &list).await, "item").len(), 1);
    let unblock = format!("<unblock xmlns='{}'/>", ns::BLOCKING);
    assert!(is_result(&juliet.ask("set", None, &unblock).await));
    romeo
        .take("she is back", is_presence("juliet@localhost/balcony", None))
        .await;
    romeo
        .send("<message to='juliet@localhost'><body>again</body></message>")
        .await;
    juliet.take("it", is_message("again")).await;
}

#[tokio::test]
async fn xep_0077_accounts_come_and_go() {
    let server = server();
    let (mut new, features) = Peer::connect(&server).await;
    assert!(features.has_child("register", ns::REGISTER_FEATURE));
    let form = new
        .ask("get", None, "<query xmlns='jabber:iq:register'/>")
        .await;
    assert!(find(&form, "username").is_some());
    let register = |name: &str, password: &str| {
        format!(
            "<query xmlns='jabber:iq:register'><username>{name}</username><password>{password}</password></query>"
        )
    };
    assert_eq!(
        condition(&new.ask("set", None, &register("juliet", "x")).await),
        "conflict"
    );
    assert_eq!(
        condition(&new.ask("set", None, &register("", "x")).await),
        "not-acceptable"
    );
    assert!(is_result(
        &new.ask("set", None, &register("nurse", "x")).await
    ));
    let mut nurse = Peer::online(&server, "nurse", "house").await;
    assert!(is_result(
        &nurse
            .ask("set", Some("localhost"), &register("nurse", "y"))
            .await
    ));
    assert_eq!(server.password("nurse").as_deref(), Some("y"));
    let remove = "<query xmlns='jabber:iq:register'><remove/></query>";
    assert!(is_result(
        &nurse.ask("set", Some("localhost"), remove).await
    ));
    assert_eq!(nurse.end().await.as_deref(), Some("not-authorized"));
    assert_eq!(server.password("nurse"), None);
}

async fn http(url: &str, head: &str, body: &str) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (address, path) = rest.split_once('/').unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{head} /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn xep_0363_slots_take_files() {
    let server = Server::new(
        Options::new("localhost")
            .account("juliet", "r0m30")
            .max_upload(100),
    );
    let mut juliet = Peer::login(&server, "juliet", "balcony").await;
    let to = Some("upload.localhost");
    let request = |size: u32| {
        format!(
            "<request xmlns='{}' filename='très jolie.txt' size='{size}' content-type='text/plain'/>",
            ns::UPLOAD
        )
    };
    let about = juliet.ask("get", to, &info()).await;
    assert_eq!(
        find(&about, "identity").unwrap().attr("category"),
        Some("store")
    );
    let large = juliet.ask("get", to, &request(101)).await;
    assert!(find(&large, "file-too-large").is_some());
    let slot = juliet.ask("get", to, &request(5)).await;
    let url = find(&slot, "get").unwrap().attr("url").unwrap().to_owned();
    assert!(url.starts_with("https://upload.localhost/"), "{url}");
    assert!(server.set_upload(&url, b"hello"));
    assert_eq!(server.upload(&url).as_deref(), Some(&b"hello"[..]));

    server
        .listen_http(TcpListener::bind("127.0.0.1:0").await.unwrap())
        .unwrap();
    let slot = juliet.ask("get", to, &request(5)).await;
    let put = find(&slot, "put").unwrap().attr("url").unwrap();
    let get = find(&slot, "get").unwrap().attr("url").unwrap();
    assert!(http(get, "GET", "").await.starts_with("HTTP/1.1 404"));
    assert!(
        http(put, "PUT", "too long")
            .await
            .starts_with("HTTP/1.1 413")
    );
    assert!(http(put, "PUT", "hallo").await.starts_with("HTTP/1.1 201"));
    let answer = http(get, "GET", "").await;
    assert!(answer.ends_with("\r\n\r\nhallo"), "{answer}");
    assert!(answer.contains("content-type: text/plain"), "{answer}");
    assert_eq!(server.upload(put).as_deref(), Some(&b"hallo"[..]));
}

#[tokio::test]
async fn only_loopback_is_served() {
    let server = server();
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let error = server.listen(listener).unwrap_err();
    assert!(
        error.to_string().contains("isn't a loopback address"),
        "{error}"
    );
}
