mod allowed;
mod denied;
mod limits;

use tokio::sync::{RwLock, RwLockReadGuard};

use crate::{
    error::{Error, Result},
    store::{Commit, CommitResult, Limits, ProfileDb, Rows, Statement, Value},
};

/// Memory is counted for the process: the test that uses it up runs while no other does.
static MEMORY: RwLock<()> = RwLock::const_new(());

/// A profile with tables of the plugins `chat` and `chat-rooms`.
struct Fixture {
    db: ProfileDb,
    _memory: Option<RwLockReadGuard<'static, ()>>,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        Self::with(Some(MEMORY.read().await)).await
    }

    async fn with(memory: Option<RwLockReadGuard<'static, ()>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = ProfileDb::open(
            &folder.path().join("profile.db"),
            &crate::clock::Clock::system(),
        )
        .await
        .unwrap();
        let this = Self {
            db,
            _memory: memory,
            _folder: folder,
        };
        this.all(&["CREATE TABLE chat__m (id INTEGER PRIMARY KEY, body TEXT, UNIQUE (body))"])
            .await;
        let other = [
            "CREATE TABLE chat_rooms__r (id INTEGER PRIMARY KEY, secret TEXT)",
            "CREATE VIRTUAL TABLE chat_rooms__f USING fts5(secret)",
            "INSERT INTO chat_rooms__r (secret) VALUES ('hidden')",
        ];
        this.run("chat-rooms", &other).await.unwrap();
        this
    }

    async fn run(&self, plugin: &str, sql: &[&str]) -> Result<CommitResult> {
        let statements = sql.iter().map(|sql| statement(sql)).collect();
        self.db
            .commit(
                plugin,
                Commit {
                    statements,
                    ..Commit::default()
                },
            )
            .await
    }

    async fn all(&self, sql: &[&str]) -> CommitResult {
        match self.run("chat", sql).await {
            Ok(result) => result,
            Err(error) => panic!("{sql:?}: {error}"),
        }
    }

    async fn query(&self, sql: &str) -> Result<Rows> {
        self.db.query("chat", statement(sql), Limits::QUERY).await
    }

    async fn value(&self, sql: &str) -> Value {
        let rows = self
            .query(sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        rows.rows[0][0].clone()
    }

    async fn refused(&self, sql: &[&str]) -> Error {
        match self.run("chat", sql).await {
            Ok(result) => panic!("{sql:?} gave {result:?}"),
            Err(error) => error,
        }
    }
}

fn statement(sql: &str) -> Statement {
    Statement {
        sql: sql.to_owned(),
        params: Vec::new(),
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
