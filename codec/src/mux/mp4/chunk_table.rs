//! Which packets stand where: `stsc` and `stco` or `co64`.

use std::num::NonZeroU32;

use shiguredo_mp4::Either;
use shiguredo_mp4::boxes::{Co64Box, StcoBox, StscBox, StscEntry};

use super::super::{Chunks, Track};

/// Where the payload of `mdat` starts in the file, and how wide the offsets are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Offsets {
    /// 32 bits: `stco`. The caller knows that they suffice.
    Narrow { base: u64 },
    /// 64 bits: `co64`.
    Wide { base: u64 },
}

/// The chunks of one track.
#[derive(Debug, Default)]
pub(super) struct ChunkTable {
    /// Packets per chunk, and the number of the sample entry that describes them.
    packets: Vec<(u32, NonZeroU32)>,
    /// Where each chunk starts, counted from the start of the payload.
    offsets: Vec<u64>,
}

/// The tables of all tracks.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) video: ChunkTable,
    pub(super) sound: ChunkTable,
    pub(super) subtitles: ChunkTable,
    pub(super) chapters: ChunkTable,
}

impl Tables {
    /// The tables of all tracks, and the length of the payload in bytes.
    pub(super) fn of(chunks: Chunks<'_>) -> (Self, u64) {
        let (mut tables, mut offset) = (Self::default(), 0_u64);
        for chunk in chunks {
            let table = match chunk.track {
                Track::Video => &mut tables.video,
                Track::Sound => &mut tables.sound,
                Track::Subtitles => &mut tables.subtitles,
                Track::Chapters => &mut tables.chapters,
            };
            let entry = u32::try_from(chunk.entry).unwrap_or(u32::MAX);
            let entry = NonZeroU32::MIN.saturating_add(entry);
            table.packets.push((u32::try_from(chunk.packets.len()).unwrap_or(u32::MAX), entry));
            table.offsets.push(offset);
            offset += chunk.bytes;
        }
        (tables, offset)
    }
}

impl ChunkTable {
    /// Runs of chunks with the same number of packets and the same description.
    pub(super) fn stsc(&self) -> StscBox {
        let mut entries: Vec<StscEntry> = Vec::new();
        for (first_chunk, &(sample_per_chunk, sample_description_index)) in numbers().zip(&self.packets) {
            let alike = |last: &StscEntry| {
                last.sample_per_chunk == sample_per_chunk
                    && last.sample_description_index == sample_description_index
            };
            if !entries.last().is_some_and(alike) {
                entries.push(StscEntry { first_chunk, sample_per_chunk, sample_description_index });
            }
        }
        StscBox { entries }
    }

    /// Where each chunk starts in the file.
    pub(super) fn offsets(&self, offsets: Offsets) -> Either<StcoBox, Co64Box> {
        match offsets {
            Offsets::Narrow { base } => {
                let narrow = |offset: &u64| u32::try_from(base.saturating_add(*offset)).unwrap_or(u32::MAX);
                Either::A(StcoBox { chunk_offsets: self.offsets.iter().map(narrow).collect() })
            }
            Offsets::Wide { base } => {
                let wide = |offset: &u64| base.saturating_add(*offset);
                Either::B(Co64Box { chunk_offsets: self.offsets.iter().map(wide).collect() })
            }
        }
    }
}

/// 1, 2, 3 and so on: how chunks and samples are counted.
pub(super) fn numbers() -> impl Iterator<Item = NonZeroU32> {
    (1_u32..).filter_map(NonZeroU32::new)
}
