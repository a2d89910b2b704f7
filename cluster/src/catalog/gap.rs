//! Gaps: from when to when a recording stood still, and where.
//!
//! A pause begins when a recording is interrupted or loses its owner, and ends with its next chunk; or its owner says
//! after it that the bytes which waited could not be made durable. The cluster's time stands still with the
//! cluster: what ended before its next step is told when that step is known.

use super::catalog::Catalog;
use super::engine::{KeyRange, Tree};
use super::row::Row;
use super::session;
use super::standstill::{self, StandstillsRow};
use super::step::{Halt, Step};
use super::transaction::CatalogError;
use crate::id::RecordingId;
use serde::{Deserialize, Serialize};

/// How many gaps of a recording are kept, the newest ones.
const KEPT_MAX: u64 = 256;
/// Less than that is no gap: another owner went on, and the cluster's time is no finer.
pub(crate) const GAP_MS_MIN: u64 = 20_000;
/// A recording that loses its owner so soon after a standstill has lost it by that.
const AFTER_STANDSTILL_MS: u64 = 60_000;

/// From when to when nothing was recorded, in the cluster's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// How many bytes the recording had.
    pub offset: u64,
    /// Since when it stood still, in milliseconds since 1970.
    pub from_ms: u64,
    /// When it went on. None: it never did, or stands still.
    pub until_ms: Option<u64>,
}

impl Row for Gap {
    const TREE: Tree = Tree::Gaps;
}

/// The gaps of a recording.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps {
    /// The newest ones, in order.
    pub gaps: Vec<Gap>,
    /// How many there were before them.
    pub left_out: u64,
}

/// Why a recording stood still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Cause {
    /// Its recorder was away.
    Interrupted,
    /// It lost its owner, which may have been for a moment.
    Unowned,
    /// Its owner could not make durable for so long what it had been sent.
    Stalled { length_ms: u64 },
}

/// A pause of a recording, which may be too short for a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Pause {
    cause: Cause,
    from_ms: u64,
    /// None while it lasts.
    until_ms: Option<u64>,
    /// Where it ended.
    offset: u64,
    /// How long the cluster's time had stood still when it began.
    standstill_ms: u64,
}

/// The pauses of a recording.
#[derive(Debug, Default, Serialize, Deserialize)]
struct PausesRow {
    /// How many gaps have come before the newest pause.
    gaps: u64,
    newest: Option<Pause>,
}

impl Row for PausesRow {
    const TREE: Tree = Tree::Pauses;
}

impl Catalog {
    /// The gaps of a recording that has so many bytes.
    pub fn gaps(&self, recording: RecordingId, length: u64) -> Result<Gaps, CatalogError> {
        let pauses: PausesRow = self.get(&recording.0)?.unwrap_or_default();
        let limit = usize::try_from(KEPT_MAX).unwrap_or(usize::MAX);
        let found = self.list::<_, Gap>(KeyRange::prefix(&recording.0), limit, |_| Some(()))?;
        let mut gaps: Vec<Gap> = found.into_iter().map(|((), gap)| gap).collect();
        let mut count = pauses.gaps;
        let (now_ms, standstills) = (self.clock()?.now_ms, self.standstills()?);
        if let Some(gap) = pauses.newest.and_then(|pause| pause.gap(&standstills, length, now_ms)) {
            match gaps.last_mut() {
                Some(last) if last.offset == gap.offset => last.until_ms = gap.until_ms,
                Some(_) | None => {
                    gaps.push(gap);
                    count += 1;
                }
            }
        }
        gaps.drain(..gaps.len().saturating_sub(limit));
        Ok(Gaps { left_out: count.saturating_sub(u64::try_from(gaps.len()).unwrap_or(u64::MAX)), gaps })
    }

    /// For how long the cluster's time has stood still since a recording was interrupted.
    pub(crate) fn stood_still_ms(&self, recording: RecordingId) -> Result<u64, CatalogError> {
        let pauses: PausesRow = self.get(&recording.0)?.unwrap_or_default();
        let Some(pause) = pauses.newest.filter(|pause| pause.until_ms.is_none()) else { return Ok(0) };
        Ok(self.standstills()?.total_ms.saturating_sub(pause.standstill_ms))
    }

    fn standstills(&self) -> Result<StandstillsRow, CatalogError> {
        Ok(self.get(StandstillsRow::KEY)?.unwrap_or_default())
    }
}

impl Pause {
    /// What it is told as, if it was long enough.
    fn gap(&self, standstills: &StandstillsRow, length: u64, now_ms: u64) -> Option<Gap> {
        let until_ms = self.until_ms.map(|until_ms| standstills.in_truth(until_ms));
        let lasted_ms = until_ms.unwrap_or(now_ms).saturating_sub(self.from_ms);
        let (from_ms, is_long) = match self.cause {
            Cause::Interrupted => (self.from_ms, true),
            Cause::Unowned => (self.from_ms, lasted_ms >= GAP_MS_MIN),
            Cause::Stalled { length_ms } => {
                (until_ms.unwrap_or(now_ms).saturating_sub(length_ms), length_ms >= GAP_MS_MIN)
            }
        };
        let offset = if until_ms.is_some() { self.offset } else { length };
        is_long.then_some(Gap { offset, from_ms, until_ms })
    }
}

/// A recording has another owner; until that one opens a chunk nothing is recorded.
pub(super) fn lost_owner(step: &mut Step<'_, '_>, recording: RecordingId) -> Result<(), Halt> {
    let row: PausesRow = step.rows.get(&recording.0)?.unwrap_or_default();
    if row.newest.is_some_and(|pause| pause.until_ms.is_none()) {
        return Ok(());
    }
    let standstills = standstill::get(step)?;
    let opened_ms = session::get(step, recording)?.opened_ms;
    let went_on_ms = row.newest.and_then(|pause| pause.until_ms);
    let went_on_ms = went_on_ms.map_or(0, |until_ms| standstills.in_truth(until_ms));
    let by_standstill = standstills.newest().filter(|standstill| {
        let is_fresh = step.now_ms.saturating_sub(standstill.until_ms) <= AFTER_STANDSTILL_MS;
        is_fresh && opened_ms.max(went_on_ms) <= standstill.from_ms
    });
    let from_ms = by_standstill.map_or(step.now_ms, |standstill| standstill.from_ms);
    begin(step, recording, row, Cause::Unowned, from_ms)
}

/// A recording is interrupted, and was not used for so long before it.
pub(super) fn interrupted(step: &mut Step<'_, '_>, recording: RecordingId, idle_ms: u64) -> Result<(), Halt> {
    let mut row: PausesRow = step.rows.get(&recording.0)?.unwrap_or_default();
    let (now_ms, standstill_ms) = (step.now_ms, standstill::get(step)?.total_ms);
    if let Some(pause) = row.newest.as_mut().filter(|pause| pause.until_ms.is_none()) {
        *pause = Pause { cause: Cause::Interrupted, standstill_ms, ..*pause };
        return Ok(step.rows.put(&recording.0, &row)?);
    }
    let went_on_ms = row.newest.and_then(|pause| pause.until_ms).unwrap_or(0);
    begin(step, recording, row, Cause::Interrupted, now_ms.saturating_sub(idle_ms).max(went_on_ms))
}

/// A recording of so many bytes goes on.
pub(super) fn went_on(step: &mut Step<'_, '_>, recording: RecordingId, length: u64) -> Result<(), Halt> {
    let mut row: PausesRow = step.rows.get(&recording.0)?.unwrap_or_default();
    let now_ms = step.now_ms;
    let Some(pause) = row.newest.as_mut().filter(|pause| pause.until_ms.is_none()) else { return Ok(()) };
    *pause = Pause { until_ms: Some(now_ms), offset: length, ..*pause };
    Ok(step.rows.put(&recording.0, &row)?)
}

/// A recording of so many bytes goes on; for so long its owner could not make durable what it had been sent.
pub(super) fn stalled(
    step: &mut Step<'_, '_>,
    recording: RecordingId,
    length: u64,
    length_ms: u64,
) -> Result<(), Halt> {
    let row: PausesRow = step.rows.get(&recording.0)?.unwrap_or_default();
    begin(step, recording, row, Cause::Stalled { length_ms }, step.now_ms)?;
    went_on(step, recording, length)
}

/// A recording is final, and a pause that lasts has no end.
pub(super) fn sealed(step: &mut Step<'_, '_>, recording: RecordingId, length: u64) -> Result<(), Halt> {
    let mut row: PausesRow = step.rows.get(&recording.0)?.unwrap_or_default();
    let Some(pause) = row.newest.filter(|pause| pause.until_ms.is_none()) else { return Ok(()) };
    let gap = pause.gap(&standstill::get(step)?, length, step.now_ms);
    row.newest = gap.map(|_| Pause { cause: Cause::Interrupted, ..pause });
    Ok(step.rows.put(&recording.0, &row)?)
}

/// A purged recording has none.
pub(super) fn forget(step: &mut Step<'_, '_>, recording: RecordingId) -> Result<(), Halt> {
    let limit = usize::try_from(KEPT_MAX).unwrap_or(usize::MAX);
    for (key, _) in step.rows.list::<Gap>(&recording.0, limit)? {
        step.rows.remove(Tree::Gaps, &key);
    }
    step.rows.remove(Tree::Pauses, &recording.0);
    Ok(())
}

/// A pause begins; the one before it is final.
fn begin(
    step: &mut Step<'_, '_>,
    recording: RecordingId,
    mut row: PausesRow,
    cause: Cause,
    from_ms: u64,
) -> Result<(), Halt> {
    let standstills = standstill::get(step)?;
    if let Some(gap) = row.newest.and_then(|pause| pause.gap(&standstills, pause.offset, step.now_ms)) {
        keep(step, recording, &mut row, gap)?;
    }
    let standstill_ms = standstills.total_ms;
    row.newest = Some(Pause { cause, from_ms, until_ms: None, offset: 0, standstill_ms });
    Ok(step.rows.put(&recording.0, &row)?)
}

/// Keeps a gap. Two at one byte are one: nothing was recorded between them.
fn keep(step: &mut Step<'_, '_>, recording: RecordingId, row: &mut PausesRow, gap: Gap) -> Result<(), Halt> {
    let last = row.gaps.checked_sub(1).map(|number| key(recording, number));
    if let Some(last) = last
        && let Some(earlier) = step.rows.get::<Gap>(&last)?.filter(|earlier| earlier.offset == gap.offset)
    {
        return Ok(step.rows.put(&last, &Gap { until_ms: gap.until_ms, ..earlier })?);
    }
    step.rows.put(&key(recording, row.gaps), &gap)?;
    row.gaps += 1;
    if let Some(oldest) = row.gaps.checked_sub(KEPT_MAX + 1) {
        step.rows.remove(Tree::Gaps, &key(recording, oldest));
    }
    Ok(())
}

/// Recording, then number: the gaps of a recording stand together.
fn key(recording: RecordingId, number: u64) -> Vec<u8> {
    let mut key = recording.0.to_vec();
    key.extend_from_slice(&number.to_be_bytes());
    key
}
