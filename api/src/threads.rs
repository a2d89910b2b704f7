use std::io;
use std::sync::Arc;

use tokio::sync::{Semaphore, oneshot};

/// Pieces of work that are done at one time: hashing a password takes some memory and a core.
const AT_ONCE: usize = 2;
/// Pieces that are done or wait.
const PLACES: usize = 32;

/// Threads for work that would hold up a thread of the server: few at a time, few that wait.
pub struct Threads {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

/// Why work was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ThreadError {
    #[error("{PLACES} passwords and rules wait to be worked on, expected fewer")]
    Busy,
    #[error("no thread can be started")]
    Start(#[from] io::Error),
    #[error("a thread ended without an answer")]
    Ended,
}

impl Default for Threads {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Threads {
    /// Does the work on a thread of its own. It keeps its place to its end, even when nobody waits for it any more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ThreadError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| ThreadError::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| ThreadError::Ended)?;
        let (answer, answered) = oneshot::channel();
        std::thread::Builder::new().name("api-work".to_owned()).spawn(move || {
            let _held = (place, turn);
            // An error means that nobody waits for it any more.
            let _: Result<(), T> = answer.send(work());
        })?;
        answered.await.map_err(|_| ThreadError::Ended)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn few_wait_and_who_comes_later_is_told() {
        let threads = Threads::default();
        let (opens, gates): (Vec<_>, Vec<_>) = (0..AT_ONCE).map(|_| channel::<()>()).unzip();
        let mut gates = gates.into_iter();
        let works: Vec<_> = (0..=PLACES)
            .map(|_| {
                let gate = gates.next();
                threads.run(move || {
                    let opened = gate.map(|gate| gate.recv());
                    opened.is_none_or(|opened| opened.is_ok())
                })
            })
            .collect();
        // Polled once all works have asked for a place.
        let opening = async { opens.iter().for_each(|open| open.send(()).unwrap()) };
        let (done, ()) = futures_util::future::join(join_all(works), opening).await;
        assert!(matches!(done.last(), Some(Err(ThreadError::Busy))));
        assert!(done.iter().take(PLACES).all(|done| matches!(done, Ok(true))));
        assert_eq!(threads.run(|| 1 + 1).await.unwrap(), 2);
        let ended = threads.run(|| -> u8 { panic!("no") }).await;
        assert!(matches!(ended, Err(ThreadError::Ended)));
    }
}
