//! The end of a purge: nothing of a session's keys is left in any file of any member, nor what could open them.

use super::catalog::Catalog;
use super::engine::{KeyRange, Tree};
use super::kek::{self, KekRow, KekState};
use super::outcome::{Outcome, Refusal};
use super::purge::{self, Tombstone};
use super::row::Row;
use super::session::{self, SessionRow, SessionState};
use super::step::{Effect, Halt, Step};
use super::transaction::CatalogError;
use crate::chunk::key::KekId;
use crate::id::{MemberId, RecordingId};
use serde::{Deserialize, Serialize};

/// A member has no file any more with bytes of rows that were changed or removed up to a place of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// Which member.
    pub member: MemberId,
    /// The index of that place.
    pub up_to: u64,
}

/// Where a purge stands in the log, and which KEK wrapped the keys that it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct PurgeRow {
    index: u64,
    kek: KekId,
}

impl Row for PurgeRow {
    const TREE: Tree = Tree::Purges;
}

/// Where purges began to be followed to their end: one that has no row of its own stands before.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct FollowedRow {
    since: PurgeRow,
    /// The newest purge's place.
    newest: u64,
}

impl FollowedRow {
    const KEY: &[u8] = b"purge.followed";
}

impl Row for FollowedRow {
    const TREE: Tree = Tree::Meta;
}

/// How far a member has forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct ForgottenRow {
    up_to: u64,
    /// In the cluster's time.
    at_ms: u64,
}

impl Row for ForgottenRow {
    const TREE: Tree = Tree::Forgotten;
}

/// A round in which one member after the other forgets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct RoundRow {
    target: u64,
    began_ms: u64,
    turn: Option<MemberId>,
}

impl RoundRow {
    const KEY: &[u8] = b"purge.round";
}

impl Row for RoundRow {
    const TREE: Tree = Tree::Meta;
}

/// How far members have forgotten, and whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForgetRound {
    /// The members, learners included, and how far each has forgotten.
    pub(crate) members: Vec<(MemberId, u64)>,
    /// Up to where all are to forget in the newest round.
    pub(crate) target: u64,
    /// When it began, in the cluster's time; 0 before the first.
    pub(crate) began_ms: u64,
    /// Whose turn it is.
    pub(crate) turn: Option<MemberId>,
    /// The newest purge's place.
    pub(crate) newest: u64,
}

impl ForgetRound {
    /// The members that have not forgotten what the round is about.
    pub(crate) fn left(&self) -> impl Iterator<Item = MemberId> {
        self.members.iter().filter(|(_, up_to)| *up_to < self.target).map(|(member, _)| *member)
    }
}

/// What is missing for the end of a purge. Nothing is missing for the end of one that has nothing here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PurgeProgress {
    /// The members that have not deleted the session's files.
    pub deleting: Vec<MemberId>,
    /// The members whose log, snapshot or rows may still hold its wrapped keys.
    pub forgetting: Vec<MemberId>,
    /// The KEKs that wrapped them and are still in use or held by a member.
    pub keks: Vec<KekId>,
    /// The members that hold these.
    pub holding: Vec<MemberId>,
}

impl PurgeProgress {
    /// Whether nothing is missing.
    pub fn is_complete(&self) -> bool {
        self.deleting.is_empty() && self.forgetting.is_empty() && self.keks.is_empty()
    }
}

/// Who can look up rows: the catalog, and a command at work.
trait Rows {
    fn row<R: Row>(&self, key: &[u8]) -> Result<Option<R>, CatalogError>;
    fn has(&self, tree: Tree, key: &[u8]) -> Result<bool, CatalogError>;
}

impl Rows for Catalog {
    fn row<R: Row>(&self, key: &[u8]) -> Result<Option<R>, CatalogError> {
        self.get(key)
    }

    fn has(&self, tree: Tree, key: &[u8]) -> Result<bool, CatalogError> {
        Ok(self.engine().get(tree, key)?.is_some())
    }
}

impl Rows for Step<'_, '_> {
    fn row<R: Row>(&self, key: &[u8]) -> Result<Option<R>, CatalogError> {
        self.rows.get(key)
    }

    fn has(&self, tree: Tree, key: &[u8]) -> Result<bool, CatalogError> {
        self.rows.has_key(tree, key)
    }
}

impl Catalog {
    /// What is missing for the end of a session's purge; none when the session is not being purged.
    pub fn purge_progress(&self, recording: RecordingId) -> Result<Option<PurgeProgress>, CatalogError> {
        let row = self.session(recording)?;
        if !row.is_some_and(|row| matches!(row.state, SessionState::Purging(_))) {
            return Ok(None);
        }
        progress(self, recording, &self.keks()?, &self.kek_members()?)
    }

    /// Sessions whose purge has not ended, behind `after`, at most `limit`, and where to go on.
    pub(crate) fn purging(
        &self,
        after: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<(Vec<RecordingId>, Option<Vec<u8>>), CatalogError> {
        let all = KeyRange::prefix(b"purging\0");
        let range = after.map_or(all.clone(), |after| all.after(after));
        let keys = self.engine().scan(Tree::SessionsByState, range, limit)?;
        let next = keys.last().map(|(key, _)| key.clone()).filter(|_| keys.len() == limit);
        Ok((keys.iter().filter_map(|(key, _)| key.last_chunk().copied().map(RecordingId)).collect(), next))
    }

    /// How far members have forgotten; none before purges are followed to their end.
    pub(crate) fn forget_round(&self) -> Result<Option<ForgetRound>, CatalogError> {
        let Some(followed) = self.get::<FollowedRow>(FollowedRow::KEY)? else { return Ok(None) };
        let RoundRow { target, began_ms, turn } = self.get(RoundRow::KEY)?.unwrap_or_default();
        let members = self.kek_members()?.into_iter().map(|member| Ok((member, up_to(self, member)?)));
        let members = members.collect::<Result<_, CatalogError>>()?;
        Ok(Some(ForgetRound { members, target, began_ms, turn, newest: followed.newest }))
    }
}

/// From here on purges are followed to their end. No older log has what calls this.
pub(crate) fn follow(step: &mut Step<'_, '_>, kek: KekId) -> Result<(), Halt> {
    let since = PurgeRow { index: step.index, kek };
    Ok(step.rows.put(FollowedRow::KEY, &FollowedRow { since, newest: step.index })?)
}

/// Notes a purge, and says which members have to delete files for it.
pub(crate) fn note_purge(
    step: &mut Step<'_, '_>,
    recording: RecordingId,
    kek: Option<KekId>,
) -> Result<(), Halt> {
    let Some(followed) = step.rows.get::<FollowedRow>(FollowedRow::KEY)? else { return Ok(()) };
    let index = step.index;
    step.rows.put(&recording.0, &PurgeRow { index, kek: kek.unwrap_or(followed.since.kek) })?;
    Ok(step.rows.put(FollowedRow::KEY, &FollowedRow { newest: index, ..followed })?)
}

/// It is a member's turn to forget. A new round begins when the one before is over and there is something new to forget.
pub(crate) fn give_turn(step: &mut Step<'_, '_>, member: MemberId) -> Effect {
    let newest = step.rows.get::<FollowedRow>(FollowedRow::KEY)?.map_or(0, |followed| followed.newest);
    let mut round: RoundRow = step.rows.get(RoundRow::KEY)?.unwrap_or_default();
    let mut is_over = true;
    for member in kek::members(step)? {
        is_over &= up_to(step, member)? >= round.target;
    }
    if is_over && newest > round.target {
        (round.target, round.began_ms) = (newest, step.now_ms);
    }
    round.turn = Some(member);
    step.rows.put(RoundRow::KEY, &round)?;
    Ok(Outcome::Done)
}

pub(crate) fn forgotten(step: &mut Step<'_, '_>, command: Forgotten) -> Effect {
    let Forgotten { member, up_to: told } = command;
    let row = ForgottenRow { up_to: up_to(step, member)?.max(told.min(step.index)), at_ms: step.now_ms };
    step.rows.put(&key(member), &row)?;
    let mut round: RoundRow = step.rows.get(RoundRow::KEY)?.unwrap_or_default();
    if round.turn == Some(member) {
        round.turn = None;
        step.rows.put(RoundRow::KEY, &round)?;
    }
    Ok(Outcome::Done)
}

/// Ends a purge, if nothing is missing for it.
pub(crate) fn complete(step: &mut Step<'_, '_>, recording: RecordingId) -> Effect {
    let row: SessionRow = session::get(step, recording)?;
    let SessionState::Purging(tombstone) = &row.state else {
        return Err(Refusal::PurgeIncomplete { recording }.into());
    };
    let (keks, members) = (kek::all(step)?, kek::members(step)?);
    if !progress(step, recording, &keks, &members)?.is_some_and(|progress| progress.is_complete()) {
        return Err(Refusal::PurgeIncomplete { recording }.into());
    }
    let tombstone: Tombstone = tombstone.clone();
    let state = SessionState::Purged { tombstone, complete_ms: step.now_ms };
    let gone = SessionRow { state, ..row.clone() };
    session::store(step, recording, Some(&row), &gone)?;
    step.rows.remove(Tree::Purges, &recording.0);
    Ok(Outcome::Done)
}

/// What is missing for the end of a purge; none before purges are followed to their end.
fn progress(
    rows: &impl Rows,
    recording: RecordingId,
    keks: &[(KekId, KekRow)],
    members: &[MemberId],
) -> Result<Option<PurgeProgress>, CatalogError> {
    let Some(followed) = rows.row::<FollowedRow>(FollowedRow::KEY)? else { return Ok(None) };
    let purge = rows.row::<PurgeRow>(&recording.0)?.unwrap_or(followed.since);
    let mut progress = PurgeProgress::default();
    for member in members {
        if rows.has(Tree::PurgedBytes, &purge::deletion_key(*member, recording))? {
            progress.deleting.push(*member);
        }
        if up_to(rows, *member)? < purge.index {
            progress.forgetting.push(*member);
        }
    }
    for (kek, row) in keks.iter().filter(|(kek, _)| *kek <= purge.kek) {
        let holding = row.holders.iter().filter(|holder| members.contains(holder));
        let holding: Vec<MemberId> = holding.copied().collect();
        match row.state {
            KekState::Retired | KekState::GivenUp if holding.is_empty() => {}
            KekState::Next | KekState::Current | KekState::Old | KekState::Retired | KekState::GivenUp => {
                progress.keks.push(*kek);
                progress.holding.extend(holding);
            }
        }
    }
    progress.holding.sort_unstable();
    progress.holding.dedup();
    Ok(Some(progress))
}

fn up_to(rows: &impl Rows, member: MemberId) -> Result<u64, CatalogError> {
    Ok(rows.row::<ForgottenRow>(&key(member))?.map_or(0, |row| row.up_to))
}

fn key(member: MemberId) -> [u8; 8] {
    member.0.to_be_bytes()
}
