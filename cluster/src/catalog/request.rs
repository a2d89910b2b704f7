//! Request ids: a command that is sent twice has one effect and one outcome.

use super::command::Command;
use super::engine::Tree;
use super::outcome::{Applied, Outcome, Refusal};
use super::row::Row;
use super::step::{Effect, Halt, Step};
use super::transaction::{CatalogError, Transaction};
use crate::id::MemberId;
use serde::{Deserialize, Serialize};

/// Outcomes that are kept of each incarnation; a request that is older than these has an unknown outcome.
pub const OUTCOMES_KEPT: u64 = 4096;

/// One run of a member's process. Never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Incarnation {
    /// The member.
    pub member: MemberId,
    /// The log index of its [`Command::StartMember`].
    pub start: u64,
}

/// Names a request, however often it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RequestId {
    /// Who sent it first.
    pub incarnation: Incarnation,
    /// Counted up by that incarnation.
    pub sequence: u64,
}

/// A command and its name. [`Command::StartMember`] has none: its outcome begins the names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its name.
    pub id: Option<RequestId>,
    /// What to do.
    pub command: Command,
}

/// The newest incarnation of a member.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct IncarnationRow {
    start: u64,
    /// The greatest sequence seen, counted from 1.
    newest: u64,
}

impl Row for IncarnationRow {
    const TREE: Tree = Tree::Incarnations;
}

#[derive(Debug, Serialize, Deserialize)]
struct OutcomeRow {
    applied: Applied,
}

impl Row for OutcomeRow {
    const TREE: Tree = Tree::Outcomes;
}

/// What is known of a request before its command is looked at.
#[derive(Debug)]
pub(crate) enum Known {
    /// It is new.
    New,
    /// It was answered, or never will be.
    Answered(Applied),
}

/// Whether a request was applied before.
pub(crate) fn lookup(rows: &Transaction<'_>, id: RequestId) -> Result<Known, CatalogError> {
    let member = id.incarnation.member;
    let Some(row) =
        rows.get::<IncarnationRow>(&member_key(member))?.filter(|row| row.start == id.incarnation.start)
    else {
        return Ok(Known::Answered(Err(Refusal::IncarnationGone { member })));
    };
    if id.sequence.saturating_add(OUTCOMES_KEPT) <= row.newest {
        return Ok(Known::Answered(Err(Refusal::OutcomeUnknown)));
    }
    let outcome = rows.get::<OutcomeRow>(&outcome_key(member, id.sequence))?;
    Ok(outcome.map_or(Known::New, |row| Known::Answered(row.applied)))
}

/// Keeps the outcome of a new request and lets go of those that are too old.
pub(crate) fn keep(rows: &mut Transaction<'_>, id: RequestId, applied: &Applied) -> Result<(), CatalogError> {
    let IncarnationRow { start, newest } = match rows.get(&member_key(id.incarnation.member))? {
        Some(row) => row,
        None => return Ok(()),
    };
    let member = id.incarnation.member;
    if id.sequence > newest {
        let gone = oldest_kept(newest)..oldest_kept(id.sequence).min(newest + 1);
        for sequence in gone {
            rows.remove(Tree::Outcomes, &outcome_key(member, sequence));
        }
        rows.put(&member_key(member), &IncarnationRow { start, newest: id.sequence })?;
    }
    rows.put(&outcome_key(member, id.sequence), &OutcomeRow { applied: applied.clone() })?;
    Ok(())
}

/// A member has started.
pub(crate) fn start(step: &mut Step<'_, '_>, member: MemberId) -> Effect {
    let older: Option<IncarnationRow> = step.rows.get(&member_key(member)).map_err(Halt::from)?;
    if let Some(older) = older {
        for sequence in oldest_kept(older.newest)..=older.newest {
            step.rows.remove(Tree::Outcomes, &outcome_key(member, sequence));
        }
    }
    step.rows.put(&member_key(member), &IncarnationRow { start: step.index, newest: 0 })?;
    Ok(Outcome::Started(Incarnation { member, start: step.index }))
}

fn oldest_kept(newest: u64) -> u64 {
    (newest + 1).saturating_sub(OUTCOMES_KEPT)
}

fn member_key(member: MemberId) -> [u8; 8] {
    member.0.to_be_bytes()
}

fn outcome_key(member: MemberId, sequence: u64) -> Vec<u8> {
    [member.0.to_be_bytes(), sequence.to_be_bytes()].concat()
}
