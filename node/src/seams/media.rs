//! Pictures of recordings, drawn by worker processes: few at a time, each with a deadline.

use crate::interrupt::Interrupt;
use crate::recording::{OpenError, Recording};
use crate::tasks::on_thread;
use crate::worker::message::{Reply, Request};
use crate::worker::process::{ProcessError, WorkerProcess};
use api::{BoxFuture, Media, MediaError};
use cluster::Cluster;
use cluster::id::{ObjectId, RecordingId};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// Pictures that are drawn at one time.
const FRAMES_AT_ONCE: usize = 2;
/// How long one may take.
const FRAME_LIMIT: Duration = Duration::from_secs(20);
/// When somebody who found all workers busy may ask again.
const RETRY_AFTER_S: u64 = 2;

/// Draws pictures for the API.
pub(crate) struct FramePool {
    cluster: Arc<Cluster>,
    runtime: Handle,
    free: Arc<Semaphore>,
}

/// Why the feeding of a worker ends.
enum Stop {
    /// It has answered.
    Answered,
    /// The recording cannot be read.
    Open(OpenError),
    /// The worker failed.
    Worker(ProcessError),
}

impl From<OpenError> for Stop {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<ProcessError> for Stop {
    fn from(error: ProcessError) -> Self {
        Self::Worker(error)
    }
}

/// Stops the work when nobody waits for its result any more.
struct StopOnDrop(Interrupt);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

impl FramePool {
    /// A pool that reads from `cluster`.
    pub(crate) fn new(cluster: Arc<Cluster>, runtime: Handle) -> Self {
        Self { cluster, runtime, free: Arc::new(Semaphore::new(FRAMES_AT_ONCE)) }
    }

    async fn draw(&self, recording: RecordingId, at_ms: u64, pointer: bool) -> Result<Vec<u8>, MediaError> {
        let busy = MediaError::Busy { retry_after_s: RETRY_AFTER_S };
        let permit = Arc::clone(&self.free).try_acquire_owned().map_err(|_| busy)?;
        let object = ObjectId::from(recording);
        let length = self.cluster.length(object).await.map_err(|error| damaged(&error))?;
        let stored = Recording::stored(Arc::clone(&self.cluster), self.runtime.clone(), object, length);
        let interrupt = Interrupt::default();
        let _stop = StopOnDrop(interrupt.clone());
        let work = on_thread("frame", move || {
            // The worker is gone before another one may be started.
            let _permit = permit;
            frame(&stored, at_ms, pointer, &interrupt)
        });
        let limit_ms = u64::try_from(FRAME_LIMIT.as_millis()).unwrap_or(u64::MAX);
        match tokio::time::timeout(FRAME_LIMIT, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => {
                tracing::error!(%recording, %error, "a picture was not drawn");
                Err(MediaError::Crashed)
            }
            Err(_) => Err(MediaError::Deadline { limit_ms }),
        }
    }
}

impl Media for FramePool {
    fn frame(
        &self,
        recording: RecordingId,
        at_ms: u64,
        pointer: bool,
    ) -> BoxFuture<'_, Result<Vec<u8>, MediaError>> {
        Box::pin(self.draw(recording, at_ms, pointer))
    }
}

/// Draws one picture with one worker process.
fn frame(
    stored: &Recording,
    at_ms: u64,
    pointer: bool,
    interrupt: &Interrupt,
) -> Result<Vec<u8>, MediaError> {
    let mut found = None;
    match feed(stored, at_ms, pointer, interrupt, &mut found) {
        Ok(()) | Err(Stop::Answered) => found.ok_or(MediaError::NoPicture { at_ms }),
        Err(Stop::Open(error)) => Err(damaged(&error)),
        Err(Stop::Worker(ProcessError::Failed(refusal))) => {
            Err(MediaError::Damaged { reason: refusal.to_string() })
        }
        Err(Stop::Worker(error)) => {
            tracing::warn!(%error, "a picture was not drawn");
            Err(MediaError::Crashed)
        }
    }
}

fn feed(
    stored: &Recording,
    at_ms: u64,
    pointer: bool,
    interrupt: &Interrupt,
    found: &mut Option<Vec<u8>>,
) -> Result<(), Stop> {
    let mut receive = |reply| match reply {
        Reply::Picture { png, .. } => {
            *found = Some(png);
            Err(Stop::Answered)
        }
        Reply::NoPicture => Err(Stop::Answered),
        Reply::Packet(_)
        | Reply::SoundHead { .. }
        | Reply::Sound { .. }
        | Reply::Summary(_)
        | Reply::Failed(_)
        | Reply::Ready => Ok(()),
    };
    let mut worker = WorkerProcess::start(interrupt)?;
    let at_ms = i64::try_from(at_ms).unwrap_or(i64::MAX);
    worker.request(&Request::Frame { at_ms, pointer }, &mut receive)?;
    stored.each_piece(0..stored.length()?, |piece| {
        worker.request(&Request::Bytes(piece.to_vec()), &mut receive)
    })?;
    worker.request(&Request::Finish, &mut receive)
}

fn damaged(error: &dyn std::error::Error) -> MediaError {
    MediaError::Damaged { reason: error.to_string() }
}
