//! Parts of the columns of numbers.

use crate::catalog::engine::KeyRange;
use std::ops::Bound;

/// Part of a column of numbers. A session that has no number yet is in none but the whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// At least so much.
    pub from: Option<u64>,
    /// Less than that.
    pub before: Option<u64>,
}

impl Span {
    pub(super) fn is_whole(self) -> bool {
        self == Self::default()
    }

    pub(super) fn admits(self, number: Option<u64>) -> bool {
        let is_inside = |number| {
            self.from.is_none_or(|from| number >= from) && self.before.is_none_or(|before| number < before)
        };
        self.is_whole() || number.is_some_and(is_inside)
    }

    /// The keys of its numbers.
    pub(super) fn keys(self, descending: bool) -> KeyRange {
        let at = |number: u64| number.to_be_bytes().to_vec();
        // What has no number stands behind all that have one.
        let before = self.before.or((!self.is_whole()).then_some(u64::MAX));
        KeyRange {
            from: self.from.map_or(Bound::Unbounded, |from| Bound::Included(at(from))),
            to: before.map_or(Bound::Unbounded, |before| Bound::Excluded(at(before))),
            descending,
        }
    }
}
