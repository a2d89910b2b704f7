//! Threads for work that must not run on an async thread: encryption, hashing, and waiting for a disk.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// Jobs that may wait for each thread; who comes later waits to wait.
const WAITING_PER_THREAD: usize = 16;

pub(super) type Job = Box<dyn FnOnce() + Send>;

/// A few named threads with one bounded queue.
#[derive(Debug)]
pub(super) struct Pool {
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Pool {
    /// Starts so many threads, called `name-0`, `name-1` and so on.
    pub(super) fn start(name: &str, threads: usize) -> io::Result<Self> {
        let threads = threads.max(1);
        let (queue, waiting) = mpsc::channel(WAITING_PER_THREAD * threads);
        let waiting = Arc::new(Mutex::new(waiting));
        let mut started = Vec::with_capacity(threads);
        for number in 0..threads {
            let waiting = Arc::clone(&waiting);
            let thread = std::thread::Builder::new().name(format!("{name}-{number}"));
            started.push(thread.spawn(move || serve(&waiting))?);
        }
        Ok(Self { queue: Mutex::new(Some(queue)), threads: Mutex::new(started) })
    }

    /// Runs a job; none when the pool has ended. When the caller is dropped after the job was queued, it runs all
    /// the same.
    pub(super) async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        let slot = self.slot().await?;
        slot.send(Box::new(move || {
            // Nobody waits any more when the caller was dropped.
            let _: Result<(), T> = answer.send(job());
        }));
        answered.await.ok()
    }

    /// Room for one job, as soon as there is; none when the pool has ended. Cancel-safe.
    pub(super) async fn slot(&self) -> Option<mpsc::OwnedPermit<Job>> {
        let queue = lock(&self.queue).clone()?;
        queue.reserve_owned().await.ok()
    }

    /// Room for one job, if there is any at once.
    pub(super) fn free_slot(&self) -> Option<mpsc::OwnedPermit<Job>> {
        lock(&self.queue).clone()?.try_reserve_owned().ok()
    }

    /// Takes no more jobs, does those that wait, and joins the threads.
    pub(super) async fn stop(&self) {
        drop(lock(&self.queue).take());
        let threads = std::mem::take(&mut *lock(&self.threads));
        join_all(threads).await;
    }
}

/// Joins threads without holding an async thread. They are about to end.
pub(super) async fn join_all(threads: Vec<JoinHandle<()>>) {
    let join = move || {
        for thread in threads {
            // Its panic has been shown; what it held is lost, and its callers were told.
            let _: std::thread::Result<()> = thread.join();
        }
    };
    // A runtime that shuts down runs no more of these; then the threads end by themselves.
    let _: Result<(), tokio::task::JoinError> = tokio::task::spawn_blocking(join).await;
}

fn serve(waiting: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let job = lock(waiting).blocking_recv();
        let Some(job) = job else { return };
        // A job that panics takes its answer with it, which its caller notices; the thread serves on.
        let _: std::thread::Result<()> = catch_unwind(AssertUnwindSafe(job));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
