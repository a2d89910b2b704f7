use super::{Batch, Engine, EngineError, KeyAndRow, KeyRange, Tree};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Trees in memory, for simulation and tests; they end with the process.
#[derive(Debug, Default)]
pub struct MemoryEngine {
    trees: RwLock<BTreeMap<Tree, Rows>>,
}

impl MemoryEngine {
    /// Without rows.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Engine for MemoryEngine {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        let trees = self.trees.read().unwrap_or_else(PoisonError::into_inner);
        Ok(trees.get(&tree).and_then(|rows| rows.get(key)).cloned())
    }

    fn scan(&self, tree: Tree, range: KeyRange, limit: usize) -> Result<Vec<KeyAndRow>, EngineError> {
        let trees = self.trees.read().unwrap_or_else(PoisonError::into_inner);
        let Some(rows) = trees.get(&tree).filter(|_| !range.is_empty()) else {
            return Ok(Vec::new());
        };
        let rows = rows.range((range.from, range.to)).map(|(key, row)| (key.clone(), row.clone()));
        Ok(match range.descending {
            true => rows.rev().take(limit).collect(),
            false => rows.take(limit).collect(),
        })
    }

    fn commit(&self, batch: Batch) -> Result<(), EngineError> {
        let mut trees = self.trees.write().unwrap_or_else(PoisonError::into_inner);
        for ((tree, key), row) in batch {
            let rows = trees.entry(tree).or_default();
            match row {
                Some(row) => rows.insert(key, row),
                None => rows.remove(&key),
            };
        }
        Ok(())
    }

    fn load(&self, rows: Vec<(Tree, KeyAndRow)>) -> Result<(), EngineError> {
        self.commit(rows.into_iter().map(|(tree, (key, row))| ((tree, key), Some(row))).collect())
    }

    fn clear(&self) -> Result<(), EngineError> {
        self.trees.write().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    fn bytes(&self) -> Result<u64, EngineError> {
        Ok(0)
    }

    fn renew(&self, _: &dyn Fn() -> bool) -> Result<bool, EngineError> {
        Ok(true)
    }

    fn close(&self) -> Result<(), EngineError> {
        Ok(())
    }
}
