//! XEP-0045 and XEP-0410.

use crate::{all, condition, find, is_message, is_presence, is_result, options, server, text};
use sat_testserver::{Element, Peer, Server, ns};

const ROOM: &str = "garden@rooms.localhost";

async fn enter(peer: &mut Peer, nick: &str) -> Element {
    peer.send(&format!(
        "<presence to='{ROOM}/{nick}'><x xmlns='{}'/></presence>",
        ns::MUC
    ))
    .await;
    let own = format!("{ROOM}/{nick}");
    peer.take("its own presence in the room", |e| {
        e.attr("from") == Some(&own) && (has_status(e, "110") || e.attr("type") == Some("error"))
    })
    .await
}

fn has_status(stanza: &Element, code: &str) -> bool {
    all(stanza, "status")
        .iter()
        .any(|s| s.attr("code") == Some(code))
}

fn admin(item: &str) -> String {
    format!("<query xmlns='{}'>{item}</query>", ns::MUC_ADMIN)
}

fn owner(content: &str) -> String {
    format!("<query xmlns='{}'>{content}</query>", ns::MUC_OWNER)
}

fn form(fields: &[(&str, &str)]) -> String {
    let fields: String = fields
        .iter()
        .map(|(name, value)| {
            format!("<field var='muc#roomconfig_{name}'><value>{value}</value></field>")
        })
        .collect();
    owner(&format!(
        "<x xmlns='jabber:x:data' type='submit'>{fields}</x>"
    ))
}

/// A room with juliet as its owner and romeo in it.
async fn room(server: &Server) -> (Peer, Peer) {
    let mut juliet = Peer::online(server, "juliet", "balcony").await;
    let mut romeo = Peer::online(server, "romeo", "street").await;
    let created = enter(&mut juliet, "Juliet").await;
    assert!(has_status(&created, "201"));
    let locked = enter(&mut romeo, "Romeo").await;
    assert_eq!(condition(&locked), "item-not-found");
    assert!(is_result(&juliet.ask("set", Some(ROOM), &form(&[])).await));
    enter(&mut romeo, "Romeo").await;
    let seen = juliet
        .take("romeo", is_presence(&format!("{ROOM}/Romeo"), None))
        .await;
    let item = find(&seen, "item").unwrap();
    assert_eq!(
        (item.attr("role"), item.attr("jid")),
        (Some("participant"), Some(romeo.jid()))
    );
    (juliet, romeo)
}

async fn say(peer: &mut Peer, body: &str) {
    peer.send(&format!(
        "<message to='{ROOM}' type='groupchat' id='i'><body>{body}</body></message>"
    ))
    .await;
}

#[tokio::test]
async fn occupants_talk_and_those_who_come_read_what_was_said() {
    let server = server();
    let (mut juliet, mut romeo) = room(&server).await;
    let seen = romeo
        .take("juliet", is_presence(&format!("{ROOM}/Juliet"), None))
        .await;
    assert_eq!(
        find(&seen, "item").unwrap().attr("jid"),
        None,
        "semi-anonymous"
    );
    say(&mut juliet, "hello").await;
    let heard = romeo.take("it", is_message("hello")).await;
    assert_eq!(heard.attr("from"), Some("garden@rooms.localhost/Juliet"));
    assert_eq!(find(&heard, "stanza-id").unwrap().attr("by"), Some(ROOM));
    let echo = juliet.take("its echo", is_message("hello")).await;
    assert_eq!(echo.attr("id"), Some("i"));
    romeo
        .send(&format!(
            "<message to='{ROOM}/Juliet' type='chat'><body>psst</body></message>"
        ))
        .await;
    let whispered = juliet.take("the whisper", is_message("psst")).await;
    assert_eq!(whispered.attr("from"), Some("garden@rooms.localhost/Romeo"));
    assert!(whispered.has_child("x", ns::MUC_USER));
    juliet
        .send(&format!(
            "<message to='{ROOM}' type='groupchat'><subject>Love</subject></message>"
        ))
        .await;
    romeo
        .take("the subject", |e| {
            text(e, "subject").as_deref() == Some("Love")
        })
        .await;
    romeo
        .send(&format!(
            "<message to='{ROOM}' type='groupchat' id='s'><subject>War</subject></message>"
        ))
        .await;
    let error = romeo.take("the error", |e| e.attr("id") == Some("s")).await;
    assert_eq!(condition(&error), "forbidden");

    server.add_account("nurse", "x");
    let mut nurse = Peer::online(&server, "nurse", "house").await;
    enter(&mut nurse, "Nurse").await;
    let old = nurse.take("the history", is_message("hello")).await;
    assert!(old.has_child("delay", ns::DELAY));
    nurse
        .take("the subject", |e| {
            text(e, "subject").as_deref() == Some("Love")
        })
        .await;
    let query = format!("<query xmlns='{}'/>", ns::MAM);
    nurse.ask("set", Some(ROOM), &query).await;
    let archived = nurse
        .take("the archive", |e| e.has_child("result", ns::MAM))
        .await;
    assert_eq!(archived.attr("from"), Some(ROOM));
    let mut outside = Peer::login(&server, "nurse", "outside").await;
    assert_eq!(
        condition(&outside.ask("set", Some(ROOM), &query).await),
        "forbidden"
    );
}

#[tokio::test]
async fn nicks_are_unique_and_may_change() {
    let server = server();
    let (mut juliet, mut romeo) = room(&server).await;
    romeo.send(&format!("<presence to='{ROOM}/Juliet'/>")).await;
    let error = romeo
        .take("the error", |e| e.attr("type") == Some("error"))
        .await;
    assert_eq!(condition(&error), "conflict");
    romeo.send(&format!("<presence to='{ROOM}/R'/>")).await;
    let gone = juliet
        .take(
            "the old nick",
            is_presence(&format!("{ROOM}/Romeo"), Some("unavailable")),
        )
        .await;
    assert!(has_status(&gone, "303"));
    assert_eq!(find(&gone, "item").unwrap().attr("nick"), Some("R"));
    juliet
        .take("the new nick", is_presence(&format!("{ROOM}/R"), None))
        .await;
    let ping = "<ping xmlns='urn:xmpp:ping'/>";
    let own = format!("{ROOM}/R");
    assert!(is_result(&romeo.ask("get", Some(&own), ping).await));
    romeo
        .send(&format!("<presence to='{own}' type='unavailable'/>"))
        .await;
    let gone = juliet
        .take("romeo leaves", is_presence(&own, Some("unavailable")))
        .await;
    assert!(!has_status(&gone, "110"));
    assert_eq!(
        condition(&romeo.ask("get", Some(&own), ping).await),
        "not-acceptable"
    );
    say(&mut romeo, "outside").await;
    let error = romeo
        .take("the error", |e| {
            e.name() == "message" && e.attr("id") == Some("i")
        })
        .await;
    assert_eq!(condition(&error), "not-acceptable");
    juliet.close().await;
    let mut late = Peer::online(&server, "romeo", "late").await;
    assert!(
        has_status(&enter(&mut late, "R").await, "201"),
        "the room was temporary"
    );
}

#[tokio::test]
async fn occupants_ask_each_other() {
    let server = server();
    let (mut juliet, mut romeo) = room(&server).await;
    romeo
        .send(&format!(
            "<iq type='get' id='v' to='{ROOM}/Juliet'><query xmlns='jabber:iq:version'/></iq>"
        ))
        .await;
    let request = juliet
        .take("the request", |e| e.attr("id") == Some("v"))
        .await;
    assert_eq!(request.attr("from"), Some("garden@rooms.localhost/Romeo"));
    juliet
        .send(&format!("<iq type='result' id='v' to='{ROOM}/Romeo'/>"))
        .await;
    let answer = romeo
        .take("the answer", |e| e.attr("id") == Some("v"))
        .await;
    assert_eq!(answer.attr("from"), Some("garden@rooms.localhost/Juliet"));
}

#[tokio::test]
async fn moderators_kick_and_admins_ban() {
    let server = server();
    let (mut juliet, mut romeo) = room(&server).await;
    let kick = admin("<item nick='Romeo' role='none'><reason>Out!</reason></item>");
    assert_eq!(
        condition(&romeo.ask("set", Some(ROOM), &kick).await),
        "forbidden"
    );
    assert!(is_result(&juliet.ask("set", Some(ROOM), &kick).await));
    let out = romeo.take("the kick", |e| has_status(e, "307")).await;
    assert_eq!(find(&out, "reason").unwrap().text(), "Out!");
    enter(&mut romeo, "Romeo").await;
    let mute = admin("<item nick='Romeo' role='visitor'/>");
    juliet.ask("set", Some(ROOM), &mute).await;
    let muted = romeo.take("silence", |e| has_status(e, "110")).await;
    assert_eq!(find(&muted, "item").unwrap().attr("role"), Some("visitor"));
    say(&mut romeo, "mute").await;
    let error = romeo
        .take("the error", |e| e.attr("type") == Some("error"))
        .await;
    assert_eq!(condition(&error), "forbidden");
    let ban = admin("<item jid='romeo@localhost' affiliation='outcast'/>");
    assert!(is_result(&juliet.ask("set", Some(ROOM), &ban).await));
    romeo.take("the ban", |e| has_status(e, "301")).await;
    assert_eq!(condition(&enter(&mut romeo, "Romeo").await), "forbidden");
    let list = juliet
        .ask("get", Some(ROOM), &admin("<item affiliation='outcast'/>"))
        .await;
    assert_eq!(
        find(&list, "item").unwrap().attr("jid"),
        Some("romeo@localhost")
    );
    let orphan = admin("<item jid='juliet@localhost' affiliation='none'/>");
    assert_eq!(
        condition(&juliet.ask("set", Some(ROOM), &orphan).await),
        "conflict"
    );
}

#[tokio::test]
async fn owners_configure_and_destroy() {
    let server = server();
    let (mut juliet, mut romeo) = room(&server).await;
    let current = juliet.ask("get", Some(ROOM), &owner("")).await;
    assert_eq!(find(&current, "x").unwrap().attr("type"), Some("form"));
    assert_eq!(
        condition(&romeo.ask("get", Some(ROOM), &owner("")).await),
        "forbidden"
    );
    let closed = form(&[
        ("roomname", "Garden"),
        ("passwordprotectedroom", "1"),
        ("roomsecret", "rose"),
        ("persistentroom", "1"),
    ]);
    assert!(is_result(&juliet.ask("set", Some(ROOM), &closed).await));
    romeo.take("the news", |e| has_status(e, "104")).await;
    let info = format!("<query xmlns='{}'/>", ns::DISCO_INFO);
    let info = romeo.ask("get", Some(ROOM), &info).await;
    assert_eq!(
        find(&info, "identity").unwrap().attr("name"),
        Some("Garden")
    );
    let vars: Vec<_> = all(&info, "feature")
        .iter()
        .filter_map(|f| f.attr("var"))
        .collect();
    assert!(vars.contains(&"muc_passwordprotected") && vars.contains(&"muc_persistent"));
    let items = format!("<query xmlns='{}'/>", ns::DISCO_ITEMS);
    let rooms = romeo.ask("get", Some("rooms.localhost"), &items).await;
    assert_eq!(find(&rooms, "item").unwrap().attr("jid"), Some(ROOM));
    server.add_account("nurse", "x");
    let mut nurse = Peer::online(&server, "nurse", "house").await;
    assert_eq!(
        condition(&enter(&mut nurse, "Nurse").await),
        "not-authorized"
    );
    nurse
        .send(&format!(
            "<presence to='{ROOM}/Nurse'><x xmlns='{}'><password>rose</password></x></presence>",
            ns::MUC
        ))
        .await;
    nurse.take("entry", |e| has_status(e, "110")).await;
    assert!(is_result(
        &juliet
            .ask("set", Some(ROOM), &form(&[("membersonly", "1")]))
            .await
    ));
    romeo.take("the exit", |e| has_status(e, "322")).await;
    nurse.take("the exit", |e| has_status(e, "322")).await;
    romeo
        .send(&format!(
            "<presence to='{ROOM}/Romeo'><x xmlns='{}'/></presence>",
            ns::MUC
        ))
        .await;
    let error = romeo
        .take("the error", |e| e.attr("type") == Some("error"))
        .await;
    assert_eq!(condition(&error), "registration-required");
    juliet
        .send(&format!(
            "<message to='{ROOM}'><x xmlns='{}'><invite to='romeo@localhost'/></x></message>",
            ns::MUC_USER
        ))
        .await;
    let invitation = romeo
        .take("the invitation", |e| find(e, "invite").is_some())
        .await;
    assert_eq!(find(&invitation, "password").unwrap().text(), "rose");
    let destroy = owner("<destroy jid='crypt@rooms.localhost'><reason>Fate</reason></destroy>");
    assert!(is_result(&juliet.ask("set", Some(ROOM), &destroy).await));
    let end = juliet
        .take("the end", |e| find(e, "destroy").is_some())
        .await;
    assert_eq!(
        find(&end, "destroy").unwrap().attr("jid"),
        Some("crypt@rooms.localhost")
    );
    let gone = romeo
        .ask(
            "get",
            Some(ROOM),
            "<query xmlns='http://jabber.org/protocol/disco#info'/>",
        )
        .await;
    assert_eq!(condition(&gone), "item-not-found");
}

#[tokio::test]
async fn rooms_can_be_switched_off() {
    let server = Server::new(options().without("0045"));
    let mut juliet = Peer::online(&server, "juliet", "balcony").await;
    assert_eq!(
        condition(&enter(&mut juliet, "J").await),
        "service-unavailable"
    );
}
