//! Appends.

use super::errors::{AppendError, Halt, ReadError};
use super::object::{Current, Object, Writer};
use super::shared::Shared;
use crate::chunk::Writer as Cutter;
use crate::chunk::journal::{JournalHandle, NotDurable};
use crate::chunk::{self, OpenChunk};
use crate::id::ObjectId;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;

/// Most bytes that become durable at once: so much of a long append is in memory twice.
const STEP_BYTES_MAX: usize = 2 << 20;

/// What one append brings.
#[derive(Debug, Clone)]
pub(super) struct Append {
    pub(super) object: ObjectId,
    pub(super) offset: u64,
    pub(super) bytes: Arc<Vec<u8>>,
}

impl Shared {
    /// Appends, and returns the durable offset.
    pub(super) async fn append(self: Arc<Self>, append: Append) -> Result<u64, AppendError> {
        let object = self.object(append.object).await?;
        let _place = object.wait()?;
        let mut writer = object.writer.lock().await;
        object.use_at(self.now_ms.load(Ordering::Relaxed));
        if writer.sealed.is_some() {
            return Err(AppendError::Sealed { object: object.id });
        }
        let held = self.held(&object, &append).await?;
        self.append_rest(&object, &mut writer, &append, held).await?;
        if writer.left.is_some() {
            self.settle_later(&object);
        }
        Ok(object.view().end())
    }

    /// How many of the bytes the object holds already. They must be equal.
    async fn held(&self, object: &Object, append: &Append) -> Result<usize, AppendError> {
        let Append { object: id, offset, bytes } = append.clone();
        let view = object.view();
        let durable_offset = view.durable_offset()?;
        let Some(held) = durable_offset.checked_sub(offset) else {
            return Err(AppendError::Gap { object: id, offset, durable_offset });
        };
        let held = usize::try_from(held).unwrap_or(usize::MAX).min(bytes.len());
        if held == 0 {
            return Ok(0);
        }
        let reader = self.reader(id, &view).map_err(Halt::from)?;
        let compare = move || -> Result<bool, ReadError> {
            let end = offset.saturating_add(chunk::disk_size(held));
            let mut rest = bytes.get(..held).unwrap_or_default();
            for piece in reader.read(offset..end)? {
                match rest.strip_prefix(&piece?[..]) {
                    Some(after) => rest = after,
                    None => return Ok(false),
                }
            }
            Ok(true)
        };
        match self.readers.run(compare).await.ok_or(AppendError::Stopped)?.map_err(Halt::from)? {
            true => Ok(held),
            false => Err(AppendError::Conflict { object: id, offset }),
        }
    }

    async fn append_rest(
        &self,
        object: &Object,
        writer: &mut Writer,
        append: &Append,
        held: usize,
    ) -> Result<(), Halt> {
        let mut at = held;
        while at < append.bytes.len() {
            self.own(object, writer).await?;
            self.settle(object, writer).await?;
            if writer.current.is_none() {
                self.open_next(object, writer).await?;
            }
            at += self.append_step(writer, &append.bytes, at).await?;
        }
        Ok(())
    }

    /// Appends to the current chunk as much as it takes. Returns how much that was.
    async fn append_step(&self, writer: &mut Writer, bytes: &Arc<Vec<u8>>, at: usize) -> Result<usize, Halt> {
        let Some(current) = writer.current.take() else { return Ok(0) };
        let (journal, bytes) = (self.journal.clone(), Arc::clone(bytes));
        let (tell, durable) = oneshot::channel();
        let step = move || {
            let mut current = current;
            let end = bytes.len().min(at.saturating_add(STEP_BYTES_MAX));
            let taken = write(&mut current, &journal, bytes.get(at..end).unwrap_or_default(), tell);
            (current, taken)
        };
        let (current, taken) = self.writers.run(step).await.ok_or(Halt::Stopped)?;
        let (tail, end, is_full) = (current.open.tail(), current.open.end(), current.cutter.is_full());
        writer.current = Some(current);
        let durable = match taken {
            Ok(_) => durable.await.unwrap_or(Err(NotDurable::Ended)),
            Err(_) => Ok(()),
        };
        // Records that were sealed and not written have used their nonces: the chunk ends before them.
        if taken.is_err() || durable.is_err() || is_full {
            writer.leave_current();
        }
        let taken = taken?;
        durable?;
        tail.acknowledge(end);
        Ok(taken)
    }

    /// Closes the chunk that has become full, without anybody waiting for it.
    fn settle_later(self: &Arc<Self>, object: &Arc<Object>) {
        let (shared, object) = (Arc::clone(self), Arc::clone(object));
        let settle = async move {
            let mut writer = object.writer.lock().await;
            let settled = match shared.own(&object, &mut writer).await {
                Ok(()) => shared.settle(&object, &mut writer).await,
                Err(halt) => Err(halt),
            };
            shared.tell_fatal();
            settled
        };
        // What fails here, or is not begun, the next operation on the object does and reports.
        drop(self.operations.begin(settle));
    }

    /// Closes the open chunk of an object that nobody writes, so that its file and memory are free.
    pub(super) fn rest_later(self: &Arc<Self>, object: &Arc<Object>) {
        if let Ok(mut writer) = object.writer.try_lock()
            && writer.current.is_some()
        {
            writer.leave_current();
            drop(writer);
            self.settle_later(object);
        }
    }
}

/// Seals bytes into records and hands them to the journal, which tells when they are durable.
fn write(
    current: &mut Current,
    journal: &JournalHandle,
    bytes: &[u8],
    tell: oneshot::Sender<Result<(), NotDurable>>,
) -> Result<usize, super::errors::WriteFailure> {
    let Current { open, cutter } = current;
    let (open, cutter): (&mut OpenChunk, &mut Cutter) = (open, cutter);
    let mut records = Vec::new();
    let taken = cutter.push(bytes, &mut records)?;
    records.extend(cutter.flush()?);
    let done: chunk::journal::Done = Box::new(move |durable| {
        // Nobody waits any more when the operation was cut off.
        let _: Result<(), Result<(), NotDurable>> = tell.send(durable);
    });
    journal.append(open, &records, done)?;
    Ok(taken)
}
