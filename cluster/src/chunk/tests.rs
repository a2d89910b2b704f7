//! Tests of the bytes half as a whole. What every one of them needs stands here.

mod crash;
mod damage;
mod fences;
mod forms;
mod pinned;
mod real_files;
mod sealing;

use std::path::Path;
use std::sync::Arc;

use super::disk::MemoryDisk;
use super::journal::Recovered;
use super::key::{DataKey, KeyPurpose};
use super::*;
use crate::id::{ChunkId, ChunkNumber, Epoch, ObjectId, RecordingId, StreamId};

const RECORDING: RecordingId = RecordingId([0xc5; 16]);
const OBJECT: ObjectId = ObjectId { recording: RECORDING, stream: StreamId::RECORDING };

/// The data key of [`RECORDING`]; the same in every test.
fn data_key() -> DataKey {
    data_key_of(RECORDING)
}

fn data_key_of(recording: RecordingId) -> DataKey {
    let random = ring::rand::SystemRandom::new();
    DataKey::generate(recording, KeyPurpose::Bytes, &random).unwrap()
}

fn chunk_id(number: u32) -> ChunkId {
    ChunkId { object: OBJECT, number: ChunkNumber(number), epoch: Epoch(1) }
}

fn header(number: u32, offset: u64) -> ChunkHeader {
    ChunkHeader { id: chunk_id(number), offset }
}

fn store_on(disk: &MemoryDisk) -> ChunkStore {
    ChunkStore::open(Volume::new(Arc::new(disk.clone()), "")).unwrap()
}

/// Bytes that differ from place to place.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let step = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(step).take(length).collect()
}

/// Writes `bytes` as closed chunks from offset 0 on, in appends of `append_bytes` each.
fn write_object(store: &ChunkStore, key: &DataKey, bytes: &[u8], append_bytes: usize) -> Vec<ClosedChunk> {
    let (mut chunks, mut rest, mut offset) = (Vec::new(), bytes, 0);
    while !rest.is_empty() {
        let number = u32::try_from(chunks.len()).unwrap();
        let mut writer = Writer::new(RecordSealer::new(key, header(number, offset)).unwrap());
        let mut open = store.create(header(number, offset)).unwrap();
        while !writer.is_full() && !rest.is_empty() {
            let mut records = Vec::new();
            let taken = writer.push(&rest[..append_bytes.min(rest.len())], &mut records).unwrap();
            records.extend(writer.flush().unwrap());
            rest = &rest[taken..];
            open.write(&records).unwrap();
        }
        open.sync().unwrap();
        offset = open.end();
        let closed = open.closing();
        store.close(open, &closed).unwrap();
        chunks.push(closed);
    }
    chunks
}

fn read(reader: &Reader, range: std::ops::Range<u64>) -> Result<Vec<u8>, ReadError> {
    reader.read(range)?.collect::<Result<Vec<Vec<u8>>, ReadError>>().map(|pieces| pieces.concat())
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap()
}
