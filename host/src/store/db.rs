//! One SQLite file behind an async door.
//!
//! No thread belongs to a database: work runs on tokio's blocking threads, one batch of writes
//! at a time, and a database that nobody uses closes its connections.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Semaphore, oneshot};

use super::{
    batch::{self, Job, Jobs, Task},
    open::{self, Conn, Schema},
};
use crate::{
    clock::Clock,
    error::{Error, Result, kind},
};

/// Writers that share a commit at most: bounds what a failed one costs.
const BATCH: usize = 128;
/// Connections that read at the same time.
const READERS: usize = 2;
/// After so long without use the connections are closed: an idle profile then holds no page
/// cache and no file, and its write-ahead log is folded into the file.
const IDLE: Duration = Duration::from_secs(60);

/// A database file. Clones share it.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    schema: Schema,
    clock: Clock,
    queue: Mutex<Queue>,
    writer: Mutex<Option<Conn>>,
    readers: Mutex<Vec<Conn>>,
    read_slots: Arc<Semaphore>,
    commits: AtomicU64,
    idle: Mutex<Idle>,
}

/// Writers' jobs that wait for the next batch.
#[derive(Default)]
struct Queue {
    jobs: Jobs,
    /// A blocking thread is at work on this database and will take the jobs.
    running: bool,
}

struct Idle {
    last_use: Instant,
    /// A task watches for the database to fall idle.
    watched: bool,
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db")
            .field("path", &self.inner.path)
            .finish_non_exhaustive()
    }
}

impl Db {
    /// Opens a file, creating it and its folders (0600, 0700) where there are none, and runs
    /// the migrations that it lacks. A file of a newer version is refused untouched.
    pub(super) async fn open(path: &Path, schema: Schema, clock: &Clock) -> Result<Self> {
        let inner = Arc::new(Inner {
            path: path.to_owned(),
            schema,
            clock: clock.clone(),
            queue: Mutex::default(),
            writer: Mutex::default(),
            readers: Mutex::default(),
            read_slots: Arc::new(Semaphore::new(READERS)),
            commits: AtomicU64::new(0),
            idle: Mutex::new(Idle {
                last_use: Instant::now(),
                watched: false,
            }),
        });
        let db = Self { inner };
        db.touch();
        db.blocking(|inner| {
            open::create(&inner.path)?;
            *lock(&inner.writer) = Some(open::writer(&inner.path, inner.schema)?);
            Ok(())
        })
        .await?;
        Ok(db)
    }

    /// The clock that stamps what is written.
    pub(super) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Runs `work` in a transaction, alone or with other writers' work; on disk when this
    /// returns. `work` may be called again when the transaction was rolled back through no fault
    /// of its own. It is done even when the caller stops waiting.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        F: FnMut(&Conn) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.enqueue(Box::new(Task::new(work, sender)));
        let outcome = self.inner.clock.off_thread(receiver).await;
        outcome.unwrap_or_else(|_| Err(Error::internal("Storage", "a batch was dropped")))
    }

    /// Runs `work` on a connection that only reads and sees what was committed before.
    pub(super) async fn read<T, F>(&self, work: F) -> Result<T>
    where
        F: FnOnce(&Conn) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.touch();
        let slots = Arc::clone(&self.inner.read_slots);
        let slot = slots.acquire_owned().await;
        self.blocking(move |inner| {
            let _slot = slot;
            let idle = lock(&inner.readers).pop();
            let conn = match idle {
                Some(conn) => conn,
                None => open::reader(&inner.path)?,
            };
            let outcome = work(&conn);
            // After an error of the disk the next reader starts with a fresh connection.
            if !outcome.as_ref().is_err_and(|error| error.is(kind::STORAGE)) {
                lock(&inner.readers).push(conn);
            }
            outcome
        })
        .await
    }

    /// Folds the write-ahead log into the file and empties it, so that deleted secrets are in
    /// neither.
    pub async fn checkpoint(&self) -> Result<()> {
        self.touch();
        self.blocking(|inner| {
            let mut writer = lock(&inner.writer);
            let conn = inner.open_writer(&mut writer)?;
            conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            Ok(())
        })
        .await
    }

    /// Checks the file's structure; the error says that it is damaged.
    pub async fn check(&self) -> Result<()> {
        self.read(|conn| {
            let verdict: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if verdict == "ok" {
                return Ok(());
            }
            Err(Error::new(
                kind::STORAGE,
                "The database file is damaged; restore it from a backup",
            ))
        })
        .await
    }

    /// Closes the connections; the next use opens them again.
    pub async fn close(&self) -> Result<()> {
        self.blocking(|inner| {
            inner.release();
            Ok(())
        })
        .await
    }

    /// Commits so far: with many writers fewer than their writes.
    pub fn commits(&self) -> u64 {
        self.inner.commits.load(Ordering::Relaxed)
    }

    fn enqueue(&self, job: Box<dyn Job>) {
        self.touch();
        let start = {
            let mut queue = lock(&self.inner.queue);
            queue.jobs.push_back(job);
            !std::mem::replace(&mut queue.running, true)
        };
        if start {
            let inner = Arc::clone(&self.inner);
            tokio::task::spawn_blocking(move || inner.drain());
        }
    }

    async fn blocking<T, F>(&self, work: F) -> Result<T>
    where
        F: FnOnce(&Inner) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let done = tokio::task::spawn_blocking(move || work(&inner));
        let outcome = self.inner.clock.off_thread(done).await;
        outcome.unwrap_or_else(|error| Err(Error::internal("Storage", error)))
    }

    /// Notes the use, and has somebody watch for the end of it.
    fn touch(&self) {
        let mut idle = lock(&self.inner.idle);
        idle.last_use = Instant::now();
        if !std::mem::replace(&mut idle.watched, true) {
            tokio::spawn(watch(Arc::downgrade(&self.inner), IDLE));
        }
    }
}

/// Closes the connections once the database has been idle.
async fn watch(database: Weak<Inner>, limit: Duration) {
    loop {
        tokio::time::sleep(limit).await;
        let Some(inner) = database.upgrade() else {
            return;
        };
        {
            let mut idle = lock(&inner.idle);
            if idle.last_use.elapsed() < limit {
                continue;
            }
            idle.watched = false;
        }
        // Closing writes the log back, which may take a while.
        tokio::task::spawn_blocking(move || inner.release());
        return;
    }
}

impl Inner {
    /// Runs batches until no job waits.
    fn drain(&self) {
        loop {
            let jobs: Jobs = {
                let mut queue = lock(&self.queue);
                if queue.jobs.is_empty() {
                    queue.running = false;
                    return;
                }
                let count = queue.jobs.len().min(BATCH);
                queue.jobs.drain(..count).collect()
            };
            let mut writer = lock(&self.writer);
            match self.open_writer(&mut writer) {
                Ok(conn) => {
                    if !batch::run(conn, jobs, &self.commits) {
                        // What the kernel failed to write it may believe to be written: only
                        // a new connection reads the file as it is.
                        tracing::error!("a database was reopened after a failed write");
                        *writer = None;
                    }
                }
                Err(error) => batch::fail(jobs, &error),
            }
        }
    }

    fn open_writer<'a>(&self, writer: &'a mut Option<Conn>) -> Result<&'a Conn> {
        let conn = match writer.take() {
            Some(conn) => conn,
            None => open::writer(&self.path, self.schema)?,
        };
        Ok(writer.insert(conn))
    }

    /// Closes what is open; the last connection to close folds the log into the file.
    fn release(&self) {
        lock(&self.readers).clear();
        lock(&self.writer).take();
    }
}

/// A lock that outlives a panic of its holder: what is behind it stays valid.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
