//! Approvals: where a parameter says so, nobody watches a session before another person agrees.

use super::catalog::Catalog;
use super::engine::{KeyRange, Tree};
use super::outcome::{Outcome, Refusal};
use super::parameter::WATCH_NEEDS_APPROVAL;
use super::row::Row;
use super::session;
use super::step::{Effect, Halt, Step};
use super::text;
use super::transaction::CatalogError;
use crate::id::RecordingId;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Bound;

/// The most approvals that were ever asked for of a session.
const APPROVALS_MAX: usize = 256;
/// The longest time for which one is given.
const WINDOW_MS_MAX: u64 = 31 * 24 * 3_600_000;

/// Names an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ApprovalId(pub [u8; 16]);

impl fmt::Display for ApprovalId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// Somebody wants to watch a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskApproval {
    /// Its name.
    pub approval: ApprovalId,
    /// Which session.
    pub recording: RecordingId,
    /// Why.
    pub reason: String,
    /// The ticket that asks for it, if there is one.
    pub ticket: String,
    /// From when on, in the cluster's time.
    pub from_ms: u64,
    /// Until when, in the cluster's time.
    pub until_ms: u64,
    /// Who.
    pub by: String,
}

/// Somebody agrees, or does not, or no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecideApproval {
    /// To which.
    pub approval: ApprovalId,
    /// Of which session.
    pub recording: RecordingId,
    /// Whether they do.
    pub is_approved: bool,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
}

/// Who has decided, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalWord {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When, in the cluster's time.
    pub at_ms: u64,
}

/// Whether an approval is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApprovalState {
    /// Nobody has said anything yet.
    Asked,
    /// It is.
    Approved(ApprovalWord),
    /// It is not, or no longer.
    Denied(ApprovalWord),
}

/// An approval in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRow {
    /// Who wants to watch.
    pub asked_by: String,
    /// When they asked, in the cluster's time.
    pub asked_ms: u64,
    /// Why.
    pub reason: String,
    /// The ticket that asks for it; may be empty.
    pub ticket: String,
    /// From when on, in the cluster's time.
    pub from_ms: u64,
    /// Until when, in the cluster's time.
    pub until_ms: u64,
    /// Whether it is given.
    pub state: ApprovalState,
}

impl Row for ApprovalRow {
    const TREE: Tree = Tree::Approvals;
}

impl ApprovalRow {
    /// Whether somebody may watch by it.
    fn permits(&self, user: &str, now_ms: u64) -> bool {
        let is_approved = matches!(self.state, ApprovalState::Approved(_));
        is_approved && self.asked_by == user && (self.from_ms..self.until_ms).contains(&now_ms)
    }
}

/// How the need of an approval and a user relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalNeed {
    /// None is needed.
    Unneeded,
    /// The user has one.
    Met,
    /// The user has none.
    Unmet,
}

impl Catalog {
    /// The approvals that were asked for of a session.
    pub fn approvals(&self, recording: RecordingId) -> Result<Vec<(ApprovalId, ApprovalRow)>, CatalogError> {
        let range = KeyRange::prefix(&recording.0);
        self.list(range, APPROVALS_MAX, |key| key.last_chunk().copied().map(ApprovalId))
    }

    /// Approvals of any sessions that nobody has decided about while they would still serve, those that end first
    /// before the others, at most `limit`.
    pub fn approvals_asked(&self, limit: usize) -> Result<Vec<(RecordingId, ApprovalId)>, CatalogError> {
        let behind_ms = self.clock()?.now_ms.saturating_add(1);
        let range = KeyRange { from: Bound::Included(behind_ms.to_be_bytes().to_vec()), ..KeyRange::all() };
        let keys = self.engine().scan(Tree::ApprovalsAsked, range, limit)?;
        let named = |key: &[u8]| {
            let (_, key) = key.split_first_chunk::<8>()?;
            let (recording, approval) = key.split_first_chunk()?;
            Some((RecordingId(*recording), ApprovalId(approval.try_into().ok()?)))
        };
        Ok(keys.iter().filter_map(|(key, _)| named(key)).collect())
    }

    /// Whether a user needs somebody's approval to watch a session, and has it at the cluster's time.
    pub fn approval_need(&self, recording: RecordingId, user: &str) -> Result<ApprovalNeed, CatalogError> {
        if !self.is_on(WATCH_NEEDS_APPROVAL)? {
            return Ok(ApprovalNeed::Unneeded);
        }
        let now_ms = self.clock()?.now_ms;
        let is_met = self.approvals(recording)?.iter().any(|(_, row)| row.permits(user, now_ms));
        Ok(if is_met { ApprovalNeed::Met } else { ApprovalNeed::Unmet })
    }
}

pub(crate) fn ask(step: &mut Step<'_, '_>, command: AskApproval) -> Effect {
    let AskApproval { approval, recording, reason, ticket, from_ms, until_ms, by } = command;
    text::needed("by", &by)?;
    text::needed_message("reason", &reason)?;
    text::name("ticket", &ticket)?;
    session::kept(step, recording)?;
    if until_ms <= step.now_ms.max(from_ms) || until_ms - from_ms.max(step.now_ms) > WINDOW_MS_MAX {
        return Err(Refusal::ApprovalWindow { now_ms: step.now_ms, limit_ms: WINDOW_MS_MAX }.into());
    }
    if step.rows.list::<ApprovalRow>(&recording.0, APPROVALS_MAX)?.len() >= APPROVALS_MAX {
        let limit = u64::try_from(APPROVALS_MAX).unwrap_or(u64::MAX);
        return Err(Refusal::TooManyApprovals { limit }.into());
    }
    let (asked_ms, state) = (step.now_ms, ApprovalState::Asked);
    let row = ApprovalRow { asked_by: by, asked_ms, reason, ticket, from_ms, until_ms, state };
    step.rows.put(&key(recording, approval), &row)?;
    step.rows.put_key(Tree::ApprovalsAsked, asked_key(until_ms, recording, approval));
    Ok(Outcome::Done)
}

/// Who watches and who was recorded do not decide; what was denied stays so.
pub(crate) fn decide(step: &mut Step<'_, '_>, command: DecideApproval) -> Effect {
    let DecideApproval { approval, recording, is_approved, reason, by } = command;
    text::needed("by", &by)?;
    text::message("reason", &reason)?;
    let user = session::kept(step, recording)?.info.user_name;
    let key = key(recording, approval);
    let mut row: ApprovalRow = step.need(&key, || Refusal::ApprovalUnknown { approval })?;
    if by == row.asked_by || by == user {
        return Err(Refusal::ApprovalOfOwn { approval }.into());
    }
    let word = ApprovalWord { by, reason, at_ms: step.now_ms };
    row.state = match (&row.state, is_approved) {
        (ApprovalState::Asked, true) => ApprovalState::Approved(word),
        (ApprovalState::Asked | ApprovalState::Approved(_), false) => ApprovalState::Denied(word),
        (ApprovalState::Approved(_), true) | (ApprovalState::Denied(_), _) => {
            return Err(Refusal::ApprovalDecided { approval }.into());
        }
    };
    step.rows.remove(Tree::ApprovalsAsked, &asked_key(row.until_ms, recording, approval));
    step.rows.put(&key, &row)?;
    Ok(Outcome::Done)
}

/// Nobody decides any more about a session that is purged. What was asked for and decided stays, as holds do.
pub(crate) fn purge(step: &mut Step<'_, '_>, recording: RecordingId) -> Result<(), Halt> {
    for (key, row) in step.rows.list::<ApprovalRow>(&recording.0, APPROVALS_MAX)? {
        if let Some(approval) = key.last_chunk().copied().map(ApprovalId) {
            step.rows.remove(Tree::ApprovalsAsked, &asked_key(row.until_ms, recording, approval));
        }
    }
    Ok(())
}

/// Recording, then approval: all approvals of a session stand together.
fn key(recording: RecordingId, approval: ApprovalId) -> Vec<u8> {
    [recording.0, approval.0].concat()
}

/// When it would end, then which: what is over stands together before all others.
fn asked_key(until_ms: u64, recording: RecordingId, approval: ApprovalId) -> Vec<u8> {
    [until_ms.to_be_bytes().as_slice(), &recording.0, &approval.0].concat()
}
