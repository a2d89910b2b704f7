//! Purging: the keys of a session go, and with them all that can be read of it; a tombstone stays.

use super::approval;
use super::catalog::Catalog;
use super::clock::{self, ClockRow};
use super::comment;
use super::control;
use super::engine::{KeyRange, Tree};
use super::forget;
use super::gap;
use super::hold;
use super::job;
use super::layout;
use super::outcome::{Outcome, Refusal};
use super::recording::{self, ObjectState};
use super::retention;
use super::row::Row;
use super::session::{self, End, IndexState, SessionRow, SessionState};
use super::step::{Counter, Effect, Halt, Step};
use super::text;
use super::transaction::CatalogError;
use super::video::{self, VideoState};
use crate::chunk::Hash;
use crate::id::{MemberId, ObjectId, RecordingId};
use serde::{Deserialize, Serialize};

/// The cluster purges by itself at most so many sessions an hour, or a hundredth of all if that is more: a parameter
/// or a clock that is wrong is noticed before much is gone.
const PACE_SESSIONS: u64 = 10;
const PACE_SHARE: u64 = 100;
const PACE_WINDOW_MS: u64 = 3_600_000;
/// The most sessions that are looked at for a page of those that are due.
const LOOKED_AT_MAX: usize = 2000;
/// The most sessions of one [`DeletedBytes`].
pub(crate) const DELETED_MAX: usize = 64;

/// Why a session is purged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PurgeCause {
    /// Its retention has passed.
    Retention,
    /// Somebody may and wants to.
    Person {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
}

/// A session is to be gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purge {
    /// Which.
    pub recording: RecordingId,
    /// Why.
    pub cause: PurgeCause,
}

/// A member has deleted what it held of purged sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedBytes {
    /// Which member.
    pub member: MemberId,
    /// Which sessions.
    pub recordings: Vec<RecordingId>,
}

/// What stays of a purged session beside the head of its report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// How it had ended.
    pub end: End,
    /// When, in milliseconds since 1970.
    pub end_ms: u64,
    /// The Merkle root of its recording.
    pub root: Hash,
    /// The recording's bytes before encryption.
    pub length: u64,
    /// Its chunks, without the manifest.
    pub chunk_count: u32,
    /// How many videos there were.
    pub video_count: u32,
    /// When it was purged, in the cluster's time.
    pub purged_ms: u64,
    /// Why.
    pub cause: PurgeCause,
}

/// When a session ended, in the cluster's time: a recorder's clock makes nothing due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct EndedRow {
    ended_ms: u64,
}

impl Row for EndedRow {
    const TREE: Tree = Tree::Ended;
}

/// How many sessions the cluster has purged by itself in the window that began then.
#[derive(Debug, Default, Serialize, Deserialize)]
struct PaceRow {
    since_ms: u64,
    purged: u64,
}

impl PaceRow {
    const KEY: &[u8] = b"purge.pace";
}

impl Row for PaceRow {
    const TREE: Tree = Tree::Meta;
}

/// Where a page of due sessions ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuePlace {
    /// When the last session that was looked at ended, in the cluster's time.
    pub ended_ms: u64,
    /// That session.
    pub recording: RecordingId,
}

/// A session whose retention has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueSession {
    /// Which.
    pub recording: RecordingId,
    /// When it ended, in the cluster's time.
    pub ended_ms: u64,
    /// When its retention passed.
    pub due_ms: u64,
}

/// Sessions whose retention has passed, the oldest end first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuePage {
    /// They.
    pub sessions: Vec<DueSession>,
    /// Where to go on; none after the last page. A page may be short or empty before that.
    pub next: Option<DuePlace>,
}

impl Catalog {
    /// The sessions, held ones included, that are due at a time: behind `after`, at most `limit`.
    pub fn due_sessions(
        &self,
        at_ms: u64,
        after: Option<DuePlace>,
        limit: usize,
    ) -> Result<DuePage, CatalogError> {
        let all = KeyRange::all();
        let range = after.map_or(all.clone(), |place| all.after(ended_key(place.ended_ms, place.recording)));
        let keys = self.engine().scan(Tree::SessionsByEnd, range, LOOKED_AT_MAX)?;
        let (is_last, mut sessions) = (keys.len() < LOOKED_AT_MAX, Vec::new());
        for (ended_ms, recording) in keys.iter().filter_map(|(key, _)| ended(key)) {
            if ended_ms > at_ms {
                return Ok(DuePage { sessions, next: None });
            }
            let Some(row) = self.session(recording)? else { continue };
            let due_ms = self.retention(&row.info)?.due_ms(ended_ms);
            if let Some(due_ms) = due_ms.filter(|due_ms| *due_ms <= at_ms) {
                sessions.push(DueSession { recording, ended_ms, due_ms });
            }
            if sessions.len() == limit {
                return Ok(DuePage { sessions, next: Some(DuePlace { ended_ms, recording }) });
            }
        }
        let last = keys.last().and_then(|(key, _)| ended(key)).filter(|_| !is_last);
        Ok(DuePage { sessions, next: last.map(|(ended_ms, recording)| DuePlace { ended_ms, recording }) })
    }

    /// Purged sessions whose bytes a member still has to delete, at most `limit`.
    pub fn bytes_to_delete(&self, member: MemberId, limit: usize) -> Result<Vec<RecordingId>, CatalogError> {
        let range = KeyRange::prefix(&member.0.to_be_bytes());
        let keys = self.engine().scan(Tree::PurgedBytes, range, limit)?;
        Ok(keys.iter().filter_map(|(key, _)| key.last_chunk().copied().map(RecordingId)).collect())
    }
}

/// Notes when a session ended.
pub(crate) fn note_end(step: &mut Step<'_, '_>, recording: RecordingId, end_ms: u64) -> Result<(), Halt> {
    // Before the first samples there is no time but the recorder's.
    let ended_ms = if step.now_ms == 0 { end_ms } else { step.now_ms };
    step.rows.put(&recording.0, &EndedRow { ended_ms })?;
    step.rows.put_key(Tree::SessionsByEnd, ended_key(ended_ms, recording));
    Ok(())
}

/// Purges a session: whether it may is decided here, in the order of the log, and nowhere else.
pub(crate) fn purge(step: &mut Step<'_, '_>, command: Purge) -> Effect {
    let Purge { recording, cause } = command;
    if let PurgeCause::Person { by, reason } = &cause {
        text::needed("by", by)?;
        text::needed_message("reason", reason)?;
    }
    let row = session::kept(step, recording)?;
    let SessionState::Ended { end, end_ms, .. } = row.state else {
        return Err(Refusal::SessionNotEnded { recording }.into());
    };
    let object = ObjectId::from(recording);
    let mut stored = recording::get(step, object)?;
    let ObjectState::Sealed(facts) = stored.state else {
        return Err(Refusal::ObjectNotSealed { object }.into());
    };
    let holds = hold::standing(step, recording)?;
    if holds > 0 {
        return Err(Refusal::Held { recording, holds: u64::try_from(holds).unwrap_or(u64::MAX) }.into());
    }
    if cause == PurgeCause::Retention {
        check_due(step, recording, &row)?;
        keep_pace(step)?;
    }
    let kek = stored.keys.take().map(|keys| keys.kek);
    step.rows.put(&recording::key(object), &stored)?;
    step.rows.remove(Tree::KeyStates, &recording.0);
    step.rows.remove(Tree::Views, &recording.0);
    step.rows.remove(Tree::Sounds, &recording.0);
    comment::purge(step, recording)?;
    control::purge(step, recording)?;
    approval::purge(step, recording)?;
    gap::forget(step, recording)?;
    let video_count = purge_videos(step, recording)?;
    let tombstone = Tombstone {
        end,
        end_ms,
        root: facts.root,
        length: facts.length,
        chunk_count: facts.chunk_count,
        video_count,
        purged_ms: step.now_ms,
        cause,
    };
    let state = SessionState::Purging(tombstone);
    let gone = SessionRow { state, index: IndexState::Absent, ..row.clone() };
    session::store(step, recording, Some(&row), &gone)?;
    forget_end(step, recording)?;
    step.uncount(Counter::Session)?;
    forget::note_purge(step, recording, kek)?;
    for member in layout::holders(step)? {
        step.rows.put_key(Tree::PurgedBytes, deletion_key(member, recording));
    }
    Ok(Outcome::Done)
}

/// Takes note of what a member has deleted.
pub(crate) fn deleted(step: &mut Step<'_, '_>, command: DeletedBytes) -> Effect {
    let DeletedBytes { member, recordings } = command;
    if recordings.len() > DELETED_MAX {
        return Err(Refusal::TooManySessions { limit: u64::try_from(DELETED_MAX).unwrap_or(u64::MAX) }.into());
    }
    for recording in recordings {
        step.rows.remove(Tree::PurgedBytes, &deletion_key(member, recording));
    }
    Ok(Outcome::Done)
}

/// Member, then recording: all that a member has to delete stands together.
pub(super) fn deletion_key(member: MemberId, recording: RecordingId) -> Vec<u8> {
    let mut key = member.0.to_be_bytes().to_vec();
    key.extend_from_slice(&recording.0);
    key
}

/// Whether its retention has passed, by clocks that nobody suspects.
fn check_due(step: &Step<'_, '_>, recording: RecordingId, row: &SessionRow) -> Result<(), Halt> {
    let clock: ClockRow = step.rows.get(clock::KEY)?.unwrap_or_default();
    if clock.suspicion.is_some() {
        return Err(Refusal::ClockSuspected.into());
    }
    let ended: Option<EndedRow> = step.rows.get(&recording.0)?;
    let retention = retention::of_session(step, &row.info)?;
    let due_ms = ended.and_then(|ended| retention.due_ms(ended.ended_ms));
    match due_ms.is_some_and(|due_ms| clock.cautious_ms() >= due_ms) {
        true => Ok(()),
        false => Err(Refusal::NotDue { recording, due_ms }.into()),
    }
}

/// Counts one of the sessions that the cluster may purge by itself in this hour.
fn keep_pace(step: &mut Step<'_, '_>) -> Result<(), Halt> {
    let mut pace: PaceRow = step.rows.get(PaceRow::KEY)?.unwrap_or_default();
    if step.now_ms.saturating_sub(pace.since_ms) >= PACE_WINDOW_MS {
        pace = PaceRow { since_ms: step.now_ms, purged: 0 };
    }
    let limit = PACE_SESSIONS.max(step.counted(Counter::Session)? / PACE_SHARE);
    if pace.purged >= limit {
        return Err(Refusal::PurgePace { limit, again_ms: pace.since_ms + PACE_WINDOW_MS }.into());
    }
    pace.purged += 1;
    Ok(step.rows.put(PaceRow::KEY, &pace)?)
}

/// The videos of a recording can no longer be read; jobs that make one end when they are next touched.
fn purge_videos(step: &mut Step<'_, '_>, recording: RecordingId) -> Result<u32, Halt> {
    let videos = video::of_recording(step, recording)?;
    let mut ready = 0;
    for (video, row) in videos {
        ready += u32::from(matches!(row.state, VideoState::Ready(_)));
        if row.state == VideoState::Pending {
            job::cancel_purged(step, row.job)?;
        }
        video::set_state(step, video, VideoState::Purged)?;
        step.rows.remove(Tree::DamagedVideos, &video.0);
    }
    Ok(ready)
}

fn forget_end(step: &mut Step<'_, '_>, recording: RecordingId) -> Result<(), Halt> {
    if let Some(EndedRow { ended_ms }) = step.rows.get(&recording.0)? {
        step.rows.remove(Tree::Ended, &recording.0);
        step.rows.remove(Tree::SessionsByEnd, &ended_key(ended_ms, recording));
    }
    Ok(())
}

/// When, then which: what is due first stands first.
fn ended_key(ended_ms: u64, recording: RecordingId) -> Vec<u8> {
    let mut key = ended_ms.to_be_bytes().to_vec();
    key.extend_from_slice(&recording.0);
    key
}

/// When and which session of a key.
fn ended(key: &[u8]) -> Option<(u64, RecordingId)> {
    let (ended_ms, recording) = key.split_first_chunk()?;
    Some((u64::from_be_bytes(*ended_ms), RecordingId(recording.try_into().ok()?)))
}
