//! The network between members: it loses, delays, repeats and reorders messages, and cuts links in one direction.

use super::random::Dice;
use crate::id::MemberId;
use std::collections::BTreeMap;

/// Links and their troubles.
#[derive(Debug, Default)]
pub(crate) struct Network {
    /// Links that are cut, and until when in microseconds.
    cut_until: BTreeMap<(MemberId, MemberId), u64>,
    lossy_until: u64,
}

impl Network {
    pub(crate) fn cut(&mut self, from: MemberId, to: MemberId, until_us: u64) {
        let until = self.cut_until.entry((from, to)).or_insert(0);
        *until = until_us.max(*until);
    }

    pub(crate) fn make_lossy(&mut self, until_us: u64) {
        self.lossy_until = until_us.max(self.lossy_until);
    }

    pub(crate) fn heal(&mut self) {
        self.cut_until.clear();
        self.lossy_until = 0;
    }

    pub(crate) fn is_open(&self, from: MemberId, to: MemberId, now_us: u64) -> bool {
        self.cut_until.get(&(from, to)).is_none_or(|until| *until <= now_us)
    }

    /// After how many microseconds a message comes: never, once, or more often.
    pub(crate) fn delays_us(&self, from: MemberId, to: MemberId, now_us: u64, dice: &mut Dice) -> Vec<u64> {
        if from == to {
            return vec![5];
        }
        let is_lossy = now_us < self.lossy_until;
        if !self.is_open(from, to, now_us) || dice.chance(if is_lossy { 25 } else { 1 }) {
            return Vec::new();
        }
        let count = if dice.chance(if is_lossy { 20 } else { 2 }) { 2 } else { 1 };
        let delay = |dice: &mut Dice| match dice.below(200) {
            // Old messages come when nobody thinks of them any more.
            0 => dice.between(500_000, 6_000_000),
            1..=6 => dice.between(5_000, 300_000),
            _ if is_lossy => dice.between(200, 60_000),
            _ => dice.between(100, 2_000),
        };
        (0..count).map(|_| delay(dice)).collect()
    }
}
