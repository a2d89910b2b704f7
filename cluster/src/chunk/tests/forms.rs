//! Closed chunks, manifests and reading, with nothing going wrong.

use proptest::prelude::*;

use super::*;

#[test]
fn a_recording_reads_back_over_chunks_manifest_and_tail() {
    let (disk, key) = (MemoryDisk::default(), Arc::new(data_key()));
    let store = store_on(&disk);
    let bytes = noise(20 << 20);
    let chunks = write_object(&store, &key, &bytes, 100_000);
    assert_eq!(chunks.len(), 3);
    assert!(chunks.iter().all(|chunk| chunk.length_bytes <= CHUNK_BYTES_MAX));

    let manifest = Manifest::gather(&store, OBJECT, chunks.clone()).unwrap();
    let open = manifest.store(&store, &key, Epoch(1)).unwrap();
    let fact = open.closing();
    store.close(open, &fact).unwrap();
    assert_eq!(Manifest::load(&store, key.clone(), OBJECT, &fact).unwrap(), manifest);
    assert_eq!(manifest.plaintext_bytes(), length(&bytes));

    let offset = length(&bytes);
    let mut open = store.create(header(3, offset)).unwrap();
    let mut sealer = RecordSealer::new(&key, header(3, offset)).unwrap();
    open.write(&[sealer.seal(b"acknowledged").unwrap(), sealer.seal(b"not yet").unwrap()]).unwrap();
    open.tail().acknowledge(offset + 12);
    let reader = Reader::new(store, key, OBJECT, chunks, Some(open.tail())).unwrap();
    assert_eq!(reader.available(), offset + 12);
    assert!(read(&reader, 0..offset + 12).unwrap() == [&bytes[..], b"acknowledged"].concat());
    assert!(matches!(read(&reader, 0..offset + 13), Err(ReadError::OutOfRange { .. })));
    open.tail().acknowledge(offset + 19);
    assert_eq!(read(&reader, offset + 10..offset + 15).unwrap(), b"ednot");
}

#[test]
fn a_closed_chunk_is_hashed_as_a_file() {
    let disk = MemoryDisk::default();
    let chunks = write_object(&store_on(&disk), &data_key(), &noise(1000), 10);
    let contents = disk.contents(Path::new(&closed_path())).unwrap();
    assert_eq!(Hash::of(&[&contents]), chunks[0].hash);
    assert_eq!(length(&contents), chunks[0].length_bytes);
}

pub(super) fn closed_path() -> String {
    format!("chunks/c5/c5/{}", chunk_id(0))
}

#[test]
fn an_append_of_one_byte_is_a_record_and_a_chunk_of_them_stays_within_its_limit() {
    let (disk, key) = (MemoryDisk::default(), data_key());
    let chunks = write_object(&store_on(&disk), &key, &noise(110_000), 1);
    assert_eq!(chunks.iter().map(|chunk| chunk.leaves).collect::<Vec<_>>(), [103_561, 6_439]);
    assert!(chunks[0].length_bytes <= CHUNK_BYTES_MAX);
    assert!(chunks[0].length_bytes + 81 > CHUNK_BYTES_MAX);
}

#[test]
fn only_the_committed_bytes_become_the_chunk() {
    let (disk, key) = (MemoryDisk::default(), data_key());
    let store = store_on(&disk);
    let mut open = store.create(header(0, 0)).unwrap();
    let mut sealer = RecordSealer::new(&key, header(0, 0)).unwrap();
    open.write(&[sealer.seal(b"one").unwrap()]).unwrap();
    let committed = open.closing();
    open.write(&[sealer.seal(b"two").unwrap()]).unwrap();
    assert!(matches!(store.close(open, &committed), Err(CloseError::Mismatch { .. })));
    assert!(matches!(store.closed(OBJECT, &committed), Err(FileError::Missing { .. })));
    store.delete(chunk_id(0)).unwrap();
    assert_eq!(store.list_open().unwrap(), []);
}

#[test]
fn a_chunk_that_another_member_sent_is_kept_only_if_it_is_the_committed_one() {
    let (here, there) = (MemoryDisk::default(), MemoryDisk::default());
    let (store, key) = (store_on(&there), data_key());
    let chunks = write_object(&store_on(&here), &key, &noise(1000), 100);
    let mut sent = store_on(&here).whole(OBJECT, &chunks[0]).unwrap();
    sent[700] ^= 1;
    let damage = Damage { chunk: chunk_id(0), part: Part::Whole };
    assert!(
        matches!(store.receive(OBJECT, &chunks[0], &sent), Err(FileError::Damaged(found)) if found == damage)
    );
    sent[700] ^= 1;
    store.receive(OBJECT, &chunks[0], &sent).unwrap();
    assert_eq!(store.list_closed(RECORDING).unwrap(), [chunk_id(0)]);
    assert_eq!(store.whole(OBJECT, &chunks[0]).unwrap(), sent);
}

#[test]
fn a_chunk_identifier_serves_once() {
    let (disk, key) = (MemoryDisk::default(), data_key());
    let store = store_on(&disk);
    let open = store.create(header(0, 0)).unwrap();
    assert!(matches!(store.create(header(0, 0)), Err(CreateError::Exists { .. })));
    let closed = open.closing();
    store.close(open, &closed).unwrap();
    assert!(matches!(store.create(header(0, 0)), Err(CreateError::Exists { .. })));
    drop(key);
}

#[test]
fn chunks_that_leave_a_gap_are_no_object() {
    let (disk, key) = (MemoryDisk::default(), Arc::new(data_key()));
    let store = store_on(&disk);
    let chunks = write_object(&store, &key, &noise(9 << 20), 1 << 20);
    let tail_only = vec![chunks[1]];
    assert!(matches!(
        Reader::new(store.clone(), key.clone(), OBJECT, tail_only, None),
        Err(ReaderError::Chunks(ChunksError::NotContiguous { expected_offset: 0, .. }))
    ));
    let twice = vec![chunks[0], chunks[0]];
    assert!(Manifest::gather(&store, OBJECT, twice).is_err());
    let other = Arc::new(data_key_of(RecordingId([1; 16])));
    assert!(matches!(Reader::new(store, other, OBJECT, chunks, None), Err(ReaderError::OtherRecording(_))));
}

#[test]
fn a_leaf_of_a_recording_is_proven_under_the_root_of_its_manifest() {
    let (disk, key) = (MemoryDisk::default(), data_key());
    let store = store_on(&disk);
    let chunks = write_object(&store, &key, &noise(9 << 20), 70_000);
    let manifest = Manifest::gather(&store, OBJECT, chunks.clone()).unwrap();
    let files: Vec<ClosedFile> = chunks.iter().map(|chunk| store.closed(OBJECT, chunk).unwrap()).collect();
    let leaves: Vec<Hash> = files.iter().flat_map(|file| file.leaves()).collect();
    assert_eq!(length(&vec![0; leaves.len()]), manifest.leaves());
    for index in [0, 1, leaves.len() / 2, leaves.len() - 1] {
        let proof = merkle::inclusion_proof(&leaves, index).unwrap();
        let at = u64::try_from(index).unwrap();
        assert!(merkle::verify_inclusion(&manifest.root(), manifest.leaves(), at, &leaves[index], &proof));
    }
}

#[test]
fn a_chunk_that_a_full_disk_could_not_close_is_closed_later() {
    let (disk, key) = (MemoryDisk::default(), data_key());
    let store = store_on(&disk);
    let mut open = store.create(header(0, 0)).unwrap();
    open.write(&[RecordSealer::new(&key, header(0, 0)).unwrap().seal(b"one").unwrap()]).unwrap();
    let committed = open.closing();
    disk.limit_free_bytes(Some(50));
    let Err(CloseError::Disk { open, .. }) = store.close(open, &committed) else { panic!("it was closed") };
    assert_eq!(store.list_open().unwrap(), [chunk_id(0)]);
    disk.limit_free_bytes(None);
    store.close(*open, &committed).unwrap();
    assert!(store.whole(OBJECT, &committed).is_ok());
    assert_eq!(store.list_open().unwrap(), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_range_of_any_cut_reads_back(
        appends in prop::collection::vec(1usize..200_000, 1..20),
        ranges in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 8),
    ) {
        let (disk, key) = (MemoryDisk::default(), Arc::new(data_key()));
        let store = store_on(&disk);
        let bytes = noise(appends.iter().sum());
        let mut open = store.create(header(0, 0)).unwrap();
        let mut writer = Writer::new(RecordSealer::new(&key, header(0, 0)).unwrap());
        let (mut rest, mut records) = (&bytes[..], Vec::new());
        for append in appends {
            prop_assert_eq!(writer.push(&rest[..append], &mut records).unwrap(), append);
            records.extend(writer.flush().unwrap());
            rest = &rest[append..];
        }
        open.write(&records).unwrap();
        let closed = open.closing();
        store.close(open, &closed).unwrap();
        let reader = Reader::new(store, key, OBJECT, vec![closed], None).unwrap();
        for (one, other) in ranges {
            let (one, other) = (one.index(bytes.len() + 1), other.index(bytes.len() + 1));
            let (start, end) = (one.min(other), one.max(other));
            let range = u64::try_from(start).unwrap()..u64::try_from(end).unwrap();
            prop_assert!(read(&reader, range).unwrap() == bytes[start..end]);
        }
    }

    #[test]
    fn a_manifest_with_one_changed_bit_is_none(bit in any::<prop::sample::Index>()) {
        let disk = MemoryDisk::default();
        let store = store_on(&disk);
        let chunks = write_object(&store, &data_key(), &noise(1000), 100);
        let manifest = Manifest::gather(&store, OBJECT, chunks).unwrap();
        let mut bytes = manifest.encode();
        prop_assert_eq!(Manifest::decode(&bytes), Ok(manifest));
        let bit = bit.index(8 * bytes.len());
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(Manifest::decode(&bytes), Err(ManifestFormatError));
    }
}
