//! Rows of a snapshot into the catalog, on several threads.

use super::block::BlockReader;
use super::{SnapshotDamage, SnapshotError, SnapshotFile};
use crate::catalog::{Batch, Catalog, KeyAndRow, Tree};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// The most threads that store rows.
const THREADS_MAX: usize = 4;
/// Rows that a thread takes: so many that threads seldom meet at a place of the store.
const ROWS_AT_ONCE: usize = 8192;

type Rows = Vec<(Tree, KeyAndRow)>;

/// Replaces all rows of the catalog by those of a snapshot.
pub(super) fn load(catalog: &Catalog, file: &SnapshotFile) -> Result<(), SnapshotError> {
    catalog.empty()?;
    let mut reader = BlockReader::open(file)?;
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    let (sender, waiting) = sync_channel::<Rows>(threads);
    let waiting = Mutex::new(waiting);
    let marks = thread::scope(|scope| {
        let mut storing = Vec::new();
        for _ in 0..threads {
            let thread = thread::Builder::new().name("catalog-load".to_owned());
            let started = thread.spawn_scoped(scope, || store(catalog, &waiting));
            storing.push(started.map_err(|_| SnapshotError::Thread)?);
        }
        let marks = read(&mut reader, |rows| sender.send(rows).is_ok());
        drop(sender);
        for thread in storing {
            thread.join().map_err(|_| SnapshotError::Thread)??;
        }
        marks
    })?;
    Ok(catalog.finish_load(marks)?)
}

/// Reads all rows; gives back the mark of what is applied, which comes last.
fn read(reader: &mut BlockReader, take: impl Fn(Rows) -> bool) -> Result<Batch, SnapshotError> {
    let (mut marks, mut rows) = (Batch::new(), Rows::new());
    while let Some(block) = reader.next()? {
        for (number, key, row) in block {
            let tree = Tree::from_number(number)
                .ok_or_else(|| reader.damaged(SnapshotDamage::Tree { tree: number }))?;
            match Catalog::is_applied_mark(tree, &key) {
                true => drop(marks.insert((tree, key), Some(row))),
                false => rows.push((tree, (key, row))),
            }
        }
        if rows.len() >= ROWS_AT_ONCE && !take(std::mem::take(&mut rows)) {
            return Ok(Batch::new());
        }
    }
    take(rows);
    Ok(marks)
}

/// Stores rows until there are no more. After an error the others go on until all were read.
fn store(catalog: &Catalog, waiting: &Mutex<Receiver<Rows>>) -> Result<(), SnapshotError> {
    let mut stored = Ok(());
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(rows) if stored.is_ok() => stored = catalog.load(rows),
            Ok(_) => {}
            Err(_) => return Ok(stored?),
        }
    }
}
