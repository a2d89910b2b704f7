//! Finds rows that moved up or down as one block.

use super::look::Look;
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// Fewer rows than this are drawn anew.
const ROWS_MIN: usize = 3;

/// Rows that were seen elsewhere before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scroll {
    /// The first row of the block, where it is.
    pub(super) top: usize,
    /// Rows of the block.
    pub(super) rows: usize,
    /// Its first row, where it was.
    pub(super) from: usize,
}

/// The largest block of changed rows that stood elsewhere, if it is worth its while. Rows that all look alike do not count.
pub(super) fn scrolled(before: &[Look], now: &[Look], columns: usize) -> Option<Scroll> {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let hashes = |looks: &[Look]| -> Vec<u64> {
        looks.chunks(columns.max(1)).map(|row| hasher.hash_one(row)).collect()
    };
    let (old, new) = (hashes(before), hashes(now));
    if old.iter().zip(&new).filter(|(old, new)| old != new).count() < ROWS_MIN {
        return None;
    }
    let mut places: HashMap<u64, Option<usize>> = HashMap::new();
    for (row, hash) in old.iter().enumerate() {
        // Of rows that are there twice it is not known which moved.
        places.entry(*hash).and_modify(|place| *place = None).or_insert(Some(row));
    }
    let mut votes: HashMap<isize, usize> = HashMap::new();
    for (row, hash) in new.iter().enumerate().filter(|(row, hash)| old.get(*row) != Some(hash)) {
        if let Some(by) = places.get(hash).copied().flatten().and_then(|from| row.checked_signed_diff(from)) {
            *votes.entry(by).or_default() += 1;
        }
    }
    // The order of a map is not known: among equals the shortest way, then upwards.
    let (&by, _) = votes.iter().max_by_key(|&(&by, &count)| (count, std::cmp::Reverse((by.abs(), by))))?;
    block(&old, &new, by).filter(|scroll| scroll.rows >= ROWS_MIN)
}

/// The longest row of rows that moved by so many.
fn block(old: &[u64], new: &[u64], by: isize) -> Option<Scroll> {
    let mut best: Option<Scroll> = None;
    let mut begun: Option<Scroll> = None;
    for row in 0..new.len() {
        let from = row.checked_add_signed(-by);
        let moved = from.filter(|&from| old.get(from).is_some() && old.get(from) == new.get(row));
        begun = match (moved, begun) {
            (Some(_), Some(scroll)) => Some(Scroll { rows: scroll.rows + 1, ..scroll }),
            (Some(from), None) => Some(Scroll { top: row, rows: 1, from }),
            (None, _) => None,
        };
        if begun.map_or(0, |scroll| scroll.rows) > best.map_or(0, |scroll| scroll.rows) {
            best = begun;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::terminal::Theme;

    fn rows(text: &str) -> Vec<Look> {
        let empty = Look::empty(&Theme::default());
        text.chars().flat_map(|character| [Look { character, ..empty }, empty]).collect()
    }

    fn found(before: &str, now: &str) -> Option<(usize, usize, usize)> {
        scrolled(&rows(before), &rows(now), 2).map(|Scroll { top, rows, from }| (top, rows, from))
    }

    #[test]
    fn a_block_that_moved_is_found() {
        assert_eq!(found("abcdefgh", "bcdefghi"), Some((0, 7, 1)));
        assert_eq!(found("abcdefgh", "xabcdefg"), Some((1, 7, 0)));
        // Between a first and a last row that stay.
        assert_eq!(found("1bcdefg2", "1defgxy2"), Some((1, 4, 3)));
        assert_eq!(found("abcdefgh", "abcdefgh"), None);
        assert_eq!(found("abcdefgh", "ABCDEFGH"), None);
        assert_eq!(found("abcd    ", "efgh    "), None);
    }
}
