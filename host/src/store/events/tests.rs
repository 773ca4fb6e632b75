use super::*;
use crate::store::HostDb;

async fn fresh() -> (tempfile::TempDir, HostDb) {
    let folder = tempfile::tempdir().unwrap();
    let db = HostDb::open(
        &folder.path().join("sat.db"),
        &crate::clock::Clock::system(),
    )
    .await
    .unwrap();
    (folder, db)
}

fn event(topic: &str) -> NewEvent {
    NewEvent::new("2026-01-01T00:00:00.000Z", topic, "{}")
}

async fn topics(log: &EventLog, after: Cursor, filters: &[&str], limit: usize) -> Vec<String> {
    let filters: Vec<String> = filters.iter().map(|&filter| filter.to_owned()).collect();
    let rows = log.read(after, &filters, limit).await.unwrap();
    rows.into_iter().map(|row| row.topic).collect()
}

#[tokio::test]
async fn filters() {
    let (_folder, db) = fresh().await;
    let log = db.events();
    assert_eq!(log.last_cursor().await.unwrap(), 0);
    let all = [
        "chat.message",
        "chat.room.left",
        "chatter.x",
        "blog.published",
        "chat",
        "chat.",
    ];
    let cursors = log.append(all.map(event).to_vec()).await.unwrap();
    assert_eq!(cursors, [1, 2, 3, 4, 5, 6]);
    assert_eq!(log.last_cursor().await.unwrap(), 6);
    assert_eq!(topics(log, 0, &["*"], 10).await, all);
    assert_eq!(topics(log, 4, &["*"], 10).await, ["chat", "chat."]);
    assert_eq!(
        topics(log, 1, &["*"], 2).await,
        ["chat.room.left", "chatter.x"]
    );
    assert_eq!(
        topics(log, 0, &["chat.*"], 10).await,
        ["chat.message", "chat.room.left"]
    );
    assert_eq!(
        topics(log, 0, &["chat.message"], 10).await,
        ["chat.message"]
    );
    assert_eq!(
        topics(log, 0, &["blog.*", "chatter.x", "nothing"], 10).await,
        ["chatter.x", "blog.published"]
    );
    assert!(topics(log, 0, &[], 10).await.is_empty());
    assert!(
        topics(log, 0, &["chat*", "' OR 1 --", "%"], 10)
            .await
            .is_empty()
    );
    let mut many = vec!["none"; 500];
    many.extend(["chat.*", "blog.published"]);
    assert_eq!(
        topics(log, 0, &many, 10).await,
        ["chat.message", "chat.room.left", "blog.published"]
    );
}

#[tokio::test]
async fn cursors_are_never_used_twice() {
    let (_folder, db) = fresh().await;
    let log = db.events();
    log.append(vec![event("a"), event("b")]).await.unwrap();
    assert_eq!(log.forget(2).await.unwrap(), 2);
    assert_eq!(log.last_cursor().await.unwrap(), 2);
    assert_eq!(log.append(vec![event("c")]).await.unwrap(), [3]);
    let row = log
        .read(0, &["*".to_owned()], 1)
        .await
        .unwrap()
        .pop()
        .unwrap();
    assert!(row.at.len() == 24 && row.at.ends_with('Z'), "{}", row.at);
}
