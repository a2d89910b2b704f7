//! The sizes and times of the live tail, and its few rules.

use crate::chunk::key::DataKey;
use crate::chunk::{CHUNK_BYTES_MAX, ChunkHeader, OtherRecording, RecordSealer};

/// How the live tail is kept.
#[derive(Debug, Clone)]
pub struct TailOptions {
    /// A chunk of so many bytes of records is ended.
    pub chunk_bytes: u64,
    /// Most bytes of an object that are not acknowledged yet.
    pub in_flight_bytes: usize,
    /// What is not answered is sent again after so long.
    pub retry_ms: u64,
    /// A replica that makes no progress for so long is lost, and its chunk ends.
    pub patience_ms: u64,
    /// So many bytes behind, a replica is too slow, and its chunk ends.
    pub behind_bytes: u64,
    /// A member that was not heard of for so long is not there. It is the lease of an owner, too.
    pub lease_ms: u64,
    /// How often a member says that it is there.
    pub alive_ms: u64,
    /// After so long without an append the chunk is closed, and the object interrupted.
    pub idle_ms: u64,
    /// How often all objects are looked at, for chunks that are missing here and objects without an owner.
    pub survey_ms: u64,
    /// After so long a read asks the next member, too.
    pub hedge_ms: u64,
    /// After so long a read is given up.
    pub read_ms: u64,
    /// What safety rests on.
    pub rules: Rules,
}

impl Default for TailOptions {
    fn default() -> Self {
        Self {
            chunk_bytes: CHUNK_BYTES_MAX,
            in_flight_bytes: 16 << 20,
            retry_ms: 200,
            patience_ms: 2_000,
            behind_bytes: 16 << 20,
            lease_ms: 1_000,
            alive_ms: 250,
            idle_ms: 60_000,
            survey_ms: 10_000,
            hedge_ms: 100,
            read_ms: 10_000,
            rules: Rules::default(),
        }
    }
}

/// What safety rests on, as values, so that the simulation can show that each is needed.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// How many members of a chunk's set must promise before what they hold is taken for all that was acknowledged.
    pub fence_quorum: fn(set: usize) -> usize,
    /// Who seals the records of a chunk.
    pub sealer: fn(&DataKey, ChunkHeader) -> Result<RecordSealer, OtherRecording>,
    /// Whether a replica that has promised to take nothing more of an owner refuses what comes of it.
    pub keeps_promises: bool,
    /// After how long by its own clock a member removes an open file. None: only when the facts say that nobody can need
    /// it.
    pub collects_after_ms: Option<u64>,
    /// Whether a copy that a member is not to hold is dropped only when all that are to hold it say that they do.
    pub asks_before_drops: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            fence_quorum,
            sealer: RecordSealer::new,
            keeps_promises: true,
            collects_after_ms: None,
            asks_before_drops: true,
        }
    }
}

/// How many of so many members must have a byte before it is acknowledged.
pub fn write_quorum(members: usize) -> usize {
    members / 2 + 1
}

/// How many members of a chunk's set must have a byte, when the layout or the parameter changed after the set was chosen.
///
/// INVARIANT: it is never less than a majority of the set, whatever the number of replicas is or becomes, and never more
/// than the set. Members may apply a change at different times: the owner of a chunk decides by what it has applied when
/// it opens the chunk, and nobody else's number matters for it.
pub fn acknowledge_quorum(set: usize, write_quorum_now: usize) -> usize {
    write_quorum_now.clamp(write_quorum(set), set.max(1))
}

/// How many members of a chunk's set must be fenced.
///
/// INVARIANT: a byte is acknowledged when [`acknowledge_quorum`] members of the chunk's set have it, which are at least a
/// majority of the set. So at least one of them is among any so many members, whatever the parameter and the layout were
/// when the chunk was written, and are when it ends: only the set counts, and that is a fact.
pub fn fence_quorum(set: usize) -> usize {
    set - write_quorum(set) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_acknowledged_is_among_those_that_are_fenced() {
        for replicas in 1..=9 {
            for set in 1..=9 {
                let acknowledge = acknowledge_quorum(set, write_quorum(replicas));
                assert!(acknowledge <= set, "{set} of {replicas}");
                assert!(acknowledge + fence_quorum(set) > set, "{set} of {replicas}");
            }
        }
    }
}
