//! Reading the audit log.

use super::leaf::LeafRow;
use super::{AuditKey, AuditKeyRow, AuditKind, AuditLeaf};
use crate::catalog::catalog::Catalog;
use crate::catalog::engine::KeyRange;
use crate::catalog::transaction::CatalogError;
use crate::id::MemberId;
use std::ops::Bound;

/// The most leaves that are looked at for a page.
const LOOKED_AT_MAX: usize = 2000;
/// The most keys that are listed: some of each member.
const KEYS_LISTED_MAX: usize = 10_000;

/// Which leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Of this user.
    pub user: Option<String>,
    /// Of this action.
    pub action: Option<String>,
    /// About this object.
    pub object: Option<String>,
    /// Of this kind.
    pub kind: Option<AuditKind>,
    /// Not before this time.
    pub from_ms: Option<u64>,
    /// Before this time.
    pub to_ms: Option<u64>,
    /// Behind this leaf, in the direction of the page.
    pub after: Option<u64>,
    /// Whether the newest come first.
    pub descending: bool,
    /// At most so many.
    pub limit: usize,
}

/// Some of the leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// They, in order.
    pub leaves: Vec<AuditLeaf>,
    /// For `after`, to go on; none after the last page. A page may be short or empty before that.
    pub next: Option<u64>,
}

impl AuditQuery {
    fn wants(&self, leaf: &AuditLeaf) -> bool {
        let is = |wanted: &Option<String>, actual: &String| wanted.as_ref().is_none_or(|one| one == actual);
        is(&self.user, &leaf.user)
            && is(&self.action, &leaf.action)
            && is(&self.object, &leaf.object)
            && self.kind.is_none_or(|kind| kind == leaf.kind)
    }
}

impl Catalog {
    /// A leaf of the audit log.
    pub fn audit_leaf(&self, number: u64) -> Result<Option<AuditLeaf>, CatalogError> {
        Ok(self.get::<LeafRow>(&number.to_be_bytes())?.map(|row| row.0))
    }

    /// A page of the audit log.
    pub fn audit_leaves(&self, query: &AuditQuery) -> Result<AuditPage, CatalogError> {
        let size = self.audit_head()?.map_or(0, |head| head.size);
        let number = |at_ms: Option<u64>, without| match at_ms {
            Some(at_ms) => self.audit_first_at(at_ms, size),
            None => Ok(without),
        };
        let (from, to) = (number(query.from_ms, 0)?, number(query.to_ms, size)?);
        let key = |number: u64| number.to_be_bytes().to_vec();
        let (from, to) = match (query.after, query.descending) {
            (Some(after), false) => (from.max(after.saturating_add(1)), to),
            (Some(after), true) => (from, to.min(after)),
            (None, _) => (from, to),
        };
        let range = KeyRange {
            from: Bound::Included(key(from)),
            to: Bound::Excluded(key(to)),
            descending: query.descending,
        };
        let rows: Vec<((), LeafRow)> = match from < to {
            true => self.list(range, LOOKED_AT_MAX, |_| Some(()))?,
            false => Vec::new(),
        };
        let is_all = rows.len() < LOOKED_AT_MAX;
        let (mut leaves, mut last) = (Vec::new(), None);
        for ((), LeafRow(leaf)) in rows {
            last = Some(leaf.number);
            if query.wants(&leaf) {
                leaves.push(leaf);
            }
            if leaves.len() >= query.limit {
                return Ok(AuditPage { leaves, next: last });
            }
        }
        Ok(AuditPage { leaves, next: last.filter(|_| !is_all) })
    }

    /// The keys with which members sign, or signed, checkpoints, by member.
    pub fn audit_keys(&self) -> Result<Vec<(AuditKey, AuditKeyRow)>, CatalogError> {
        self.list(KeyRange::all(), KEYS_LISTED_MAX, |key| {
            let (member, public_key) = key.split_first_chunk()?;
            let member = MemberId(u64::from_be_bytes(*member));
            Some(AuditKey { member, public_key: public_key.try_into().ok()? })
        })
    }

    /// The first of so many leaves that is not before a time; their number when all are. The cluster's time never goes
    /// back, so they stand in its order.
    fn audit_first_at(&self, at_ms: u64, size: u64) -> Result<u64, CatalogError> {
        let (mut low, mut high) = (0, size);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.audit_leaf(middle)?.is_some_and(|leaf| leaf.at_ms < at_ms) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        Ok(low)
    }
}
