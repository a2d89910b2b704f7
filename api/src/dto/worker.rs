//! Background work of the members.

use std::collections::BTreeMap;

use cluster::cluster::{MemberWorkers, WorkerOrder, WorkerState, WorkerStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The workers of all members that answer.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct Workers {
    pub(crate) workers: Vec<Worker>,
    /// The members that do not answer.
    pub(crate) unreachable: Vec<u64>,
}

/// A worker of a member.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Worker {
    name: String,
    member: u64,
    state: State,
    /// Why it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// How much of its present work is done, from 0 to 1.
    progress: Option<f64>,
    /// How many pieces of work wait.
    queue: Option<u64>,
    /// How long its present work takes at the pace so far.
    eta_ms: Option<u64>,
    /// The last failure since its member's start.
    last_error: Option<String>,
    /// What an operator is to look at, when that is something.
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm: Option<String>,
    /// What it has counted: the scrub in its last round, the others since their member's start.
    counts: BTreeMap<String, u64>,
}

/// What a worker does.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = WorkerState)]
enum State {
    Idle,
    Busy,
    Paused,
    Waiting,
}

/// What a worker is to do.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOrder {
    pub(crate) order: Order,
    /// Of which member; of all, without.
    #[serde(default)]
    pub(crate) member: Option<u64>,
}

/// What a worker is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Order {
    /// Do nothing until `resume`, `start`, or the next start of the member.
    Pause,
    Resume,
    /// Begin at once what else would begin later.
    Start,
}

impl Order {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Start => "start",
        }
    }
}

impl From<Order> for WorkerOrder {
    fn from(order: Order) -> Self {
        match order {
            Order::Pause => Self::Pause,
            Order::Resume => Self::Resume,
            Order::Start => Self::Start,
        }
    }
}

impl From<Vec<MemberWorkers>> for Workers {
    fn from(members: Vec<MemberWorkers>) -> Self {
        let mut all = Self::default();
        for MemberWorkers { member, workers } in members {
            match workers {
                Some(workers) => {
                    all.workers.extend(workers.into_iter().map(|status| Worker::new(member.0, status)));
                }
                None => all.unreachable.push(member.0),
            }
        }
        all
    }
}

impl Worker {
    fn new(member: u64, status: WorkerStatus) -> Self {
        let WorkerStatus { name, state, progress_permille, queue, eta_ms, last_error, counts } = status;
        let (state, reason) = match state {
            WorkerState::Idle => (State::Idle, None),
            WorkerState::Busy => (State::Busy, None),
            WorkerState::Paused => (State::Paused, None),
            WorkerState::Waiting { reason } => (State::Waiting, Some(reason)),
        };
        let progress = progress_permille.map(|permille| f64::from(permille) / 1000.0);
        let is_alarming = counts.get("alarm").is_some_and(|alarm| *alarm > 0);
        let alarm = is_alarming.then(|| {
            let lag_s = counts.get("lag_ms").copied().unwrap_or(0) / 1000;
            format!("a copy has been missing for {lag_s} s, though all members are there")
        });
        Self { name, member, state, reason, progress, queue, eta_ms, last_error, alarm, counts }
    }
}
