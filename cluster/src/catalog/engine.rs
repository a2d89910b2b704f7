//! Where the catalog's rows are kept: ordered trees with atomic batches, in sled or in memory.

mod memory;
mod sled;

pub use self::sled::{SledEngine, SledOpenError, SledStart};
pub use memory::MemoryEngine;

use std::fmt::Debug;
use std::ops::Bound;

/// A named, ordered set of rows. The number is part of stored keys: only ever add at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "each tree holds the rows it is named after")]
pub enum Tree {
    Meta = 0,
    Sessions = 1,
    SessionsByStart = 2,
    SessionsByUser = 3,
    SessionsByDevice = 4,
    SessionsByProtocol = 5,
    SessionsByState = 6,
    Objects = 7,
    Chunks = 8,
    Videos = 9,
    VideosByRequest = 10,
    Jobs = 11,
    JobsOpen = 12,
    Outbox = 13,
    OutboxOpen = 14,
    Parameters = 15,
    Roles = 16,
    Tokens = 17,
    TokensByHash = 18,
    Incarnations = 19,
    Outcomes = 20,
    KeyStates = 21,
    Holds = 22,
    RetentionRules = 23,
    Ended = 24,
    SessionsByEnd = 25,
    PurgedBytes = 26,
    Views = 27,
    Access = 28,
    SessionsByAuditor = 29,
    AuditLeaves = 30,
    AuditNodes = 31,
    AuditKeys = 32,
    Users = 33,
    Logins = 34,
    Once = 35,
    OnceByExpiry = 36,
    Comments = 37,
    Reviews = 38,
    Approvals = 39,
    ApprovalsAsked = 40,
    Pauses = 41,
    Gaps = 42,
    Layouts = 43,
    LayoutMembers = 44,
    Controls = 45,
    Keks = 46,
    Purges = 47,
    Forgotten = 48,
    Members = 49,
    JoinTokens = 50,
    SessionsByFinish = 51,
    SessionsByDuration = 52,
    JobStarts = 53,
    SessionsByCredential = 54,
    SessionsByUserAddress = 55,
    SessionsByFormat = 56,
    SessionsBySize = 57,
    DeletedObjects = 58,
    DeletedCopies = 59,
    DamagedVideos = 60,
    Sounds = 61,
    VideosBegun = 62,
}

impl Tree {
    /// All trees, in the order of their numbers.
    pub const ALL: [Self; 63] = [
        Self::Meta,
        Self::Sessions,
        Self::SessionsByStart,
        Self::SessionsByUser,
        Self::SessionsByDevice,
        Self::SessionsByProtocol,
        Self::SessionsByState,
        Self::Objects,
        Self::Chunks,
        Self::Videos,
        Self::VideosByRequest,
        Self::Jobs,
        Self::JobsOpen,
        Self::Outbox,
        Self::OutboxOpen,
        Self::Parameters,
        Self::Roles,
        Self::Tokens,
        Self::TokensByHash,
        Self::Incarnations,
        Self::Outcomes,
        Self::KeyStates,
        Self::Holds,
        Self::RetentionRules,
        Self::Ended,
        Self::SessionsByEnd,
        Self::PurgedBytes,
        Self::Views,
        Self::Access,
        Self::SessionsByAuditor,
        Self::AuditLeaves,
        Self::AuditNodes,
        Self::AuditKeys,
        Self::Users,
        Self::Logins,
        Self::Once,
        Self::OnceByExpiry,
        Self::Comments,
        Self::Reviews,
        Self::Approvals,
        Self::ApprovalsAsked,
        Self::Pauses,
        Self::Gaps,
        Self::Layouts,
        Self::LayoutMembers,
        Self::Controls,
        Self::Keks,
        Self::Purges,
        Self::Forgotten,
        Self::Members,
        Self::JoinTokens,
        Self::SessionsByFinish,
        Self::SessionsByDuration,
        Self::JobStarts,
        Self::SessionsByCredential,
        Self::SessionsByUserAddress,
        Self::SessionsByFormat,
        Self::SessionsBySize,
        Self::DeletedObjects,
        Self::DeletedCopies,
        Self::DamagedVideos,
        Self::Sounds,
        Self::VideosBegun,
    ];

    /// The number that stands for it in stored keys.
    #[expect(clippy::as_conversions, reason = "the discriminant of a field-less enum")]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The tree of a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// A row as an engine holds it.
pub type KeyAndRow = (Vec<u8>, Vec<u8>);

/// A part of a tree, read in one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// Where it begins, in the order of keys.
    pub from: Bound<Vec<u8>>,
    /// Where it ends.
    pub to: Bound<Vec<u8>>,
    /// Whether the greatest key comes first.
    pub descending: bool,
}

impl KeyRange {
    /// A whole tree.
    pub fn all() -> Self {
        Self { from: Bound::Unbounded, to: Bound::Unbounded, descending: false }
    }

    /// All keys that begin with a prefix.
    pub fn prefix(prefix: &[u8]) -> Self {
        let to = successor(prefix).map_or(Bound::Unbounded, Bound::Excluded);
        Self { from: Bound::Included(prefix.to_vec()), to, descending: false }
    }

    /// The same range without what comes up to `key` in its direction.
    #[must_use]
    pub fn after(mut self, key: Vec<u8>) -> Self {
        match self.descending {
            true => self.to = Bound::Excluded(key),
            false => self.from = Bound::Excluded(key),
        }
        self
    }

    /// Whether a key is inside.
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        let (from, to) = (self.from.as_ref().map(Vec::as_slice), self.to.as_ref().map(Vec::as_slice));
        <(Bound<&[u8]>, Bound<&[u8]>) as std::ops::RangeBounds<[u8]>>::contains(&(from, to), key)
    }

    /// Whether no key can be inside.
    pub(crate) fn is_empty(&self) -> bool {
        match (&self.from, &self.to) {
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => {
                from >= to
            }
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        }
    }
}

/// The least key above all that begin with a prefix.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut next = prefix.to_vec();
    while let Some(last) = next.last_mut() {
        match last.checked_add(1) {
            Some(more) => {
                *last = more;
                return Some(next);
            }
            None => {
                next.pop();
            }
        }
    }
    None
}

/// Changes that happen together or not at all; a `None` removes the row.
pub type Batch = std::collections::BTreeMap<(Tree, Vec<u8>), Option<Vec<u8>>>;

/// Why an engine did not answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// The store below refused.
    #[error("the catalog's store failed: {0}")]
    Store(#[from] ::sled::Error),
    /// A file of the store refused.
    #[error("the catalog's store failed at a file: {0}")]
    File(std::sync::Arc<std::io::Error>),
}

/// Ordered trees with atomic batches. What it holds can be rebuilt from snapshot and log, so nothing here needs
/// to be durable; but after a kill it holds a prefix of the batches, each whole.
pub trait Engine: Debug + Send + Sync + 'static {
    /// A row.
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError>;
    /// The first `limit` rows of a range.
    fn scan(&self, tree: Tree, range: KeyRange, limit: usize) -> Result<Vec<KeyAndRow>, EngineError>;
    /// Applies all changes at once.
    fn commit(&self, batch: Batch) -> Result<(), EngineError>;
    /// Stores rows of an engine that is being filled, by several threads at once: in any order, each for itself. What is
    /// committed afterwards comes after all of them.
    fn load(&self, rows: Vec<(Tree, KeyAndRow)>) -> Result<(), EngineError>;
    /// Removes every row.
    fn clear(&self) -> Result<(), EngineError>;
    /// What its files take on the disk.
    fn bytes(&self) -> Result<u64, EngineError>;
    /// Leaves no bytes in any file of rows that were changed or removed before the call, while everything else goes on. False
    /// when it was given up, since it was to `go_on` no longer: then all is as it was.
    fn renew(&self, go_on: &dyn Fn() -> bool) -> Result<bool, EngineError>;
    /// Leaves what is committed in such a state that even a restarted machine finds it. Nothing may be
    /// committed afterwards.
    fn close(&self) -> Result<(), EngineError>;
}
