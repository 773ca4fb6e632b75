use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::store::db::Db;

const ONE: Schema = Schema {
    application_id: 7,
    migrations: &["CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;"],
};
const TWO: Schema = Schema {
    application_id: 7,
    migrations: &[
        "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;",
        "ALTER TABLE note ADD COLUMN at TEXT;",
    ],
};
const BROKEN: Schema = Schema {
    application_id: 7,
    migrations: &[
        "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;",
        "CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT; SELECT * FROM nothing;",
    ],
};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn a_file_and_its_folders_belong_to_their_owner() {
    let folder = folder();
    let path = folder.path().join("a/b/test.db");
    let db = Db::open(&path, ONE, &crate::clock::Clock::system())
        .await
        .unwrap();
    db.write(|conn| Ok(conn.execute("INSERT INTO note (text) VALUES ('x')", [])?))
        .await
        .unwrap();
    for (name, mode) in [
        ("a", 0o700),
        ("a/b", 0o700),
        ("a/b/test.db", 0o600),
        ("a/b/test.db-wal", 0o600),
    ] {
        let found = fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(found & 0o777, mode, "{name}");
    }
}

#[tokio::test]
async fn migrations_run_once_and_in_order() {
    let folder = folder();
    let path = folder.path().join("test.db");
    let db = Db::open(&path, ONE, &crate::clock::Clock::system())
        .await
        .unwrap();
    db.write(|conn| Ok(conn.execute("INSERT INTO note (text) VALUES ('x')", [])?))
        .await
        .unwrap();
    db.close().await.unwrap();
    for _ in 0..2 {
        let db = Db::open(&path, TWO, &crate::clock::Clock::system())
            .await
            .unwrap();
        let found = db.read(|conn| {
            Ok(conn.query_row("SELECT text, at FROM note", [], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))
            })?)
        });
        assert_eq!(found.await.unwrap(), ("x".to_owned(), None));
    }
}

#[tokio::test]
async fn a_failed_migration_leaves_the_old_version() {
    let folder = folder();
    let path = folder.path().join("test.db");
    Db::open(&path, ONE, &crate::clock::Clock::system())
        .await
        .unwrap()
        .close()
        .await
        .unwrap();
    Db::open(&path, BROKEN, &crate::clock::Clock::system())
        .await
        .unwrap_err();
    let db = Db::open(&path, ONE, &crate::clock::Clock::system())
        .await
        .unwrap();
    let tables = db.read(|conn| {
        Ok(conn.query_row(
            "SELECT count(*) FROM sqlite_master WHERE type = 'table'",
            [],
            |row| row.get::<_, i64>(0),
        )?)
    });
    assert_eq!(tables.await.unwrap(), 1);
}

#[tokio::test]
async fn a_newer_file_is_refused_untouched() {
    let folder = folder();
    let path = folder.path().join("test.db");
    let db = Db::open(&path, TWO, &crate::clock::Clock::system())
        .await
        .unwrap();
    db.write(|conn| Ok(conn.execute("INSERT INTO note (text) VALUES ('x')", [])?))
        .await
        .unwrap();
    // As after a kill: the log isn't folded into the file.
    let copy = folder.path().join("copy.db");
    fs::copy(&path, &copy).unwrap();
    fs::copy(
        folder.path().join("test.db-wal"),
        folder.path().join("copy.db-wal"),
    )
    .unwrap();
    let before = fs::read(&copy).unwrap();
    let log = fs::read(folder.path().join("copy.db-wal")).unwrap();
    let error = Db::open(&copy, ONE, &crate::clock::Clock::system())
        .await
        .unwrap_err();
    assert!(
        error.is(kind::STORAGE) && error.message.contains("version 2"),
        "{error}"
    );
    assert_eq!(fs::read(&copy).unwrap(), before);
    assert_eq!(fs::read(folder.path().join("copy.db-wal")).unwrap(), log);
}

#[tokio::test]
async fn another_kind_of_file_is_refused() {
    let folder = folder();
    let path = folder.path().join("test.db");
    Db::open(&path, ONE, &crate::clock::Clock::system())
        .await
        .unwrap()
        .close()
        .await
        .unwrap();
    let other = Schema {
        application_id: 8,
        ..ONE
    };
    assert!(
        Db::open(&path, other, &crate::clock::Clock::system())
            .await
            .unwrap_err()
            .is(kind::STORAGE)
    );
    fs::write(
        folder.path().join("text.db"),
        "not a database at all, just some text".repeat(99),
    )
    .unwrap();
    let error = Db::open(
        &folder.path().join("text.db"),
        ONE,
        &crate::clock::Clock::system(),
    )
    .await
    .unwrap_err();
    assert!(
        error.is(kind::STORAGE) && !error.message.contains("text.db"),
        "{error}"
    );
}
