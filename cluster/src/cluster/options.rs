//! What the door is given and what it answers with.

use crate::catalog::{SealFacts, SessionInfo};
use crate::chunk::Hash;
use crate::chunk::journal::JournalLimits;
use crate::facts::{self, FactsOptions};
use crate::id::{ChunkId, MemberId};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// Where a member keeps everything, and how.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// This member.
    pub member: MemberId,
    /// Its folder, which it makes when it is not there.
    pub dir: PathBuf,
    /// Names this start of the machine (on Linux the text of `/proc/sys/kernel/random/boot_id`).
    pub boot_id: String,
    /// The members of a new cluster, which a member without any facts makes; all of them name the same. A member that
    /// joins a cluster names none.
    pub founders: BTreeSet<MemberId>,
    /// When the journal does what.
    pub journal: JournalLimits,
    /// After so many bytes of log a snapshot of the facts is taken.
    pub snapshot_after_bytes: u64,
    /// After so long without an append an object's open chunk is closed and the object interrupted, which frees its
    /// file and its memory.
    pub idle_after: Duration,
    /// Threads that read and decrypt.
    pub read_threads: usize,
}

impl ClusterOptions {
    /// The usual sizes.
    pub fn new(member: MemberId, dir: PathBuf, boot_id: String) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            member,
            snapshot_after_bytes: FactsOptions::new(member, dir.clone()).snapshot_after_bytes,
            dir,
            boot_id,
            founders: BTreeSet::new(),
            journal: JournalLimits::default(),
            idle_after: Duration::from_secs(60),
            read_threads: 2 * cores,
        }
    }
}

/// What was found at a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartReport {
    /// What the facts say.
    pub facts: facts::StartReport,
    /// Open chunks of the last run, whole: those that only this member has are closed before it is ready.
    pub recovered: Vec<ChunkId>,
    /// Open chunks of the last run whose files are damaged. Whether they are needed says [`Cluster::lost`] once
    /// this member is ready.
    ///
    /// [`Cluster::lost`]: super::Cluster::lost
    pub damaged: Vec<ChunkId>,
}

/// A session that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// What is known at the start.
    pub info: SessionInfo,
}

/// What a seal has made final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// The object's bytes before encryption.
    pub length: u64,
    /// The Merkle root over all leaves, as RFC 6962 defines it.
    pub root: Hash,
    /// SHA-256 of the manifest's file.
    pub manifest_hash: Hash,
    /// The object's chunks, without the manifest.
    pub chunk_count: u32,
}

impl From<SealFacts> for Sealed {
    fn from(facts: SealFacts) -> Self {
        let SealFacts { manifest_hash, root, length, chunk_count } = facts;
        Self { length, root, manifest_hash, chunk_count }
    }
}
