//! A segment's file: its header, its frames, and what of it is whole.

use crc32c::{crc32c, crc32c_append};

use super::super::disk::{DiskError, VolumeFile};
use super::super::fields::{CHUNK_ID_BYTES, Fields, chunk_id_bytes, disk_size, memory_size};
use crate::id::ChunkId;

/// Bytes of a segment's header.
pub(super) const HEADER_BYTES: usize = 32;
/// Bytes before a frame's payload.
pub(super) const FRAME_BYTES: usize = 72;
/// Most bytes of a frame's payload: an append that is not direct, and the frames' overhead.
pub(super) const PAYLOAD_BYTES_MAX: usize = 2 << 20;

const MAGIC: [u8; 4] = *b"JRNL";
const VERSION: u16 = 1;
const FRAME_VERSION: u8 = 1;
const WINDOW_BYTES: usize = 1 << 20;

/// What stands first in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) id: u64,
    /// How long the segment before was when this one began; 0 when there was none.
    pub(super) previous_bytes: u64,
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&VERSION.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.id.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.previous_bytes.to_be_bytes());
        let crc = crc32c(&bytes[..28]);
        bytes[28..].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    /// The header's check sum, which those of its frames continue.
    pub(super) fn crc(&self) -> u32 {
        crc32c(&self.encode()[..28])
    }

    fn decode(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.array()? != MAGIC || fields.u16()? != VERSION {
            return None;
        }
        fields.zeros(2)?;
        let header = Self { id: fields.u64()?, previous_bytes: fields.u64()? };
        (header.encode() == *bytes).then_some(header)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameKind {
    /// Records of a chunk, to be at `position` of its file.
    Records,
    /// The chunk's file is durable up to `position`.
    Mark,
    /// The chunk takes nothing more of owners before the epoch `position`.
    Fence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) kind: FrameKind,
    /// Counted from 0 in the segment.
    pub(super) number: u32,
    /// The check sum of the frame before, or of the segment's header.
    pub(super) previous_crc: u32,
    /// How much of the segment was durable when the frame was written.
    pub(super) durable: u64,
    pub(super) position: u64,
    pub(super) chunk: ChunkId,
    pub(super) payload_bytes: u32,
}

impl FrameHeader {
    /// The header's bytes and the frame's check sum.
    pub(super) fn encode(&self, segment_crc: u32, payload: &[u8]) -> ([u8; FRAME_BYTES], u32) {
        let mut bytes = [0; FRAME_BYTES];
        bytes[0] = match self.kind {
            FrameKind::Records => b'A',
            FrameKind::Mark => b'M',
            FrameKind::Fence => b'F',
        };
        bytes[1] = FRAME_VERSION;
        bytes[4..8].copy_from_slice(&self.payload_bytes.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.number.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.previous_crc.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.durable.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.position.to_be_bytes());
        bytes[32..32 + CHUNK_ID_BYTES].copy_from_slice(&chunk_id_bytes(&self.chunk));
        let crc = crc32c_append(crc32c_append(segment_crc, &bytes[..68]), payload);
        bytes[68..].copy_from_slice(&crc.to_be_bytes());
        (bytes, crc)
    }

    /// Reads a header whose check sum, which covers the payload too, is still to be compared.
    fn decode(bytes: &[u8]) -> Option<(Self, u32)> {
        let mut fields = Fields(bytes);
        let kind = match fields.u8()? {
            b'A' => FrameKind::Records,
            b'M' => FrameKind::Mark,
            b'F' => FrameKind::Fence,
            _ => return None,
        };
        if fields.u8()? != FRAME_VERSION {
            return None;
        }
        fields.zeros(2)?;
        let payload_bytes = fields.u32()?;
        memory_size(payload_bytes).filter(|length| *length <= PAYLOAD_BYTES_MAX)?;
        let header = Self {
            kind,
            payload_bytes,
            number: fields.u32()?,
            previous_crc: fields.u32()?,
            durable: fields.u64()?,
            position: fields.u64()?,
            chunk: fields.chunk_id()?,
        };
        Some((header, fields.u32()?))
    }
}

/// A segment as it lies on the disk.
pub(super) struct SegmentFile {
    pub(super) header: SegmentHeader,
    pub(super) file: VolumeFile,
}

/// A frame of a segment.
pub(super) struct Frame {
    pub(super) header: FrameHeader,
    pub(super) payload: Vec<u8>,
    crc: u32,
}

impl SegmentFile {
    /// Reads the header of segment `id`; none when it is damaged. A segment got its name only once its header was
    /// durable.
    pub(super) fn read(id: u64, file: VolumeFile) -> Result<Option<Self>, DiskError> {
        let mut bytes = [0; HEADER_BYTES];
        file.read_at(0, &mut bytes)?;
        let header = SegmentHeader::decode(&bytes).filter(|header| header.id == id);
        Ok(header.map(|header| Self { header, file }))
    }

    /// The frame at `position`, if there is one by its own check sum.
    pub(super) fn frame_at(&self, position: u64) -> Result<Option<Frame>, DiskError> {
        let mut bytes = [0; FRAME_BYTES];
        let read = self.file.read_at(position, &mut bytes)?;
        let Some((header, crc)) = FrameHeader::decode(bytes.get(..read).unwrap_or(&[])) else {
            return Ok(None);
        };
        let mut payload = vec![0; memory_size(header.payload_bytes).unwrap_or(0)];
        let read = self.file.read_at(position + disk_size(FRAME_BYTES), &mut payload)?;
        let sound = read == payload.len() && header.encode(self.header.crc(), &payload) == (bytes, crc);
        Ok(sound.then_some(Frame { header, payload, crc }))
    }

    /// Gives `visit` each frame in order. Returns where the chain of frames ends.
    pub(super) fn walk<E: From<DiskError>>(
        &self,
        mut visit: impl FnMut(u64, Frame) -> Result<(), E>,
    ) -> Result<u64, E> {
        let (mut position, mut number, mut previous_crc) = (disk_size(HEADER_BYTES), 0, self.header.crc());
        while let Some(frame) = self.frame_at(position)? {
            if frame.header.number != number || frame.header.previous_crc != previous_crc {
                break;
            }
            let length = disk_size(FRAME_BYTES + frame.payload.len());
            (number, previous_crc) = (number + 1, frame.crc);
            visit(position, frame)?;
            position += length;
        }
        Ok(position)
    }

    /// Whether a later frame says that the bytes at `end` were durable when it was written: then what stands
    /// there is no torn tail.
    pub(super) fn is_damaged_at(&self, end: u64) -> Result<bool, DiskError> {
        let mut window = vec![0; WINDOW_BYTES];
        let mut start = end;
        loop {
            let read = self.file.read_at(start, &mut window)?;
            for at in 0..read.saturating_sub(FRAME_BYTES - 1) {
                let header = FrameHeader::decode(&window[at..at + FRAME_BYTES]);
                if header.is_none_or(|(header, _)| header.durable <= end) {
                    continue;
                }
                if self.frame_at(start + disk_size(at))?.is_some() {
                    return Ok(true);
                }
            }
            if read < window.len() {
                return Ok(false);
            }
            start += disk_size(read - FRAME_BYTES + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::chunk::disk::{MemoryDisk, Volume};

    /// A batch that the disk refused may leave whole frames behind the shorter one which took its place.
    #[test]
    fn a_frame_that_continues_another_one_is_not_read() {
        let header = SegmentHeader { id: 1, previous_bytes: 0 };
        let frame = |number, previous_crc, payload: &[u8]| {
            let header = FrameHeader {
                kind: FrameKind::Records,
                number,
                previous_crc,
                durable: 32,
                position: 64,
                chunk: "00000000000000000000000000000000.0.0.1".parse().unwrap(),
                payload_bytes: u32::try_from(payload.len()).unwrap(),
            };
            let (bytes, crc) = header.encode(SegmentHeader { id: 1, previous_bytes: 0 }.crc(), payload);
            ([&bytes[..], payload].concat(), crc)
        };
        let (kept, kept_crc) = frame(0, header.crc(), b"kept");
        let (_, refused_crc) = frame(0, header.crc(), b"lost");
        for (previous_crc, expected) in [(kept_crc, 2), (refused_crc, 1)] {
            let (second, _) = frame(1, previous_crc, b"next");
            let volume = Volume::new(Arc::new(MemoryDisk::default()), "");
            let contents = [&header.encode()[..], &kept, &second].concat();
            let file = volume.create(Path::new("segment"), &contents).unwrap();
            let segment = SegmentFile::read(1, file).unwrap().unwrap();
            let mut frames = 0;
            segment
                .walk(|_, _| {
                    frames += 1;
                    Ok::<_, DiskError>(())
                })
                .unwrap();
            assert_eq!(frames, expected);
        }
    }
}
