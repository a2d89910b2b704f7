use super::content;
use crate::chunk::{ChunkHeader, FrameHeader, RECORD_FRAME_HEADER_BYTES};
use crate::id::{ChunkId, ChunkNumber};
use std::collections::HashMap;

/// How much of a key stream tells it from all others.
const KEY_STREAM_BYTES: usize = 8;

/// No key and nonce serve two ciphertexts.
///
/// It knows no keys: AES-GCM with the same key and nonce makes the same key stream, and plaintext with ciphertext
/// shows it.
#[derive(Debug, Default)]
pub(crate) struct Nonces {
    streams: HashMap<[u8; KEY_STREAM_BYTES], (ChunkId, u32)>,
    /// The check sum of each record's ciphertext.
    records: HashMap<(ChunkId, u32), u32>,
}

impl Nonces {
    /// An owner sends records of what a recorder recorded.
    pub(crate) fn sent(&mut self, recorder: usize, chunk: &ChunkHeader, frames: &[u8]) -> Result<(), String> {
        let mut rest = frames;
        while let Ok(header) = FrameHeader::parse(chunk.crc(), rest) {
            let place = (chunk.id, header.index.0);
            let ciphertext = rest.get(RECORD_FRAME_HEADER_BYTES..).unwrap_or_default();
            rest = rest.get(header.frame_bytes()..).unwrap_or_default();
            if let Some(first) = self.records.insert(place, header.body_crc) {
                if first != header.body_crc {
                    return Err(format!("record {place:?} was sealed twice"));
                }
                continue;
            }
            let is_long =
                usize::try_from(header.plaintext_bytes).is_ok_and(|bytes| bytes >= KEY_STREAM_BYTES);
            if !is_long || chunk.id.number == ChunkNumber::MANIFEST {
                continue;
            }
            let mut stream = [0; KEY_STREAM_BYTES];
            for ((at, byte), into) in (header.offset..).zip(ciphertext).zip(&mut stream) {
                *into = byte ^ content(recorder, at);
            }
            if let Some(first) = self.streams.insert(stream, place) {
                return Err(format!("records {first:?} and {place:?} have one key and nonce"));
            }
        }
        Ok(())
    }
}
