use super::message::{Committed, NotCommitted};
use crate::catalog::Request;
use crate::id::MemberId;
use crate::raft::{Proposal, REQUESTS_BYTES_MAX, Raft, RaftLog, SnapshotStore, WriteAnswer, entry_bytes};
use crate::runtime;
use openraft::error::ClientWriteError;
use openraft::metrics::RaftDataMetrics;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// Requests that may wait; who comes later waits to wait.
const WAITING_MAX: usize = 4096;
/// So many bytes of requests share an entry. A thousand recordings that lose a member at once are five thousand requests: as
/// entries of one request's limit, each made durable twice before the next, they would keep their recorders waiting.
const TOGETHER_BYTES_MAX: usize = 64 << 10;
/// Log entries under way at once: while one is made durable, the one before is applied.
const IN_FLIGHT_MAX: usize = 2;
/// How many times the usual length a log grows before a catalog that is as long is written down again.
const LOG_TIMES_MAX: u64 = 8;

/// How long what waits may still be answered before Raft ends.
const ANSWERED_LIMIT: Duration = Duration::from_secs(2);

type Answer = Result<Committed, NotCommitted>;

struct Waiting {
    request: Request,
    bytes: usize,
    answer: oneshot::Sender<Answer>,
}

/// Puts the requests that wait together into one log entry, so that they share an fsync: openraft 0.9 makes each
/// entry durable before it takes the next.
pub(super) struct Proposer {
    queue: mpsc::Sender<Waiting>,
    ended: oneshot::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Proposer {
    /// Starts the thread. It polls on the runtime of the caller.
    pub(super) fn start(
        raft: Raft,
        log: Arc<RaftLog>,
        snapshots: Arc<SnapshotStore>,
        snapshot_after_bytes: u64,
    ) -> io::Result<Self> {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let (end, ended) = oneshot::channel();
        let in_flight = VecDeque::new();
        let applied = raft.data_metrics();
        let work = Work { raft, log, snapshots, applied, snapshot_after_bytes, snapshot_at: 0, in_flight };
        let run = async move {
            work.run(waiting).await;
            let _: Result<(), ()> = end.send(());
        };
        let thread = runtime::on_thread("facts-proposer", run)?;
        Ok(Self { queue, ended, thread })
    }

    pub(super) fn waiting(&self) -> usize {
        WAITING_MAX - self.queue.capacity()
    }

    /// Proposes a request, which must fit an entry, on this member.
    pub(super) async fn propose(&self, request: Request) -> Answer {
        let bytes = entry_bytes(&request).unwrap_or(usize::MAX);
        if bytes > REQUESTS_BYTES_MAX {
            return Err(NotCommitted::Unknown);
        }
        let (answer, answered) = oneshot::channel();
        let queued = self.queue.send(Waiting { request, bytes, answer }).await;
        queued.map_err(|_| NotCommitted::Stopped)?;
        answered.await.unwrap_or(Err(NotCommitted::Unknown))
    }

    /// Ends the thread once what waits is answered. Without a majority nothing is: then it ends with Raft, which is ended
    /// after a while in any case.
    pub(super) async fn stop<E>(self, end_raft: impl Future<Output = Result<(), E>>) -> Result<(), E> {
        let Self { queue, mut ended, thread } = self;
        drop(queue);
        let answered = runtime::timeout(ANSWERED_LIMIT, &mut ended).await;
        let shut = end_raft.await;
        if answered.is_none() {
            let _: Result<(), _> = ended.await;
        }
        let _: Option<std::thread::Result<()>> = thread.map(JoinHandle::join);
        shut
    }
}

struct InFlight {
    reply: oneshot::Receiver<WriteAnswer>,
    waiting: Vec<oneshot::Sender<Answer>>,
}

struct Work {
    raft: Raft,
    log: Arc<RaftLog>,
    snapshots: Arc<SnapshotStore>,
    /// Changes with what is applied here.
    applied: watch::Receiver<RaftDataMetrics<u64>>,
    snapshot_after_bytes: u64,
    /// How many bytes of log there had been when the newest snapshot was asked for.
    snapshot_at: u64,
    in_flight: VecDeque<InFlight>,
}

impl Work {
    async fn run(mut self, mut queue: mpsc::Receiver<Waiting>) {
        let mut carried = None;
        loop {
            let room = self.in_flight.len() < IN_FLIGHT_MAX;
            if room && let Some(first) = carried.take() {
                carried = self.propose(first, &mut queue).await;
                continue;
            }
            let Some(oldest) = self.in_flight.front_mut() else {
                let is_running = self.applied.has_changed().is_ok();
                tokio::select! {
                    biased;
                    first = queue.recv() => match first {
                        Some(first) => carried = Some(first),
                        None => return,
                    },
                    // Members that follow propose nothing, and their logs grow as well.
                    _ = self.applied.changed(), if is_running => self.snapshot_if_due().await,
                }
                continue;
            };
            tokio::select! {
                biased;
                reply = &mut oldest.reply => self.answer(reply.ok()).await,
                first = queue.recv(), if carried.is_none() => match first {
                    Some(first) => carried = Some(first),
                    // The queue is closed: what is under way is answered, then the loop ends above.
                    None => {
                        let reply = (&mut oldest.reply).await;
                        self.answer(reply.ok()).await;
                    }
                },
            }
        }
    }

    /// Proposes a request and those that wait behind it; answers the first that does not fit.
    async fn propose(&mut self, first: Waiting, queue: &mut mpsc::Receiver<Waiting>) -> Option<Waiting> {
        let mut bytes = first.bytes;
        let mut waiting = vec![first.answer];
        let mut requests = vec![first.request];
        let mut carried = None;
        while let Ok(next) = queue.try_recv() {
            if bytes + next.bytes > TOGETHER_BYTES_MAX {
                carried = Some(next);
                break;
            }
            bytes += next.bytes;
            waiting.push(next.answer);
            requests.push(next.request);
        }
        match self.raft.client_write_ff(Proposal { requests }).await {
            Ok(reply) => self.in_flight.push_back(InFlight { reply, waiting }),
            Err(_) => {
                for answer in waiting {
                    let _: Result<(), _> = answer.send(Err(NotCommitted::Stopped));
                }
            }
        }
        carried
    }

    /// Answers the requests of the oldest entry under way.
    async fn answer(&mut self, reply: Option<WriteAnswer>) {
        let Some(oldest) = self.in_flight.pop_front() else { return };
        let mut applied = Vec::new().into_iter();
        let (mut index, mut error) = (0, NotCommitted::Unknown);
        match reply {
            Some(Ok(reply)) => (index, applied) = (reply.log_id.index, reply.data.applied.into_iter()),
            Some(Err(ClientWriteError::ForwardToLeader(forward))) => {
                error = NotCommitted::NotLeader { leader: forward.leader_id.map(MemberId) };
            }
            Some(Err(ClientWriteError::ChangeMembershipError(_))) | None => {}
        }
        for answer in oldest.waiting {
            let result = applied.next().map(|applied| Committed { index, applied }).ok_or(error);
            let _: Result<(), _> = answer.send(result);
        }
        self.snapshot_if_due().await;
    }

    async fn snapshot_if_due(&mut self) {
        let written = self.log.bytes_written();
        let log_bytes = self
            .snapshots
            .bytes()
            .clamp(self.snapshot_after_bytes, self.snapshot_after_bytes.saturating_mul(LOG_TIMES_MAX));
        if written - self.snapshot_at >= log_bytes {
            self.snapshot_at = written;
            // A Raft that has stopped answers the next proposal.
            let _: Result<(), _> = self.raft.trigger().snapshot().await;
        }
    }
}
