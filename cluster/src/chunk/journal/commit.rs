//! Group commit: many appends wait, one thread syncs.

use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, TrySendError, channel, sync_channel};

use super::{Entry, Journal, JournalLimits, Retired, Retirement};
use crate::chunk::disk::{DiskError, Fatal};
use crate::chunk::open::{AppendError, OpenChunk};
use crate::chunk::record::SealedRecord;
use crate::id::ChunkId;

/// Why an append is not known to be durable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDurable {
    /// A sync failed: the process must end.
    #[error(transparent)]
    Fatal(#[from] Fatal),
    /// The journal's thread has ended, since the member stops.
    #[error("the journal has ended")]
    Ended,
}

/// Called once, when an append is durable or never will be known to be. It runs on the journal's thread: it must
/// neither block nor append.
pub type Done = Box<dyn FnOnce(Result<(), NotDurable>) + Send>;

enum Request {
    Append(Entry, Done),
    Mark(ChunkId, u64),
    Forget(ChunkId),
    Tick(u64),
}

/// Splits a journal into the handle that appenders share and the two pieces of work behind it, each of which
/// wants a thread of its own. Both end when the last handle is dropped.
pub fn group_commit(journal: Journal) -> (JournalHandle, Committer, Retirer) {
    let limits = journal.limits;
    let (requests, receiver) = sync_channel(limits.queue_appends);
    let (retirements, retirement_receiver) = sync_channel(1);
    let (retired, retired_receiver) = channel();
    let handle = JournalHandle { requests, limits };
    let committer = Committer {
        journal,
        receiver,
        retirements,
        retired: retired_receiver,
        is_retiring: false,
        now_ms: 0,
    };
    (handle, committer, Retirer { receiver: retirement_receiver, retired })
}

/// Makes appends durable. Clones are the same journal.
#[derive(Clone)]
pub struct JournalHandle {
    requests: SyncSender<Request>,
    limits: JournalLimits,
}

impl JournalHandle {
    /// Writes records to an open chunk and calls `done` once they are durable: before this returns when they are
    /// many, on the journal's thread otherwise. An error means that nothing is acknowledged, now or later; then
    /// `done` is dropped. Unless the error is fatal, the same records may be appended again.
    ///
    /// Blocks while the queue is full. Appends to one chunk become durable in their order.
    pub fn append(
        &self,
        open: &mut OpenChunk,
        records: &[SealedRecord],
        done: Done,
    ) -> Result<(), AppendError> {
        let (position, bytes) = open.write(records)?;
        if bytes.len() >= self.limits.direct_bytes {
            open.sync().map_err(DiskError::from)?;
            match self.requests.try_send(Request::Mark(open.id(), open.frames_end())) {
                // A mark only sharpens the search for damage; the next one says more.
                Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
            }
            done(Ok(()));
            return Ok(());
        }
        // Without new bytes the request still waits for those before it: a retry is no shorter way to durable.
        let entry = Entry { chunk: open.id(), file: open.file().clone(), position, bytes };
        if let Err(refused) = self.requests.send(Request::Append(entry, done))
            && let Request::Append(_, done) = refused.0
        {
            done(Err(NotDurable::Ended));
        }
        Ok(())
    }

    /// As [`JournalHandle::append`], and waits.
    pub fn append_and_wait(
        &self,
        open: &mut OpenChunk,
        records: &[SealedRecord],
    ) -> Result<Result<(), NotDurable>, AppendError> {
        let (sender, receiver) = channel();
        let done: Done = Box::new(move |durable| {
            // The receiver below outlives every call.
            let _ = sender.send(durable);
        });
        self.append(open, records, done)?;
        Ok(receiver.recv().unwrap_or(Err(NotDurable::Ended)))
    }

    /// The chunk was closed or deleted.
    pub fn forget(&self, chunk: ChunkId) {
        // Nothing is left to forget once the journal has ended.
        let _ = self.requests.send(Request::Forget(chunk));
    }

    /// Tells the time, in milliseconds of a clock that only runs forward. Call it about once a second.
    pub fn tick(&self, now_ms: u64) {
        // A journal that has ended needs no time.
        let _ = self.requests.send(Request::Tick(now_ms));
    }
}

/// The work of the journal's thread.
pub struct Committer {
    journal: Journal,
    receiver: Receiver<Request>,
    retirements: SyncSender<Retirement>,
    retired: Receiver<Retired>,
    is_retiring: bool,
    now_ms: u64,
}

impl Committer {
    /// Serves until the last handle is dropped. An error must end the process.
    pub fn run(mut self) -> Result<(), Fatal> {
        while let Ok(first) = self.receiver.recv() {
            let (entries, waiting, is_ticked) = self.collect(first);
            if waiting.is_empty() && !is_ticked {
                // Marks alone are worth no sync.
                continue;
            }
            let durable = self.journal.commit(&entries, self.now_ms);
            for done in waiting {
                done(durable.clone().map_err(NotDurable::from));
            }
            durable?;
            self.retire()?;
        }
        // The marks that no append has told yet: after a stop in order, no damage passes for a torn tail.
        self.journal.commit(&[], self.now_ms)
    }

    /// Everything that waits, up to the limit of a batch, and whether the time was told.
    fn collect(&mut self, first: Request) -> (Vec<Entry>, Vec<Done>, bool) {
        let (mut entries, mut waiting, mut bytes) = (Vec::new(), Vec::new(), 0);
        let (mut request, mut is_ticked) = (Some(first), false);
        while let Some(taken) = request {
            match taken {
                Request::Append(entry, done) => {
                    bytes += entry.bytes.len();
                    entries.push(entry);
                    waiting.push(done);
                }
                Request::Mark(chunk, length_bytes) => self.journal.mark(chunk, length_bytes),
                Request::Forget(chunk) => self.journal.forget(chunk),
                Request::Tick(now_ms) => (self.now_ms, is_ticked) = (now_ms, true),
            }
            let is_full = bytes >= self.journal.limits.batch_bytes;
            request = if is_full { None } else { self.receiver.try_recv().ok() };
        }
        (entries, waiting, is_ticked)
    }

    fn retire(&mut self) -> Result<(), Fatal> {
        match self.retired.try_recv() {
            Ok(retired) => {
                self.is_retiring = false;
                survivable(self.journal.retire(retired))?;
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
        }
        if self.is_retiring || !self.journal.is_due(self.now_ms) {
            return Ok(());
        }
        if let Some(retirement) = survivable(self.journal.rotate())? {
            // The queue of one is empty: no retirement is under way. Without its thread the segment stays.
            self.is_retiring = true;
            let _ = self.retirements.try_send(retirement);
        }
        Ok(())
    }
}

/// A segment that cannot be begun or removed now (the disk is full) is tried again later; the old one stays.
fn survivable<T>(result: Result<T, DiskError>) -> Result<Option<T>, Fatal> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(DiskError::Io { .. }) => Ok(None),
        Err(DiskError::Fatal(fatal)) => Err(fatal),
    }
}

/// The work of the thread that syncs the chunk files of a retired segment.
pub struct Retirer {
    receiver: Receiver<Retirement>,
    retired: Sender<Retired>,
}

impl Retirer {
    /// Serves until the committer has ended. An error must end the process.
    pub fn run(self) -> Result<(), Fatal> {
        while let Ok(retirement) = self.receiver.recv() {
            if self.retired.send(retirement.run()?).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}
