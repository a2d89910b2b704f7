//! The catalog as it was at one moment, read bit by bit while entries go on being applied.

use super::catalog::Catalog;
use super::engine::{Batch, Engine, KeyAndRow, Tree};
use super::transaction::CatalogError;

/// What the rows are about that are kept as they were, at most, before entries have to wait.
const BEFORE_BYTES_MAX: usize = 64 << 20;
/// What a kept row costs beside its bytes.
const BEFORE_OVERHEAD_BYTES: usize = 128;

/// Where a row stands.
pub(crate) type RowPlace = (Tree, Vec<u8>);

/// The rows at the moment when it was made. Whoever changes rows tells it before ([`Frozen::keep`]); nothing changes
/// while it is told or asked.
#[derive(Debug, Default)]
pub(crate) struct Frozen {
    read: Read,
    /// The before-images: rows that are not read yet and have changed, as they were; none where there was no row.
    before: Batch,
    before_bytes: usize,
}

/// How far it was read, in the order of trees and keys.
#[derive(Debug, Default)]
enum Read {
    #[default]
    Nothing,
    UpTo(RowPlace),
    All,
}

impl Frozen {
    /// Some rows are about to change.
    pub(crate) fn keep(&mut self, engine: &dyn Engine, changes: &Batch) -> Result<(), CatalogError> {
        for place in changes.keys() {
            let is_read = match &self.read {
                Read::Nothing => false,
                Read::UpTo(read) => place <= read,
                Read::All => true,
            };
            if is_read || self.before.contains_key(place) {
                continue;
            }
            let (tree, key) = place;
            let row = engine.get(*tree, key)?;
            self.before_bytes += weight(place, row.as_ref());
            self.before.insert(place.clone(), row);
        }
        Ok(())
    }

    /// Whether so many rows are kept that nothing may change until more of them are read.
    pub(crate) fn is_full(&self) -> bool {
        self.before_bytes > BEFORE_BYTES_MAX
    }

    /// The next rows as they were, found by looking at `limit` rows as they are; none after the last.
    pub(crate) fn next(
        &mut self,
        catalog: &Catalog,
        limit: usize,
    ) -> Result<Option<Vec<(Tree, KeyAndRow)>>, CatalogError> {
        let behind = match &self.read {
            Read::Nothing => None,
            Read::UpTo(read) => Some(read),
            Read::All => return Ok(None),
        };
        let found = catalog.dump_some(behind, limit)?;
        let last = found.last().filter(|_| found.len() == limit).map(|(tree, (key, _))| (*tree, key.clone()));
        let mut rows: Batch = found.into_iter().map(|(tree, (key, row))| ((tree, key), Some(row))).collect();
        rows.append(&mut self.take_before(last.as_ref()));
        self.read = last.map_or(Read::All, Read::UpTo);
        Ok(Some(rows.into_iter().filter_map(|((tree, key), row)| Some((tree, (key, row?)))).collect()))
    }

    /// Takes the before-images up to a place, or all.
    fn take_before(&mut self, last: Option<&RowPlace>) -> Batch {
        let behind = match last {
            Some((tree, key)) => {
                let next_key = [key.as_slice(), &[0]].concat();
                self.before.split_off(&(*tree, next_key))
            }
            None => Batch::new(),
        };
        let taken = std::mem::replace(&mut self.before, behind);
        self.before_bytes -= taken.iter().map(|(place, row)| weight(place, row.as_ref())).sum::<usize>();
        taken
    }
}

fn weight((_, key): &RowPlace, row: Option<&Vec<u8>>) -> usize {
    BEFORE_OVERHEAD_BYTES + key.len() + row.map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::MemoryEngine;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn changes() -> impl Strategy<Value = Batch> {
        let tree = prop::sample::select(vec![Tree::Meta, Tree::Sessions, Tree::Gaps]);
        let key = prop::collection::vec(0..3_u8, 0..3);
        let row = prop::option::of(prop::collection::vec(any::<u8>(), 0..3));
        prop::collection::btree_map((tree, key), row, 0..12)
    }

    fn rows(catalog: &Catalog) -> Vec<(Tree, KeyAndRow)> {
        catalog.dump_some(None, usize::MAX).unwrap()
    }

    proptest! {
        #[test]
        fn whatever_changes_meanwhile_the_rows_are_read_as_they_were(
            first in changes(),
            later in prop::collection::vec((changes(), 0..4_usize), 0..12),
        ) {
            let engine = Arc::new(MemoryEngine::new());
            engine.commit(first).unwrap();
            let catalog = Catalog::new(engine.clone());
            let expected = rows(&catalog);
            let mut frozen = Frozen::default();
            let mut found = Vec::new();
            for (changes, limit) in later {
                if limit > 0 {
                    found.extend(frozen.next(&catalog, limit).unwrap().into_iter().flatten());
                }
                frozen.keep(&*engine, &changes).unwrap();
                engine.commit(changes).unwrap();
            }
            while let Some(rows) = frozen.next(&catalog, 2).unwrap() {
                found.extend(rows);
            }
            prop_assert_eq!(found, expected);
            prop_assert_eq!(frozen.before_bytes, 0);
        }
    }

    #[test]
    fn it_is_full_until_what_has_changed_is_read() {
        let engine = Arc::new(MemoryEngine::new());
        let keys = || (0..=u8::MAX).map(|key| (Tree::Sessions, vec![key]));
        let long = vec![7; BEFORE_BYTES_MAX / 256];
        engine.commit(keys().map(|place| (place, Some(long.clone()))).collect()).unwrap();
        let catalog = Catalog::new(engine.clone());
        let mut frozen = Frozen::default();
        let gone: Batch = keys().map(|place| (place, None)).collect();
        frozen.keep(&*engine, &gone).unwrap();
        engine.commit(gone).unwrap();
        assert!(frozen.is_full());
        assert_eq!(frozen.next(&catalog, 9).unwrap().unwrap().len(), 256);
        assert!(!frozen.is_full());
    }
}
