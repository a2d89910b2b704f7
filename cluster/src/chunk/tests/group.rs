//! Group commit with threads, on real files and on the disk in memory.

use std::sync::mpsc::channel;
use std::thread;

use super::*;
use crate::chunk::disk::{Disk, RealDisk};
use crate::chunk::journal::{
    Committer, Journal, JournalHandle, JournalLimits, NotDurable, Retirer, group_commit,
};

fn member(
    disk: Arc<dyn Disk>,
    root: &Path,
    limits: JournalLimits,
) -> (ChunkStore, JournalHandle, Committer, Retirer) {
    let store = ChunkStore::open(Volume::new(disk, root)).unwrap();
    let (journal, recovered) = Journal::open(&store, limits).unwrap();
    assert!(recovered.is_empty());
    let (handle, committer, retirer) = group_commit(journal);
    (store, handle, committer, retirer)
}

fn appender(store: &ChunkStore, number: u32) -> (OpenChunk, RecordSealer) {
    let open = store.create(header(number, 0)).unwrap();
    (open, RecordSealer::new(&data_key(), header(number, 0)).unwrap())
}

#[test]
fn many_appenders_share_syncs_and_segments_come_and_go() {
    const APPENDERS: u32 = 16;
    const APPENDS: u64 = 60;
    let disk = MemoryDisk::default();
    let limits = JournalLimits { segment_bytes: 100_000, ..JournalLimits::default() };
    let (store, handle, committer, retirer) = member(Arc::new(disk.clone()), Path::new(""), limits);
    thread::scope(|scope| {
        let committer = scope.spawn(|| committer.run());
        let retirer = scope.spawn(|| retirer.run());
        let appenders: Vec<_> = (0..APPENDERS)
            .map(|number| {
                let (store, handle) = (&store, handle.clone());
                scope.spawn(move || {
                    let (mut open, mut sealer) = appender(store, number);
                    for _ in 0..APPENDS {
                        let record = sealer.seal(&noise(1000)).unwrap();
                        handle.append_and_wait(&mut open, &[record]).unwrap().unwrap();
                    }
                    open.end()
                })
            })
            .collect();
        for appender in appenders {
            assert_eq!(appender.join().unwrap(), 1000 * APPENDS);
        }
        drop(handle);
        assert_eq!(committer.join().unwrap(), Ok(()));
        assert_eq!(retirer.join().unwrap(), Ok(()));
    });
    let segments = disk.paths().into_iter().filter(|path| path.starts_with("journal")).count();
    assert!((1..4).contains(&segments), "{segments} segments hold 1 MB");

    disk.cut_power(&mut |_| 0);
    let (_, recovered) = Journal::open(&store_on(&disk), limits).unwrap();
    assert_eq!(recovered.len(), 16);
    for Recovered { outcome, .. } in recovered {
        assert_eq!(outcome.unwrap().end(), 1000 * APPENDS);
    }
}

#[test]
fn appends_that_wait_together_take_one_sync() {
    let disk = MemoryDisk::default();
    let (store, handle, committer, _retirer) =
        member(Arc::new(disk.clone()), Path::new(""), JournalLimits::default());
    let (sender, receiver) = channel();
    let mut opens: Vec<_> = (0..20).map(|number| appender(&store, number)).collect();
    for (open, sealer) in &mut opens {
        let sender = sender.clone();
        let record = sealer.seal(&noise(500)).unwrap();
        handle.append(open, &[record], Box::new(move |done| sender.send(done).unwrap())).unwrap();
    }
    let before = disk.syncs();
    drop((handle, sender));
    committer.run().unwrap();
    assert_eq!(disk.syncs() - before, 1);
    assert_eq!(receiver.iter().collect::<Vec<_>>(), vec![Ok(()); 20]);
}

#[test]
fn a_large_append_is_durable_without_the_journal() {
    let disk = MemoryDisk::default();
    let (store, handle, committer, _retirer) =
        member(Arc::new(disk.clone()), Path::new(""), JournalLimits::default());
    let (mut open, sealer) = appender(&store, 0);
    let (mut writer, mut records) = (Writer::new(sealer), Vec::new());
    writer.push(&noise(300_000), &mut records).unwrap();
    records.extend(writer.flush().unwrap());
    let before = disk.syncs();
    // The committer is not running: nothing but the chunk file can have made it durable.
    assert_eq!(handle.append_and_wait(&mut open, &records).unwrap(), Ok(()));
    assert_eq!(disk.syncs() - before, 1);
    disk.cut_power(&mut |_| 0);
    let (_, recovered) = Journal::open(&store_on(&disk), JournalLimits::default()).unwrap();
    assert_eq!(recovered[0].outcome.as_ref().unwrap().end(), 300_000);
    drop(committer);
}

#[test]
fn a_failed_sync_of_the_journal_acknowledges_nothing_and_ends_it() {
    let disk = MemoryDisk::default();
    let (store, handle, committer, _retirer) =
        member(Arc::new(disk.clone()), Path::new(""), JournalLimits::default());
    let (mut open, mut sealer) = appender(&store, 0);
    let (sender, receiver) = channel();
    let record = sealer.seal(b"lost").unwrap();
    handle.append(&mut open, &[record], Box::new(move |done| sender.send(done).unwrap())).unwrap();
    disk.fail_syncs();
    let fatal = committer.run().unwrap_err();
    assert_eq!(receiver.recv().unwrap(), Err(NotDurable::Fatal(fatal.clone())));
    assert_eq!(store.failed(), Some(&fatal));
    let record = sealer.seal(b"late").unwrap();
    assert!(matches!(
        handle.append_and_wait(&mut open, &[record]),
        Err(AppendError::Disk(DiskError::Fatal(_)))
    ));
}

#[test]
fn an_append_after_the_end_of_the_journal_is_not_acknowledged() {
    let disk = MemoryDisk::default();
    let (store, handle, committer, _retirer) =
        member(Arc::new(disk.clone()), Path::new(""), JournalLimits::default());
    let (mut open, mut sealer) = appender(&store, 0);
    drop(committer);
    let record = sealer.seal(b"late").unwrap();
    assert_eq!(handle.append_and_wait(&mut open, &[record]).unwrap(), Err(NotDurable::Ended));
}

#[test]
fn real_files_take_up_where_a_process_ended() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, key, bytes): (Arc<dyn Disk>, _, _) =
        (Arc::new(RealDisk), Arc::new(data_key()), noise(9 << 20));
    let store = ChunkStore::open(Volume::new(disk.clone(), folder.path())).unwrap();
    let chunks = write_object(&store, &key, &bytes, 1 << 20);
    let offset = length(&bytes);
    let (mut journal, _) = Journal::open(&store, JournalLimits::default()).unwrap();
    let mut open = store.create(header(9, offset)).unwrap();
    let record = RecordSealer::new(&key, header(9, offset)).unwrap().seal(b"tail").unwrap();
    let (position, frames) = open.write(&[record]).unwrap();
    let entry =
        crate::chunk::journal::Entry { chunk: open.id(), file: open.file().clone(), position, bytes: frames };
    journal.commit(&[entry], 0).unwrap();
    drop((open, journal, store));

    let store = ChunkStore::open(Volume::new(disk, folder.path())).unwrap();
    let (_, recovered) = Journal::open(&store, JournalLimits::default()).unwrap();
    let open = recovered[0].outcome.as_ref().unwrap();
    open.tail().acknowledge(open.end());
    let reader = Reader::new(store.clone(), key, OBJECT, chunks.clone(), Some(open.tail())).unwrap();
    assert!(read(&reader, 0..offset + 4).unwrap() == [&bytes[..], b"tail"].concat());
    assert_eq!(store.list_closed(RECORDING).unwrap(), [chunk_id(0), chunk_id(1)]);
    assert_eq!(store.list_open().unwrap(), [chunk_id(9)]);
    store.delete(chunk_id(0)).unwrap();
    assert!(
        matches!(read(&reader, 0..1), Err(ReadError::File(FileError::Missing { chunk })) if chunk == chunk_id(0))
    );
}

/// What an appender knows: what it wrote, and how much of that was acknowledged.
type Appended = (u32, Vec<u8>, usize);

/// Appends small and large pieces until the process dies.
fn append_until_death(
    store: &ChunkStore,
    handle: &JournalHandle,
    key: &DataKey,
    number: u32,
) -> Option<Appended> {
    let mut open = store.create(header(number, 0)).ok()?;
    let mut sealer = RecordSealer::new(key, header(number, 0)).unwrap();
    let (mut written, mut acknowledged) = (Vec::new(), 0);
    for round in 0usize.. {
        let mut plaintext = noise(100 + 700 * (round % 7));
        plaintext.rotate_left(round % 100);
        let Ok(record) = sealer.seal(&plaintext) else { break };
        written.extend_from_slice(&plaintext);
        let Ok(Ok(())) = handle.append_and_wait(&mut open, &[record]) else { break };
        acknowledged = written.len();
    }
    Some((number, written, acknowledged))
}

#[test]
fn what_threads_acknowledged_survives_a_power_cut() {
    let limits = JournalLimits { segment_bytes: 20_000, direct_bytes: 4000, ..JournalLimits::default() };
    let mut acknowledged_bytes = 0;
    for round in 0usize..30 {
        let (disk, key) = (MemoryDisk::default(), Arc::new(data_key()));
        let (store, handle, committer, retirer) = member(Arc::new(disk.clone()), Path::new(""), limits);
        let appended: Vec<Appended> = thread::scope(|scope| {
            let committer = scope.spawn(|| committer.run());
            let retirer = scope.spawn(|| retirer.run());
            disk.stop_after_changes(50 + 37 * round);
            let appenders: Vec<_> = (0..8)
                .map(|number| {
                    let (store, handle, key) = (&store, handle.clone(), &key);
                    scope.spawn(move || append_until_death(store, &handle, key, number))
                })
                .collect();
            let appended = appenders.into_iter().filter_map(|appender| appender.join().unwrap()).collect();
            drop(handle);
            // Whether the death met them in a sync decides what the two return.
            let _ = (committer.join().unwrap(), retirer.join().unwrap());
            appended
        });
        let mut choice = round;
        disk.cut_power(&mut |bound| {
            choice = choice.wrapping_mul(7919).wrapping_add(104_729) % 1_000_003;
            choice % bound
        });
        let store = store_on(&disk);
        let (_, recovered) = Journal::open(&store, limits).unwrap();
        for (number, written, acknowledged) in appended {
            let chunk = recovered.iter().find(|chunk| chunk.chunk == chunk_id(number)).unwrap();
            let tail = chunk.outcome.as_ref().unwrap().tail();
            tail.acknowledge(u64::MAX);
            let reader = Reader::new(store.clone(), key.clone(), OBJECT, vec![], Some(tail)).unwrap();
            let bytes = read(&reader, 0..reader.available()).unwrap();
            assert!(
                written.starts_with(&bytes) && bytes.len() >= acknowledged,
                "round {round}, chunk {number}"
            );
            acknowledged_bytes += acknowledged;
        }
    }
    assert!(acknowledged_bytes > 100_000, "{acknowledged_bytes}");
}
