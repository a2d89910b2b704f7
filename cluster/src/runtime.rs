//! What the facts run on: tokio, or the executor of a simulation.

#[cfg(any(test, feature = "simulation"))]
pub(crate) use crate::simulation::runtime::{Instant, Runtime};
#[cfg(not(any(test, feature = "simulation")))]
pub(crate) use {openraft::TokioRuntime as Runtime, tokio::time::Instant};

use openraft::AsyncRuntime;
use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

/// Waits.
pub(crate) async fn sleep(duration: Duration) {
    Runtime::sleep(duration).await;
}

/// Waits for a future, no longer than so long.
pub(crate) async fn timeout<F: Future + Send>(duration: Duration, future: F) -> Option<F::Output> {
    Runtime::timeout(duration, future).await.ok()
}

/// The same until an instant.
pub(crate) async fn timeout_at<F: Future + Send>(until: Instant, future: F) -> Option<F::Output> {
    Runtime::timeout_at(until, future).await.ok()
}

/// Runs a future to its end on a thread of its own, which polls on the runtime of the caller. In a simulation it is a
/// task like the others.
pub(crate) fn on_thread(
    name: &str,
    future: impl Future<Output = ()> + Send + 'static,
) -> io::Result<Option<JoinHandle<()>>> {
    #[cfg(any(test, feature = "simulation"))]
    if crate::simulation::runtime::is_simulated() {
        drop(Runtime::spawn(future));
        return Ok(None);
    }
    let runtime = tokio::runtime::Handle::current();
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(move || runtime.block_on(future)).map(Some)
}
