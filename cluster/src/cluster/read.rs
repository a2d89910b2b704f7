//! Reads of a range, away from async threads.

use super::errors::ReadError;
use super::pool::Pool;
use super::shared::Shared;
use crate::chunk::{self, RangeRead};
use crate::id::ObjectId;
use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Pieces that are read at once, of up to 64 KiB each.
const PIECES_AT_ONCE: usize = 4;

type Batch = (RangeRead, VecDeque<Result<Vec<u8>, chunk::ReadError>>);

/// A range that is being read: pieces of up to 64 KiB, none of them empty. It ends after the first error.
///
/// At most 256 KiB and the leaves of one chunk are in memory. What it reads stays as it was when it began: a growing
/// object is read again for more.
pub struct ObjectRead {
    pool: Arc<Pool>,
    pieces: VecDeque<Result<Vec<u8>, chunk::ReadError>>,
    range: Option<RangeRead>,
    /// A batch that is being read.
    pending: Option<oneshot::Receiver<Batch>>,
    is_over: bool,
}

impl ObjectRead {
    /// The next piece; none at the end. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Vec<u8>, ReadError>> {
        if self.pieces.is_empty() && !self.is_over && !self.read_on().await {
            self.is_over = true;
            return Some(Err(ReadError::Stopped));
        }
        let piece = self.pieces.pop_front()?;
        self.is_over |= piece.is_err();
        Some(piece.map_err(ReadError::from))
    }

    /// Reads further pieces, if there are any; whether that was possible.
    async fn read_on(&mut self) -> bool {
        if self.pending.is_none() {
            let Some(slot) = self.pool.slot().await else { return false };
            let Some(mut range) = self.range.take() else { return false };
            let (answer, answered) = oneshot::channel();
            slot.send(Box::new(move || {
                let pieces = range.by_ref().take(PIECES_AT_ONCE).collect();
                // Nobody waits any more when the read was dropped.
                let _: Result<(), Batch> = answer.send((range, pieces));
            }));
            self.pending = Some(answered);
        }
        let Some(pending) = &mut self.pending else { return false };
        let batch = pending.await;
        self.pending = None;
        let Ok((range, pieces)) = batch else { return false };
        self.is_over = pieces.len() < PIECES_AT_ONCE;
        (self.range, self.pieces) = (Some(range), pieces);
        true
    }
}

impl fmt::Debug for ObjectRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectRead").field("range", &self.range).finish_non_exhaustive()
    }
}

impl Shared {
    /// Reads a range of what may be read now.
    pub(super) async fn read(&self, object: ObjectId, range: Range<u64>) -> Result<ObjectRead, ReadError> {
        let view = self.view(object).await?;
        let range = self.reader(object, &view)?.read(range)?;
        let pool = Arc::clone(&self.readers);
        Ok(ObjectRead { pool, pieces: VecDeque::new(), range: Some(range), pending: None, is_over: false })
    }
}
