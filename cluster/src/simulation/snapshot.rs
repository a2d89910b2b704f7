//! Snapshots of a member's catalog, from which its next process is rebuilt.

use super::node::{Node, Process};
use crate::catalog::{Batch, Catalog, Tree};

/// Rows that are written down before others may be applied, when nothing keeps a snapshot as it was when it began.
const TORN_ROWS: usize = 3;

/// The rows of a catalog, and how much of the log they hold.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot {
    pub(crate) applied: usize,
    rows: Batch,
    after: Option<(Tree, Vec<u8>)>,
}

impl Snapshot {
    /// Puts its rows into an empty catalog.
    pub(crate) fn load(&self, catalog: &Catalog) {
        catalog.load(self.rows.clone()).expect("rows in memory do not fail");
    }

    /// Writes some more rows down; whether these were the last.
    fn write(&mut self, catalog: &Catalog, limit: usize) -> bool {
        let rows = catalog.dump_some(self.after.as_ref(), limit).expect("rows in memory do not fail");
        let Some((tree, (key, _))) = rows.last() else { return true };
        self.after = Some((*tree, key.clone()));
        self.rows.extend(rows.into_iter().map(|(tree, (key, row))| ((tree, key), Some(row))));
        false
    }
}

impl Process {
    /// Writes a snapshot down: at once, since entries wait meanwhile, or a little of it.
    fn write_snapshot(&mut self, is_torn: bool) -> Option<Snapshot> {
        let applied = self.applied;
        let mut snapshot = self.snapshot.take().unwrap_or(Snapshot { applied, ..Snapshot::default() });
        let is_done = match is_torn {
            true => snapshot.write(&self.catalog, TORN_ROWS),
            false => {
                while !snapshot.write(&self.catalog, usize::MAX) {}
                true
            }
        };
        match is_done {
            true => Some(snapshot),
            false => {
                self.snapshot = Some(snapshot);
                None
            }
        }
    }
}

impl Node {
    /// The member goes on with its snapshot; whether one is under way.
    pub(crate) fn snapshot(&mut self, is_torn: bool) -> bool {
        let Some(process) = &mut self.process else { return false };
        match process.write_snapshot(is_torn) {
            Some(snapshot) => {
                self.snapshot = Some(snapshot);
                false
            }
            None => true,
        }
    }
}
