//! Which members have what of a recording or a video.

use cluster::chunk::CopyState;
use cluster::cluster::{ChunkCopies, MemberCopy, Replication as Found};
use cluster::id::{ChunkNumber, MemberId, ObjectId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::hex;

/// Chunks that are shown without `limit`, and at most.
const CHUNKS_SHOWN: usize = 1000;
const CHUNKS_SHOWN_MAX: usize = 10_000;
/// How long is waited without `timeout_s`, and at most.
const TIMEOUT_S: u64 = 30;
const TIMEOUT_S_MAX: u64 = 300;

/// What is shown, and when.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReplicationQuery {
    /// Answer as soon as all is where it should be, or when the time is over.
    #[param(inline)]
    wait: Option<Wait>,
    /// How long to wait: 30 without, at most 300.
    timeout_s: Option<u64>,
    /// Show chunks from this number on.
    from: Option<u32>,
    /// How many chunks: 1000 without, at most 10000.
    limit: Option<usize>,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Wait {
    Synced,
}

impl ReplicationQuery {
    /// How long to wait.
    pub(crate) fn timeout_s(&self) -> u64 {
        match self.wait {
            Some(Wait::Synced) => self.timeout_s.unwrap_or(TIMEOUT_S).min(TIMEOUT_S_MAX),
            None => 0,
        }
    }
}

/// Which members have what.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Replication {
    /// What the names of its chunk files begin with: recording and stream.
    object: String,
    /// Whether nothing is written to it any more and each member that is to hold a chunk says that it has a good copy.
    synced: bool,
    /// Whether it grows. The chunk that is being written is on its members by the rules of appends, and not shown.
    is_open: bool,
    /// The fewest good copies of a chunk; none without chunks.
    copies_min: Option<usize>,
    /// How many copies are missing, bad, or on members that do not answer.
    lacking: usize,
    chunk_count: usize,
    /// By number; the last one of what is final is its manifest.
    chunks: Vec<Chunk>,
    /// From where on more are shown.
    next: Option<u32>,
}

/// A closed chunk.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Chunk {
    number: u32,
    is_manifest: bool,
    epoch: u64,
    /// The length of its file.
    bytes: u64,
    /// SHA-256 of its file.
    hash: String,
    /// Those that are to hold it, and others that have a file of it.
    members: Vec<CopyOf>,
}

/// A member's copy.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct CopyOf {
    member: u64,
    state: CopyIs,
    /// When its member compared it with the hash last, or wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_ms: Option<u64>,
}

/// What a member says of its copy.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum CopyIs {
    Verified,
    Missing,
    Bad,
    Unreachable,
}

impl Replication {
    pub(crate) fn new(object: ObjectId, found: &Found, query: &ReplicationQuery) -> Self {
        let from = query.from.unwrap_or(0);
        let limit = query.limit.unwrap_or(CHUNKS_SHOWN).clamp(1, CHUNKS_SHOWN_MAX);
        let mut left = found.chunks.iter().filter(|chunk| chunk.chunk.number.0 >= from);
        let chunks = left.by_ref().take(limit).map(Chunk::new).collect();
        Self {
            object: object.to_string(),
            synced: found.is_synced(),
            is_open: found.is_open,
            copies_min: found.copies_min(),
            lacking: found.chunks.iter().map(|chunk| chunk.lacking).sum(),
            chunk_count: found.chunks.len(),
            chunks,
            next: left.next().map(|chunk| chunk.chunk.number.0),
        }
    }
}

impl Chunk {
    fn new(found: &ChunkCopies) -> Self {
        let chunk = &found.chunk;
        Self {
            number: chunk.number.0,
            is_manifest: chunk.number == ChunkNumber::MANIFEST,
            epoch: chunk.epoch.0,
            bytes: chunk.length_bytes,
            hash: hex(&chunk.hash.0),
            members: found.copies.iter().map(|(member, copy)| CopyOf::new(*member, *copy)).collect(),
        }
    }
}

impl CopyOf {
    fn new(member: MemberId, copy: MemberCopy) -> Self {
        let (state, verified_ms) = match copy {
            MemberCopy::Told(CopyState::Verified { at_ms }) => (CopyIs::Verified, Some(at_ms)),
            MemberCopy::Told(CopyState::Missing) => (CopyIs::Missing, None),
            MemberCopy::Told(CopyState::Bad) => (CopyIs::Bad, None),
            MemberCopy::Unreachable => (CopyIs::Unreachable, None),
        };
        Self { member: member.0, state, verified_ms }
    }
}
