//! Fixed binary layouts: big-endian fields, one after the other.

use crate::id::{ChunkId, ChunkNumber, Epoch, ObjectId, RecordingId, StreamId};

/// Bytes of a [`ChunkId`] in every format.
pub(crate) const CHUNK_ID_BYTES: usize = 36;

/// Takes fields from the front of bytes that nobody has checked yet.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// `count` bytes, all zero: reserved space that a later version may use, so it is no place to hide bytes.
    pub(crate) fn zeros(&mut self, count: usize) -> Option<()> {
        self.bytes(count)?.iter().all(|byte| *byte == 0).then_some(())
    }

    pub(crate) fn chunk_id(&mut self) -> Option<ChunkId> {
        let recording = RecordingId(self.array()?);
        let stream = StreamId(self.u64()?);
        let number = ChunkNumber(self.u32()?);
        let epoch = Epoch(self.u64()?);
        Some(ChunkId { object: ObjectId { recording, stream }, number, epoch })
    }
}

/// The 36 bytes of a chunk's identifier: recording, stream, number, epoch.
pub(crate) fn chunk_id_bytes(id: &ChunkId) -> [u8; CHUNK_ID_BYTES] {
    let mut bytes = [0; CHUNK_ID_BYTES];
    bytes[..16].copy_from_slice(&id.object.recording.0);
    bytes[16..24].copy_from_slice(&id.object.stream.0.to_be_bytes());
    bytes[24..28].copy_from_slice(&id.number.0.to_be_bytes());
    bytes[28..].copy_from_slice(&id.epoch.0.to_be_bytes());
    bytes
}

/// A length or position in memory as one on disk.
pub(crate) fn disk_size(size: usize) -> u64 {
    u64::try_from(size).expect("no supported target has addresses of more than 64 bits")
}

/// A length or position on disk as one in memory.
pub(crate) fn memory_size(size: impl TryInto<usize>) -> Option<usize> {
    size.try_into().ok()
}
