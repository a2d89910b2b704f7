//! KEKs: which one wraps new keys, which ones are to go, and which member holds which. The keys themselves stand in no
//! row and in no entry of the log.

use super::ca;
use super::catalog::{Catalog, MembershipRow};
use super::engine::{KeyRange, Tree};
use super::forget;
use super::outcome::{Outcome, Refusal};
use super::recording::{self, ObjectRow, WrappedKeys};
use super::row::Row;
use super::step::{Effect, Halt, Step};
use super::text;
use super::transaction::CatalogError;
use crate::chunk::key::{KekCheck, KekId};
use crate::id::{MemberId, ObjectId, RecordingId};
use serde::{Deserialize, Serialize};

/// KEKs that are not gone yet, and those that a member may say that it holds.
const KEKS_MAX: usize = 8;
const TOLD_MAX: usize = 64;
/// All KEKs that a cluster may have had.
const ROWS_MAX: usize = 4096;
/// Recordings of one [`Rewrap`]: it must fit a log entry.
pub(crate) const REWRAP_MAX: usize = 16;

/// All KEKs that a member holds: it holds no other one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldKeks {
    /// Which member.
    pub member: MemberId,
    /// Their numbers and check values.
    pub keks: Vec<(KekId, KekCheck)>,
}

/// There is another KEK. The member that made it holds it durably; one that was to be the next before is given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextKek {
    /// Its number: the one after all that there were.
    pub kek: KekId,
    /// Its check value.
    pub check: KekCheck,
    /// Who holds it.
    pub member: MemberId,
    /// Who wanted it; empty when it was time.
    pub by: String,
}

/// Keys of recordings are wrapped by the current KEK instead of an older one. Those that are not wrapped by the older one any
/// more stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewrap {
    /// The older KEK.
    pub from: KekId,
    /// The keys.
    pub keys: Vec<(RecordingId, WrappedKeys)>,
}

/// What a KEK is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KekState {
    /// It wraps nothing until all members hold it.
    Next,
    /// It wraps new keys.
    Current,
    /// What it wraps is being wrapped by the current one.
    Old,
    /// It wraps nothing that lives: members delete it.
    Retired,
    /// It has never wrapped anything, and never will: members delete it.
    GivenUp,
}

/// A KEK in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KekRow {
    /// Its check value.
    pub check: KekCheck,
    /// What it is for.
    pub state: KekState,
    /// The members that hold it, in order.
    pub holders: Vec<MemberId>,
    /// Who wanted it; empty when it was time or it is the first.
    pub by: String,
    /// When it was made, in the cluster's time; 0 while there is none.
    pub made_ms: u64,
    /// When it became the current one.
    pub used_ms: Option<u64>,
    /// When nothing was wrapped by it any more.
    pub retired_ms: Option<u64>,
}

impl Row for KekRow {
    const TREE: Tree = Tree::Keks;
}

impl KekRow {
    /// Whether it may wrap what lives.
    pub fn wraps(&self) -> bool {
        match self.state {
            KekState::Current | KekState::Old => true,
            KekState::Next | KekState::Retired | KekState::GivenUp => false,
        }
    }

    /// Whether a member is to hold it.
    pub fn is_needed(&self) -> bool {
        self.wraps() || self.state == KekState::Next
    }
}

/// Keys that older KEKs wrap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrappedBefore {
    /// Of which recordings.
    pub(crate) keys: Vec<(RecordingId, WrappedKeys)>,
    /// The object behind which to go on; none when that was the last one.
    pub(crate) next: Option<ObjectId>,
}

impl Catalog {
    /// All KEKs that there were, by number. None before a member has said which it holds.
    pub fn keks(&self) -> Result<Vec<(KekId, KekRow)>, CatalogError> {
        self.list(KeyRange::all(), ROWS_MAX, kek)
    }

    /// The members that are to hold the KEKs: those that vote and those that learn.
    pub fn kek_members(&self) -> Result<Vec<MemberId>, CatalogError> {
        Ok(self.membership()?.unwrap_or_default().known().into_iter().collect())
    }

    /// Recordings behind `after` whose keys an older KEK than this one wraps, at most `limit` of them among so many objects that
    /// are looked at.
    pub(crate) fn wrapped_before(
        &self,
        current: KekId,
        after: Option<ObjectId>,
        (objects, limit): (usize, usize),
    ) -> Result<WrappedBefore, CatalogError> {
        let found: Vec<(ObjectId, ObjectRow)> = self.objects(after, objects)?;
        let mut last = found.last().map(|(object, _)| *object).filter(|_| found.len() == objects);
        let mut older = Vec::new();
        for (object, row) in found {
            let Some(keys) = row.keys.filter(|keys| keys.kek < current) else { continue };
            older.push((object.recording, keys));
            if older.len() == limit {
                last = Some(object);
                break;
            }
        }
        Ok(WrappedBefore { keys: older, next: last })
    }
}

/// Takes note of what a member holds. The first one says which KEK the cluster has.
pub(crate) fn hold(step: &mut Step<'_, '_>, command: HoldKeks) -> Effect {
    let HoldKeks { member, keks } = command;
    if keks.len() > TOLD_MAX {
        return Err(Refusal::TooManyKeks { limit: u64::try_from(TOLD_MAX).unwrap_or(u64::MAX) }.into());
    }
    let mut rows = all(step)?;
    if rows.is_empty() {
        let newest = keks.iter().map(|(kek, _)| *kek).max();
        rows = keks.iter().map(|(kek, check)| (*kek, first(step, *check, Some(*kek) == newest))).collect();
        if let Some(newest) = newest {
            forget::follow(step, newest)?;
        }
    }
    for (kek, mut row) in rows {
        let told = keks.iter().find(|(told, _)| *told == kek).map(|(_, check)| *check);
        // One of this number may be left of a rotation that never was.
        if told.is_some_and(|check| check != row.check) && row.wraps() {
            return Err(Refusal::KekDiffers { kek }.into());
        }
        row.holders.retain(|holder| *holder != member);
        if told == Some(row.check) {
            row.holders.push(member);
            row.holders.sort_unstable();
        }
        // The first members speak before there is a time.
        row.used_ms = row.used_ms.map(|used_ms| if used_ms == 0 { step.now_ms } else { used_ms });
        step.rows.put(&key(kek), &row)?;
    }
    Ok(Outcome::Done)
}

pub(crate) fn next(step: &mut Step<'_, '_>, command: NextKek) -> Effect {
    let NextKek { kek, check, member, by } = command;
    text::name("by", &by)?;
    let rows = all(step)?;
    let next = KekId(rows.last().map_or(0, |(newest, _)| newest.0).saturating_add(1));
    if kek != next || rows.is_empty() {
        return Err(Refusal::KekNumber { next }.into());
    }
    if rows.iter().filter(|(_, row)| row.is_needed()).count() >= KEKS_MAX {
        return Err(Refusal::TooManyKeks { limit: u64::try_from(KEKS_MAX).unwrap_or(u64::MAX) }.into());
    }
    for (older, row) in rows {
        if row.state == KekState::Next {
            step.rows.put(&key(older), &KekRow { state: KekState::GivenUp, ..row })?;
        }
    }
    let (state, made_ms) = (KekState::Next, step.now_ms);
    let holders = vec![member];
    step.rows
        .put(&key(kek), &KekRow { check, state, holders, by, made_ms, used_ms: None, retired_ms: None })?;
    Ok(Outcome::Done)
}

/// The next KEK wraps new keys, once every member holds it.
pub(crate) fn take_into_use(step: &mut Step<'_, '_>, kek: KekId) -> Effect {
    let row = in_state(step, kek, KekState::Next)?;
    for member in members(step)? {
        if !row.holders.contains(&member) {
            return Err(Refusal::KekNotHeld { kek, member }.into());
        }
    }
    for (other, row) in all(step)? {
        if row.state == KekState::Current {
            step.rows.put(&key(other), &KekRow { state: KekState::Old, ..row })?;
        }
    }
    let used_ms = Some(step.now_ms);
    step.rows.put(&key(kek), &KekRow { state: KekState::Current, used_ms, ..row })?;
    Ok(Outcome::Done)
}

/// Wraps keys anew. Whether what is given are the same keys only members can see that hold the KEKs; they look before
/// they delete the older one.
pub(crate) fn rewrap(step: &mut Step<'_, '_>, command: Rewrap) -> Effect {
    let Rewrap { from, keys } = command;
    if keys.len() > REWRAP_MAX {
        return Err(Refusal::TooManySessions { limit: u64::try_from(REWRAP_MAX).unwrap_or(u64::MAX) }.into());
    }
    for (recording, keys) in keys {
        check_current(step, keys.kek)?;
        let key = recording::key(recording.into());
        let Some(row) = step.rows.get::<ObjectRow>(&key)? else { continue };
        if row.keys.as_ref().is_some_and(|older| older.kek == from) {
            recording::check_keys(&keys)?;
            step.rows.put(&key, &ObjectRow { keys: Some(keys), ..row })?;
        }
    }
    Ok(Outcome::Done)
}

/// An older KEK wraps nothing any more. From its end as the current one on no key is wrapped by it; that none is left is
/// looked up by who says so, and again by each member before it deletes the KEK.
pub(crate) fn retire(step: &mut Step<'_, '_>, kek: KekId) -> Effect {
    let row = in_state(step, kek, KekState::Old)?;
    if ca::is_sealed_under(step, kek)? {
        return Err(Refusal::KekState { kek }.into());
    }
    let retired_ms = Some(step.now_ms);
    step.rows.put(&key(kek), &KekRow { state: KekState::Retired, retired_ms, ..row })?;
    Ok(Outcome::Done)
}

/// Whether a KEK may wrap new keys. Before any member has said which it holds, all may: so it was in old logs.
pub(crate) fn check_current(step: &Step<'_, '_>, kek: KekId) -> Result<(), Halt> {
    let current = all(step)?.into_iter().find(|(_, row)| row.state == KekState::Current);
    match current {
        Some((current, _)) if current != kek => Err(Refusal::KekNotCurrent { current }.into()),
        Some(_) | None => Ok(()),
    }
}

/// The members, learners included.
pub(crate) fn members(step: &Step<'_, '_>) -> Result<Vec<MemberId>, Halt> {
    Ok(step.rows.get::<MembershipRow>(MembershipRow::KEY)?.unwrap_or_default().known().into_iter().collect())
}

pub(crate) fn all(step: &Step<'_, '_>) -> Result<Vec<(KekId, KekRow)>, Halt> {
    let rows = step.rows.list::<KekRow>(&[], ROWS_MAX)?;
    Ok(rows.into_iter().filter_map(|(key, row)| Some((kek(&key)?, row))).collect())
}

fn in_state(step: &Step<'_, '_>, kek: KekId, state: KekState) -> Result<KekRow, Halt> {
    let row: Option<KekRow> = step.rows.get(&key(kek))?;
    Ok(row.filter(|row| row.state == state).ok_or(Refusal::KekState { kek })?)
}

fn first(step: &Step<'_, '_>, check: KekCheck, is_newest: bool) -> KekRow {
    let state = if is_newest { KekState::Current } else { KekState::Old };
    let used_ms = Some(step.now_ms);
    let (holders, by) = (Vec::new(), String::new());
    KekRow { check, state, holders, by, made_ms: step.now_ms, used_ms, retired_ms: None }
}

fn key(kek: KekId) -> [u8; 8] {
    kek.0.to_be_bytes()
}

fn kek(key: &[u8]) -> Option<KekId> {
    Some(KekId(u64::from_be_bytes(key.try_into().ok()?)))
}
