//! The way to the thread of the live tail.

use super::input::{Caller, Input};
use crate::tail::Answer;
use std::sync::Arc;
use tokio::sync::{Semaphore, TryAcquireError, mpsc, oneshot};

/// Requests under way at once.
const REQUESTS_MAX: usize = 4096;

/// Gives the machine inputs. Clones are the same way.
#[derive(Clone)]
pub(super) struct Inbox {
    inputs: mpsc::UnboundedSender<Input>,
    /// Places of requests under way; closed when the member stops.
    requests: Arc<Semaphore>,
}

impl Inbox {
    pub(super) fn new(inputs: mpsc::UnboundedSender<Input>) -> Self {
        Self { inputs, requests: Arc::new(Semaphore::new(REQUESTS_MAX)) }
    }

    /// Gives the machine an input; one that has ended needs none.
    pub(super) fn tell(&self, input: Input) {
        let _: Result<(), _> = self.inputs.send(input);
    }

    /// Begins a request; none when the member stops.
    pub(super) fn begin(&self, input: impl FnOnce(Caller) -> Input) -> Option<oneshot::Receiver<Answer>> {
        let (tell, answered) = oneshot::channel();
        match Arc::clone(&self.requests).try_acquire_owned() {
            Ok(place) => self.tell(input(Caller { tell, place })),
            Err(TryAcquireError::NoPermits) => {
                // The receiver is there.
                let _: Result<(), Answer> = tell.send(Answer::Busy);
            }
            Err(TryAcquireError::Closed) => return None,
        }
        Some(answered)
    }

    /// Requests under way.
    pub(super) fn requests(&self) -> usize {
        REQUESTS_MAX - self.requests.available_permits()
    }

    /// Waits until the requests under way are answered, while no further ones are taken.
    pub(super) async fn finish(&self) {
        let all = u32::try_from(REQUESTS_MAX).unwrap_or(u32::MAX);
        if let Ok(places) = self.requests.acquire_many(all).await {
            self.requests.close();
            drop(places);
        }
    }

    /// Takes no more requests.
    pub(super) fn close(&self) {
        self.requests.close();
    }
}
