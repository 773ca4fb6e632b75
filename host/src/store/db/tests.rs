use std::fs;

use rusqlite::limits::Limit;

use super::*;

const SCHEMA: Schema = Schema {
    application_id: 7,
    migrations: &[
        "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE child (id INTEGER PRIMARY KEY,
            note INTEGER REFERENCES note (id) DEFERRABLE INITIALLY DEFERRED) STRICT;",
    ],
};

async fn fresh() -> (tempfile::TempDir, Db) {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(
        &folder.path().join("test.db"),
        SCHEMA,
        &crate::clock::Clock::system(),
    )
    .await
    .unwrap();
    (folder, db)
}

async fn note(db: &Db, text: &str) -> Result<usize> {
    let text = text.to_owned();
    db.write(move |conn| Ok(conn.execute("INSERT INTO note (text) VALUES (?1)", [&text])?))
        .await
}

async fn notes(db: &Db) -> i64 {
    db.read(|conn| Ok(conn.query_row("SELECT count(*) FROM note", [], |row| row.get(0))?))
        .await
        .unwrap()
}

/// Holds the writer until the returned sender is dropped, so that the next jobs are one batch.
async fn held(db: &Db) -> std::sync::mpsc::Sender<()> {
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let (started, running) = oneshot::channel();
    let (gate, mut started) = (Mutex::new(gate), Some(started));
    let db = db.clone();
    tokio::spawn(async move {
        db.write(move |_| {
            started.take().map(|started| started.send(()));
            let _ = lock(&gate).recv();
            Ok(())
        })
        .await
    });
    running.await.unwrap();
    release
}

async fn settle() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_share_a_commit() {
    let (_folder, db) = fresh().await;
    let gate = held(&db).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..32 {
        let db = db.clone();
        tasks.spawn(async move { note(&db, &number.to_string()).await });
    }
    settle().await;
    assert_eq!(db.commits(), 0);
    drop(gate);
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
    assert_eq!(notes(&db).await, 32);
    assert_eq!(db.commits(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_job_is_undone_alone() {
    let (_folder, db) = fresh().await;
    let gate = held(&db).await;
    let bad = db.write(|conn| {
        conn.execute("INSERT INTO note (text) VALUES ('half')", [])?;
        Err::<(), _>(Error::new("no", "no"))
    });
    let panicking = db.write(|conn| {
        conn.execute("INSERT INTO note (text) VALUES ('panic')", [])?;
        if notes_now(conn) > 0 {
            panic!("on purpose");
        }
        Ok(())
    });
    let release = async {
        settle().await;
        drop(gate);
    };
    let (a, bad, panicking, b, ()) =
        tokio::join!(note(&db, "a"), bad, panicking, note(&db, "b"), release);
    assert!(a.is_ok() && b.is_ok());
    assert!(bad.unwrap_err().is("no"));
    assert!(panicking.unwrap_err().is(kind::INTERNAL));
    assert_eq!(notes(&db).await, 2);
    assert_eq!(db.commits(), 2);
}

fn notes_now(conn: &Conn) -> i64 {
    conn.query_row("SELECT count(*) FROM note", [], |row| row.get(0))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_ends_the_transaction_harms_no_other() {
    let (_folder, db) = fresh().await;
    note(&db, "taken").await.unwrap();
    let gate = held(&db).await;
    let bad = || {
        db.write(|conn| {
            Ok(conn.execute("INSERT OR ROLLBACK INTO note (text) VALUES ('taken')", [])?)
        })
    };
    let release = async {
        settle().await;
        drop(gate);
    };
    let (a, bad1, b, bad2, bad3, bad4, c, ()) = tokio::join!(
        note(&db, "a"),
        bad(),
        note(&db, "b"),
        bad(),
        bad(),
        bad(),
        note(&db, "c"),
        release
    );
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    for bad in [bad1, bad2, bad3, bad4] {
        assert!(bad.unwrap_err().is(kind::CONFLICT));
    }
    assert_eq!(notes(&db).await, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_fails_the_commit_harms_no_other() {
    let (_folder, db) = fresh().await;
    let gate = held(&db).await;
    let bad = db.write(|conn| Ok(conn.execute("INSERT INTO child (note) VALUES (99)", [])?));
    let release = async {
        settle().await;
        drop(gate);
    };
    let (a, bad, b, ()) = tokio::join!(note(&db, "a"), bad, note(&db, "b"), release);
    assert!(a.is_ok() && b.is_ok());
    let bad = bad.unwrap_err();
    assert!(
        bad.is(kind::SQL) && bad.message.contains("FOREIGN KEY"),
        "{bad}"
    );
    assert_eq!(notes(&db).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_commit_acknowledges_nothing_and_reopens() {
    let (_folder, db) = fresh().await;
    let refuse = Arc::new(std::sync::atomic::AtomicBool::new(true));
    {
        let mut writer = lock(&db.inner.writer);
        let hook = Arc::clone(&refuse);
        let conn = writer.as_mut().unwrap();
        conn.sql_mut()
            .commit_hook(Some(move || hook.load(Ordering::Relaxed)))
            .unwrap();
    }
    let (a, b) = tokio::join!(note(&db, "a"), note(&db, "b"));
    assert!(a.unwrap_err().is(kind::STORAGE));
    // The hook went with the first connection.
    assert!(b.is_ok_and(|_| refuse.load(Ordering::Relaxed)) || note(&db, "b").await.is_ok());
    assert_eq!(notes(&db).await, 1);
}

#[tokio::test]
async fn a_full_file_refuses_and_goes_on() {
    let (_folder, db) = fresh().await;
    db.write(|conn| Ok(conn.pragma_update(None, "max_page_count", 1)?))
        .await
        .unwrap();
    let big = "x".repeat(100_000);
    let error = note(&db, &big).await.unwrap_err();
    assert!(
        error.is(kind::STORAGE) && error.message.contains("full"),
        "{error}"
    );
    // The connection may have been replaced; small things still fit.
    note(&db, "small").await.unwrap();
    assert_eq!(notes(&db).await, 1);
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let (folder, db) = fresh().await;
    note(&db, "kept").await.unwrap();
    // The files as a killed process leaves them.
    let copy = folder.path().join("copy.db");
    fs::copy(folder.path().join("test.db"), &copy).unwrap();
    fs::copy(
        folder.path().join("test.db-wal"),
        folder.path().join("copy.db-wal"),
    )
    .unwrap();
    let copy = Db::open(&copy, SCHEMA, &crate::clock::Clock::system())
        .await
        .unwrap();
    assert_eq!(notes(&copy).await, 1);
    copy.check().await.unwrap();
}

#[tokio::test]
async fn closed_connections_open_again() {
    let (folder, db) = fresh().await;
    note(&db, "a").await.unwrap();
    assert_eq!(notes(&db).await, 1);
    db.close().await.unwrap();
    assert!(!folder.path().join("test.db-wal").exists());
    note(&db, "b").await.unwrap();
    assert_eq!(notes(&db).await, 2);
}

#[tokio::test]
async fn a_deleted_file_is_not_made_anew() {
    let (folder, db) = fresh().await;
    db.close().await.unwrap();
    fs::remove_file(folder.path().join("test.db")).unwrap();
    assert!(note(&db, "a").await.unwrap_err().is(kind::STORAGE));
    assert!(!folder.path().join("test.db").exists());
}

#[tokio::test]
async fn readers_only_read() {
    let (_folder, db) = fresh().await;
    let write = db.read(|conn| Ok(conn.execute("INSERT INTO note (text) VALUES ('x')", [])?));
    assert!(write.await.unwrap_err().is(kind::STORAGE));
    let length = db
        .read(|conn| Ok(conn.limit(Limit::SQLITE_LIMIT_ATTACHED)?))
        .await
        .unwrap();
    assert_eq!(length, 0);
}

#[tokio::test]
async fn an_idle_database_is_closed() {
    let (folder, db) = fresh().await;
    let log = folder.path().join("test.db-wal");
    note(&db, "a").await.unwrap();
    assert!(log.exists());
    watch(Arc::downgrade(&db.inner), Duration::from_millis(20)).await;
    while lock(&db.inner.writer).is_some() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!log.exists());
    note(&db, "b").await.unwrap();
    assert!(lock(&db.inner.idle).watched);
}
