//! Pictures of recordings, drawn by worker processes: few at a time, each with a deadline.

use crate::fonts;
use crate::interrupt::{Interrupt, StopOnDrop};
use crate::key_states::key_state_before;
use crate::recording::{OpenError, Recording};
use crate::tasks::on_thread;
use crate::worker::message::{Reply, Request};
use crate::worker::process::{ProcessError, WorkerProcess};
use api::MediaError;
use cluster::Cluster;
use cluster::id::{ObjectId, RecordingId};
use codec::key_states::KeyState;
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

/// Pictures that were asked for, by where the drawing started.
const PICTURES: &str = "custody_pictures_total";

/// Draws pictures for the API.
pub(super) struct FramePool {
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

impl FramePool {
    /// A pool that reads from `cluster`.
    pub(super) fn new(cluster: Arc<Cluster>, runtime: Handle) -> Self {
        Self { cluster, runtime, free: Arc::new(Semaphore::new(FRAMES_AT_ONCE)) }
    }

    /// The picture of a recording at a media time.
    pub(super) async fn draw(
        &self,
        recording: RecordingId,
        at_ms: u64,
        pointer: bool,
    ) -> Result<Vec<u8>, MediaError> {
        let busy = MediaError::Busy { retry_after_s: RETRY_AFTER_S };
        let permit = Arc::clone(&self.free).try_acquire_owned().map_err(|_| busy)?;
        let object = ObjectId::from(recording);
        let length = self.cluster.length(object).await.map_err(|error| damaged(&error))?;
        let stored = Recording::of_session(&self.cluster, &self.runtime, recording, length);
        let stored = stored.map_err(|error| damaged(&error))?;
        let key_states = self.key_states(recording).await;
        let interrupt = Interrupt::default();
        let _stop = StopOnDrop(interrupt.clone());
        let work = on_thread("frame", move || {
            // The worker is gone before another one may be started.
            let _permit = permit;
            let stored = stored.drawn(&interrupt).map_err(|error| damaged(&error))?;
            frame(&stored, key_states.as_ref(), &Wanted { at_ms, pointer }, &interrupt)
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

    /// The key states of a recording. Pictures can be drawn without them.
    async fn key_states(&self, recording: RecordingId) -> Option<Recording> {
        let object = match self.cluster.catalog().map(|catalog| catalog.key_states(recording)) {
            Ok(Ok(object)) => object?,
            Ok(Err(error)) => {
                tracing::warn!(%recording, %error, "the key states of a recording cannot be found");
                return None;
            }
            Err(_) => return None,
        };
        match self.cluster.length(object).await {
            Ok(length) => {
                Some(Recording::stored(Arc::clone(&self.cluster), self.runtime.clone(), object, length))
            }
            Err(error) => {
                tracing::warn!(%recording, %error, "the key states of a recording cannot be read");
                None
            }
        }
    }
}

/// Which picture.
struct Wanted {
    at_ms: u64,
    pointer: bool,
}

/// Draws one picture with one worker process: from the last key state before it, if there is one that can be used.
fn frame(
    stored: &Recording,
    key_states: Option<&Recording>,
    wanted: &Wanted,
    interrupt: &Interrupt,
) -> Result<Vec<u8>, MediaError> {
    let at_ms = i64::try_from(wanted.at_ms).unwrap_or(i64::MAX);
    let start = key_states.and_then(|key_states| {
        let unusable = |error| tracing::warn!(%error, "a picture is drawn without key states");
        key_state_before(key_states, at_ms).map_err(unusable).ok()?
    });
    let name = if start.is_some() { "key state" } else { "beginning" };
    metrics::counter!(PICTURES, "start" => name).increment(1);
    let mut found = None;
    let length = match stored.length() {
        Ok(length) => length,
        Err(error) => return Err(damaged(&error)),
    };
    let mut end = feed(stored, (start.as_ref(), length), wanted, interrupt, &mut found);
    if let Err(Stop::Worker(ProcessError::Failed(refusal))) = &end
        && let Some(position) = refusal.cut_for_time()
    {
        end = feed(stored, (start.as_ref(), position), wanted, interrupt, &mut found);
    }
    if let (Some(_), Err(Stop::Worker(ProcessError::Failed(refusal)))) = (start, &end) {
        tracing::warn!(%refusal, "a picture is drawn without key states");
        end = feed(stored, (None, length), wanted, interrupt, &mut found);
    }
    match end {
        Ok(()) | Err(Stop::Answered) => found.ok_or(MediaError::NoPicture { at_ms: wanted.at_ms }),
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
    (start, end_byte): (Option<&KeyState>, u64),
    wanted: &Wanted,
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
        | Reply::KeyState(_)
        | Reply::NoKeyState
        | Reply::Summary(_)
        | Reply::Failed(_)
        | Reply::Wanted { .. }
        | Reply::SoundSurvey(_)
        | Reply::Ready => Ok(()),
    };
    let mut worker = WorkerProcess::start(interrupt)?;
    let at_ms = i64::try_from(wanted.at_ms).unwrap_or(i64::MAX);
    if stored.is_terminal() {
        fonts::send(&mut worker, &mut receive)?;
    }
    worker.request(&Request::Frame { at_ms, pointer: wanted.pointer }, &mut receive)?;
    if let Some(key_state) = start {
        worker.request(&Request::Resume(key_state.bytes.clone()), &mut receive)?;
    }
    let first_byte = start.map_or(0, |key_state| key_state.point.position);
    stored.each_piece(first_byte..end_byte, |piece| {
        worker.request(&Request::Bytes(piece.to_vec()), &mut receive)
    })?;
    worker.request(&Request::Finish, &mut receive)
}

fn damaged(error: &dyn std::error::Error) -> MediaError {
    MediaError::Damaged { reason: error.to_string() }
}
