use super::*;
use crate::{
    profile::vault::{KdfParams, Vault},
    store::{NewEvent, NewOutbox, SLOTS_LIMIT, Value},
};
use zeroize::Zeroizing;

async fn fresh() -> (tempfile::TempDir, ProfileDb) {
    let folder = tempfile::tempdir().unwrap();
    let db = ProfileDb::open(
        &folder.path().join("profile.db"),
        &crate::clock::Clock::system(),
    )
    .await
    .unwrap();
    (folder, db)
}

fn weak() -> KdfParams {
    KdfParams {
        m_kib: 8,
        t: 1,
        p: 1,
    }
}

fn password(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

#[tokio::test]
async fn settings_cursors_and_secrets() {
    let (_folder, db) = fresh().await;
    db.setting_set("host", "autoconnect", "true").await.unwrap();
    db.setting_set("host", "autoconnect", "false")
        .await
        .unwrap();
    assert_eq!(
        db.setting_get("host", "autoconnect")
            .await
            .unwrap()
            .as_deref(),
        Some("false")
    );
    assert_eq!(db.settings("chat").await.unwrap(), []);
    assert_eq!(db.settings("host").await.unwrap().len(), 1);
    assert!(db.setting_delete("host", "autoconnect").await.unwrap());
    assert_eq!(
        db.event_cursor("chat", "sat:pubsub/events").await.unwrap(),
        None
    );
    db.set_event_cursor("chat", "sat:pubsub/events", 7)
        .await
        .unwrap();
    db.set_event_cursor("chat", "sat:pubsub/events", 5)
        .await
        .unwrap();
    assert_eq!(
        db.event_cursor("chat", "sat:pubsub/events").await.unwrap(),
        Some(7)
    );
    db.secret_set("chat", "token", vec![1]).await.unwrap();
    assert_eq!(db.secret_get("chat", "token").await.unwrap(), Some(vec![1]));
    assert_eq!(db.secret_names("chat").await.unwrap(), ["token"]);
    assert!(db.secret_delete("chat", "token").await.unwrap());
    assert_eq!(db.secret_get("chat", "token").await.unwrap(), None);
}

#[tokio::test]
async fn slots_have_a_first_and_a_ninth() {
    let (_folder, db) = fresh().await;
    let (vault, slot) = Vault::create("f1", password("a"), weak()).await.unwrap();
    db.slot_insert(slot.clone()).await.unwrap();
    assert!(
        db.slot_delete(&slot.id)
            .await
            .unwrap_err()
            .is(kind::CONFLICT)
    );
    assert_eq!(db.slots().await.unwrap(), std::slice::from_ref(&slot));
    assert!(
        db.slot_delete("none")
            .await
            .unwrap_err()
            .is(kind::NOT_FOUND)
    );
    for number in 1..SLOTS_LIMIT {
        let more = vault
            .password_slot(&number.to_string(), password("b"), weak())
            .await
            .unwrap();
        db.slot_insert(more).await.unwrap();
    }
    let ninth = vault
        .password_slot("9", password("b"), weak())
        .await
        .unwrap();
    assert!(db.slot_insert(ninth).await.unwrap_err().is(kind::LIMIT));
    db.slot_delete(&slot.id).await.unwrap();
    assert_eq!(db.slots().await.unwrap().len() as i64, SLOTS_LIMIT - 1);
}

/// Reliability tests 56 and 98: nothing secret in the files, and nothing deleted either.
#[tokio::test]
async fn no_canary_in_the_files() {
    let (folder, db) = fresh().await;
    let (vault, slot) = Vault::create("f1", password("CANARY-profile"), weak())
        .await
        .unwrap();
    let second = vault
        .password_slot("x", password("CANARY-second"), weak())
        .await
        .unwrap();
    db.slot_insert(slot).await.unwrap();
    db.slot_insert(second.clone()).await.unwrap();
    let sealed = vault.seal("account/password", b"CANARY-account").unwrap();
    db.set_account(Account {
        jid: "romeo@montague.example".to_owned(),
        host: None,
        port: Some(5222),
        security: "starttls".to_owned(),
        ca_file: None,
        sealed_password: Some(sealed),
        resource: "r".to_owned(),
    })
    .await
    .unwrap();
    let sealed = vault.seal("secret/chat/token", b"CANARY-token").unwrap();
    db.secret_set("chat", "token", sealed).await.unwrap();
    db.kv_set("chat", "gone", b"DELETED-canary".repeat(9))
        .await
        .unwrap();
    assert!(contains(folder.path(), b"DELETED-canary"));
    db.kv_delete("chat", "gone").await.unwrap();
    db.slot_delete(&second.id).await.unwrap();
    assert!(!contains(folder.path(), b"CANARY"));
    assert!(!contains(folder.path(), b"DELETED-canary"));
    assert!(!contains(folder.path(), &second.wrapped));
    let account = db.account().await.unwrap();
    let opened = vault
        .open("account/password", &account.sealed_password.unwrap())
        .unwrap();
    assert_eq!(opened.as_slice(), b"CANARY-account");
}

fn contains(folder: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}

/// What a chat message costs: a row, its full-text row and an event in one commit.
#[tokio::test]
async fn a_message_is_cheap() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let db = ProfileDb::open(
        &folder.path().join("profile.db"),
        &crate::clock::Clock::system(),
    )
    .await
    .unwrap();
    let statement = |sql: &str, params| Statement {
        sql: sql.to_owned(),
        params,
    };
    let schema = [
        "CREATE TABLE chat__message (id INTEGER PRIMARY KEY, conversation TEXT NOT NULL,
            stanza_id TEXT UNIQUE, body TEXT NOT NULL, stamp TEXT NOT NULL) STRICT",
        "CREATE INDEX chat__message_stamp ON chat__message (conversation, stamp)",
        "CREATE VIRTUAL TABLE chat__text USING fts5(body, content='chat__message', content_rowid='id')",
    ];
    let statements = schema.iter().map(|sql| statement(sql, vec![])).collect();
    db.commit(
        "chat",
        Commit {
            statements,
            ..Commit::default()
        },
    )
    .await
    .unwrap();
    let text = |text: &str| Value::Text(text.to_owned());
    let rounds: i64 = std::env::var("ROUNDS").map_or(50, |rounds| rounds.parse().unwrap());
    let start = std::time::Instant::now();
    for number in 0..rounds {
        let body = format!("good night, good night, parting is such sweet sorrow {number}");
        let insert = statement(
            "INSERT INTO chat__message (id, conversation, stanza_id, body, stamp)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            vec![
                Value::Integer(number),
                text("juliet@capulet.example"),
                text(&format!("id-{number}")),
                text(&body),
                text("2026-01-01T00:00:00.000Z"),
            ],
        );
        let index = statement(
            "INSERT INTO chat__text (rowid, body) VALUES (?1, ?2)",
            vec![Value::Integer(number), text(&body)],
        );
        let event = NewEvent::new("2026-01-01T00:00:00.000Z", "chat.message", "{}".repeat(100));
        let commit = Commit {
            statements: vec![insert, index],
            events: vec![event],
            outbox: Vec::<NewOutbox>::new(),
        };
        db.commit("chat", commit).await.unwrap();
    }
    println!(
        "{} µs a message",
        start.elapsed().as_micros() as i64 / rounds
    );
}
