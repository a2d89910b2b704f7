//! Reads of a range: from this member away from async threads, or from another one when a chunk is not here or damaged.

use super::errors::ReadError;
use super::inbox::Inbox;
use super::input::Input;
use super::pool::{Job, Pool};
use super::shared::{Shared, open_chunk};
use crate::chunk::{self, DiskError, FileError, RangeRead, Reader, disk_size, memory_size};
use crate::id::ObjectId;
use crate::rpc;
use crate::tail::Answer;
use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Pieces that are read at once, of up to 64 KiB each. As many are handed out meanwhile.
const PIECES_AT_ONCE: usize = 8;
/// How long another member may take to say how long an object is.
const LENGTH_DEADLINE: Duration = Duration::from_secs(1);
/// The longest piece.
const PIECE_BYTES_MAX: usize = 64 << 10;

type Batch = (RangeRead, VecDeque<Result<Vec<u8>, chunk::ReadError>>);

/// A range that is being read: pieces of up to 64 KiB, none of them empty. It ends after the first error.
///
/// At most 1 MiB and the leaves of one chunk are in memory, or one chunk of another member. What it reads stays as it
/// was when it began: a growing object is read again for more.
pub struct ObjectRead {
    inbox: Inbox,
    pool: Arc<Pool>,
    /// What is here.
    reader: Reader,
    /// What is not read yet.
    range: Range<u64>,
    pieces: VecDeque<Vec<u8>>,
    local: Option<RangeRead>,
    /// A batch that is being read here.
    pending: Option<oneshot::Receiver<Batch>>,
    /// Bytes of another member that are waited for, and why they are not read here.
    elsewhere: Option<(oneshot::Receiver<Answer>, ReadError)>,
    error: Option<ReadError>,
}

impl ObjectRead {
    /// The next piece; none at the end. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Vec<u8>, ReadError>> {
        while self.pieces.is_empty() && self.error.is_none() && !self.range.is_empty() {
            if let Err(error) = self.read_on().await {
                self.error = Some(error);
            }
        }
        if let Some(piece) = self.pieces.pop_front() {
            return Some(Ok(piece));
        }
        self.range.start = self.range.end;
        self.error.take().map(Err)
    }

    /// Reads further pieces, or finds that they must come from elsewhere.
    async fn read_on(&mut self) -> Result<(), ReadError> {
        if let Some((answered, _)) = &mut self.elsewhere {
            let answer = answered.await.map_err(|_| ReadError::Stopped)?;
            return self.take_from_elsewhere(answer);
        }
        if self.range.start >= self.reader.available() {
            let Range { start, end } = self.range;
            let (object, available) = (self.reader.object(), self.reader.available());
            return self.look_elsewhere(ReadError::OutOfRange { object, start, end, available });
        }
        if self.pending.is_none() {
            let slot = self.pool.slot().await.ok_or(ReadError::Stopped)?;
            let local = match self.local.take() {
                Some(local) => local,
                None => self.reader.read(self.range.start..self.range.end.min(self.reader.available()))?,
            };
            self.begin(slot, local);
        }
        let Some(pending) = &mut self.pending else { return Ok(()) };
        let batch = pending.await;
        self.pending = None;
        let (local, pieces) = batch.map_err(|_| ReadError::Stopped)?;
        self.local = Some(local).filter(|_| pieces.len() == PIECES_AT_ONCE);
        for piece in pieces {
            match piece {
                Ok(piece) => self.keep(piece),
                // A disk that does not give the bytes has as bad a copy as one that gives others.
                Err(
                    error @ chunk::ReadError::File(
                        FileError::Missing { .. }
                        | FileError::Damaged(_)
                        | FileError::Disk(DiskError::Io { .. }),
                    ),
                ) => {
                    self.local = None;
                    return self.look_elsewhere(error.into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.read_ahead();
        Ok(())
    }

    /// Begins with the next batch while this one is handed out, if a thread has room for it.
    fn read_ahead(&mut self) {
        if self.local.is_some()
            && let Some(slot) = self.pool.free_slot()
            && let Some(local) = self.local.take()
        {
            self.begin(slot, local);
        }
    }

    fn begin(&mut self, slot: mpsc::OwnedPermit<Job>, mut local: RangeRead) {
        let (answer, answered) = oneshot::channel();
        slot.send(Box::new(move || {
            let pieces = local.by_ref().take(PIECES_AT_ONCE).collect();
            // Nobody waits any more when the read was dropped.
            let _: Result<(), Batch> = answer.send((local, pieces));
        }));
        self.pending = Some(answered);
    }

    fn keep(&mut self, piece: Vec<u8>) {
        self.range.start = self.range.start.saturating_add(disk_size(piece.len()));
        self.pieces.push_back(piece);
    }

    fn look_elsewhere(&mut self, why: ReadError) -> Result<(), ReadError> {
        let (object, offset) = (self.reader.object(), self.range.start);
        let answered = self.inbox.begin(|caller| Input::Read { object, offset, caller });
        self.elsewhere = Some((answered.ok_or(ReadError::Stopped)?, why));
        Ok(())
    }

    fn take_from_elsewhere(&mut self, answer: Answer) -> Result<(), ReadError> {
        let Some((_, why)) = self.elsewhere.take() else { return Ok(()) };
        let Answer::Bytes(mut bytes) = answer else { return Err(why) };
        if bytes.is_empty() {
            return Err(why);
        }
        bytes.truncate(memory_size(self.range.end - self.range.start).unwrap_or(usize::MAX));
        for piece in bytes.chunks(PIECE_BYTES_MAX) {
            self.keep(piece.to_vec());
        }
        Ok(())
    }
}

impl fmt::Debug for ObjectRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectRead").field("range", &self.range).finish_non_exhaustive()
    }
}

impl Shared {
    /// Reads a range of what may be read now.
    pub(super) async fn read(
        self: &Arc<Self>,
        object: ObjectId,
        range: Range<u64>,
    ) -> Result<ObjectRead, ReadError> {
        self.catalog()?;
        let shared = Arc::clone(self);
        let open = move || -> Result<(Reader, bool), ReadError> {
            let view = shared.view(object)?;
            // Behind what is here others may know more of a chunk that is still written.
            let is_all = view.row.owner == shared.facts.member() || open_chunk(object, &view.row).is_none();
            Ok((shared.reader(object, view)?, is_all))
        };
        let (reader, is_all) = self.readers.run(open).await.ok_or(ReadError::Stopped)??;
        let (Range { start, end }, available) = (range.clone(), reader.available());
        if start > end || (is_all && end > available) {
            return Err(ReadError::OutOfRange { object, start, end, available });
        }
        Ok(ObjectRead {
            inbox: self.inbox.clone(),
            pool: Arc::clone(&self.readers),
            reader,
            range,
            pieces: VecDeque::new(),
            local: None,
            pending: None,
            elsewhere: None,
            error: None,
        })
    }

    /// How many bytes of an object may be read.
    pub(super) async fn length(&self, object: ObjectId) -> Result<u64, ReadError> {
        let (length, is_here) = self.length_here(object)?;
        let row = self.catalog()?.object(object)?;
        let Some(open) = row.and_then(|row| row.open_chunk).filter(|_| !is_here) else { return Ok(length) };
        let request = rpc::encode(&rpc::Request::Length { object });
        for member in open.members.into_iter().filter(|member| *member != self.facts.member()) {
            if let Ok(answer) = self.peers.call(member, request.clone(), LENGTH_DEADLINE).await
                && let Some(Some((there, true))) = rpc::decode::<Option<(u64, bool)>>(&answer)
            {
                return Ok(length.max(there));
            }
        }
        Ok(length)
    }
}
