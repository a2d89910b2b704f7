//! Flipped bits: every one is a typed error, none is wrong plaintext.

use super::*;

const APPENDS: usize = 5;
const APPEND_BYTES: usize = 300;

struct Closed {
    disk: MemoryDisk,
    reader: Reader,
    store: ChunkStore,
    chunk: ClosedChunk,
    bytes: Vec<u8>,
}

fn closed() -> Closed {
    let (disk, key, bytes) = (MemoryDisk::default(), Arc::new(data_key()), noise(APPENDS * APPEND_BYTES));
    let store = store_on(&disk);
    let chunks = write_object(&store, &key, &bytes, APPEND_BYTES);
    let chunk = chunks[0];
    let reader = Reader::new(store.clone(), key, OBJECT, chunks, None).unwrap();
    Closed { disk, reader, store, chunk, bytes }
}

#[test]
fn every_byte_of_a_closed_chunk_is_checked_when_it_is_read() {
    let Closed { disk, reader, store, chunk, bytes } = closed();
    let path = super::forms::closed_path();
    let file_bytes = disk.contents(Path::new(&path)).unwrap().len();
    for at in 0..file_bytes {
        disk.tamper(Path::new(&path), |bytes| bytes[at] ^= 0x10).unwrap();
        let error = read(&reader, 0..reader.available()).unwrap_err();
        assert!(matches!(error, ReadError::File(FileError::Damaged(_))), "byte {at}: {error}");
        let whole = store.whole(OBJECT, &chunk).unwrap_err();
        assert!(matches!(whole, FileError::Damaged(Damage { part: Part::Whole, .. })), "byte {at}");
        disk.tamper(Path::new(&path), |bytes| bytes[at] ^= 0x10).unwrap();
    }
    assert!(read(&reader, 0..reader.available()).unwrap() == bytes);
}

#[test]
fn what_is_given_out_before_damage_is_right() {
    let Closed { disk, reader, bytes, .. } = closed();
    let in_third_record = 64 + 2 * (APPEND_BYTES + FRAME_OVERHEAD_BYTES) + 40;
    disk.tamper(Path::new(&super::forms::closed_path()), |bytes| bytes[in_third_record] ^= 1).unwrap();
    let mut pieces = reader.read(0..reader.available()).unwrap();
    let good: Vec<u8> = pieces.by_ref().map_while(Result::ok).flatten().collect();
    assert_eq!(good, bytes[..2 * APPEND_BYTES]);
    assert_eq!(pieces.position(), length(&good));
    assert!(pieces.next().is_none());
}

#[test]
fn a_chunk_of_another_length_or_identity_is_refused() {
    let Closed { disk, reader, store, chunk, .. } = closed();
    let path = super::forms::closed_path();
    let good = disk.contents(Path::new(&path)).unwrap();
    for length in [0, 1, 63, 64, 100, good.len() - 1, good.len() + 1] {
        disk.tamper(Path::new(&path), |bytes| bytes.resize(length, 0)).unwrap();
        let error = read(&reader, 0..1).unwrap_err();
        assert!(
            matches!(error, ReadError::File(FileError::Damaged(Damage { part: Part::Length, .. }))),
            "{length}: {error}"
        );
        disk.tamper(Path::new(&path), |bytes| *bytes = good.clone()).unwrap();
    }
    for lie in [
        ClosedChunk { plaintext_bytes: chunk.plaintext_bytes + 1, ..chunk },
        ClosedChunk { leaves: u32::MAX, length_bytes: u64::MAX, ..chunk },
        ClosedChunk { subtree: Hash([0; 32]), ..chunk },
        ClosedChunk { offset: 1, ..chunk },
    ] {
        assert!(matches!(store.closed(OBJECT, &lie), Err(FileError::Damaged(_))), "{lie:?}");
    }
    let other_stream = ObjectId { stream: StreamId(1), ..OBJECT };
    assert!(matches!(store.closed(other_stream, &chunk), Err(FileError::Missing { .. })));
}

#[test]
fn the_committed_bytes_under_another_key_are_no_damage() {
    let Closed { store, chunk, .. } = closed();
    let reader = Reader::new(store, Arc::new(data_key()), OBJECT, vec![chunk], None).unwrap();
    assert!(matches!(read(&reader, 0..1), Err(ReadError::Undecipherable(_))));
}

/// Leaves, footer and check sums agree with the changed ciphertext: only the committed root can tell.
#[test]
fn a_forged_chunk_with_good_check_sums_is_refused() {
    let Closed { disk, reader, bytes, .. } = closed();
    let forger = MemoryDisk::default();
    write_object(&store_on(&forger), &data_key(), &bytes, APPEND_BYTES);
    let path = super::forms::closed_path();
    let forged = forger.contents(Path::new(&path)).unwrap();
    disk.tamper(Path::new(&path), |bytes| *bytes = forged).unwrap();
    let error = read(&reader, 0..1).unwrap_err();
    assert!(
        matches!(error, ReadError::File(FileError::Damaged(Damage { part: Part::Leaves, .. }))),
        "{error}"
    );
}

/// The frame has good check sums of its own: the stored leaf tells before any key does.
#[test]
fn a_forged_record_with_good_check_sums_is_refused() {
    let Closed { disk, reader, bytes, .. } = closed();
    let frame = APPEND_BYTES + FRAME_OVERHEAD_BYTES;
    let forged = RecordSealer::new(&data_key(), header(0, 0)).unwrap().seal(&bytes[..APPEND_BYTES]).unwrap();
    disk.tamper(Path::new(&super::forms::closed_path()), |bytes| {
        bytes[64..64 + frame].copy_from_slice(forged.frame());
    })
    .unwrap();
    let error = read(&reader, 0..1).unwrap_err();
    assert!(
        matches!(error, ReadError::File(FileError::Damaged(Damage { part: Part::Record(_), .. }))),
        "{error}"
    );
}
