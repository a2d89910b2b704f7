//! Background work that an operator sees and can hold up.

use super::errors::OrderError;
use super::forget::ForgetWorker;
use super::kek::KekWorker;
use super::shared::Shared;
use super::{Cluster, scrub};
use crate::id::MemberId;
use crate::rpc;
use crate::tail::{Blocked, DropQueue, Drops, Repairs};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How long another member may take to answer.
const DEADLINE: Duration = Duration::from_secs(2);
/// The count of the worker `resync` that says how many chunks a member has still to fetch, replace or drop; not there before the
/// layout and the number of replicas that hold were surveyed.
const MOVES_LEFT: &str = "moves_left";

/// The worker that drops copies which other members are to hold.
const REBALANCE: &str = "rebalance";

/// Background work of one member.
pub trait Worker: Send + Sync {
    /// What it is called; the same on every member.
    fn name(&self) -> &'static str;
    /// How it is.
    fn status(&self) -> WorkerStatus;
    /// Does as it is told. What it is told is forgotten at the end of the process.
    fn obey(&self, order: WorkerOrder);
}

/// What a worker is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkerOrder {
    /// Do nothing.
    Pause,
    /// Go on.
    Resume,
    /// Begin at once what else would begin later. One that pauses goes on.
    Start,
}

/// What a worker does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkerState {
    /// There is nothing to do.
    Idle,
    /// It works.
    Busy,
    /// It was told to do nothing.
    Paused,
    /// There is something to do, and it cannot go on.
    Waiting {
        /// Why.
        reason: String,
    },
}

/// How a worker is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerStatus {
    /// What it is called.
    pub name: String,
    /// What it does.
    pub state: WorkerState,
    /// How much of its present work is done, in thousandths.
    pub progress_permille: Option<u16>,
    /// How many pieces of work wait.
    pub queue: Option<u64>,
    /// How long its present work takes at the pace so far, in milliseconds.
    pub eta_ms: Option<u64>,
    /// The last failure of this process.
    pub last_error: Option<String>,
    /// What it has counted, by name.
    pub counts: BTreeMap<String, u64>,
}

/// The workers of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberWorkers {
    /// Which.
    pub member: MemberId,
    /// They; none when it does not answer.
    pub workers: Option<Vec<WorkerStatus>>,
}

impl MemberWorkers {
    /// How many chunks the member has still to fetch, replace or drop; none when it does not say.
    pub fn moves_left(&self) -> Option<u64> {
        let resync = self.workers.iter().flatten().find(|worker| worker.counts.contains_key(MOVES_LEFT))?;
        resync.counts.get(MOVES_LEFT).copied()
    }

    /// Whether an operator has told the member to drop no copies; not when it does not say.
    pub(super) fn drops_nothing(&self) -> bool {
        let is_paused = |worker: &WorkerStatus| worker.state == WorkerState::Paused;
        self.workers.iter().flatten().any(|worker| worker.name == REBALANCE && is_paused(worker))
    }
}

/// Fetches copies that are missing or bad.
struct Resync(Arc<Repairs>);

impl Worker for Resync {
    fn name(&self) -> &'static str {
        "resync"
    }

    fn status(&self) -> WorkerStatus {
        let (queue, last_error) = self.0.queue();
        let counts = self.0.counts();
        let state = match (self.0.is_paused(), queue.chunks, queue.under_way) {
            (true, ..) => WorkerState::Paused,
            (false, 0, _) => WorkerState::Idle,
            (false, _, 0) => {
                let reason = last_error.clone().unwrap_or_else(|| "its turn comes".to_owned());
                WorkerState::Waiting { reason }
            }
            (false, ..) => WorkerState::Busy,
        };
        let counted = [
            ("bad", counts.bad),
            ("repaired", counts.repaired),
            ("fetched", counts.fetched),
            ("fetched_bytes", counts.bytes),
            ("queued_bytes", queue.bytes),
            ("missing_now", queue.missing),
            ("bad_now", queue.chunks.saturating_sub(queue.missing)),
            ("lag_ms", queue.lag_ms),
            ("alarm", u64::from(queue.is_alarming)),
        ];
        WorkerStatus {
            name: self.name().to_owned(),
            state,
            progress_permille: None,
            queue: Some(queue.chunks),
            eta_ms: queue.eta_ms,
            last_error,
            counts: counted
                .into_iter()
                .chain(self.0.moves_left().map(|left| (MOVES_LEFT, left)))
                .map(|(name, count)| (name.to_owned(), count))
                .collect(),
        }
    }

    fn obey(&self, order: WorkerOrder) {
        self.0.pause(order == WorkerOrder::Pause);
        if order == WorkerOrder::Start {
            self.0.start_now();
        }
    }
}

/// Drops copies that other members hold by the layout.
struct Rebalance {
    drops: Arc<Drops>,
    repairs: Arc<Repairs>,
}

impl Worker for Rebalance {
    fn name(&self) -> &'static str {
        REBALANCE
    }

    fn status(&self) -> WorkerStatus {
        let (DropQueue { chunks, under_way, blocked }, counts) = (self.drops.queue(), self.drops.counts());
        let state = match (self.drops.is_paused(), chunks + under_way, blocked) {
            (true, ..) => WorkerState::Paused,
            (false, 0, Some(Blocked { chunk, lacking })) => {
                let lacking: Vec<String> = lacking.iter().map(ToString::to_string).collect();
                let lacking = lacking.join(", ");
                let reason =
                    format!("chunk {chunk} stays until these members say that they hold it: {lacking}");
                WorkerState::Waiting { reason }
            }
            (false, 0, None) => WorkerState::Idle,
            (false, ..) => WorkerState::Busy,
        };
        let counted = [("dropped", counts.dropped), ("dropped_bytes", counts.bytes)];
        WorkerStatus {
            name: self.name().to_owned(),
            state,
            progress_permille: None,
            queue: Some(chunks + under_way),
            eta_ms: None,
            last_error: None,
            counts: counted.map(|(name, count)| (name.to_owned(), count)).into(),
        }
    }

    fn obey(&self, order: WorkerOrder) {
        self.drops.pause(order == WorkerOrder::Pause);
        if order == WorkerOrder::Start {
            // What it drops is found where missing copies are looked for.
            self.repairs.start_now();
        }
    }
}

/// All workers of this member.
pub(super) fn all(
    scrub: &Arc<scrub::Scrub>,
    (repairs, drops): (&Arc<Repairs>, &Arc<Drops>),
    kek: &Arc<KekWorker>,
    forget: &Arc<ForgetWorker>,
) -> Vec<Arc<dyn Worker>> {
    let scrub: Arc<dyn Worker> = Arc::<scrub::Scrub>::clone(scrub);
    let kek: Arc<dyn Worker> = Arc::<KekWorker>::clone(kek);
    let (drops, repairs) = (Arc::clone(drops), Arc::clone(repairs));
    let resync = Arc::new(Resync(Arc::clone(&repairs)));
    vec![resync, scrub, Arc::new(Rebalance { drops, repairs }), kek, Arc::<ForgetWorker>::clone(forget)]
}

impl Shared {
    /// How this member's workers are.
    pub(super) fn statuses(&self) -> Vec<WorkerStatus> {
        self.workers.iter().map(|worker| worker.status()).collect()
    }

    /// Tells a worker of this member something; none when there is no such worker.
    pub(super) fn order(&self, name: &str, order: WorkerOrder) -> Option<WorkerStatus> {
        let worker = self.workers.iter().find(|worker| worker.name() == name)?;
        worker.obey(order);
        Some(worker.status())
    }

    /// Asks all members the same at once, this one by `here`. What does not answer in time answers nothing.
    pub(super) async fn ask_all<T: Send + 'static>(
        &self,
        request: &rpc::Request,
        here: T,
        read: fn(&[u8]) -> Option<T>,
    ) -> BTreeMap<MemberId, Option<T>> {
        let mut all: BTreeSet<MemberId> = self.facts.members().into_iter().map(|member| member.id).collect();
        all.insert(self.facts.member());
        self.ask_these(all, request, here, read).await
    }

    /// The same, of some members.
    pub(super) async fn ask_these<T: Send + 'static>(
        &self,
        all: BTreeSet<MemberId>,
        request: &rpc::Request,
        here: T,
        read: fn(&[u8]) -> Option<T>,
    ) -> BTreeMap<MemberId, Option<T>> {
        let me = self.facts.member();
        let mut asked = JoinSet::new();
        let bytes = rpc::encode(request);
        let is_here = all.contains(&me);
        let others = all.into_iter().filter(|id| *id != me);
        let mut answers: BTreeMap<MemberId, Option<T>> = others.map(|member| (member, None)).collect();
        for member in answers.keys().copied() {
            let (peers, bytes) = (Arc::clone(&self.peers), bytes.clone());
            asked.spawn(async move {
                let answer = peers.call(member, bytes, DEADLINE).await;
                (member, answer.ok().and_then(|answer| read(&answer)))
            });
        }
        while let Some(answered) = asked.join_next().await {
            if let Ok((member, answer)) = answered {
                answers.insert(member, answer);
            }
        }
        if is_here {
            answers.insert(me, Some(here));
        }
        answers
    }
}

impl Cluster {
    /// How the workers of this member are.
    pub fn workers_here(&self) -> Vec<WorkerStatus> {
        self.shared.statuses()
    }

    /// How the workers of all members are, by member. Those that do not answer within two seconds are told as such.
    pub async fn workers(&self) -> Vec<MemberWorkers> {
        let answers = self.shared.ask_all(&rpc::Request::Workers, self.shared.statuses(), rpc::decode).await;
        answers.into_iter().map(|(member, workers)| MemberWorkers { member, workers }).collect()
    }

    /// Tells a worker something, on one member or on all. Returns how it is then on those that have heard it.
    pub async fn order_worker(
        &self,
        worker: &str,
        member: Option<MemberId>,
        order: WorkerOrder,
    ) -> Result<Vec<MemberWorkers>, OrderError> {
        if !self.shared.workers.iter().any(|own| own.name() == worker) {
            return Err(OrderError::WorkerUnknown { worker: worker.to_owned() });
        }
        let me = self.member();
        let all: Vec<MemberId> = self.members().into_iter().map(|member| member.id).collect();
        let wanted: Vec<MemberId> = match member {
            Some(one) if !all.contains(&one) => return Err(OrderError::MemberUnknown { member: one }),
            Some(one) => vec![one],
            None => all,
        };
        let request = rpc::encode(&rpc::Request::Order { worker: worker.to_owned(), order });
        let mut statuses = Vec::new();
        for member in wanted {
            let status = match member == me {
                true => self.shared.order(worker, order),
                false => {
                    let answer = self.shared.peers.call(member, request.clone(), DEADLINE).await;
                    answer.ok().and_then(|answer| rpc::decode::<Option<WorkerStatus>>(&answer)).flatten()
                }
            };
            statuses.push(MemberWorkers { member, workers: status.map(|status| vec![status]) });
        }
        Ok(statuses)
    }

    /// What the repairs of this member share: what they have found since this was asked last, and what was done.
    pub fn repairs(&self) -> &Repairs {
        &self.shared.repairs
    }
}
