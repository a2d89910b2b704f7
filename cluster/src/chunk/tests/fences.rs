//! Fences are promises: they outlive power cuts, and the segments of the journal that first told them.

use std::collections::BTreeMap;

use super::*;
use crate::chunk::journal::{Journal, JournalLimits};

fn reopen(disk: &MemoryDisk) -> (ChunkStore, Journal) {
    let store = store_on(disk);
    let (journal, _) = Journal::open(&store, JournalLimits::default()).unwrap();
    (store, journal)
}

#[test]
fn a_fence_outlives_power_cuts_and_segments() {
    let disk = MemoryDisk::default();
    let (_, mut journal) = reopen(&disk);
    journal.fence(chunk_id(0), Epoch(4));
    journal.fence(chunk_id(0), Epoch(3));
    assert!(!journal.has_durable_fence(chunk_id(0), Epoch(4)));
    journal.commit(&[], 0).unwrap();
    assert!(journal.has_durable_fence(chunk_id(0), Epoch(4)));
    for round in 0..3 {
        let retired = journal.rotate().unwrap().run().unwrap();
        assert!(
            journal.has_durable_fence(chunk_id(0), Epoch(4)),
            "the segment before tells it, round {round}"
        );
        journal.retire(retired).unwrap();
        disk.cut_power(&mut |_| 0);
        journal = reopen(&disk).1;
        assert_eq!(journal.fences(), &BTreeMap::from([(chunk_id(0), Epoch(4))]), "round {round}");
        assert!(journal.has_durable_fence(chunk_id(0), Epoch(4)), "round {round}");
    }
    let segments = disk.paths().into_iter().filter(|path| path.starts_with("journal")).count();
    assert_eq!(segments, 1);
}

#[test]
fn a_fence_that_a_full_disk_does_not_take_is_not_durable_and_keeps_the_segments_that_tell_it() {
    let disk = MemoryDisk::default();
    let (_, mut journal) = reopen(&disk);
    journal.fence(chunk_id(0), Epoch(2));
    journal.commit(&[], 0).unwrap();
    let retired = journal.rotate().unwrap().run().unwrap();
    disk.limit_free_bytes(Some(0));
    journal.fence(chunk_id(1), Epoch(2));
    journal.retire(retired).unwrap();
    assert!(!journal.has_durable_fence(chunk_id(1), Epoch(2)));
    disk.cut_power(&mut |_| 0);
    disk.limit_free_bytes(None);
    assert_eq!(reopen(&disk).1.fences(), &BTreeMap::from([(chunk_id(0), Epoch(2))]));
}

#[test]
fn the_fence_of_a_chunk_that_is_closed_here_is_dropped_at_a_start() {
    let disk = MemoryDisk::default();
    let (store, mut journal) = reopen(&disk);
    let open = store.create(header(0, 0)).unwrap();
    journal.fence(chunk_id(0), Epoch(2));
    journal.commit(&[], 0).unwrap();
    let committed = open.closing();
    store.close(open, &committed).unwrap();
    assert_eq!(reopen(&disk).1.fences(), &BTreeMap::new());
}
