//! Records: the unit of encryption and hashing.

use std::fmt;

use bytes::Bytes;
use crc32c::{crc32c, crc32c_append};
use ring::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use zeroize::Zeroizing;

use super::Hash;
use super::fields::{CHUNK_ID_BYTES, Fields, chunk_id_bytes, disk_size, memory_size};
use super::file::{ChunkHeader, record_room_bytes};
use super::key::{DataKey, KEY_BYTES};
use super::merkle::record_leaf;
use crate::id::{ChunkId, RecordIndex, RecordingId};

/// Most plaintext of one record.
pub const RECORD_BYTES_MAX: usize = 64 << 10;
/// Bytes before the ciphertext in a record's frame.
pub(crate) const FRAME_HEADER_BYTES: usize = 28;
/// What a record's frame has more than its plaintext: its header and the tag.
pub const FRAME_OVERHEAD_BYTES: usize = FRAME_HEADER_BYTES + TAG_BYTES;

const TAG_BYTES: usize = 16;
const FRAME_KIND: u8 = b'R';
const FRAME_VERSION: u8 = 1;
const RECORD_KEY_LABEL: &[u8] = b"custody record key 1";

/// The cipher of one chunk's records.
pub struct RecordKey {
    chunk: ChunkId,
    cipher: LessSafeKey,
}

/// A data key serves the objects of its own recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the data key of recording {key} serves no chunk of recording {chunk}")]
pub struct OtherRecording {
    /// The recording that the key belongs to.
    pub key: RecordingId,
    /// The recording that the chunk belongs to.
    pub chunk: RecordingId,
}

/// The ciphertext is not what was sealed as this record of this chunk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {index} of chunk {chunk} does not decrypt with its key")]
pub struct OpenError {
    /// The chunk.
    pub chunk: ChunkId,
    /// The record.
    pub index: RecordIndex,
}

impl RecordKey {
    /// The key of a chunk: HKDF-SHA256(data key, recording | stream | number | epoch).
    pub fn derive(key: &DataKey, chunk: ChunkId) -> Result<Self, OtherRecording> {
        if key.recording() != chunk.object.recording {
            return Err(OtherRecording { key: key.recording(), chunk: chunk.object.recording });
        }
        let cipher = key.derive_cipher(RECORD_KEY_LABEL, &chunk_id_bytes(&chunk));
        Ok(Self { chunk, cipher })
    }

    /// The same key as bytes, for who is given the chunk's plaintext and is to see that it is what was sealed.
    pub(crate) fn disclose(
        key: &DataKey,
        chunk: ChunkId,
    ) -> Result<Zeroizing<[u8; KEY_BYTES]>, OtherRecording> {
        // Refuses the keys of other recordings.
        Self::derive(key, chunk)?;
        Ok(key.derive(RECORD_KEY_LABEL, &chunk_id_bytes(&chunk)))
    }

    /// Decrypts a record's ciphertext and tag in place; `offset` is the plaintext's in its object.
    pub fn open<'a>(
        &self,
        index: RecordIndex,
        offset: u64,
        ciphertext: &'a mut [u8],
    ) -> Result<&'a mut [u8], OpenError> {
        self.cipher
            .open_in_place(nonce(index), Aad::from(aad(&self.chunk, offset)), ciphertext)
            .map_err(|_| OpenError { chunk: self.chunk, index })
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordKey").field("chunk", &self.chunk).finish_non_exhaustive()
    }
}

/// Why a record was not sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A record holds at least one byte.
    #[error("a record of chunk {chunk} would be empty")]
    Empty {
        /// The chunk.
        chunk: ChunkId,
    },
    /// The record is too long, or the chunk has less room left.
    #[error("a record of {actual_bytes} bytes does not fit in chunk {chunk}, which takes {room_bytes}")]
    TooLong {
        /// The chunk.
        chunk: ChunkId,
        /// The plaintext's length.
        actual_bytes: usize,
        /// What the next record may hold; 0 when the chunk is full.
        room_bytes: usize,
    },
}

/// Seals the records of one chunk, each index once.
///
/// INVARIANT: no index is used twice under one key. A sealer starts at record 0, cannot be cloned or rewound,
/// and gives out its ciphertext as a [`SealedRecord`], which is what a retry sends. Make one sealer per chunk
/// identifier, after its OpenChunk was committed by this very process: an epoch is never continued by another.
#[derive(Debug)]
pub struct RecordSealer {
    key: RecordKey,
    header: ChunkHeader,
    next: u32,
    offset: u64,
    room_bytes: usize,
}

impl RecordSealer {
    /// The sealer of the chunk that `header` describes.
    pub fn new(key: &DataKey, header: ChunkHeader) -> Result<Self, OtherRecording> {
        let key = RecordKey::derive(key, header.id)?;
        Ok(Self { key, header, next: 0, offset: header.offset, room_bytes: record_room_bytes(0, 0) })
    }

    /// A sealer with another chunk's key: what the product must never make.
    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn with_key(key: RecordKey, header: ChunkHeader) -> Self {
        Self { key, header, next: 0, offset: header.offset, room_bytes: record_room_bytes(0, 0) }
    }

    /// The header of the chunk.
    pub fn header(&self) -> &ChunkHeader {
        &self.header
    }

    /// Where in the object the next record begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// How many bytes the next record may hold; 0 when the chunk is full.
    pub fn room_bytes(&self) -> usize {
        self.room_bytes
    }

    /// Encrypts the next record.
    pub fn seal(&mut self, plaintext: &[u8]) -> Result<SealedRecord, SealError> {
        let chunk = self.header.id;
        if plaintext.is_empty() {
            return Err(SealError::Empty { chunk });
        }
        if plaintext.len() > self.room_bytes {
            let (actual_bytes, room_bytes) = (plaintext.len(), self.room_bytes);
            return Err(SealError::TooLong { chunk, actual_bytes, room_bytes });
        }
        let index = RecordIndex(self.next);
        let mut frame = Vec::with_capacity(plaintext.len() + FRAME_OVERHEAD_BYTES);
        frame.resize(FRAME_HEADER_BYTES, 0);
        frame.extend_from_slice(plaintext);
        let tag = self
            .key
            .cipher
            .seal_in_place_separate_tag(
                nonce(index),
                Aad::from(aad(&chunk, self.offset)),
                &mut frame[FRAME_HEADER_BYTES..],
            )
            .expect("64 KiB are within the limits of AES-256-GCM");
        frame.extend_from_slice(tag.as_ref());
        let plaintext_bytes =
            u32::try_from(plaintext.len()).expect("a record is shorter than RECORD_BYTES_MAX");
        let body = &frame[FRAME_HEADER_BYTES..];
        let header = FrameHeader { index, offset: self.offset, plaintext_bytes, body_crc: crc32c(body) };
        let header = header.encode(self.header.crc());
        frame[..FRAME_HEADER_BYTES].copy_from_slice(&header);
        let record = SealedRecord::of(&self.header, index, self.offset, plaintext_bytes, frame);
        self.next += 1;
        self.offset += u64::from(plaintext_bytes);
        let so_far = self.offset - self.header.offset;
        self.room_bytes = record_room_bytes(self.next, so_far);
        Ok(record)
    }
}

/// A record as it is stored and sent. Clones share its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedRecord {
    index: RecordIndex,
    offset: u64,
    plaintext_bytes: u32,
    frame: Bytes,
    leaf: Hash,
}

/// Why bytes are no record of a chunk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The bytes end before the record does.
    #[error("the bytes end before the record does")]
    Truncated,
    /// The header is not one that this chunk's owner wrote.
    #[error("the record's header does not match its check sum")]
    Header,
    /// The ciphertext is not the one that the header describes.
    #[error("the record's ciphertext does not match its check sum")]
    Body,
}

impl SealedRecord {
    fn of(
        chunk: &ChunkHeader,
        index: RecordIndex,
        offset: u64,
        plaintext_bytes: u32,
        frame: Vec<u8>,
    ) -> Self {
        let ciphertext = Hash::of(&[&frame[FRAME_HEADER_BYTES..]]);
        let leaf = record_leaf(&chunk.id, index, plaintext_bytes, &ciphertext);
        Self { index, offset, plaintext_bytes, frame: frame.into(), leaf }
    }

    /// Reads the record at the front of `bytes`, which are from a disk or another member.
    pub fn parse(chunk: &ChunkHeader, bytes: &[u8]) -> Result<Self, FrameError> {
        let header = FrameHeader::parse(chunk.crc(), bytes)?;
        let frame = bytes.get(..header.frame_bytes()).ok_or(FrameError::Truncated)?;
        if crc32c(&frame[FRAME_HEADER_BYTES..]) != header.body_crc {
            return Err(FrameError::Body);
        }
        Ok(Self::of(chunk, header.index, header.offset, header.plaintext_bytes, frame.to_vec()))
    }

    /// Its place in the chunk.
    pub fn index(&self) -> RecordIndex {
        self.index
    }

    /// Where in the object its plaintext begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The length of its plaintext.
    pub fn plaintext_bytes(&self) -> u32 {
        self.plaintext_bytes
    }

    /// Where in the object its plaintext ends.
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(u64::from(self.plaintext_bytes))
    }

    /// The stored bytes.
    pub fn frame(&self) -> &Bytes {
        &self.frame
    }

    /// The encrypted bytes and their tag.
    pub(crate) fn ciphertext(&self) -> &[u8] {
        self.frame.get(FRAME_HEADER_BYTES..).unwrap_or_default()
    }

    /// The hash of its leaf.
    pub fn leaf(&self) -> &Hash {
        &self.leaf
    }
}

impl fmt::Debug for SealedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedRecord")
            .field("index", &self.index)
            .field("offset", &self.offset)
            .field("plaintext_bytes", &self.plaintext_bytes)
            .finish_non_exhaustive()
    }
}

/// What stands before the ciphertext on disk.
pub(crate) struct FrameHeader {
    pub(crate) index: RecordIndex,
    pub(crate) offset: u64,
    pub(crate) plaintext_bytes: u32,
    /// CRC-32C of the ciphertext and its tag.
    pub(crate) body_crc: u32,
}

impl FrameHeader {
    /// The header's bytes. Its check sum continues the chunk header's, so that a frame of another chunk is none.
    pub(crate) fn encode(&self, chunk_crc: u32) -> [u8; FRAME_HEADER_BYTES] {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        bytes[0] = FRAME_KIND;
        bytes[1] = FRAME_VERSION;
        bytes[4..8].copy_from_slice(&self.index.0.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.offset.to_be_bytes());
        bytes[16..20].copy_from_slice(&self.plaintext_bytes.to_be_bytes());
        bytes[20..24].copy_from_slice(&self.body_crc.to_be_bytes());
        let crc = crc32c_append(chunk_crc, &bytes[..24]);
        bytes[24..].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    pub(crate) fn parse(chunk_crc: u32, bytes: &[u8]) -> Result<Self, FrameError> {
        let bytes = bytes.get(..FRAME_HEADER_BYTES).ok_or(FrameError::Truncated)?;
        Self::decode(chunk_crc, bytes).ok_or(FrameError::Header)
    }

    fn decode(chunk_crc: u32, bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.u8()? != FRAME_KIND || fields.u8()? != FRAME_VERSION {
            return None;
        }
        fields.zeros(2)?;
        let header = Self {
            index: RecordIndex(fields.u32()?),
            offset: fields.u64()?,
            plaintext_bytes: fields.u32()?,
            body_crc: fields.u32()?,
        };
        let length = memory_size(header.plaintext_bytes)?;
        let sound = (1..=RECORD_BYTES_MAX).contains(&length) && header.encode(chunk_crc) == *bytes;
        sound.then_some(header)
    }

    /// The length of the whole frame.
    pub(crate) fn frame_bytes(&self) -> usize {
        frame_bytes(self.plaintext_bytes)
    }
}

/// The index of the record at the front of `bytes`.
pub(crate) fn first_index(chunk: &ChunkHeader, bytes: &[u8]) -> Option<u32> {
    FrameHeader::parse(chunk.crc(), bytes).ok().map(|header| header.index.0)
}

/// The length of the frame of a record.
pub(crate) fn frame_bytes(plaintext_bytes: u32) -> usize {
    memory_size(plaintext_bytes).map_or(usize::MAX, |length| length.saturating_add(FRAME_OVERHEAD_BYTES))
}

/// The length of the frames of `records` records with `plaintext_bytes` in all.
pub(crate) fn frames_bytes(records: u32, plaintext_bytes: u64) -> u64 {
    u64::from(records).saturating_mul(disk_size(FRAME_OVERHEAD_BYTES)).saturating_add(plaintext_bytes)
}

/// The 96-bit big-endian record index.
fn nonce(index: RecordIndex) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[NONCE_LEN - 4..].copy_from_slice(&index.0.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

/// Version | recording | stream | number | epoch | plaintext offset.
fn aad(chunk: &ChunkId, offset: u64) -> [u8; 1 + CHUNK_ID_BYTES + 8] {
    let mut bytes = [0; 1 + CHUNK_ID_BYTES + 8];
    bytes[0] = FRAME_VERSION;
    bytes[1..=CHUNK_ID_BYTES].copy_from_slice(&chunk_id_bytes(chunk));
    bytes[1 + CHUNK_ID_BYTES..].copy_from_slice(&offset.to_be_bytes());
    bytes
}
