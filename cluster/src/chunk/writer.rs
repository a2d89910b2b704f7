//! Cuts an append stream into records.

use super::record::{RecordSealer, SealError, SealedRecord};

/// Cuts what is appended to one chunk into records and seals them.
///
/// A record is sealed when it is full, or by [`Writer::flush`] because its append must be acknowledged. An append
/// of few bytes is a small record: each costs [`FRAME_OVERHEAD_BYTES`](super::FRAME_OVERHEAD_BYTES) in the file and
/// 36 bytes among the leaves, so that 10 KB appended ten times a second cost 0.8 % more than one stream.
#[derive(Debug)]
pub struct Writer {
    sealer: RecordSealer,
    /// Plaintext that is in no record yet; shorter than the next record may be.
    pending: Vec<u8>,
}

impl Writer {
    /// The writer of the chunk that `sealer` seals.
    pub fn new(sealer: RecordSealer) -> Self {
        Self { sealer, pending: Vec::new() }
    }

    /// Takes bytes and adds the records that they fill to `records`. Returns how many bytes were taken: fewer
    /// than given mean that the chunk is full, and that the rest belongs to the next one.
    pub fn push(&mut self, bytes: &[u8], records: &mut Vec<SealedRecord>) -> Result<usize, SealError> {
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_full() {
            let room = self.sealer.room_bytes() - self.pending.len();
            let (taken, after) = rest.split_at(room.min(rest.len()));
            rest = after;
            if self.pending.is_empty() && taken.len() == room {
                records.push(self.sealer.seal(taken)?);
                continue;
            }
            self.pending.extend_from_slice(taken);
            if taken.len() == room {
                records.extend(self.flush()?);
            }
        }
        Ok(bytes.len() - rest.len())
    }

    /// Seals what is in no record yet.
    pub fn flush(&mut self) -> Result<Option<SealedRecord>, SealError> {
        if self.pending.is_empty() {
            return Ok(None);
        }
        let record = self.sealer.seal(&self.pending)?;
        self.pending.clear();
        Ok(Some(record))
    }

    /// Whether the chunk takes no further byte.
    pub fn is_full(&self) -> bool {
        self.sealer.room_bytes() == 0
    }

    /// Where in the object the next record begins.
    pub fn offset(&self) -> u64 {
        self.sealer.offset()
    }
}
