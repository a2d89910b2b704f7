//! The cluster's time: no member's clock alone moves it.

use super::catalog::MembershipRow;
use super::engine::Tree;
use super::outcome::Outcome;
use super::row::Row;
use super::step::{Effect, Step};
use super::text;
use crate::id::MemberId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Clocks that differ by more than this stop purge and expiry.
const SPREAD_MS_MAX: u64 = 60_000;
/// So does a jump of the cluster's time above this.
const JUMP_MS_MAX: u64 = 3_600_000;

/// What a member's clock says. The proposer's reading is a sample, never the time itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSample {
    /// Whose clock.
    pub member: MemberId,
    /// What it says, in milliseconds since 1970.
    pub wall_ms: u64,
}

/// Why purge and expiry stand still until an operator confirms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Suspicion {
    /// The voters' clocks differ.
    Spread {
        /// By how much.
        spread_ms: u64,
    },
    /// The time has jumped.
    Jump {
        /// From here.
        from_ms: u64,
        /// To here.
        to_ms: u64,
    },
}

/// The newest sample of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Sample {
    wall_ms: u64,
    /// How far it was ahead of (or behind) the cluster's time when it came. A member that is away does not
    /// seem to fall behind.
    ahead_ms: i64,
}

/// The cluster's time and what it is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockRow {
    /// Milliseconds since 1970; 0 before the first samples. Never goes back.
    pub now_ms: u64,
    samples: BTreeMap<MemberId, Sample>,
    /// Set until an operator confirms.
    pub suspicion: Option<Suspicion>,
}

impl Row for ClockRow {
    const TREE: Tree = Tree::Meta;
}

pub(crate) const KEY: &[u8] = b"clock";

pub(crate) fn sample(step: &mut Step<'_, '_>, sample: ClockSample) -> Effect {
    let mut clock: ClockRow = step.rows.get(KEY)?.unwrap_or_default();
    let voters = step.rows.get::<MembershipRow>(MembershipRow::KEY)?.unwrap_or_default().voters;
    clock.take(sample, &voters);
    step.rows.put(KEY, &clock)?;
    Ok(Outcome::Now { now_ms: clock.now_ms })
}

pub(crate) fn confirm(step: &mut Step<'_, '_>, by: &str) -> Effect {
    text::needed("by", by)?;
    let mut clock: ClockRow = step.rows.get(KEY)?.unwrap_or_default();
    clock.suspicion = None;
    step.rows.put(KEY, &clock)?;
    Ok(Outcome::Done)
}

impl ClockRow {
    fn take(&mut self, sample: ClockSample, voters: &[MemberId]) {
        let before_ms = self.now_ms;
        self.samples.insert(sample.member, Sample { wall_ms: sample.wall_ms, ahead_ms: 0 });
        self.samples.retain(|member, _| voters.contains(member));
        self.now_ms = before_ms.max(self.lower_median(voters));
        let now_ms = self.now_ms;
        if let Some(newest) = self.samples.get_mut(&sample.member) {
            newest.ahead_ms = difference(newest.wall_ms, now_ms);
        }
        let spread_ms = self.spread_ms();
        if before_ms > 0 && now_ms - before_ms > JUMP_MS_MAX {
            self.suspicion = Some(Suspicion::Jump { from_ms: before_ms, to_ms: now_ms });
        } else if now_ms > 0 && spread_ms > SPREAD_MS_MAX {
            self.suspicion = Some(Suspicion::Spread { spread_ms });
        }
    }

    /// A voter without a sample counts as one whose clock stands at 0: a minority cannot move the time.
    fn lower_median(&self, voters: &[MemberId]) -> u64 {
        let mut walls: Vec<u64> =
            voters.iter().map(|voter| self.samples.get(voter).map_or(0, |sample| sample.wall_ms)).collect();
        walls.sort_unstable();
        let middle = walls.len().saturating_sub(1) / 2;
        walls.get(middle).copied().unwrap_or(0)
    }

    fn spread_ms(&self) -> u64 {
        let ahead = || self.samples.values().map(|sample| sample.ahead_ms);
        ahead().max().unwrap_or(0).abs_diff(ahead().min().unwrap_or(0))
    }
}

fn difference(a: u64, b: u64) -> i64 {
    let distance = i64::try_from(a.abs_diff(b)).unwrap_or(i64::MAX);
    if a >= b { distance } else { -distance }
}
