//! All tasks of this process: each has a name, an owner and a way to stop.
//!
//! The only place that spawns. Tasks stop in the reverse of the order in which they were started, one after the
//! other: what depends on another task ends before it.

use std::any::Any;
use std::future::Future;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Ends of tasks that are kept until somebody looks.
const ENDED_MAX: usize = 16;

/// What a task gives back: an error ends the process.
pub(crate) type TaskResult = Result<(), TaskError>;

/// Why a task cannot go on.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct TaskError(Box<dyn std::error::Error + Send + Sync>);

impl TaskError {
    /// Keeps what happened.
    pub(crate) fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }

    /// Whether that is what happened.
    pub(crate) fn is<E: std::error::Error + 'static>(&self) -> bool {
        self.0.is::<E>()
    }
}

/// A task that ended though nobody had asked it to.
#[derive(Debug, thiserror::Error)]
#[error("task {name} has ended: {}", reason.as_ref().map_or("nobody had asked it to".to_owned(), TaskError::to_string))]
pub(crate) struct Ended {
    /// Which.
    pub(crate) name: &'static str,
    /// Its error, when it has one.
    pub(crate) reason: Option<TaskError>,
}

/// Tells a task when to stop.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// A signal, and who gives it; given too when that one is dropped.
    pub(crate) fn pair() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Waits until the task is to stop. Cancel-safe.
    pub(crate) async fn stopped(&self) {
        // An error means that the owner is gone: that is a signal, too.
        let _: Result<_, _> = self.0.clone().wait_for(|stop| *stop).await;
    }

    /// Waits, but not once the task is to stop; whether the whole time has passed. Cancel-safe.
    pub(crate) async fn sleep(&self, time: Duration) -> bool {
        timeout(time, self.stopped()).await.is_err()
    }

    /// Whether the task is to stop.
    pub(crate) fn is_set(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}

/// A running task.
struct Task {
    name: &'static str,
    grace: Duration,
    stop: watch::Sender<bool>,
    handle: JoinHandle<()>,
}

/// The tasks of this process.
pub(crate) struct Tasks {
    running: Vec<Task>,
    ended: (mpsc::Sender<Ended>, mpsc::Receiver<Ended>),
}

impl Tasks {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { running: Vec::new(), ended: mpsc::channel(ENDED_MAX) }
    }

    /// Starts a task. It has `grace` to end once it is told to stop.
    #[expect(clippy::disallowed_methods, reason = "tasks are spawned here and nowhere else")]
    pub(crate) fn spawn<F>(
        &mut self,
        name: &'static str,
        grace: Duration,
        work: impl FnOnce(Stop) -> F + Send + 'static,
    ) where
        F: Future<Output = TaskResult> + Send + 'static,
    {
        let (stop, signal) = Stop::pair();
        let ended = self.ended.0.clone();
        let work = work(signal.clone());
        let handle = tokio::spawn(async move {
            let mut report = Report { name, ended, is_silent: false };
            let result = work.await;
            report.is_silent = signal.is_set() && result.is_ok();
            if let Err(reason) = result {
                report.send(Some(reason));
            }
        });
        self.running.push(Task { name, grace, stop, handle });
    }

    /// Waits until a task ends that was not told to. Cancel-safe.
    pub(crate) async fn ended(&mut self) -> Ended {
        match self.ended.1.recv().await {
            Some(ended) => ended,
            None => std::future::pending().await,
        }
    }

    /// Stops all tasks, the youngest first, each within its time. What does not end is dropped and named.
    pub(crate) async fn stop(mut self) {
        while let Some(mut task) = self.running.pop() {
            tracing::debug!(task = task.name, "stopping");
            task.stop.send_replace(true);
            if timeout(task.grace, &mut task.handle).await.is_err() {
                tracing::warn!(task = task.name, grace = ?task.grace, "did not stop in time");
                task.handle.abort();
                let _: Result<_, _> = task.handle.await;
            }
        }
    }
}

/// Says that a task has ended, also when it panicked.
struct Report {
    name: &'static str,
    ended: mpsc::Sender<Ended>,
    is_silent: bool,
}

impl Report {
    fn send(&mut self, reason: Option<TaskError>) {
        self.is_silent = true;
        // An error means that nobody waits any more, or that others have ended before: one ends the process.
        let _: Result<_, _> = self.ended.try_send(Ended { name: self.name, reason });
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        if !self.is_silent {
            self.send(None);
        }
    }
}

/// A thread panicked or could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ThreadError {
    /// No thread.
    #[error("cannot start a thread: {0}")]
    Start(#[from] std::io::Error),
    /// It panicked.
    #[error("a thread panicked: {0}")]
    Panicked(String),
}

/// Runs work that computes or blocks on a thread of its own. Dropped, the thread goes on to its end: give it a
/// flag to look at.
pub(crate) async fn on_thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ThreadError> {
    let (sender, receiver) = oneshot::channel();
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        // An error means that nobody waits for the result any more.
        let _: Result<_, _> = sender.send(work());
    })?;
    match receiver.await {
        Ok(result) => Ok(result),
        Err(_) => Err(ThreadError::Panicked(panic_text(thread.join().err()))),
    }
}

fn panic_text(panic: Option<Box<dyn Any + Send>>) -> String {
    let Some(panic) = panic else { return "without a word".to_owned() };
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a word".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn tasks_stop_in_the_reverse_of_their_order() {
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Tasks::new();
        for name in ["first", "second", "third"] {
            let order = Arc::clone(&order);
            tasks.spawn(name, SECOND, move |stop| async move {
                stop.stopped().await;
                order.lock().unwrap().push(name);
                Ok(())
            });
        }
        tasks.spawn("deaf", Duration::from_millis(10), |_| std::future::pending());
        tasks.stop().await;
        assert_eq!(*order.lock().unwrap(), ["third", "second", "first"]);
    }

    #[tokio::test]
    async fn a_task_that_ends_fails_or_panics_is_named() {
        let mut tasks = Tasks::new();
        tasks.spawn("ends", SECOND, |_| async { Ok(()) });
        let ended = tasks.ended().await;
        assert_eq!((ended.name, ended.reason.is_none()), ("ends", true));
        tasks.spawn("fails", SECOND, |_| async { Err(TaskError::new("the disk is gone")) });
        assert_eq!(tasks.ended().await.to_string(), "task fails has ended: the disk is gone");
        tasks.spawn("panics", SECOND, |_| async { panic!("no") });
        assert_eq!(tasks.ended().await.name, "panics");
        tasks.stop().await;
    }

    #[tokio::test]
    async fn a_thread_gives_its_result_or_says_that_it_panicked() {
        assert_eq!(on_thread("sum", || 1 + 1).await.unwrap(), 2);
        let panicked = on_thread("panic", || -> u8 { panic!("no") }).await;
        assert_eq!(panicked.unwrap_err().to_string(), "a thread panicked: no");
    }
}
