//! The one writer: a thread that takes orders, writes all that wait as one frame and then says so.

use super::frame::PAYLOAD_BYTES_MAX;
use super::log::Shared;
use super::record::Record;
use super::segments::{Segments, WriteError};
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
#[cfg(any(test, feature = "simulation"))]
use {crate::runtime::Runtime, openraft::AsyncRuntime as _};

/// After this long without an order the newest frame gets another behind it, which proves that it was durable.
const MARK_AFTER: Duration = Duration::from_millis(20);
/// Orders that may wait; Raft has few in flight.
const ORDERS_MAX: usize = 256;

/// Why a write to the log was not done. After the first failure nothing is written any more.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogFailure {
    /// The log has failed, in this order or in an earlier one.
    #[error("the raft log failed and takes nothing more: {source}")]
    Failed {
        /// The first failure.
        source: Arc<WriteError>,
    },
    /// The log was closed.
    #[error("the raft log is closed")]
    Closed,
}

impl From<LogFailure> for io::Error {
    fn from(failure: LogFailure) -> Self {
        Self::other(failure)
    }
}

/// Called once the records are durable, or never will be.
pub(super) type Done = Box<dyn FnOnce(Result<(), LogFailure>) + Send>;

pub(super) enum Order {
    Write {
        records: Vec<Record>,
        done: Done,
    },
    /// Nothing more goes into the segments that there are.
    Roll {
        done: Done,
    },
    Stop,
}

/// The end of the writer's queue, and its thread.
#[derive(Debug)]
pub(super) struct Writer {
    orders: SyncSender<Order>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Told of each order, where a simulation has a task in the place of the thread.
    #[cfg(any(test, feature = "simulation"))]
    ordered: Arc<tokio::sync::Notify>,
}

impl Writer {
    pub(super) fn start(segments: Segments, shared: Arc<Shared>) -> io::Result<Self> {
        let (orders, queue) = sync_channel(ORDERS_MAX);
        let work = Work { segments, shared, failure: None, marked: false };
        #[cfg(any(test, feature = "simulation"))]
        if crate::simulation::runtime::is_simulated() {
            let ordered = Arc::default();
            drop(Runtime::spawn(work.simulate(queue, Arc::clone(&ordered))));
            return Ok(Self { orders, thread: Mutex::default(), ordered });
        }
        let thread =
            std::thread::Builder::new().name("raft-log".to_owned()).spawn(move || work.run(&queue))?;
        Ok(Self {
            orders,
            thread: Mutex::new(Some(thread)),
            #[cfg(any(test, feature = "simulation"))]
            ordered: Arc::default(),
        })
    }

    /// Orders a write. Waits only while [`ORDERS_MAX`] others do.
    pub(super) fn order(&self, records: Vec<Record>, done: Done) {
        if let Err(refused) = self.orders.send(Order::Write { records, done })
            && let Order::Write { done, .. } = refused.0
        {
            done(Err(LogFailure::Closed));
        }
        #[cfg(any(test, feature = "simulation"))]
        self.ordered.notify_one();
    }

    /// Orders that what follows goes into a new segment.
    pub(super) fn roll(&self, done: Done) {
        if let Err(refused) = self.orders.send(Order::Roll { done })
            && let Order::Roll { done } = refused.0
        {
            done(Err(LogFailure::Closed));
        }
        #[cfg(any(test, feature = "simulation"))]
        self.ordered.notify_one();
    }

    /// Ends the thread, after what was ordered is written.
    pub(super) fn close(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _: Result<(), _> = self.orders.send(Order::Stop);
            let _: std::thread::Result<()> = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

struct Work {
    segments: Segments,
    shared: Arc<Shared>,
    failure: Option<Arc<WriteError>>,
    /// Whether the newest frame is a mark, or there is nothing to mark.
    marked: bool,
}

impl Work {
    fn run(mut self, queue: &Receiver<Order>) {
        let mut carried = None;
        loop {
            let order = match carried.take() {
                Some(order) => order,
                None => match queue.recv_timeout(MARK_AFTER) {
                    Ok(order) => order,
                    Err(RecvTimeoutError::Timeout) => {
                        self.mark();
                        match queue.recv() {
                            Ok(order) => order,
                            Err(_) => return,
                        }
                    }
                    Err(RecvTimeoutError::Disconnected) => return self.mark(),
                },
            };
            match order {
                Order::Stop => return self.mark(),
                Order::Write { records, done } => carried = self.group(records, done, queue),
                Order::Roll { done } => done(self.roll()),
            }
        }
    }

    /// The same as a task, which lets its disk take as long as disks do.
    #[cfg(any(test, feature = "simulation"))]
    async fn simulate(mut self, queue: Receiver<Order>, ordered: Arc<tokio::sync::Notify>) {
        loop {
            if crate::runtime::timeout(MARK_AFTER, ordered.notified()).await.is_none() {
                self.mark();
                ordered.notified().await;
            }
            crate::simulation::runtime::disk_pause().await;
            let mut next = queue.try_recv().ok();
            while let Some(order) = next.take() {
                match order {
                    Order::Write { records, done } => next = self.group(records, done, &queue),
                    Order::Roll { done } => done(self.roll()),
                    Order::Stop => return,
                }
            }
        }
    }

    /// Writes an order and those that wait behind it as one frame; answers the first that did not fit.
    fn group(&mut self, records: Vec<Record>, done: Done, queue: &Receiver<Order>) -> Option<Order> {
        let mut weight: usize = records.iter().map(Record::weight).sum();
        let (mut group, mut waiting, mut carried) = (records, vec![done], None);
        while let Ok(order) = queue.try_recv() {
            match order {
                Order::Write { records, done } => {
                    let more: usize = records.iter().map(Record::weight).sum();
                    if weight + more > PAYLOAD_BYTES_MAX / 2 {
                        carried = Some(Order::Write { records, done });
                        break;
                    }
                    weight += more;
                    group.extend(records);
                    waiting.push(done);
                }
                order @ (Order::Roll { .. } | Order::Stop) => {
                    carried = Some(order);
                    break;
                }
            }
        }
        let result = self.write(group);
        for done in waiting {
            done(result.clone());
        }
        carried
    }

    fn write(&mut self, mut records: Vec<Record>) -> Result<(), LogFailure> {
        if let Some(failure) = &self.failure {
            return Err(LogFailure::Failed { source: Arc::clone(failure) });
        }
        if let Some(committed) = self.shared.take_committed() {
            records.push(Record::Committed(committed));
        }
        self.marked = records.is_empty();
        let written = self.write_durably(&records);
        written.map_err(|error| {
            let failure = Arc::new(error);
            self.failure = Some(Arc::clone(&failure));
            LogFailure::Failed { source: failure }
        })
    }

    fn write_durably(&mut self, records: &[Record]) -> Result<(), WriteError> {
        if self.segments.is_full() {
            self.roll_durably()?;
        }
        let at = self.segments.append(records)?;
        self.shared.written(at, records);
        if records.iter().any(|record| matches!(record, Record::Purge(_))) {
            let oldest = self.shared.oldest_segment().unwrap_or(self.segments.segment);
            self.segments.remove_before(oldest)?;
            self.shared.open(&self.segments);
        }
        Ok(())
    }

    /// Begins a new segment.
    fn roll(&mut self) -> Result<(), LogFailure> {
        if let Some(failure) = &self.failure {
            return Err(LogFailure::Failed { source: Arc::clone(failure) });
        }
        self.marked = false;
        self.roll_durably().map_err(|error| {
            let failure = Arc::new(error);
            self.failure = Some(Arc::clone(&failure));
            LogFailure::Failed { source: failure }
        })
    }

    fn roll_durably(&mut self) -> Result<(), WriteError> {
        let (at, head) = self.segments.roll(&self.shared.facts())?;
        self.shared.open(&self.segments);
        self.shared.written(at, &[head]);
        Ok(())
    }

    /// Writes an empty frame behind the newest. A failure shows at the next order.
    fn mark(&mut self) {
        if !self.marked {
            let _: Result<(), LogFailure> = self.write(Vec::new());
            self.marked = true;
        }
    }
}
