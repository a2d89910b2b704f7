//! Batches: what shares a sync, what goes past the journal, and what a failed sync ends.

use super::*;
use crate::chunk::disk::MemoryDisk;
use crate::chunk::key::{DataKey, KeyPurpose};
use crate::chunk::{RecordSealer, Writer};
use crate::id::{ChunkNumber, RecordingId};
use std::sync::Arc;

const RECORDING: RecordingId = RecordingId([9; 16]);

fn open(disk: &MemoryDisk) -> (Shelf, Found) {
    Shelf::open(Volume::new(Arc::new(disk.clone()), ""), JournalLimits::default()).unwrap()
}

fn header(number: u32) -> ChunkHeader {
    let id = ChunkId { object: RECORDING.into(), number: ChunkNumber(number), epoch: Epoch(1) };
    ChunkHeader { id, offset: 0 }
}

/// Creates a chunk and writes so many bytes to it.
fn write(shelf: &mut Shelf, number: u32, length: usize) -> ChunkId {
    let key = DataKey::generate(RECORDING, KeyPurpose::Bytes, &ring::rand::SystemRandom::new()).unwrap();
    let mut writer = Writer::new(RecordSealer::new(&key, header(number)).unwrap());
    let mut records = Vec::new();
    writer.push(&vec![7; length], &mut records).unwrap();
    records.extend(writer.flush().unwrap());
    let id = header(number).id;
    shelf.create(header(number)).unwrap();
    shelf.write(id, &records).unwrap();
    id
}

#[test]
fn what_is_written_before_a_batch_shares_its_sync_and_what_comes_later_waits_for_the_next() {
    let disk = MemoryDisk::default();
    let mut shelf = open(&disk).0;
    let before: Vec<ChunkId> = (0..20).map(|number| write(&mut shelf, number, 500)).collect();
    let syncs = disk.syncs();
    let batch = shelf.begin(0).unwrap();
    let late = write(&mut shelf, 20, 500);
    assert!(shelf.begin(0).is_none(), "one batch is under way at a time");
    shelf.end(batch.run().unwrap());
    assert_eq!(disk.syncs() - syncs, 22, "each new file, their folder, and the journal");
    disk.cut_power(&mut |_| 0);
    let (shelf, found) = open(&disk);
    assert_eq!(before.iter().map(|chunk| shelf.records(*chunk)).collect::<Vec<_>>(), vec![Some(1); 20]);
    assert_eq!(shelf.records(late), None);
    assert_eq!((found.whole.len(), found.damaged, found.missing), (20, vec![], vec![]));
}

#[test]
fn a_large_write_is_durable_without_the_journal() {
    let disk = MemoryDisk::default();
    let mut shelf = open(&disk).0;
    let chunk = write(&mut shelf, 0, 300_000);
    let journal = |disk: &MemoryDisk| {
        let of = |path: &std::path::PathBuf| path.starts_with("journal");
        disk.contents(&disk.paths().into_iter().find(of).unwrap()).unwrap()
    };
    let (syncs, told) = (disk.syncs(), journal(&disk));
    let batch = shelf.begin(0).unwrap();
    shelf.end(batch.run().unwrap());
    assert_eq!((disk.syncs() - syncs, journal(&disk)), (3, told), "the new file, its folder, its records");
    disk.cut_power(&mut |_| 0);
    assert_eq!(open(&disk).0.records(chunk), Some(5));
}

#[test]
fn a_failed_sync_ends_the_shelf() {
    let disk = MemoryDisk::default();
    let mut shelf = open(&disk).0;
    write(&mut shelf, 0, 10);
    let batch = shelf.begin(0).unwrap();
    disk.fail_syncs();
    let fatal = batch.run().unwrap_err();
    assert_eq!(shelf.store().failed(), Some(&fatal));
    assert!(matches!(shelf.create(header(1)), Err(CreateError::Disk(DiskError::Fatal(_)))));
}

#[test]
fn a_new_file_is_neither_closed_nor_removed_before_it_has_its_name() {
    let disk = MemoryDisk::default();
    let mut shelf = open(&disk).0;
    let chunk = write(&mut shelf, 0, 10);
    let committed = shelf.closing(chunk).unwrap();
    assert_eq!(shelf.settle(chunk, &committed), Settled::Later);
    shelf.discard(chunk).unwrap();
    assert_eq!(shelf.records(chunk), Some(1));
    let durable = shelf.begin(0).unwrap().run().unwrap();
    shelf.end(durable);
    assert_eq!(shelf.settle(chunk, &committed), Settled::Closing);
    assert!(!shelf.store().is_closed(chunk).unwrap());
    for closing in shelf.closings() {
        shelf.closed(closing.run().unwrap()).unwrap();
    }
    assert!(shelf.store().is_closed(chunk).unwrap() && shelf.is_settled());
}

#[test]
fn a_retired_segment_goes_with_the_batch_after_its_chunks_are_synced() {
    let disk = MemoryDisk::default();
    let limits = JournalLimits { segment_age_ms: 100, ..JournalLimits::default() };
    let (mut shelf, _) = Shelf::open(Volume::new(Arc::new(disk.clone()), ""), limits).unwrap();
    let segments = || disk.paths().iter().filter(|path| path.starts_with("journal")).count();
    let chunk = write(&mut shelf, 0, 500);
    let mut retirement = None;
    for now_ms in [0, 200] {
        let mut durable = shelf.begin(now_ms).unwrap().run().unwrap();
        retirement = retirement.or(durable.take_retirement());
        shelf.end(durable);
    }
    assert_eq!(segments(), 2);
    shelf.retired(retirement.unwrap().run().unwrap());
    let durable = shelf.begin(300).unwrap().run().unwrap();
    shelf.end(durable);
    assert_eq!(segments(), 1);
    disk.cut_power(&mut |_| 0);
    assert_eq!(open(&disk).0.records(chunk), Some(1));
}

#[test]
fn a_promise_that_a_full_disk_did_not_take_is_kept_once_there_is_room() {
    let disk = MemoryDisk::default();
    let mut shelf = open(&disk).0;
    let (chunk, epoch) = (header(0).id, Epoch(2));
    let batch = |shelf: &mut Shelf| {
        let durable = shelf.begin(0).unwrap().run().unwrap();
        shelf.end(durable);
        (shelf.is_fenced(chunk, epoch), shelf.is_full())
    };
    disk.limit_free_bytes(Some(0));
    shelf.fence(chunk, epoch);
    assert_eq!(batch(&mut shelf), (false, true));
    disk.limit_free_bytes(None);
    assert_eq!(batch(&mut shelf), (true, false));
}
