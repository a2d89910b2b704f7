//! Reads: from this member when it has the bytes, else from the others.

use super::super::effect::{Answer, Effect, RequestNumber};
use super::super::message::Message;
use super::super::reader::{Reader, Wanted, decrypt};
use super::super::repairs::Cause;
use super::super::replica::{FRAMES_BYTES_MAX, TailError};
use super::super::turn::Turn;
use super::{Effects, Member};
use crate::catalog::OpenChunkFact;
use crate::chunk::key::DataKey;
use crate::chunk::{ChunkHeader, ClosedChunk, DiskError, FileError, first_index};
use crate::id::{ChunkId, ChunkNumber, MemberId, ObjectId};
use std::sync::Arc;

impl Member {
    /// Reads what stands at an offset of an object: bytes up to the end of a chunk, or up to where its open chunk is
    /// known to be durable; none when no more are known here.
    pub fn read(&mut self, request: RequestNumber, object: ObjectId, offset: u64, now_ms: u64) -> Effects {
        let answer = |answer| Ok(vec![Effect::Answer { request, answer }]);
        let (row, key) = (self.catalog.object(object)?, self.key(object)?);
        let (Some(row), Some(key)) = (row.filter(|_| self.is_ready), key) else {
            return answer(if self.is_ready { Answer::ObjectUnknown } else { Answer::Busy });
        };
        let rows = super::survey::chunks_of(&self.catalog, object)?;
        let closed = rows.iter().find(|row| {
            row.chunk.number != ChunkNumber::MANIFEST && (row.chunk.offset..row.chunk.end()).contains(&offset)
        });
        let (wanted, likely) = match (closed, row.open_chunk) {
            (Some(row), _) => (Wanted::Copy(row.chunk), self.around.likely(object, &row.members)),
            (None, Some(OpenChunkFact { number, epoch, members })) if number != ChunkNumber::MANIFEST => {
                let id = ChunkId { object, number, epoch };
                (Wanted::Tail(ChunkHeader { id, offset: row.length }), members)
            }
            (None, Some(_) | None) => return answer(Answer::Bytes(Vec::new())),
        };
        let here = match &wanted {
            Wanted::Copy(chunk) => self.read_copy(object, &key, chunk, offset)?,
            Wanted::Tail(chunk) => self.read_tail(&key, chunk, offset),
        };
        if let Some(bytes) = here {
            return answer(Answer::Bytes(bytes));
        }
        if let (Wanted::Copy(chunk), Some(row)) = (&wanted, closed)
            && self.shelf.store().is_closed(chunk.id(object))?
        {
            // The copy is here and damaged: a good one takes its place.
            self.want(object, row, Cause::Bad)?;
        }
        let (asked, missed, asked_ms, began_ms) = (0, 0, now_ms, now_ms);
        let sources = self.sources(&likely, now_ms);
        let mut read =
            Reader { request, object, offset, key, wanted, sources, asked, missed, asked_ms, began_ms };
        let mut turn = Turn { now_ms, around: &mut self.around, effects: Vec::new() };
        if !read.tick(&mut turn) {
            self.readers.push(read);
        }
        Ok(turn.effects)
    }

    /// The others, those first that are there.
    fn sources(&self, likely: &[MemberId], now_ms: u64) -> Vec<MemberId> {
        let mut sources = self.around.sources(likely);
        sources.sort_by_key(|member| !self.around.is_alive(*member, now_ms));
        sources
    }

    fn read_copy(
        &self,
        object: ObjectId,
        key: &Arc<DataKey>,
        chunk: &ClosedChunk,
        offset: u64,
    ) -> Result<Option<Vec<u8>>, TailError> {
        match self.shelf.store().whole(object, chunk) {
            Ok(file) => {
                let header = chunk.header(object);
                Ok(chunk.frames(&file).and_then(|frames| decrypt(key, &header, 0, frames, offset)))
            }
            Err(
                FileError::Missing { .. } | FileError::Damaged(_) | FileError::Disk(DiskError::Io { .. }),
            ) => Ok(None),
            Err(FileError::Disk(fatal @ DiskError::Fatal(_))) => Err(fatal.into()),
        }
    }

    fn read_tail(&self, key: &DataKey, chunk: &ChunkHeader, offset: u64) -> Option<Vec<u8>> {
        let frames = self.shelf.tail(chunk.id)?.acknowledged_frames(offset, FRAMES_BYTES_MAX).ok()?;
        let first = first_index(chunk, &frames)?;
        decrypt(key, chunk, first, &frames, offset)
    }

    /// Gives an answer to the reads that wait for it.
    pub(super) fn read_on(
        &mut self,
        chunk: ChunkId,
        now_ms: u64,
        mut give: impl FnMut(&mut Reader, &mut Turn<'_>) -> bool,
    ) -> Vec<Effect> {
        let mut turn = Turn { now_ms, around: &mut self.around, effects: Vec::new() };
        self.readers.retain_mut(|read| read.chunk() != chunk || !give(read, &mut turn));
        turn.effects
    }

    /// A closed chunk for another member.
    pub(super) fn copy(&mut self, to: MemberId, chunk: ChunkId) -> Result<Effect, TailError> {
        let row = self.catalog.chunks(chunk.object, chunk.number, 1)?.into_iter().next();
        let committed = row.map(|(_, row)| row).filter(|row| row.chunk.id(chunk.object) == chunk);
        let message = match committed.map(|row| self.shelf.store().whole(chunk.object, &row.chunk)) {
            Some(Ok(bytes)) => Message::Copy { chunk, bytes: bytes.into() },
            Some(Err(FileError::Disk(fatal @ DiskError::Fatal(_)))) => return Err(fatal.into()),
            Some(Err(FileError::Disk(_) | FileError::Missing { .. } | FileError::Damaged(_))) | None => {
                Message::NoCopy { chunk }
            }
        };
        Ok(Effect::Send { to, message })
    }
}
