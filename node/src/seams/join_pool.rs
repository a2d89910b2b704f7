//! Where somebody begins who joins a recording that grows: key states that worker processes draw, few at a time.
//!
//! A join goes on where the last one has ended, so that it draws what has come since. What a join has made by its deadline
//! stays for the next one; whoever asked gets the newest key state that there is, and draws the rest.

use super::newest::{Kept, Newest};
use super::view_pool::{ViewPool, damaged, unreadable};
use crate::interrupt::{Interrupt, StopOnDrop};
use crate::recording::{OpenError, Recording};
use crate::tasks::on_thread;
use crate::worker::message::{Reply, Request};
use crate::worker::process::{ProcessError, WorkerProcess};
use api::{Join, MediaError, Sight};
use cluster::Cluster;
use cluster::catalog::ObjectState;
use cluster::id::{ObjectId, RecordingId};
use codec::key_states::CastJoinFold;
use codec::limits::Limits;
use codec::source::Format;
use codec::source::terminal::TerminalFormat;
use codec::view::{ViewError, ViewRange};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Recordings that are drawn at one time.
const JOINS_AT_ONCE: usize = 2;
/// How long somebody waits who joins.
const JOIN_LIMIT: Duration = Duration::from_secs(8);
/// Bytes behind the newest key state for which no worker is started: drawing them takes a player no longer.
const FRESH_BYTES: u64 = 256 << 10;
/// When somebody who found all workers busy may ask again.
const RETRY_AFTER_S: u64 = 2;

/// Makes key states of recordings that grow.
pub(super) struct JoinPool {
    cluster: Arc<Cluster>,
    runtime: Handle,
    views: Arc<ViewPool>,
    free: Arc<Semaphore>,
    newest: Arc<Newest>,
}

/// Why a worker is fed no more.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Worker(#[from] ProcessError),
    #[error(transparent)]
    View(#[from] ViewError),
}

/// The bytes that are drawn: those of the recording, or what of them is in the view.
struct Feed {
    recording: Recording,
    view: Option<ViewRange>,
    start: u64,
    end: u64,
}

impl JoinPool {
    /// A pool that reads from `cluster`.
    pub(super) fn new(cluster: Arc<Cluster>, runtime: Handle, views: Arc<ViewPool>) -> Self {
        let (free, newest) = (Arc::new(Semaphore::new(JOINS_AT_ONCE)), Arc::default());
        Self { cluster, runtime, views, free, newest }
    }

    /// The newest key state of what somebody may see of a recording.
    ///
    /// That of the view is drawn from the view: what cannot be seen there cannot be in it, not even where a clipboard and an
    /// image share a stream.
    pub(super) async fn join(
        &self,
        recording: RecordingId,
        sight: Sight,
    ) -> Result<Option<Join>, MediaError> {
        let of = (recording, sight);
        let stored = Recording::of_session(&self.cluster, &self.runtime, recording, 0);
        match stored.map_err(|error| damaged(&error.to_string()))?.format() {
            Format::Guacamole => {}
            Format::Terminal(TerminalFormat::Asciicast) => return self.join_cast(of).await,
            // The timing stands in front of all that is shown, and lines need nothing in front of them.
            Format::Terminal(TerminalFormat::Typescript) | Format::DbLines => return Ok(None),
        }
        let length = self.length(of).await?;
        let last = self.newest.get(of, Instant::now());
        let position = last.as_ref().map_or(0, |last| last.key_state.point.position);
        if length.saturating_sub(position) > FRESH_BYTES {
            match Arc::clone(&self.free).try_acquire_owned() {
                Ok(permit) => {
                    let feed = self.feed(of, position, length).await?;
                    let newest = Arc::clone(&self.newest);
                    let interrupt = Interrupt::default();
                    let _stop = StopOnDrop(interrupt.clone());
                    let work = on_thread("join", move || {
                        // The worker is gone before another one may be started.
                        let _permit = permit;
                        draw(feed, of, last, &newest, &interrupt)
                    });
                    match timeout(JOIN_LIMIT, work).await {
                        Ok(Ok(Ok(()))) | Err(_) => {}
                        Ok(Ok(Err(error))) => {
                            tracing::warn!(%recording, %error, "a join is drawn no further")
                        }
                        Ok(Err(error)) => tracing::error!(%recording, %error, "a join was not drawn"),
                    }
                }
                Err(_) if last.is_some() => {}
                Err(_) => return Err(MediaError::Busy { retry_after_s: RETRY_AFTER_S }),
            }
        }
        self.newest.get(of, Instant::now()).map(|kept| join_at(&kept)).transpose()
    }

    /// The screen of a terminal as it is. That is read from byte 0 for each join, which takes less time than to keep it, and
    /// nothing is drawn.
    async fn join_cast(&self, of: (RecordingId, Sight)) -> Result<Option<Join>, MediaError> {
        let length = self.length(of).await?;
        if length <= FRESH_BYTES {
            return Ok(None);
        }
        let busy = MediaError::Busy { retry_after_s: RETRY_AFTER_S };
        let permit = Arc::clone(&self.free).try_acquire_owned().map_err(|_| busy)?;
        let feed = self.feed(of, 0, length).await?;
        let interrupt = Interrupt::default();
        let _stop = StopOnDrop(interrupt.clone());
        let work = on_thread("join", move || {
            let _permit = permit;
            read_cast(feed, &interrupt)
        });
        let recording = of.0;
        Ok(match timeout(JOIN_LIMIT, work).await {
            Ok(Ok(Ok(join))) => join,
            Ok(Ok(Err(error))) => {
                tracing::warn!(%recording, %error, "a join begins at byte 0");
                None
            }
            Ok(Err(error)) => {
                tracing::error!(%recording, %error, "a join was not read");
                None
            }
            Err(_) => None,
        })
    }

    /// How much of what somebody may see of a recording is durable.
    async fn length(&self, (recording, sight): (RecordingId, Sight)) -> Result<u64, MediaError> {
        match sight {
            Sight::Received => self.cluster.length(recording.into()).await.map_err(unreadable),
            Sight::View => self.views.length(recording).await,
        }
    }

    /// Forgets what nobody asks for, and what is final.
    pub(super) fn sweep(&self) {
        self.newest.sweep(Instant::now(), |recording| {
            let row = self.cluster.catalog().map(|catalog| catalog.object(recording.into()));
            matches!(row, Ok(Ok(Some(row))) if match row.state {
                ObjectState::Open | ObjectState::Interrupted { .. } => true,
                ObjectState::Sealed(_) => false,
            })
        });
    }

    async fn feed(
        &self,
        (recording, sight): (RecordingId, Sight),
        start: u64,
        end: u64,
    ) -> Result<Feed, MediaError> {
        let object = ObjectId::from(recording);
        let durable = self.cluster.length(object).await.map_err(unreadable)?;
        let stored = Recording::of_session(&self.cluster, &self.runtime, recording, durable);
        let stored = stored.map_err(|error| damaged(&error.to_string()))?;
        Ok(match sight {
            Sight::Received => Feed { recording: stored, view: None, start, end },
            Sight::View => {
                let view = self.views.growing_part(recording, start..end).await?;
                Feed { recording: stored, start: view.start_byte(), end: durable, view: Some(view) }
            }
        })
    }
}

/// Has a worker process draw on from the last key state, and keeps those that it makes.
fn draw(
    feed: Feed,
    of: (RecordingId, Sight),
    last: Option<Kept>,
    newest: &Newest,
    interrupt: &Interrupt,
) -> Result<(), Stop> {
    let mut written_bytes = last.as_ref().map_or(0, |last| last.written_bytes);
    let begin = match last {
        Some(last) => Request::KeyStatesBehind { written_bytes, key_state: last.key_state.bytes.clone() },
        None => Request::KeyStates,
    };
    let mut receive = |reply| -> Result<(), Stop> {
        match reply {
            Reply::KeyState(key_state) => {
                written_bytes += u64::try_from(key_state.bytes.len()).unwrap_or(u64::MAX);
                let (key_state, used) = (Arc::new(key_state), Instant::now());
                newest.put(of, Kept { key_state, written_bytes, used });
            }
            Reply::Packet(_)
            | Reply::SoundHead { .. }
            | Reply::Sound { .. }
            | Reply::Picture { .. }
            | Reply::NoPicture
            | Reply::NoKeyState
            | Reply::Summary(_)
            | Reply::Failed(_)
            | Reply::Wanted { .. }
            | Reply::SoundSurvey(_)
            | Reply::Ready => {}
        }
        Ok(())
    };
    let mut worker = WorkerProcess::start(interrupt)?;
    worker.request(&begin, &mut receive)?;
    let Feed { recording, mut view, start, end } = feed;
    recording.each_piece(start..end, |piece| {
        let seen = match &mut view {
            Some(view) => view.push(piece)?,
            None => piece,
        };
        match seen.is_empty() {
            true => Ok(()),
            false => worker.request(&Request::Bytes(seen.to_vec()), &mut receive),
        }
    })
}

/// Reads an asciicast to its end.
fn read_cast(feed: Feed, interrupt: &Interrupt) -> Result<Option<Join>, Stop> {
    let Feed { recording, mut view, start, end } = feed;
    let mut fold = CastJoinFold::new(Limits::default());
    recording.each_piece(start..end, |piece| {
        if interrupt.is_set() {
            return Err(Stop::Open(OpenError::Interrupted));
        }
        match &mut view {
            Some(view) => fold.push(view.push(piece)?),
            None => fold.push(piece),
        }
        Ok(())
    })?;
    Ok(fold.join().map(|join| Join {
        at_ms: u64::try_from(join.at_ms).unwrap_or(0),
        position: join.position,
        instructions: join.bytes.into(),
    }))
}

fn join_at(kept: &Kept) -> Result<Join, MediaError> {
    let point = kept.key_state.point;
    let instructions = kept.key_state.instructions().map_err(|error| damaged(&error.to_string()))?;
    Ok(Join {
        at_ms: u64::try_from(point.at_ms).unwrap_or(0),
        position: point.position,
        instructions: instructions.into(),
    })
}
