//! Crashes at any point: what was acknowledged is there, and nothing differs.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::chunk::journal::{Entry, Journal, JournalLimits, Retirement};

const LIMITS: JournalLimits =
    JournalLimits { direct_bytes: 2500, segment_bytes: 12_000, segment_age_ms: 20, syncs_at_once: 1 };

/// A small generator of choices, from a seed.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed >> 33) % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }
}

/// What must be true of one chunk whatever happens.
#[derive(Default)]
struct Expected {
    written: Vec<u8>,
    acknowledged: usize,
    closing: Option<ClosedChunk>,
    is_closed: bool,
}

/// A member that lives until its next crash.
struct Life {
    store: ChunkStore,
    journal: Journal,
    open: BTreeMap<ChunkId, (OpenChunk, RecordSealer)>,
    waiting: Vec<(Entry, usize)>,
    retirement: Option<Retirement>,
    now_ms: u64,
}

struct World {
    disk: MemoryDisk,
    key: Arc<DataKey>,
    choices: Choices,
    expected: BTreeMap<ChunkId, Expected>,
    recordings: u8,
}

/// An operation failed since the process is dying.
struct Dying;

impl<E: std::error::Error> From<E> for Dying {
    fn from(_: E) -> Self {
        Self
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let (disk, key) = (MemoryDisk::default(), Arc::new(data_key()));
        Self { disk, key, choices: Choices(seed), expected: BTreeMap::new(), recordings: 0 }
    }

    /// Some lives, each ended by a crash at any change of the disk. Returns what is wrong, if anything is.
    fn run(&mut self, lives: usize) -> Result<(), String> {
        for _ in 0..lives {
            let mut life = self.start()?;
            self.disk.stop_after_changes(self.choices.below(120));
            while self.step(&mut life).is_ok() {}
            drop(life);
            self.crash();
        }
        self.start().map(drop)
    }

    fn crash(&mut self) {
        match self.choices.below(4) {
            0 => self.disk.kill(),
            _ => self.disk.cut_power(&mut |bound| self.choices.below(bound)),
        }
    }

    fn step(&mut self, life: &mut Life) -> Result<(), Dying> {
        life.now_ms += 1;
        match self.choices.below(24) {
            0..2 => self.create(life)?,
            2..13 => self.append(life)?,
            13..18 => self.commit(life)?,
            18..20 => self.close(life)?,
            20 => {
                let free = (self.choices.below(3) == 0).then(|| self.choices.below(4000));
                self.disk.limit_free_bytes(free);
            }
            _ => self.retire(life)?,
        }
        Ok(())
    }

    fn create(&mut self, life: &mut Life) -> Result<(), Dying> {
        self.recordings += 1;
        let object = ObjectId { recording: RECORDING, stream: StreamId(u64::from(self.recordings)) };
        let id = ChunkId { object, number: ChunkNumber(0), epoch: Epoch(1) };
        let header = ChunkHeader { id, offset: 0 };
        if let Ok(open) = tolerate_full(life.store.create(header), &life.store)? {
            life.open.insert(id, (open, RecordSealer::new(&self.key, header)?));
            self.expected.insert(id, Expected::default());
        }
        Ok(())
    }

    fn append(&mut self, life: &mut Life) -> Result<(), Dying> {
        let at = self.choices.below(life.open.len());
        let Some(id) = life.open.keys().nth(at).copied() else { return Ok(()) };
        let (open, sealer) = life.open.get_mut(&id).unwrap();
        let mut plaintext = noise(1 + self.choices.below(3500));
        let turned = self.choices.below(plaintext.len());
        plaintext.rotate_left(turned);
        let record = sealer.seal(&plaintext)?;
        let expected = self.expected.get_mut(&id).unwrap();
        expected.written.extend_from_slice(&plaintext);
        let Ok((position, bytes)) = tolerate_full(open.write(&[record]), &life.store)? else {
            // Its owner retries or opens the next chunk; this one ends.
            life.open.remove(&id);
            return Ok(());
        };
        let end = expected.written.len();
        if bytes.len() >= LIMITS.direct_bytes {
            open.sync()?;
            expected.acknowledged = end;
            life.journal.mark(id, open.frames_end());
        } else {
            let entry = Entry { chunk: id, file: open.file().clone(), position, bytes };
            life.waiting.push((entry, end));
        }
        Ok(())
    }

    fn commit(&mut self, life: &mut Life) -> Result<(), Dying> {
        let (entries, ends): (Vec<Entry>, Vec<usize>) = life.waiting.drain(..).unzip();
        life.journal.commit(&entries, life.now_ms)?;
        for (entry, end) in entries.iter().zip(ends) {
            let expected = self.expected.get_mut(&entry.chunk).unwrap();
            expected.acknowledged = expected.acknowledged.max(end);
        }
        Ok(())
    }

    fn close(&mut self, life: &mut Life) -> Result<(), Dying> {
        self.commit(life)?;
        let at = self.choices.below(life.open.len());
        let Some(id) = life.open.keys().nth(at).copied() else { return Ok(()) };
        let (open, _) = life.open.remove(&id).unwrap();
        let closing = open.closing();
        let expected = self.expected.get_mut(&id).unwrap();
        expected.closing = Some(closing);
        if tolerate_full(life.store.close(open, &closing), &life.store)?.is_ok() {
            expected.is_closed = true;
            life.journal.forget(id);
        }
        Ok(())
    }

    fn retire(&mut self, life: &mut Life) -> Result<(), Dying> {
        if let Some(retirement) = life.retirement.take() {
            let retired = retirement.run()?;
            tolerate_full(life.journal.retire(retired), &life.store)?.ok();
        } else if life.journal.is_due(life.now_ms) {
            life.retirement = tolerate_full(life.journal.rotate(), &life.store)?.ok();
        }
        Ok(())
    }

    /// Starts, crashing on the way now and then, and compares everything with what must be true.
    fn start(&mut self) -> Result<Life, String> {
        self.disk.limit_free_bytes(None);
        if self.choices.below(3) == 0 {
            self.disk.stop_after_changes(self.choices.below(40));
            self.recover().ok();
            self.crash();
        }
        let (store, journal, first) = self.recover().map_err(|error| error.to_string())?;
        self.compare(&store, &first)?;
        drop((store, journal));
        self.disk.kill();
        let (store, journal, second) = self.recover().map_err(|error| error.to_string())?;
        let facts = |chunks: &[Recovered]| -> Vec<Option<ClosedChunk>> {
            chunks.iter().map(|chunk| chunk.outcome.as_ref().ok().map(OpenChunk::closing)).collect()
        };
        if facts(&first) != facts(&second) {
            return Err("a second recovery gave other chunks".into());
        }
        Ok(Life { store, journal, open: BTreeMap::new(), waiting: Vec::new(), retirement: None, now_ms: 0 })
    }

    fn recover(&self) -> Result<(ChunkStore, Journal, Vec<Recovered>), Box<dyn std::error::Error>> {
        let store = ChunkStore::open(Volume::new(Arc::new(self.disk.clone()), ""))?;
        let (journal, recovered) = Journal::open(&store, LIMITS)?;
        Ok((store, journal, recovered))
    }

    fn compare(&mut self, store: &ChunkStore, recovered: &[Recovered]) -> Result<(), String> {
        let mut open: BTreeMap<ChunkId, &OpenChunk> = BTreeMap::new();
        for Recovered { chunk, outcome } in recovered {
            open.insert(*chunk, outcome.as_ref().map_err(|error| error.to_string())?);
        }
        for (id, expected) in &mut self.expected {
            let (object, key) = (id.object, self.key.clone());
            let tail = open.get(id).map(|open| open.tail());
            let reader = match (tail, expected.closing) {
                (Some(_), _) if expected.is_closed => return Err(format!("{id} was closed and is open")),
                (Some(tail), _) => {
                    tail.acknowledge(u64::MAX);
                    Reader::new(store.clone(), key, object, vec![], Some(tail))
                }
                (None, Some(closing)) => Reader::new(store.clone(), key, object, vec![closing], None),
                (None, None) => return Err(format!("{id} is not there")),
            };
            let reader = reader.map_err(|error| error.to_string())?;
            let bytes = read(&reader, 0..reader.available()).map_err(|error| error.to_string())?;
            if bytes.len() < expected.acknowledged || !expected.written.starts_with(&bytes) {
                let (there, acknowledged) = (bytes.len(), expected.acknowledged);
                return Err(format!("{id} has {there} bytes, acknowledged were {acknowledged}"));
            }
            // What recovery found is durable from here on: nothing goes back.
            expected.acknowledged = bytes.len();
            expected.written = bytes;
        }
        Ok(())
    }
}

/// Passes on an error of a full disk; any other is the end.
fn tolerate_full<T, E: std::error::Error + 'static>(
    result: Result<T, E>,
    store: &ChunkStore,
) -> Result<Result<T, E>, Dying> {
    let is_full = |error: &E| {
        let mut cause: Option<&dyn std::error::Error> = Some(error);
        let mut found = false;
        while let Some(error) = cause {
            let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
            found |= kind == Some(std::io::ErrorKind::StorageFull);
            cause = error.source();
        }
        found
    };
    match result {
        Err(error) if store.failed().is_some() || !is_full(&error) => Err(Dying),
        other => Ok(other),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_was_acknowledged_survives_crashes_anywhere(seed: u64) {
        prop_assert_eq!(World::new(seed).run(6), Ok(()));
    }
}

#[test]
fn without_syncs_acknowledged_bytes_are_lost() {
    let lost = (0..40).filter(|seed| {
        let mut world = World::new(*seed);
        world.disk.lie_about_syncs();
        world.run(6).is_err()
    });
    assert!(lost.count() > 30);
}

/// A store with one open chunk of ten small appends in the journal and its mark at the end of the first five.
fn journalled() -> (MemoryDisk, Vec<u8>) {
    let disk = MemoryDisk::default();
    let store = store_on(&disk);
    let (mut journal, _) = Journal::open(&store, JournalLimits::default()).unwrap();
    let mut open = store.create(header(0, 0)).unwrap();
    let mut sealer = RecordSealer::new(&data_key(), header(0, 0)).unwrap();
    for round in 0..10 {
        let (position, bytes) = open.write(&[sealer.seal(&noise(100)).unwrap()]).unwrap();
        let entry = Entry { chunk: open.id(), file: open.file().clone(), position, bytes };
        journal.commit(&[entry], 0).unwrap();
        if round == 4 {
            let retirement = journal.rotate().unwrap();
            journal.retire(retirement.run().unwrap()).unwrap();
        }
    }
    let contents = disk.contents(Path::new(&open_path())).unwrap();
    disk.cut_power(&mut |_| 0);
    (disk, contents)
}

fn open_path() -> String {
    format!("open/{}", chunk_id(0))
}

fn recover(disk: &MemoryDisk) -> Result<Vec<Recovered>, crate::chunk::journal::JournalError> {
    Journal::open(&store_on(disk), JournalLimits::default()).map(|(_, recovered)| recovered)
}

#[test]
fn the_journal_restores_what_the_chunk_file_lost() {
    let (disk, contents) = journalled();
    let torn = disk.contents(Path::new(&open_path())).unwrap();
    assert!(torn.len() < contents.len());
    let recovered = recover(&disk).unwrap();
    assert_eq!(recovered[0].outcome.as_ref().unwrap().records(), 10);
    assert!(disk.contents(Path::new(&open_path())).unwrap() == contents);
}

#[test]
fn damage_below_the_durable_mark_is_damage_and_above_it_is_a_torn_tail() {
    let frame = 100 + FRAME_OVERHEAD_BYTES;
    for at in [64, 64 + 3 * frame + 50, 64 + 5 * frame - 1] {
        let (disk, _) = journalled();
        disk.tamper(Path::new(&open_path()), |bytes| bytes[at] ^= 1).unwrap();
        let before = disk.contents(Path::new(&open_path())).unwrap();
        for _ in 0..2 {
            let recovered = recover(&disk).unwrap();
            let index = crate::id::RecordIndex(u32::try_from((at - 64) / frame).unwrap());
            let expected = Damage { chunk: chunk_id(0), part: Part::Record(index) };
            assert!(matches!(&recovered[0].outcome, Err(FileError::Damaged(found)) if *found == expected));
            assert!(disk.contents(Path::new(&open_path())).unwrap() == before, "damage is not cut");
        }
    }
    for at in [64 + 5 * frame, 64 + 7 * frame + 60] {
        let (disk, contents) = journalled();
        disk.tamper(Path::new(&open_path()), |bytes| {
            *bytes = contents.clone();
            bytes[at] ^= 1;
        })
        .unwrap();
        assert_eq!(recover(&disk).unwrap()[0].outcome.as_ref().unwrap().records(), 10);
        assert!(disk.contents(Path::new(&open_path())).unwrap() == contents);
    }
}

#[test]
fn a_mark_outlives_the_segments_and_needs_no_records() {
    let disk = MemoryDisk::default();
    let store = store_on(&disk);
    let (mut journal, _) = Journal::open(&store, JournalLimits::default()).unwrap();
    let mut open = store.create(header(0, 0)).unwrap();
    open.write(&[RecordSealer::new(&data_key(), header(0, 0)).unwrap().seal(&noise(100)).unwrap()]).unwrap();
    open.sync().unwrap();
    journal.mark(open.id(), open.frames_end());
    for _ in 0..3 {
        let retired = journal.rotate().unwrap().run().unwrap();
        journal.retire(retired).unwrap();
    }
    disk.cut_power(&mut |_| 0);
    disk.tamper(Path::new(&open_path()), |bytes| bytes[100] ^= 1).unwrap();
    assert!(matches!(recover(&disk).unwrap()[0].outcome, Err(FileError::Damaged(_))));
}

#[test]
fn the_journal_keeps_what_a_damaged_chunk_will_need_for_its_repair() {
    let (disk, _) = journalled();
    disk.tamper(Path::new(&open_path()), |bytes| bytes[100] ^= 1).unwrap();
    assert!(recover(&disk).unwrap()[0].outcome.is_err());
    assert!(recover(&disk).unwrap()[0].outcome.is_err());
    disk.tamper(Path::new(&open_path()), |bytes| bytes[100] ^= 1).unwrap();
    assert_eq!(recover(&disk).unwrap()[0].outcome.as_ref().unwrap().records(), 10);
    assert_eq!(disk.paths().iter().filter(|path| path.starts_with("journal")).count(), 1);
}

#[test]
fn a_segment_that_lost_its_end_before_the_next_one_began_is_damaged() {
    let disk = MemoryDisk::default();
    let store = store_on(&disk);
    let (mut journal, _) = Journal::open(&store, JournalLimits::default()).unwrap();
    let mut open = store.create(header(0, 0)).unwrap();
    let mut sealer = RecordSealer::new(&data_key(), header(0, 0)).unwrap();
    let (position, bytes) = open.write(&[sealer.seal(&noise(100)).unwrap()]).unwrap();
    journal.commit(&[Entry { chunk: open.id(), file: open.file().clone(), position, bytes }], 0).unwrap();
    journal.rotate().unwrap();
    disk.cut_power(&mut |_| 0);
    disk.tamper(Path::new("journal/1"), |bytes| bytes.truncate(bytes.len() - 1)).unwrap();
    let damaged = crate::chunk::journal::JournalError::Damaged { segment: 1, position: 32 };
    assert_eq!(recover(&disk).unwrap_err().to_string(), damaged.to_string());
}

#[test]
fn a_flipped_bit_in_the_journal_stops_the_member_unless_it_is_in_the_last_batch() {
    let (disk, _) = journalled();
    let path = disk.paths().into_iter().find(|path| path.starts_with("journal")).unwrap();
    let good = disk.contents(&path).unwrap();
    let last_batch = good.len() - 72 - 100 - FRAME_OVERHEAD_BYTES;
    for at in 0..good.len() {
        let (disk, _) = journalled();
        disk.tamper(&path, |bytes| bytes[at] ^= 4).unwrap();
        match recover(&disk) {
            Err(crate::chunk::journal::JournalError::Damaged { segment: 2, position }) => {
                assert!(at < last_batch && usize::try_from(position).unwrap() <= at, "byte {at}");
            }
            Err(error) => panic!("byte {at}: {error}"),
            Ok(recovered) => {
                assert!(at >= last_batch, "byte {at}");
                assert_eq!(recovered[0].outcome.as_ref().unwrap().records(), 9);
            }
        }
    }
}

#[test]
fn a_failed_sync_is_the_end() {
    let disk = MemoryDisk::default();
    let store = store_on(&disk);
    let mut open = store.create(header(0, 0)).unwrap();
    let mut sealer = RecordSealer::new(&data_key(), header(0, 0)).unwrap();
    open.write(&[sealer.seal(b"a").unwrap()]).unwrap();
    disk.fail_syncs();
    let fatal = open.sync().unwrap_err();
    assert_eq!(store.failed(), Some(&fatal));
    assert_eq!(open.sync().unwrap_err(), fatal);
    assert!(matches!(open.write(&[sealer.seal(b"b").unwrap()]), Err(AppendError::Disk(DiskError::Fatal(_)))));
    assert!(matches!(store.create(header(1, 0)), Err(CreateError::Disk(DiskError::Fatal(_)))));
    let closing = open.closing();
    assert!(matches!(store.close(open, &closing), Err(CloseError::Disk { source: DiskError::Fatal(_), .. })));
}

#[test]
fn a_chunk_that_was_deleted_is_missing_and_nothing_else() {
    let (disk, _) = journalled();
    store_on(&disk).delete(chunk_id(0)).unwrap();
    let recovered = recover(&disk).unwrap();
    assert!(matches!(recovered[0].outcome, Err(FileError::Missing { .. })));
    assert_eq!(recover(&disk).unwrap().len(), 0);
}

#[test]
fn an_open_file_goes_when_the_closed_chunk_is_there() {
    let (disk, _) = journalled();
    let there = MemoryDisk::default();
    let chunks = write_object(&store_on(&there), &data_key(), &noise(10), 10);
    let bytes = store_on(&there).whole(OBJECT, &chunks[0]).unwrap();
    store_on(&disk).receive(OBJECT, &chunks[0], &bytes).unwrap();
    assert_eq!(recover(&disk).unwrap().len(), 0);
    assert_eq!(store_on(&disk).list_open().unwrap(), []);
    assert!(store_on(&disk).whole(OBJECT, &chunks[0]).is_ok());
}

proptest! {
    /// Whatever stands in the files: recovery ends, and what it calls a chunk is a prefix of what was written.
    #[test]
    fn recovery_takes_no_byte_that_was_not_written(
        changes in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..6),
    ) {
        let (disk, contents) = journalled();
        let journal = disk.paths().into_iter().find(|path| path.starts_with("journal")).unwrap();
        for (in_journal, at, value, kind) in changes {
            let path = if in_journal { journal.clone() } else { open_path().into() };
            disk.tamper(&path, |bytes| {
                let at = at.index(bytes.len().max(1));
                match kind {
                    0 => bytes.truncate(at),
                    1 => bytes.insert(at, value),
                    _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= value),
                }
            })
            .unwrap();
        }
        if let Ok(recovered) = recover(&disk) {
            for Recovered { outcome, .. } in recovered {
                if outcome.is_ok() {
                    let after = disk.contents(Path::new(&open_path())).unwrap();
                    prop_assert!(contents.starts_with(&after));
                }
            }
        }
    }
}
