//! The cluster's time: no member's clock alone moves it.

use super::catalog::MembershipRow;
use super::engine::Tree;
use super::outcome::Outcome;
use super::row::Row;
use super::standstill;
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
    /// The time has jumped, or what most clocks say.
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
    /// Where it stands in the log.
    index: u64,
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
    let before_ms = clock.now_ms;
    clock.take(sample, step.index, &voters);
    standstill::note(step, before_ms, clock.now_ms)?;
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
    /// By what sessions become due and holds end: the time, but never ahead of what most clocks say now. Where clocks were ahead
    /// and have been put right, the time stands still until they have come as far, and nothing may be old by it.
    pub fn cautious_ms(&self) -> u64 {
        let members: Vec<MemberId> = self.samples.keys().copied().collect();
        self.now_ms.min(self.lower_median(&members))
    }

    fn take(&mut self, sample: ClockSample, index: u64, voters: &[MemberId]) {
        let (before_ms, median_before_ms) = (self.now_ms, self.lower_median(voters));
        let newest = Sample { wall_ms: sample.wall_ms, index };
        let spread_ms = match self.samples.insert(sample.member, newest) {
            Some(previous) => self.spread_ms(previous, newest),
            None => 0,
        };
        self.samples.retain(|member, _| voters.contains(member));
        let median_ms = self.lower_median(voters);
        self.now_ms = before_ms.max(median_ms);
        // Behind a time that is ahead of them the clocks may jump, too.
        let jumped = [(before_ms, self.now_ms), (median_before_ms, median_ms)];
        let jumped = jumped
            .into_iter()
            .find(|(from_ms, to_ms)| *from_ms > 0 && to_ms.saturating_sub(*from_ms) > JUMP_MS_MAX);
        if let Some((from_ms, to_ms)) = jumped {
            self.suspicion = Some(Suspicion::Jump { from_ms, to_ms });
        } else if spread_ms > SPREAD_MS_MAX {
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

    /// How far a clock is outside of what another one said before and after it in the log. Members that are
    /// away, and time in which the cluster stood still, make no difference.
    fn spread_ms(&self, previous: Sample, newest: Sample) -> u64 {
        let between = self.samples.values().filter(|sample| sample.index > previous.index);
        let outside = between.map(|sample| {
            let ahead_ms = sample.wall_ms.saturating_sub(newest.wall_ms);
            let behind_ms = previous.wall_ms.saturating_sub(sample.wall_ms);
            ahead_ms.max(behind_ms)
        });
        outside.max().unwrap_or(0)
    }
}
