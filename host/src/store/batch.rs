//! Group commit: the jobs of many writers in one transaction.
//!
//! Each job has a savepoint, so that a failing one is undone alone. But SQLite ends the whole
//! transaction when a statement is interrupted or says `ON CONFLICT ROLLBACK`, and a plugin can
//! make a COMMIT fail with a deferred foreign key. So jobs can be run again: the others get
//! their commit without the one that spoilt it.

use std::{
    any::Any,
    collections::VecDeque,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, Ordering},
};

use tokio::sync::oneshot;

use super::{fault, open::Conn};
use crate::error::{Error, Result, kind};

/// How often a batch starts again before each job gets a transaction of its own.
const RESTARTS: usize = 3;

/// A writer's work, queued.
pub(super) trait Job: Send {
    /// Does the work and keeps its value. May be called again after a rollback.
    fn run(&mut self, conn: &Conn) -> Result<()>;

    /// Tells the writer: the value when all is on disk, else what went wrong.
    fn answer(self: Box<Self>, outcome: Result<()>);
}

/// A closure as a job.
pub(super) struct Task<F, T> {
    work: F,
    value: Option<T>,
    sender: oneshot::Sender<Result<T>>,
}

impl<F, T> Task<F, T> {
    pub(super) fn new(work: F, sender: oneshot::Sender<Result<T>>) -> Self {
        Self {
            work,
            value: None,
            sender,
        }
    }
}

impl<F, T> Job for Task<F, T>
where
    F: FnMut(&Conn) -> Result<T> + Send,
    T: Send,
{
    fn run(&mut self, conn: &Conn) -> Result<()> {
        self.value = None;
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.work)(conn)));
        self.value = Some(outcome.unwrap_or_else(|panic| Err(panicked(&*panic)))?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let Self { value, sender, .. } = *self;
        let result = outcome.and_then(|()| {
            value.ok_or_else(|| Error::internal("Storage", "a job was answered before it ran"))
        });
        // The writer may have gone; its work is done all the same.
        let _ = sender.send(result);
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::internal("Storage", text.unwrap_or("a job panicked"))
}

/// Jobs in the order in which they came.
pub(super) type Jobs = VecDeque<Box<dyn Job>>;

/// How a transaction ended.
enum End {
    /// Every job has its answer.
    Answered,
    /// The transaction was rolled back under these jobs, by one that has been answered.
    Lost(Jobs),
    /// One of these makes the COMMIT fail, nobody knows which.
    Refused(Jobs),
    /// Nothing can be written.
    Broken(Error, Jobs),
}

/// Runs the jobs and answers them all. False: the connection must be thrown away.
pub(super) fn run(conn: &Conn, mut waiting: Jobs, commits: &AtomicU64) -> bool {
    let mut restarts = 0;
    let mut healthy = true;
    while !waiting.is_empty() {
        let alone = restarts >= RESTARTS;
        let group = if alone {
            waiting.pop_front().into_iter().collect()
        } else {
            mem::take(&mut waiting)
        };
        let again = match transaction(conn, group, commits, &mut healthy) {
            End::Answered => continue,
            End::Lost(jobs) => {
                restarts += 1;
                jobs
            }
            End::Refused(jobs) => {
                restarts = RESTARTS;
                jobs
            }
            End::Broken(error, jobs) => {
                fail(jobs, &error);
                fail(waiting, &error);
                return false;
            }
        };
        for job in again.into_iter().rev() {
            waiting.push_front(job);
        }
    }
    healthy
}

/// Answers jobs that can't be done.
pub(super) fn fail(jobs: Jobs, error: &Error) {
    for job in jobs {
        job.answer(Err(error.clone()));
    }
}

fn transaction(conn: &Conn, mut jobs: Jobs, commits: &AtomicU64, healthy: &mut bool) -> End {
    if let Err(error) = statement(conn, "BEGIN IMMEDIATE") {
        return End::Broken(Error::from(error), jobs);
    }
    let mut done = Jobs::new();
    while let Some(mut job) = jobs.pop_front() {
        let outcome = in_savepoint(conn, job.as_mut());
        if conn.is_autocommit() {
            let error = outcome.err().unwrap_or_else(|| {
                Error::internal("Storage", "a job ended the transaction it was part of")
            });
            *healthy &= !error.is(kind::STORAGE);
            job.answer(Err(error));
            done.append(&mut jobs);
            return End::Lost(done);
        }
        match outcome {
            Ok(()) => done.push_back(job),
            Err(error) => job.answer(Err(error)),
        }
    }
    commit(conn, done, commits)
}

fn in_savepoint(conn: &Conn, job: &mut dyn Job) -> Result<()> {
    statement(conn, "SAVEPOINT job")?;
    let outcome = job.run(conn);
    if outcome.is_err() && !conn.is_autocommit() {
        statement(conn, "ROLLBACK TO job")?;
    }
    if !conn.is_autocommit() {
        statement(conn, "RELEASE job")?;
    }
    outcome
}

fn commit(conn: &Conn, done: Jobs, commits: &AtomicU64) -> End {
    let failure = match statement(
        conn,
        if done.is_empty() {
            "ROLLBACK"
        } else {
            "COMMIT"
        },
    ) {
        Ok(()) => {
            commits.fetch_add(u64::from(!done.is_empty()), Ordering::Relaxed);
            for job in done {
                job.answer(Ok(()));
            }
            return End::Answered;
        }
        Err(failure) => failure,
    };
    if !conn.is_autocommit() && statement(conn, "ROLLBACK").is_err() {
        return End::Broken(Error::from(failure), done);
    }
    // Only a deferred foreign key fails here by a job's fault.
    let code = failure.sqlite_error().map(|error| error.extended_code);
    if code != Some(rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY) {
        let sentence = failure.sqlite_error_code().and_then(fault::environment);
        let sentence = sentence.unwrap_or("The disk failed; nothing was stored");
        return End::Broken(Error::new(kind::STORAGE, sentence), done);
    }
    if done.len() > 1 {
        return End::Refused(done);
    }
    fail(done, &Error::new(kind::SQL, fault::sentence(&failure)));
    End::Answered
}

fn statement(conn: &Conn, sql: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute([]).map(drop)
}
