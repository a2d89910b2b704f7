//! Coded packets that wait for their place in the file.

use codec::mux::{SoundPacket, TemporalUnit, TemporalUnitError};
use codec::video::Packet;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Why a packet cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PartError {
    /// The temporary file cannot be written or read.
    #[error("cannot keep coded packets in a temporary file: {0}")]
    File(#[from] io::Error),
    /// The encoder's packet is not what it should be.
    #[error("the encoder wrote a packet that cannot be used: {0}")]
    Packet(#[from] TemporalUnitError),
    /// A packet longer than the format allows.
    #[error("the encoder wrote a packet of {bytes} bytes")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

/// An unnamed temporary file to which one worker's packets are appended.
pub(super) struct PacketFile {
    file: BufWriter<Arc<File>>,
    bytes: u64,
}

/// A part of a packet file.
pub(super) type Stored = (Arc<File>, Range<u64>);

/// The coded pictures of one segment.
#[derive(Debug, Default)]
pub(super) struct VideoPart {
    /// Where they stand in their file.
    pub(super) range: Range<u64>,
    /// Facts of the pictures in order.
    pub(super) pictures: Vec<Picture>,
    /// The different sequence header OBUs of the key frames, in the order in which they came.
    pub(super) sequence_headers: Vec<Vec<u8>>,
}

/// One coded picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Picture {
    /// When it is first shown, in milliseconds of media time.
    pub(super) at_ms: i64,
    /// Length of its sample.
    pub(super) size_bytes: u32,
    /// Whether decoding can start here.
    pub(super) is_sync: bool,
    /// Which of the part's sequence headers it is decoded with.
    pub(super) header: usize,
}

impl PacketFile {
    /// An empty file in `folder`.
    pub(super) fn create(folder: &Path) -> Result<Self, PartError> {
        Ok(Self { file: BufWriter::new(Arc::new(tempfile::tempfile_in(folder)?)), bytes: 0 })
    }

    /// A part that begins at the end of the file.
    pub(super) fn begin(&self) -> VideoPart {
        VideoPart { range: self.bytes..self.bytes, ..VideoPart::default() }
    }

    /// Keeps one more picture of `part`.
    pub(super) fn push_picture(&mut self, part: &mut VideoPart, packet: &Packet) -> Result<(), PartError> {
        let unit = TemporalUnit::parse(&packet.data)?;
        let bytes = unit.sample.len();
        let size_bytes = u32::try_from(bytes).map_err(|_| PartError::TooLong { bytes })?;
        self.append(unit.sample)?;
        part.range.end = self.bytes;
        let header = match unit.sequence_header {
            Some(header) => number_of(header, &mut part.sequence_headers),
            None => part.pictures.last().map_or(0, |before| before.header),
        };
        part.pictures.push(Picture { at_ms: packet.at_ms, size_bytes, is_sync: unit.is_sync, header });
        Ok(())
    }

    /// Keeps one more packet of sound; returns its facts.
    pub(super) fn push_sound(&mut self, samples: u32, data: &[u8]) -> Result<SoundPacket, PartError> {
        let bytes = data.len();
        let too_long = |_| PartError::TooLong { bytes };
        let size_bytes = u16::try_from(bytes).map_err(too_long)?;
        let samples = u16::try_from(samples).map_err(too_long)?;
        self.append(data)?;
        Ok(SoundPacket { size_bytes, samples })
    }

    fn append(&mut self, data: &[u8]) -> io::Result<()> {
        self.file.write_all(data)?;
        self.bytes += u64::try_from(data.len()).expect("a packet's length fits 64 bits");
        Ok(())
    }

    /// Hands what was appended up to here to those who read the file.
    pub(super) fn flush(&mut self) -> Result<(), PartError> {
        Ok(self.file.flush()?)
    }

    /// The file, to read from: all of it that was flushed.
    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(self.file.get_ref())
    }
}

/// The place of a sequence header among `headers`, the last one if it is new.
pub(super) fn number_of(header: &[u8], headers: &mut Vec<Vec<u8>>) -> usize {
    headers.iter().position(|known| known == header).unwrap_or_else(|| {
        headers.push(header.to_vec());
        headers.len() - 1
    })
}

/// Stored parts, read one after the other.
pub(super) struct Parts(VecDeque<Stored>);

impl Parts {
    /// Reads `parts` in their order.
    pub(super) fn new(parts: impl IntoIterator<Item = Stored>) -> Self {
        Self(parts.into_iter().collect())
    }

    /// Reads one more behind them.
    pub(super) fn push(&mut self, part: Stored) {
        self.0.push_back(part);
    }

    /// Copies the next `bytes`.
    pub(super) fn copy_next(&mut self, bytes: u64, output: &mut impl Write) -> io::Result<()> {
        match io::copy(&mut self.take(bytes), output)? {
            copied if copied == bytes => Ok(()),
            _ => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        }
    }
}

impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some((file, range)) = self.0.front_mut() {
            let left = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            if left == 0 {
                self.0.pop_front();
                continue;
            }
            let wanted = left.min(buffer.len());
            let read = file.read_at(&mut buffer[..wanted], range.start)?;
            range.start += u64::try_from(read).expect("a buffer's length fits 64 bits");
            return Ok(read);
        }
        Ok(0)
    }
}
