//! The tree over the leaves: its right edge in one row, the roots of its complete subtrees by level and index. So an
//! append, a root and a proof take as many rows as the tree has levels.

use super::leaf::LeafRow;
use crate::catalog::catalog::Catalog;
use crate::catalog::engine::Tree;
use crate::catalog::row::{Row, RowError};
use crate::catalog::transaction::{CatalogError, Transaction};
use crate::chunk::Hash;
use crate::chunk::merkle::node_hash;
use serde::{Deserialize, Serialize};

/// How far the audit log is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    /// How many leaves it has.
    pub size: u64,
    /// The roots of its complete subtrees, the largest first: one for each bit set in `size`.
    peaks: Vec<[u8; 32]>,
    /// When it was last said that it goes on, in the cluster's time.
    pub heartbeat_ms: Option<u64>,
}

impl AuditHead {
    const KEY: &[u8] = b"audit.head";

    /// The root over all leaves; SHA-256 of nothing when there are none.
    pub fn root(&self) -> Hash {
        let peaks = self.peaks.iter().rev().copied().map(Hash);
        peaks.reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(|| Hash::of(&[]))
    }

    /// Whether it is time to say that the log goes on.
    pub fn is_heartbeat_due(&self, now_ms: u64) -> bool {
        self.heartbeat_ms.is_none_or(|at_ms| now_ms.saturating_sub(at_ms) >= super::HEARTBEAT_MS)
    }
}

impl Row for AuditHead {
    const TREE: Tree = Tree::Meta;
}

/// The root of a complete subtree of two leaves or more.
#[derive(Debug, Serialize, Deserialize)]
struct NodeRow {
    hash: [u8; 32],
}

impl Row for NodeRow {
    const TREE: Tree = Tree::AuditNodes;
}

/// How far the log is; none before it has begun.
pub(super) fn head(rows: &Transaction<'_>) -> Result<Option<AuditHead>, CatalogError> {
    rows.get(AuditHead::KEY)
}

/// Adds a leaf's hash on the right edge.
pub(super) fn push(rows: &mut Transaction<'_>, head: &mut AuditHead, leaf: Hash) -> Result<(), RowError> {
    let mut peak = leaf;
    for level in 1..=head.size.trailing_ones() {
        // A peak stands for each bit of the size, so one for each trailing one.
        let Some(left) = head.peaks.pop() else { break };
        peak = node_hash(&Hash(left), &peak);
        rows.put(&node_key(level, head.size >> level), &NodeRow { hash: peak.0 })?;
    }
    head.peaks.push(peak.0);
    head.size += 1;
    rows.put(AuditHead::KEY, head)
}

/// Leaves from one number to before another.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: u64,
    to: u64,
}

impl Span {
    fn count(self) -> u64 {
        self.to - self.from
    }

    /// The two parts of a span of more than one leaf: the left one is the greatest complete subtree that is not all.
    fn halves(self) -> (Self, Self) {
        let middle = self.from + self.count().next_power_of_two() / 2;
        (Self { to: middle, ..self }, Self { from: middle, ..self })
    }
}

impl Catalog {
    /// How far the audit log is; none before it has begun.
    pub fn audit_head(&self) -> Result<Option<AuditHead>, CatalogError> {
        self.get(AuditHead::KEY)
    }

    /// The root over the first `size` leaves; none when there are fewer.
    pub fn audit_root(&self, size: u64) -> Result<Option<Hash>, CatalogError> {
        match self.audit_head()?.is_some_and(|head| size <= head.size) {
            true if size == 0 => Ok(Some(Hash::of(&[]))),
            true => self.subtree(Span { from: 0, to: size }).map(Some),
            false => Ok(None),
        }
    }

    /// The path from a leaf to the root over the first `size` leaves, nearest sibling first (RFC 6962, 2.1.1); none when
    /// there is no such leaf or size.
    pub fn audit_inclusion(&self, leaf: u64, size: u64) -> Result<Option<Vec<Hash>>, CatalogError> {
        if leaf >= size || self.audit_head()?.is_none_or(|head| size > head.size) {
            return Ok(None);
        }
        let (mut span, mut path) = (Span { from: 0, to: size }, Vec::new());
        while span.count() > 1 {
            let (left, right) = span.halves();
            let (inside, sibling) = if leaf < left.to { (left, right) } else { (right, left) };
            path.push(self.subtree(sibling)?);
            span = inside;
        }
        path.reverse();
        Ok(Some(path))
    }

    /// What shows that the first `from` leaves are a beginning of the first `to` (RFC 6962, 2.1.2); none when `from` is 0
    /// or there are not as many.
    pub fn audit_consistency(&self, from: u64, to: u64) -> Result<Option<Vec<Hash>>, CatalogError> {
        if from == 0 || from > to || self.audit_head()?.is_none_or(|head| to > head.size) {
            return Ok(None);
        }
        let (mut span, mut path) = (Span { from: 0, to }, Vec::new());
        while from != span.to {
            let (left, right) = span.halves();
            let (inside, sibling) = if from <= left.to { (left, right) } else { (right, left) };
            path.push(self.subtree(sibling)?);
            span = inside;
        }
        // The root of all of the older tree is known to whoever asks.
        if span.from > 0 {
            path.push(self.subtree(span)?);
        }
        path.reverse();
        Ok(Some(path))
    }

    /// The root over a span that the halves of a tree have made.
    fn subtree(&self, span: Span) -> Result<Hash, CatalogError> {
        if !span.count().is_power_of_two() {
            let (left, right) = span.halves();
            return Ok(node_hash(&self.subtree(left)?, &self.subtree(right)?));
        }
        let level = span.count().trailing_zeros();
        let missing = |tree| CatalogError::Row(RowError::Missing { tree });
        if level == 0 {
            let leaf: Option<LeafRow> = self.get(&span.from.to_be_bytes())?;
            return Ok(leaf.ok_or(missing(Tree::AuditLeaves))?.0.hash());
        }
        let node: Option<NodeRow> = self.get(&node_key(level, span.from >> level))?;
        Ok(Hash(node.ok_or(missing(Tree::AuditNodes))?.hash))
    }
}

/// Level, then index.
fn node_key(level: u32, index: u64) -> Vec<u8> {
    let level = u8::try_from(level).unwrap_or(u8::MAX);
    [&[level][..], &index.to_be_bytes()].concat()
}
