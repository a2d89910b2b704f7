use serde::{Deserialize, Serialize};

/// How much of what holds a folder is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSpace {
    /// Bytes that a member may still write.
    pub free_bytes: u64,
    /// Those, and all that are used; as `df` counts.
    pub total_bytes: u64,
}

/// How full a disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiskLevel {
    /// There is room.
    Ample,
    /// An operator should look.
    Low,
    /// No session is opened, and no copy fetched that is only missing.
    Filling,
    /// No bytes are appended: what is left is for the facts.
    Scarce,
}

impl DiskLevel {
    /// The free share, in hundredths, below which a disk is at a level.
    const SHARES: [(Self, u128); 3] = [(Self::Scarce, 5), (Self::Filling, 10), (Self::Low, 15)];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ample => "ample",
            Self::Low => "low",
            Self::Filling => "filling",
            Self::Scarce => "scarce",
        }
    }
}

impl DiskSpace {
    /// How full that is.
    pub fn level(self) -> DiskLevel {
        let (free, total) = (u128::from(self.free_bytes) * 100, u128::from(self.total_bytes));
        let reached = DiskLevel::SHARES.into_iter().find(|(_, share)| free < total * share);
        reached.map_or(DiskLevel::Ample, |(level, _)| level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_begin_at_85_90_and_95_hundredths() {
        let level = |free_bytes| DiskSpace { free_bytes, total_bytes: 10_000 }.level();
        let expected = [
            (0, DiskLevel::Scarce),
            (499, DiskLevel::Scarce),
            (500, DiskLevel::Filling),
            (999, DiskLevel::Filling),
            (1_000, DiskLevel::Low),
            (1_499, DiskLevel::Low),
            (1_500, DiskLevel::Ample),
            (10_000, DiskLevel::Ample),
        ];
        assert_eq!(expected.map(|(free_bytes, _)| (free_bytes, level(free_bytes))), expected);
        let largest = DiskSpace { free_bytes: u64::MAX, total_bytes: u64::MAX };
        assert_eq!(largest.level(), DiskLevel::Ample);
    }
}
