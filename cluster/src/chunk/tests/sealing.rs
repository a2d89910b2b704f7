//! Keys, nonces and records.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::chunk::record::FRAME_HEADER_BYTES;

#[test]
fn no_key_and_nonce_serve_two_ciphertexts() {
    // Equal plaintext under equal key and nonce would give equal ciphertext: of the same bytes, sealed under every
    // identity that differs in one part, no two may come out alike.
    let key = data_key();
    let mut seen = HashSet::new();
    for (stream, number, epoch) in [(0, 0, 1), (1, 0, 1), (0, 1, 1), (0, 0, 2), (1, 1, 2), (0, u32::MAX, 1)] {
        let object = ObjectId { stream: StreamId(stream), ..OBJECT };
        let id = ChunkId { object, number: ChunkNumber(number), epoch: Epoch(epoch) };
        let mut sealer = RecordSealer::new(&key, ChunkHeader { id, offset: 0 }).unwrap();
        for index in 0..100 {
            let record = sealer.seal(&[7; 64]).unwrap();
            assert_eq!(record.index().0, index);
            let keystream = record.frame()[FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + 64].to_vec();
            assert!(seen.insert(keystream), "{id} {index}");
        }
    }
    let mut other = RecordSealer::new(&data_key(), header(0, 0)).unwrap();
    let record = other.seal(&[7; 64]).unwrap();
    assert!(seen.insert(record.frame()[FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + 64].to_vec()));
}

#[test]
fn a_record_opens_only_as_itself() {
    let key = data_key();
    let record = RecordSealer::new(&key, header(3, 1000)).unwrap().seal(b"plaintext").unwrap();
    let open = |key: &DataKey, chunk, index, offset| {
        let mut bytes = record.frame()[FRAME_HEADER_BYTES..].to_vec();
        let key = RecordKey::derive(key, chunk).unwrap();
        key.open(index, offset, &mut bytes).map(|plain| plain.to_vec())
    };
    let index = record.index();
    assert_eq!(open(&key, chunk_id(3), index, 1000).unwrap(), b"plaintext");
    let other_index = crate::id::RecordIndex(1);
    assert!(open(&key, chunk_id(3), other_index, 1000).is_err());
    assert!(open(&key, chunk_id(3), index, 1001).is_err());
    assert!(open(&key, chunk_id(4), index, 1000).is_err());
    assert!(open(&key, ChunkId { epoch: Epoch(2), ..chunk_id(3) }, index, 1000).is_err());
    assert!(open(&data_key(), chunk_id(3), index, 1000).is_err());
    let foreign = data_key_of(RecordingId([1; 16]));
    assert!(RecordKey::derive(&foreign, chunk_id(3)).is_err());
}

#[test]
fn empty_and_oversized_records_are_refused() {
    let mut sealer = RecordSealer::new(&data_key(), header(0, 0)).unwrap();
    assert_eq!(sealer.seal(b"").unwrap_err(), SealError::Empty { chunk: chunk_id(0) });
    let (actual_bytes, room_bytes) = (RECORD_BYTES_MAX + 1, RECORD_BYTES_MAX);
    assert_eq!(
        sealer.seal(&vec![0; actual_bytes]).unwrap_err(),
        SealError::TooLong { chunk: chunk_id(0), actual_bytes, room_bytes }
    );
    assert_eq!(sealer.seal(&[1]).unwrap().index().0, 0);
}

#[test]
fn a_retry_sends_the_stored_ciphertext_and_changes_nothing() {
    let (disk, key) = (MemoryDisk::default(), data_key());
    let store = store_on(&disk);
    let mut open = store.create(header(0, 0)).unwrap();
    let mut sealer = RecordSealer::new(&key, header(0, 0)).unwrap();
    let records: Vec<SealedRecord> = (0..4).map(|number| sealer.seal(&[number; 9]).unwrap()).collect();
    open.write(&records[..3]).unwrap();
    let before = open.closing();
    open.write(&records[1..3]).unwrap();
    assert_eq!(open.closing(), before);
    open.write(&records[2..]).unwrap();
    assert_eq!(open.records(), 4);

    let mut other = RecordSealer::new(&data_key(), header(0, 0)).unwrap();
    let others: Vec<SealedRecord> = (0..6).map(|number| other.seal(&[number; 9]).unwrap()).collect();
    assert!(matches!(open.write(&others[1..2]), Err(AppendError::Conflict { .. })));
    assert!(matches!(open.write(&others[5..]), Err(AppendError::Gap { .. })));
    assert_eq!(open.records(), 4);
}

#[test]
fn a_record_of_another_chunk_does_not_parse() {
    let record = RecordSealer::new(&data_key(), header(0, 0)).unwrap().seal(b"a").unwrap();
    assert_eq!(SealedRecord::parse(&header(0, 0), record.frame()).unwrap(), record);
    assert_eq!(SealedRecord::parse(&header(1, 0), record.frame()), Err(FrameError::Header));
    assert_eq!(SealedRecord::parse(&header(0, 0), &record.frame()[..30]), Err(FrameError::Truncated));
}

proptest! {
    #[test]
    fn a_frame_with_one_changed_bit_does_not_parse(
        plaintext in prop::collection::vec(any::<u8>(), 1..200),
        bit in any::<prop::sample::Index>(),
    ) {
        let record = RecordSealer::new(&data_key(), header(0, 0)).unwrap().seal(&plaintext).unwrap();
        let mut frame = record.frame().to_vec();
        let bit = bit.index(8 * frame.len());
        frame[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(SealedRecord::parse(&header(0, 0), &frame).is_err());
    }

    #[test]
    fn parsing_survives_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(SealedRecord::parse(&header(0, 0), &bytes).is_err());
        prop_assert!(Manifest::decode(&bytes).is_err());
    }

    #[test]
    fn a_writer_cuts_full_records_and_loses_no_byte(
        appends in prop::collection::vec((0usize..150_000, any::<bool>()), 1..12),
    ) {
        let key = data_key();
        let mut writer = Writer::new(RecordSealer::new(&key, header(0, 5)).unwrap());
        let (mut records, mut total) = (Vec::new(), 0);
        for (length, is_acknowledged) in appends {
            let before = records.len();
            total += writer.push(&noise(length), &mut records).unwrap();
            prop_assert!(records[before..].iter().all(|record: &SealedRecord| record.plaintext_bytes() == 65_536));
            if is_acknowledged {
                records.extend(writer.flush().unwrap());
            }
        }
        records.extend(writer.flush().unwrap());
        let mut end = 5;
        for record in &records {
            prop_assert_eq!(record.offset(), end);
            end = record.end();
        }
        prop_assert_eq!(end, 5 + u64::try_from(total).unwrap());
    }
}
