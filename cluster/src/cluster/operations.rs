//! Operations that run to their end whatever becomes of their callers.

use super::errors::Halt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;

/// Operations under way at once.
const OPERATIONS_MAX: usize = 4096;
/// How long a caller waits. The operation itself goes on: bytes may still become durable.
const DEADLINE: Duration = Duration::from_secs(60);

/// The operations under way. A change of an object is several steps on disk and in Raft; were it a part of the
/// caller's future, a caller that is dropped between two of them would leave the object half changed.
#[derive(Debug)]
pub(super) struct Operations {
    runtime: Handle,
    room: Arc<Semaphore>,
    tasks: Mutex<JoinSet<()>>,
}

impl Operations {
    /// None under way, on the runtime of the caller.
    pub(super) fn new() -> Self {
        let room = Arc::new(Semaphore::new(OPERATIONS_MAX));
        Self { runtime: Handle::current(), room, tasks: Mutex::default() }
    }

    /// Begins an operation. Its answer is waited for up to a deadline.
    pub(super) async fn run<T: Send + 'static, E: From<Halt> + Send + 'static>(
        &self,
        operation: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, E> {
        let answered = self.begin(operation).map_err(E::from)?;
        match tokio::time::timeout(DEADLINE, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Halt::Stopped.into()),
            Err(_) => Err(Halt::TimedOut { after_s: DEADLINE.as_secs() }.into()),
        }
    }

    /// Begins an operation whose answer may be waited for.
    pub(super) fn begin<T: Send + 'static>(
        &self,
        operation: impl Future<Output = T> + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, Halt> {
        if self.room.is_closed() {
            return Err(Halt::Stopped);
        }
        let room = Arc::clone(&self.room).try_acquire_owned();
        let room = room.map_err(|_| Halt::Busy { limit: OPERATIONS_MAX })?;
        let (answer, answered) = oneshot::channel();
        let operation = async move {
            let done = operation.await;
            drop(room);
            // Nobody waits any more when the caller was dropped.
            let _: Result<(), T> = answer.send(done);
        };
        let mut tasks = self.tasks();
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(operation, &self.runtime);
        Ok(answered)
    }

    /// How many are under way.
    pub(super) fn count(&self) -> usize {
        OPERATIONS_MAX - self.room.available_permits()
    }

    /// Begins no more.
    pub(super) fn close(&self) {
        self.room.close();
    }

    /// Waits until all have ended; those that have not at the deadline are cut off. Whether all have.
    pub(super) async fn stop(&self, deadline: Duration) -> bool {
        self.close();
        let mut tasks = std::mem::take(&mut *self.tasks());
        let all = async { while tasks.join_next().await.is_some() {} };
        let ended = tokio::time::timeout(deadline, all).await.is_ok();
        tasks.shutdown().await;
        ended
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
