//! When the cluster's time stood still: no quorum of its members told theirs.

use super::engine::Tree;
use super::row::Row;
use super::step::{Halt, Step};
use serde::{Deserialize, Serialize};

/// The cluster's time moves every few seconds; a step above this is time in which no quorum was there.
const STEP_MS_MAX: u64 = 30_000;
/// How many standstills are kept.
const KEPT_MAX: usize = 64;

/// The cluster's time made a step: meanwhile nothing was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standstill {
    pub(super) from_ms: u64,
    pub(super) until_ms: u64,
}

/// How long the cluster's time stood still, and the newest times it did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StandstillsRow {
    /// All of it.
    pub(super) total_ms: u64,
    newest: Vec<Standstill>,
}

impl Row for StandstillsRow {
    const TREE: Tree = Tree::Meta;
}

impl StandstillsRow {
    pub(super) const KEY: &[u8] = b"clock.standstills";

    pub(super) fn newest(&self) -> Option<Standstill> {
        self.newest.last().copied()
    }

    /// When it was in truth, if the cluster's time was still to make a step.
    pub(super) fn in_truth(&self, at_ms: u64) -> u64 {
        let found = self.newest.iter().find(|standstill| standstill.from_ms == at_ms);
        found.map_or(at_ms, |standstill| standstill.until_ms)
    }
}

/// The cluster's time went on, from one value to the next.
pub(super) fn note(step: &mut Step<'_, '_>, from_ms: u64, until_ms: u64) -> Result<(), Halt> {
    let length_ms = until_ms.saturating_sub(from_ms);
    if from_ms == 0 || length_ms <= STEP_MS_MAX {
        return Ok(());
    }
    let mut row = get(step)?;
    row.total_ms = row.total_ms.saturating_add(length_ms);
    row.newest.push(Standstill { from_ms, until_ms });
    if row.newest.len() > KEPT_MAX {
        row.newest.remove(0);
    }
    Ok(step.rows.put(StandstillsRow::KEY, &row)?)
}

pub(super) fn get(step: &Step<'_, '_>) -> Result<StandstillsRow, Halt> {
    Ok(step.rows.get(StandstillsRow::KEY)?.unwrap_or_default())
}
