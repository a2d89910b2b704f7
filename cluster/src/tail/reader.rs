//! A read whose bytes are not on this member: from the others, one after the other until one answers well.

use super::effect::{Answer, RequestNumber};
use super::frames::parse;
use super::message::Message;
use super::turn::Turn;
use crate::chunk::key::DataKey;
use crate::chunk::{ChunkHeader, ClosedChunk, Hash, RecordKey, disk_size};
use crate::id::{ChunkId, MemberId, ObjectId};
use std::sync::Arc;

/// A read on its way.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) request: RequestNumber,
    pub(crate) object: ObjectId,
    /// Where in the object it begins.
    pub(crate) offset: u64,
    pub(crate) key: Arc<DataKey>,
    pub(crate) wanted: Wanted,
    /// Whom to ask, best first.
    pub(crate) sources: Vec<MemberId>,
    pub(crate) asked: usize,
    pub(crate) missed: usize,
    pub(crate) asked_ms: u64,
    pub(crate) began_ms: u64,
}

/// What it reads from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted {
    /// A closed chunk, which is checked against its hash.
    Copy(ClosedChunk),
    /// The open one, as far as it is known to be durable. Its records are checked by their tags.
    Tail(ChunkHeader),
}

impl Reader {
    pub(crate) fn chunk(&self) -> ChunkId {
        match &self.wanted {
            Wanted::Copy(chunk) => chunk.id(self.object),
            Wanted::Tail(chunk) => chunk.id,
        }
    }

    /// Asks the first member, and after a while the next one too: whoever answers first serves. Whether the read is
    /// over.
    pub(crate) fn tick(&mut self, turn: &mut Turn<'_>) -> bool {
        let options = &turn.around.options;
        let is_hedged = turn.now_ms.saturating_sub(self.asked_ms) >= options.hedge_ms;
        let is_late = turn.now_ms.saturating_sub(self.began_ms) > options.read_ms;
        if is_late || self.missed >= self.sources.len() {
            return self.give_up(turn);
        }
        if (self.asked == 0 || is_hedged || self.missed == self.asked)
            && let Some(source) = self.sources.get(self.asked)
        {
            (self.asked, self.asked_ms) = (self.asked + 1, turn.now_ms);
            let message = match &self.wanted {
                Wanted::Copy(_) => Message::AskCopy { chunk: self.chunk() },
                Wanted::Tail(_) => Message::AskTail { chunk: self.chunk(), offset: self.offset },
            };
            turn.send(*source, message);
        }
        false
    }

    /// A member has nothing to give. Whether the read is over.
    pub(crate) fn missed(&mut self, turn: &mut Turn<'_>) -> bool {
        self.missed += 1;
        self.tick(turn)
    }

    /// A member gives the whole file of a closed chunk. Whether the read is over.
    pub(crate) fn copied(&mut self, file: &[u8], turn: &mut Turn<'_>) -> bool {
        let Wanted::Copy(chunk) = self.wanted else { return false };
        let is_it = chunk.length_bytes == disk_size(file.len()) && Hash::of(&[file]) == chunk.hash;
        let header = chunk.header(self.object);
        let frames = chunk.frames(file).filter(|_| is_it);
        let bytes = frames.and_then(|frames| decrypt(&self.key, &header, 0, frames, self.offset));
        self.serve(bytes, turn)
    }

    /// A member gives records of the open chunk, or says that it knows of no more. Whether the read is over.
    pub(crate) fn tail(&mut self, offset: u64, frames: &[u8], turn: &mut Turn<'_>) -> bool {
        let Wanted::Tail(chunk) = self.wanted else { return false };
        if offset != self.offset {
            return false;
        }
        let first = crate::chunk::first_index(&chunk, frames).unwrap_or(0);
        let bytes = decrypt(&self.key, &chunk, first, frames, offset).filter(|bytes| !bytes.is_empty());
        self.serve(bytes, turn)
    }

    fn serve(&mut self, bytes: Option<Vec<u8>>, turn: &mut Turn<'_>) -> bool {
        let Some(bytes) = bytes else { return self.missed(turn) };
        turn.answer(self.request, Answer::Bytes(bytes));
        true
    }

    fn give_up(&self, turn: &mut Turn<'_>) -> bool {
        let answer = match &self.wanted {
            Wanted::Copy(_) => Answer::Unreadable,
            Wanted::Tail(_) => Answer::Bytes(Vec::new()),
        };
        turn.answer(self.request, answer);
        true
    }
}

/// The plaintext from `offset` on of records that were sent; none unless every one of them is whole.
pub(crate) fn decrypt(
    key: &DataKey,
    chunk: &ChunkHeader,
    first: u32,
    frames: &[u8],
    offset: u64,
) -> Option<Vec<u8>> {
    let key = RecordKey::derive(key, chunk.id).ok()?;
    let mut bytes = Vec::new();
    for record in parse(chunk, first, frames)? {
        if record.end() <= offset {
            continue;
        }
        let mut ciphertext = record.ciphertext().to_vec();
        let plaintext = key.open(record.index(), record.offset(), &mut ciphertext).ok()?;
        let skipped = usize::try_from(offset.saturating_sub(record.offset())).ok()?;
        bytes.extend_from_slice(plaintext.get(skipped..)?);
    }
    Some(bytes)
}
