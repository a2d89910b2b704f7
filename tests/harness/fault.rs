//! What happens to members.

use crate::random::Random;
use serde::Serialize;

/// One kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A process is killed, and started again after a while.
    Kill,
    /// All are killed at once.
    KillAll,
    /// A process does nothing for a while.
    Stop,
    /// A member is cut off from one other or from both; half of the time connections break.
    Cut,
    /// What goes out of a member, or comes in, does not arrive; connections stay.
    CutOneWay,
    /// All that a member sends and gets is late.
    SlowLink,
    /// A member's disk has no room.
    FullDisk,
    /// A member's disk stands still, again and again.
    SlowDisk,
    /// A bit of a closed chunk changes.
    BitFlip,
    /// A member's clock is set wrong.
    ClockStep,
}

impl Fault {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Kill,
        Self::KillAll,
        Self::Stop,
        Self::Cut,
        Self::CutOneWay,
        Self::SlowLink,
        Self::FullDisk,
        Self::SlowDisk,
        Self::BitFlip,
        Self::ClockStep,
    ];

    /// So many, every kind as often as any other, in an order that the seed chooses.
    pub(crate) fn some(random: &mut Random, count: u64) -> Vec<Self> {
        let mut faults = Vec::new();
        let mut left = Vec::new();
        for _ in 0..count {
            if left.is_empty() {
                left = Self::ALL.to_vec();
            }
            let fault = *random.choose(&left);
            left.retain(|other| *other != fault);
            faults.push(fault);
        }
        faults
    }
}
