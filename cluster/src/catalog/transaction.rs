//! Changes in the making: the rows of a batch as the commands of that batch see them.

use super::engine::{Batch, Engine, EngineError, KeyRange, Tree};
use super::row::{self, Row, RowError};
use std::collections::BTreeMap;

/// Why the catalog cannot be read or written. It stops a member; it is never an answer to a command.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CatalogError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A row is damaged or cannot be written.
    #[error(transparent)]
    Row(#[from] RowError),
}

/// Rows over an engine: those of earlier commands of the batch, and those of the command at work.
#[derive(Debug)]
pub(crate) struct Transaction<'a> {
    engine: &'a dyn Engine,
    batch: Batch,
    command: Batch,
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(engine: &'a dyn Engine) -> Self {
        Self { engine, batch: Batch::new(), command: Batch::new() }
    }

    pub(crate) fn get<R: Row>(&self, key: &[u8]) -> Result<Option<R>, CatalogError> {
        let Some(bytes) = self.bytes(R::TREE, key)? else { return Ok(None) };
        Ok(Some(row::decode(key, &bytes)?))
    }

    pub(crate) fn put<R: Row>(&mut self, key: &[u8], row: &R) -> Result<(), RowError> {
        let bytes = row::encode(key, row)?;
        self.command.insert((R::TREE, key.to_vec()), Some(bytes));
        Ok(())
    }

    pub(crate) fn remove(&mut self, tree: Tree, key: &[u8]) {
        self.command.insert((tree, key.to_vec()), None);
    }

    /// A row of an index, which is all key.
    pub(crate) fn put_key(&mut self, tree: Tree, key: Vec<u8>) {
        self.put_bytes(tree, key, Vec::new());
    }

    /// A row of an index as it is stored.
    pub(crate) fn put_bytes(&mut self, tree: Tree, key: Vec<u8>, row: Vec<u8>) {
        self.command.insert((tree, key), Some(row));
    }

    pub(crate) fn has_key(&self, tree: Tree, key: &[u8]) -> Result<bool, CatalogError> {
        Ok(self.bytes(tree, key)?.is_some())
    }

    /// The rows whose keys begin with a prefix, in order, at most `limit`.
    pub(crate) fn list<R: Row>(
        &self,
        prefix: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, R)>, CatalogError> {
        let stored = self.engine.scan(
            R::TREE,
            KeyRange::prefix(prefix),
            limit + self.batch.len() + self.command.len(),
        )?;
        let mut rows: BTreeMap<Vec<u8>, Option<Vec<u8>>> =
            stored.into_iter().map(|(key, row)| (key, Some(row))).collect();
        for (tree_and_key, row) in self.batch.iter().chain(&self.command) {
            let (tree, key) = tree_and_key;
            if *tree == R::TREE && key.starts_with(prefix) {
                rows.insert(key.clone(), row.clone());
            }
        }
        let rows = rows.into_iter().filter_map(|(key, row)| Some((key, row?))).take(limit);
        rows.map(|(key, bytes)| Ok((key.clone(), row::decode(&key, &bytes)?))).collect()
    }

    /// Keeps what the command at work has changed.
    pub(crate) fn keep(&mut self) {
        self.batch.append(&mut self.command);
    }

    /// Forgets what the command at work has changed.
    pub(crate) fn forget(&mut self) {
        self.command.clear();
    }

    /// All that was kept.
    pub(crate) fn into_batch(self) -> Batch {
        self.batch
    }

    /// A row as it is stored.
    pub(super) fn bytes(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, CatalogError> {
        let place = (tree, key.to_vec());
        match self.command.get(&place).or_else(|| self.batch.get(&place)) {
            Some(row) => Ok(row.clone()),
            None => Ok(self.engine.get(tree, key)?),
        }
    }
}
