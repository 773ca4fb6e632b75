use super::*;
use crate::store::Commit;

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

fn message(number: i64, expires_at_ms: Option<i64>) -> NewOutbox {
    NewOutbox {
        to_bare: "juliet@capulet.example".to_owned(),
        stanza_id: format!("s{number}"),
        xml: "<message/>".to_owned(),
        created_at_ms: 0,
        expires_at_ms,
    }
}

async fn insert(db: &ProfileDb, outbox: Vec<NewOutbox>) -> Result<Vec<OutboxId>> {
    Ok(db
        .commit(
            "chat",
            Commit {
                outbox,
                ..Commit::default()
            },
        )
        .await?
        .outbox_ids)
}

fn ids(rows: &[OutboxRow]) -> Vec<OutboxId> {
    rows.iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn the_life_of_a_message() {
    let (_folder, db) = fresh().await;
    let all = insert(&db, (1..=4).map(|number| message(number, None)).collect())
        .await
        .unwrap();
    assert_eq!(all, [1, 2, 3, 4]);
    assert_eq!(ids(&db.outbox_due(3).await.unwrap()), [1, 2, 3]);
    db.outbox_replace_xml(1, "<message>sealed</message>".to_owned())
        .await
        .unwrap();
    db.outbox_mark_sent(1).await.unwrap();
    db.outbox_mark_sent(2).await.unwrap();
    db.outbox_mark_acknowledged(vec![2, 99]).await.unwrap();
    let why = Error::new("forbidden", "The room is closed");
    db.outbox_mark_failed(3, why.clone()).await.unwrap();
    assert_eq!(ids(&db.outbox_due(9).await.unwrap()), [4]);
    assert_eq!(db.outbox_failed(9).await.unwrap()[0].error, Some(why));
    let sent = db.outbox_find("s1".to_owned()).await.unwrap().unwrap();
    assert_eq!(
        (sent.state, sent.attempts, sent.sealed),
        (OutboxState::Sent, 1, true)
    );
    assert_eq!(db.outbox_requeue_sent().await.unwrap(), 1);
    let due = db.outbox_due(9).await.unwrap();
    assert_eq!(ids(&due), [1, 4]);
    assert_eq!(due[0].xml, "<message>sealed</message>");
    assert_eq!(due[1].plugin, "chat");
    for id in [1, 3, 4] {
        db.outbox_remove(id).await.unwrap();
    }
    assert_eq!(db.outbox_size().await.unwrap(), (0, 0));
    assert_eq!(insert(&db, vec![message(5, None)]).await.unwrap(), [5]);
}

#[tokio::test]
async fn what_is_late_is_not_sent() {
    let (_folder, db) = fresh().await;
    let outbox = [Some(100), Some(101), None, Some(50)];
    insert(&db, outbox.map(|expiry| message(1, expiry)).to_vec())
        .await
        .unwrap();
    assert_eq!(db.outbox_next_expiry().await.unwrap(), Some(50));
    db.outbox_mark_sent(4).await.unwrap();
    assert_eq!(db.outbox_next_expiry().await.unwrap(), Some(100));
    let why = Error::new("expired", "Not sent in time");
    let expired = db.outbox_expire(100, why.clone()).await.unwrap();
    assert_eq!(ids(&expired), [1]);
    assert_eq!(expired[0].error, Some(why.clone()));
    assert_eq!(ids(&db.outbox_due(9).await.unwrap()), [2, 3]);
    db.outbox_requeue_sent().await.unwrap();
    assert_eq!(ids(&db.outbox_expire(101, why).await.unwrap()), [2, 4]);
    assert_eq!(db.outbox_next_expiry().await.unwrap(), None);
}

#[tokio::test]
async fn it_has_bounds() {
    let (_folder, db) = fresh().await;
    let rows = (0..OUTBOX_ROWS_LIMIT)
        .map(|number| message(number, None))
        .collect();
    insert(&db, rows).await.unwrap();
    let error = insert(&db, vec![message(0, None)]).await.unwrap_err();
    assert!(error.is(OUTBOX_FULL), "{error}");
    db.outbox_remove(1).await.unwrap();
    insert(&db, vec![message(0, None)]).await.unwrap();
}
