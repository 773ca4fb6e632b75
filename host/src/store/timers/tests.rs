use super::*;

async fn fresh() -> (tempfile::TempDir, ProfileDb) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("profile.db");
    let db = ProfileDb::open(&path, &crate::Clock::system())
        .await
        .unwrap();
    (folder, db)
}

fn timer(name: &str, at_ms: i64) -> Timer {
    Timer {
        name: name.into(),
        at_ms,
        payload: format!("of {name}"),
    }
}

async fn names(db: &ProfileDb, after: Option<&str>, limit: u32) -> Vec<String> {
    let timers = db.timers("chat", after, limit).await.unwrap();
    timers.into_iter().map(|t| t.name).collect()
}

#[tokio::test]
async fn timers_are_listed_by_their_time_in_pages() {
    let (_folder, db) = fresh().await;
    for (name, at) in [("c", 10), ("a", 30), ("b", 10), ("d", 20)] {
        db.timer_set("chat", timer(name, at)).await.unwrap();
    }
    db.timer_set("other", timer("x", 0)).await.unwrap();
    assert_eq!(names(&db, None, 10).await, ["b", "c", "d", "a"]);
    assert_eq!(names(&db, None, 2).await, ["b", "c"]);
    assert_eq!(names(&db, Some("c"), 10).await, ["d", "a"]);
    assert!(names(&db, Some("a"), 10).await.is_empty());
    let gone = db.timers("chat", Some("x"), 10).await.unwrap_err();
    assert!(gone.is(kind::NOT_FOUND));
    db.timer_set("chat", timer("b", 40)).await.unwrap();
    assert_eq!(names(&db, None, 10).await, ["c", "d", "a", "b"]);
    assert!(db.timer_cancel("chat", "c").await.unwrap());
    assert!(!db.timer_cancel("chat", "c").await.unwrap());
    assert!(!db.timer_cancel("chat", "x").await.unwrap());
    assert_eq!(names(&db, None, 10).await, ["d", "a", "b"]);
}

#[tokio::test]
async fn a_timer_is_due_from_its_time_until_it_is_done() {
    let (_folder, db) = fresh().await;
    db.timer_set("chat", timer("late", 20)).await.unwrap();
    db.timer_set("chat", timer("early", 10)).await.unwrap();
    let plugins = || vec!["chat".to_owned(), "other".to_owned()];
    let next = || async { db.timers_next(plugins()).await.unwrap() };
    assert_eq!(next().await, [("chat".to_owned(), 10)]);
    assert_eq!(db.timer_due("chat", 9).await.unwrap(), None);
    let early = db.timer_due("chat", 25).await.unwrap().unwrap();
    assert_eq!((early.timer, early.failures), (timer("early", 10), 0));

    // After a failure it stands behind what is due before its next try.
    db.timer_failed(early.id, 25, 30).await.unwrap();
    let late = db.timer_due("chat", 25).await.unwrap().unwrap();
    assert_eq!(late.timer.name, "late");
    db.timer_done(late.id).await.unwrap();
    assert_eq!(db.timer_due("chat", 29).await.unwrap(), None);
    assert_eq!(next().await, [("chat".to_owned(), 30)]);
    db.timer_failed(early.id, 30, 40).await.unwrap();
    let again = db.timer_due("chat", 40).await.unwrap().unwrap();
    assert_eq!((again.failures, again.failed_at_ms), (2, Some(25)));
    assert_eq!(again.timer.at_ms, 10);

    // Set again while its handler runs: the new one stays, and has not failed.
    db.timer_set("chat", timer("early", 50)).await.unwrap();
    db.timer_done(early.id).await.unwrap();
    let new = db.timer_due("chat", 50).await.unwrap().unwrap();
    assert_eq!((new.failures, new.failed_at_ms), (0, None));
    db.timer_done(new.id).await.unwrap();
    assert!(next().await.is_empty());
}

#[tokio::test]
async fn limits_name_themselves() {
    let (_folder, db) = fresh().await;
    let refused = |name: String, payload: String| {
        let (db, at_ms) = (db.clone(), 0);
        async move {
            let timer = Timer {
                name,
                at_ms,
                payload,
            };
            let error = db.timer_set("chat", timer).await.unwrap_err();
            assert!(error.is(kind::LIMIT));
            error.message
        }
    };
    let long = "x".repeat(TIMER_NAME_LIMIT);
    db.timer_set("chat", timer(&long, 0)).await.unwrap();
    let error = refused(format!("{long}x"), String::new()).await;
    assert!(error.contains("TIMER_NAME_LIMIT"), "{error}");
    let error = refused("a".into(), "x".repeat(TIMER_PAYLOAD_LIMIT + 1)).await;
    assert!(error.contains("TIMER_PAYLOAD_LIMIT"), "{error}");
    let writes = (1..TIMERS_LIMIT).map(|n| {
        let db = db.clone();
        async move { db.timer_set("chat", timer(&n.to_string(), n)).await }
    });
    futures::future::try_join_all(writes).await.unwrap();
    let error = refused("one more".into(), String::new()).await;
    assert!(error.contains("TIMERS_LIMIT"), "{error}");
    // Replacing and other plugins' timers go on.
    db.timer_set("chat", timer(&long, 1)).await.unwrap();
    db.timer_set("other", timer("a", 0)).await.unwrap();
    assert_eq!(names(&db, None, u32::MAX).await.len() as i64, TIMERS_LIMIT);
}
