//! Members that do without one of the rules. Each of them must be caught: that shows that the rule is needed, and that
//! the simulation would see its loss.

use crate::chunk::key::DataKey;
use crate::chunk::{ChunkHeader, OtherRecording, RecordKey, RecordSealer};
use crate::id::{ChunkId, ChunkNumber, Epoch};
use crate::tail::Rules;

/// How old a file is that nobody is thought to need.
const COLLECTED_AFTER_MS: u64 = 1_000;

/// Which rule is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Control {
    /// None.
    #[default]
    Sound,
    /// Syncs do nothing.
    NoFsync,
    /// A fence is answered and not kept.
    NoFencing,
    /// A fence is kept until the process ends.
    FenceForgottenAtRestart,
    /// Whoever answers first has the longest tail.
    LongestTailWithoutQuorum,
    /// All chunks of a recording are sealed with one key.
    NonceIsIndexOnly,
    /// Open files are collected when they are old, and not when the facts say that nobody needs them.
    CollectorByClock,
    /// A copy that others are to hold is dropped, whether they hold it or not.
    DropsUnasked,
    /// Syncs of the Raft log, its vote and its snapshots do nothing.
    NoFactsFsync,
    /// Entries are applied while a snapshot is written, and nothing keeps the rows as they were when it began.
    SnapshotWithoutBeforeImages,
}

impl Control {
    pub(crate) fn rules(self) -> Rules {
        match self {
            Self::LongestTailWithoutQuorum => Rules { fence_quorum: |_| 1, ..Rules::default() },
            Self::NonceIsIndexOnly => Rules { sealer: one_key, ..Rules::default() },
            Self::NoFencing => Rules { keeps_promises: false, ..Rules::default() },
            Self::CollectorByClock => {
                Rules { collects_after_ms: Some(COLLECTED_AFTER_MS), ..Rules::default() }
            }
            Self::DropsUnasked => Rules { asks_before_drops: false, ..Rules::default() },
            Self::Sound
            | Self::NoFsync
            | Self::NoFactsFsync
            | Self::FenceForgottenAtRestart
            | Self::SnapshotWithoutBeforeImages => Rules::default(),
        }
    }
}

fn one_key(key: &DataKey, header: ChunkHeader) -> Result<RecordSealer, OtherRecording> {
    let shared = ChunkId { object: header.id.object, number: ChunkNumber(0), epoch: Epoch(0) };
    Ok(RecordSealer::with_key(RecordKey::derive(key, shared)?, header))
}
