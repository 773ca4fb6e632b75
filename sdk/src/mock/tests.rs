use super::*;
use crate::{
    OrLog,
    bindings::sat::host::{deliver, features, peers, secrets},
    datetime, http, native, settings,
    storage::{self, Migrations, Transaction, sql},
    timers,
};
use std::time::Duration;

pub(crate) struct Chess;

impl Plugin for Chess {
    const ID: &'static str = "chess-club";
    const PERMISSIONS: &'static [&'static str] = &[
        "http", "timers", "storage", "xmpp", "peers", "deliver", "secrets", "disco",
    ];
    const SETTINGS: &'static [(&'static str, &'static str)] = &[("welcome", "true")];
    const FEATURES: &'static [&'static str] = &["urn:chess"];
}

const PING: &str = "<ping xmlns='urn:xmpp:ping'/>";

#[test]
fn stanzas_are_sent_while_there_is_a_stream() {
    let host = Host::new::<Chess>();
    block_on(async {
        let id = xmpp::send_now("<presence xmlns='jabber:client'/>")
            .await
            .unwrap();
        let stanza = format!("<presence id='{id}' xmlns='jabber:client'/>");
        assert_eq!(host.sent()[0].stanza, stanza);
        host.disconnect();
        let message = "<message xmlns='jabber:client' id='7'/>";
        assert_eq!(
            xmpp::send_now(message).await.unwrap_err().code,
            "not-connected"
        );
        assert_eq!(xmpp::send_durable(message).await.unwrap(), "7");
        assert_eq!(
            xmpp::get(None, PING).await.unwrap_err().code,
            "not-connected"
        );
        host.connect();
        assert_eq!(host.sent().len(), 2);
        let forged = "<message xmlns='jabber:client' from='a@b'/>";
        assert_eq!(
            xmpp::send_durable(forged).await.unwrap_err().code,
            "bad-request"
        );
    });
}

#[test]
fn iqs_are_answered_by_namespace() {
    let host = Host::new::<Chess>();
    host.on_iq("urn:xmpp:ping", |iq| match iq.to.as_deref() {
        Some("montague.lit") => Ok(String::new()),
        _ => Err(Error::new("item-not-found", "who?")),
    });
    block_on(async {
        assert_eq!(xmpp::get(Some(&xmpp::server()), PING).await.unwrap(), "");
        assert_eq!(
            xmpp::get(None, PING).await.unwrap_err().code,
            "item-not-found"
        );
        let other = xmpp::get(None, "<query xmlns='x'/>").await;
        assert_eq!(other.unwrap_err().code, "service-unavailable");
    });
    assert_eq!(host.asked().len(), 3);
}

#[test]
fn sql_is_real_and_confined() {
    let _host = Host::new::<Chess>();
    let failed = |text: &str| {
        block_on(storage::run(vec![sql(text, [])]))
            .unwrap_err()
            .code
    };
    block_on(async {
        storage::execute(
            "CREATE TABLE chess_club__game (id INTEGER PRIMARY KEY, white TEXT UNIQUE)",
            [],
        )
        .await
        .unwrap();
        storage::execute("CREATE VIRTUAL TABLE chess_club__fts USING fts5(white)", [])
            .await
            .unwrap();
        let insert = "INSERT INTO chess_club__game (white) VALUES (?1)";
        assert_eq!(storage::execute(insert, ["Paul".into()]).await.unwrap(), 1);
        // All or nothing.
        let twice = [sql(insert, ["Bobby".into()]), sql(insert, ["Paul".into()])];
        assert!(storage::run(twice.into()).await.is_err());
        let found: Vec<(String,)> = storage::select("SELECT white FROM chess_club__game", [])
            .await
            .unwrap();
        assert_eq!(found, [("Paul".to_owned(),)]);
        let each = "SELECT value FROM json_each(?1)";
        let each: Vec<(i64,)> = storage::select(each, ["[1,2]".into()]).await.unwrap();
        assert_eq!(each, [(1,), (2,)]);
        assert!(
            storage::query(sql("DELETE FROM chess_club__game", []))
                .await
                .is_err()
        );
        assert!(storage::query(sql("SELECT ?1", [])).await.is_err());
    });
    for text in [
        "CREATE TABLE chat__message (id)",
        "CREATE TABLE game (id)",
        "CREATE TEMP TABLE chess_club__x (id)",
        "CREATE VIEW chess_club__v AS SELECT 1",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM chat__message",
        "ATTACH ':memory:' AS chess_club__x",
        "PRAGMA user_version",
        "BEGIN",
        "SAVEPOINT guest",
        "",
    ] {
        assert_eq!(failed(text), "sql-error", "{text}");
    }
}

#[test]
fn a_commit_sends() {
    let host = Host::new::<Chess>();
    let message = |durable| Outgoing {
        stanza: "<message xmlns='jabber:client' id='1'/>".into(),
        durable,
        ttl_ms: None,
    };
    let commit = |durable| Transaction {
        statements: vec![],
        send: vec![message(durable)],
    };
    assert_eq!(block_on(storage::commit(commit(true))).unwrap().sent, ["1"]);
    assert!(block_on(storage::commit(commit(false))).is_err());
    assert_eq!(host.sent().len(), 1);
}

static SCHEMA: Migrations = Migrations::new(
    "chess_club__schema",
    &[
        &["CREATE TABLE chess_club__a (id)"],
        &["CREATE TABLE chess_club__b (id)"],
    ],
);

#[test]
fn migrations_run_once_for_each_host_and_in_two_calls_at_once() {
    for _ in 0..2 {
        let _host = Host::new::<Chess>();
        block_on(async {
            let (a, b) = join(SCHEMA.run(), SCHEMA.run()).await;
            a.and(b).unwrap();
            SCHEMA.run().await.unwrap();
            let steps = storage::select_one("SELECT count(*) FROM chess_club__schema", []).await;
            assert_eq!(steps.unwrap(), Some((2i64,)));
        });
    }
}

#[test]
fn keys_and_secrets() {
    let _host = Host::new::<Chess>();
    block_on(async {
        for key in ["b/2", "a", "b/1", "b/3"] {
            storage::set(key.into(), vec![1]).await.unwrap();
        }
        let keys = storage::keys("b/".into(), Some("b/1".into()), 1)
            .await
            .unwrap();
        assert_eq!(keys, ["b/2"]);
        assert!(storage::delete("a".into()).await.unwrap());
        assert_eq!(storage::get("a".into()).await.unwrap(), None);
        let long = storage::set("k".repeat(257), vec![]).await.unwrap_err();
        assert_eq!(long.code, "limit-reached");
        secrets::set("token".into(), vec![7]).await.unwrap();
        assert_eq!(secrets::get("token".into()).await.unwrap(), Some(vec![7]));
        assert!(secrets::delete("token".into()).await.unwrap());
    });
}

#[test]
fn typed_values() {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Game {
        white: String,
        moves: Vec<u8>,
    }
    let _host = Host::new::<Chess>();
    block_on(async {
        let (white, moves) = ("Paul".to_owned(), vec![1, 2]);
        let game = Game { white, moves };
        assert_eq!(storage::load::<Game>("game").await.unwrap(), None);
        storage::store("game", &game).await.unwrap();
        assert_eq!(storage::load("game").await.unwrap(), Some(game));
        let other = storage::load::<Vec<u8>>("game").await.unwrap_err();
        assert_eq!(other.code, "bad-value");
        storage::set_text("name", "é").await.unwrap();
        assert_eq!(
            storage::get_text("name").await.unwrap().as_deref(),
            Some("é")
        );
        let sum = storage::select_value("SELECT ?1 + ?2", (1, 2u32)).await;
        assert_eq!(sum.unwrap(), Some(3));
    });
}

#[test]
fn settings_features_peers_time_and_log() {
    let host = Host::new::<Chess>();
    assert_eq!(settings::get("welcome").unwrap().text, "true");
    host.set_setting("welcome", "false");
    assert_eq!(settings::get("welcome").unwrap().text, "false");
    assert!(settings::get("other").is_none());
    assert!(!settings::is_on("welcome") && settings::integer("welcome").is_none());
    let jid = || "verona@rooms.lit".to_owned();
    block_on(async {
        features::set(vec!["urn:blitz".into()]).await.unwrap();
        let kind = PeerKind::Room;
        peers::claim(vec![peers::Peer { jid: jid(), kind }])
            .await
            .unwrap();
    });
    assert_eq!(features::all().features, ["urn:blitz", "urn:chess"]);
    assert_eq!(host.claims().get(&jid()), Some(&PeerKind::Room));
    block_on(peers::release(vec![jid()])).unwrap();
    assert!(host.claims().is_empty());
    host.set_now("2024-02-29T12:00:00Z");
    assert_eq!(datetime::now(), "2024-02-29T12:00:00.000Z");
    crate::warn!("{} left", 3);
    crate::info!(jid = %jid(), left = 1 + 2, move_ = ?Some("e4"), "{} players", 2);
    let failed = || Err::<(), _>(Error::new("conflict", "twice"));
    assert_eq!(failed().or_error("no move"), None);
    let lines = [
        (Level::Warn, "3 left".to_owned()),
        (
            Level::Info,
            "2 players jid=verona@rooms.lit left=3 move_=Some(\"e4\")".to_owned(),
        ),
        (Level::Error, "no move: twice".to_owned()),
    ];
    assert_eq!(host.log(), lines);
    let message = Forwarded {
        stanza: String::new(),
        via: Via::Archive,
        stamp: None,
        stanza_id: None,
    };
    block_on(deliver::deliver(vec![message])).unwrap();
    assert_eq!(host.delivered().len(), 1);
}

#[test]
fn timers_come_when_their_time_has() {
    let host = Host::new::<Chess>();
    host.set_now("2024-01-01T00:00:00Z");
    block_on(async {
        timers::set_in("tick", Duration::from_secs(60), "1")
            .await
            .unwrap();
        timers::set_in("tock", Duration::from_secs(30), "2")
            .await
            .unwrap();
        timers::set_in("tick", Duration::from_secs(90), "3")
            .await
            .unwrap();
        timers::set_in("gone", Duration::ZERO, "").await.unwrap();
        assert!(timers::cancel("gone".into()).await.unwrap());
        assert!(!timers::cancel("gone".into()).await.unwrap());
        let behind = timers::list(Some("tock".into()), 10).await.unwrap();
        assert_eq!((behind.len(), behind[0].payload.as_str()), (1, "3"));
        let bad = Timer {
            at: "soon".into(),
            ..behind[0].clone()
        };
        assert_eq!(timers::set(bad).await.unwrap_err().code, "bad-request");
    });
    assert!(host.take_due().is_empty());
    host.set_now("2024-01-01T00:01:00Z");
    let due = host.take_due();
    assert_eq!((due.len(), due[0].name.as_str()), (1, "tock"));
    assert_eq!(host.timers()[0].at, "2024-01-01T00:01:30.000Z");
}

#[test]
fn the_web_is_what_the_test_says() {
    let host = Host::new::<Chess>();
    let get = || block_on(http::get("https://example.org/feed"));
    assert_eq!(get().unwrap_err().code, "host-not-found");
    host.on_http(|request| {
        Ok(Response {
            status: if request.method == "GET" { 200 } else { 405 },
            url: request.url.clone(),
            headers: Vec::new(),
            body: b"<feed/>".to_vec(),
            truncated: false,
        })
    });
    assert_eq!(get().unwrap().text().unwrap(), "<feed/>");
    assert_eq!(host.fetched().len(), 2);
}

#[test]
fn events_and_other_plugins() {
    let host = Host::new::<Chess>();
    block_on(async {
        native::emit("chess.moved", "e4".to_owned()).await;
        native::emit("chess.ended", 1u32).await;
        let ask = || native::call::<_, bool>("disco.has", (Some("a@b".to_owned()), "f".to_owned()));
        assert_eq!(ask().await.unwrap_err().code, "no-provider");
        host.on_call("disco.has", |(jid, feature): (Option<String>, String)| {
            Ok(jid.is_some() && feature == "f")
        });
        assert!(ask().await.unwrap());
    });
    assert_eq!(host.emitted::<String>("chess.moved"), ["e4"]);
    assert_eq!(host.topics(), ["chess.moved", "chess.ended"]);
}

#[test]
#[should_panic(expected = "names no permission `roster`")]
fn a_use_without_permission_is_a_fault() {
    let _host = Host::new::<Chess>();
    let _ = block_on(native::call::<_, ()>("roster.list", ()));
}

#[test]
#[should_panic(expected = "disco.has has other parameters")]
fn a_closure_of_another_type_is_a_fault() {
    let host = Host::new::<Chess>();
    host.on_call("disco.has", |(): ()| Ok(true));
    let _ = block_on(native::call::<_, bool>("disco.has", "x".to_owned()));
}

#[test]
#[should_panic(expected = "never comes")]
fn waiting_for_ever_is_a_fault() {
    block_on(std::future::pending::<()>());
}

#[test]
#[should_panic(expected = "make a mock::Host first")]
fn without_a_host_nothing_is_reached() {
    xmpp::account();
}
