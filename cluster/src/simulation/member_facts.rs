//! The facts of a process, as they are in production, on an executor of their own.

use super::executor::{Executor, Surroundings};
use super::output::{Asked, Output, Outputs};
use super::peers::{CallAnswer, SimulatedPeers};
use super::random::Dice;
use crate::catalog::{Command, MemoryEngine};
use crate::chunk::disk::MemoryDisk;
use crate::facts::{Facts, FactsOptions, ReadIndexError, SubmitError};
use crate::id::MemberId;
use crate::raft::LogOptions;
use crate::rpc;
use crate::runtime;
use crate::tail::{Ticket, Told};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The log has short segments, few bytes between snapshots, and few entries behind one: so its segments come and go,
/// and members that were away are sent snapshots.
const LOG: LogOptions = LogOptions { segment_bytes: 4_096 };
const SNAPSHOT_AFTER_BYTES: u64 = 6_000;
const ENTRIES_KEPT: u64 = 8;
/// How long a member waits for a leader before it looks again.
const READY_DEADLINE: Duration = Duration::from_secs(5);
const READY_PAUSE: Duration = Duration::from_millis(50);
/// How long a change of members may take before the operator asks again.
const CHANGE_DEADLINE: Duration = Duration::from_secs(3);

/// Facts that are being opened, or are open.
pub(crate) struct MemberFacts {
    pub(crate) executor: Arc<Executor>,
    pub(crate) outputs: Outputs,
    peers: Arc<SimulatedPeers>,
    facts: Option<Arc<Facts>>,
    /// When the world ends a timer.
    pub(crate) timer_us: Option<u64>,
    /// Up to which entry the oracles have seen what was applied.
    pub(crate) seen: u64,
}

/// Voters that are to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MembersChange {
    pub(crate) joiner: Option<MemberId>,
    pub(crate) voters: BTreeSet<MemberId>,
    /// Whether who leaves is still told what is committed.
    pub(crate) keeps_leaver: bool,
}

impl Drop for MemberFacts {
    fn drop(&mut self) {
        self.executor.end();
    }
}

impl MemberFacts {
    /// Begins to open them; the outputs say what became of it.
    pub(crate) fn start(
        (member, founders): (MemberId, BTreeSet<MemberId>),
        disk: &MemoryDisk,
        engine: Arc<MemoryEngine>,
        (dice, around): (Dice, Surroundings),
    ) -> Self {
        let outputs = Outputs::default();
        let executor = Executor::new(dice, around);
        let peers = Arc::new(SimulatedPeers::new(outputs.clone()));
        let options = FactsOptions {
            log: LOG,
            snapshot_after_bytes: SNAPSHOT_AFTER_BYTES,
            entries_kept: ENTRIES_KEPT,
            founders,
            ..FactsOptions::new(member, PathBuf::from("facts"))
        };
        let start = Facts::start(options, Arc::new(disk.clone()), engine, peers.clone());
        let told = outputs.clone();
        executor.spawn(async move {
            let started = start.await.map(|(facts, _)| Box::new(facts));
            told.push(Output::Started(started));
        });
        Self { executor, outputs, peers, facts: None, timer_us: None, seen: 0 }
    }

    /// They are open: waits for a leader, and for their end.
    pub(crate) fn opened(&mut self, facts: Facts) {
        let facts = Arc::new(facts);
        let told = self.outputs.clone();
        facts.watch_commits(move |commit| told.push(Output::Committed(commit)));
        let (ending, told) = (Arc::clone(&facts), self.outputs.clone());
        self.executor.spawn(async move { told.push(Output::Failed(ending.failed().await)) });
        let (waiting, told) = (Arc::clone(&facts), self.outputs.clone());
        self.executor.spawn(async move {
            loop {
                match waiting.ready(READY_DEADLINE).await {
                    Ok(()) => return told.push(Output::Ready),
                    Err(ReadIndexError::Stopped) => return,
                    Err(_) => runtime::sleep(READY_PAUSE).await,
                }
            }
        });
        self.facts = Some(facts);
    }

    pub(crate) fn facts(&self) -> Option<&Arc<Facts>> {
        self.facts.as_ref()
    }

    /// Submits a command, as the door does.
    pub(crate) fn submit(&self, ticket: Option<Ticket>, command: Command, told_before: u64) {
        let Some(facts) = self.facts.clone() else { return };
        let (told, request) = (self.outputs.clone(), facts.next_request_id().ok());
        let asked = Asked { ticket, request, told_before };
        let Some(request) = request else { return told.push(Output::Told { asked, told: Told::Unknown }) };
        self.executor.spawn(async move {
            let outcome = match facts.resubmit(request, command).await {
                Ok(outcome) => Told::Applied(Ok(outcome)),
                Err(SubmitError::Refused(refusal)) => Told::Applied(Err(refusal)),
                Err(_) => Told::Unknown,
            };
            told.push(Output::Told { asked, told: outcome });
        });
    }

    /// Takes a read index, as the door does.
    pub(crate) fn read_index(&self, ticket: Ticket, told_before: u64) {
        let Some(facts) = self.facts.clone() else { return };
        let told = self.outputs.clone();
        let asked = Asked { ticket: Some(ticket), request: None, told_before };
        self.executor.spawn(async move {
            let read = facts.read_index().await.map_or(Told::Unknown, |()| Told::Read);
            told.push(Output::Told { asked, told: read });
        });
    }

    /// A call of another member's process; whether it is taken.
    pub(crate) fn receive(&self, (from, run, call): (MemberId, u64, u64), request: &[u8]) -> bool {
        let (Some(facts), Some(request)) = (self.facts.clone(), rpc::decode::<rpc::Request>(request)) else {
            return false;
        };
        let told = self.outputs.clone();
        self.executor.spawn(async move {
            let answer = match request {
                rpc::Request::Raft(request) => facts.answer_raft(request).await,
                rpc::Request::Facts(request) => rpc::encode(&facts.answer(request).await),
                rpc::Request::Tail(_)
                | rpc::Request::Piece { .. }
                | rpc::Request::Ask { .. }
                | rpc::Request::Length { .. }
                | rpc::Request::Copies { .. }
                | rpc::Request::Workers
                | rpc::Request::Residue
                | rpc::Request::Order { .. }
                | rpc::Request::Disk
                | rpc::Request::Kek { .. }
                | rpc::Request::Hello => return,
            };
            told.push(Output::Reply { to: from, run, call, answer });
        });
        true
    }

    /// The answer to a call of this process.
    pub(crate) fn answer(&self, call: u64, answer: CallAnswer) {
        self.peers.answer(call, answer);
    }

    /// Whether the log has grown so much that what a snapshot holds must have left it.
    pub(crate) fn outgrows_snapshots(&self) -> bool {
        let log = self.facts.as_ref().map(|facts| facts.log());
        log.is_some_and(|log| log.bytes_written() > 4 * SNAPSHOT_AFTER_BYTES && log.purged().is_none())
    }

    /// Lets another member lead before a stop in order.
    pub(crate) fn hand_over(&self) {
        let Some(facts) = self.facts.clone() else { return };
        let told = self.outputs.clone();
        self.executor.spawn(async move {
            let _: bool = facts.hand_over().await;
            told.push(Output::HandedOver);
        });
    }

    /// In which term this member leads, as it thinks.
    pub(crate) fn leads(&self) -> Option<u64> {
        let facts = self.facts.as_ref()?;
        let metrics = facts.raft().metrics();
        let metrics = metrics.borrow();
        (metrics.current_leader == Some(metrics.id)).then_some(metrics.current_term)
    }

    /// An operator asks the leader for other members. The catalog says whether it was done.
    pub(crate) fn change_members(&self, change: MembersChange) {
        let Some(facts) = self.facts.clone() else { return };
        self.executor.spawn(async move {
            let raft = facts.raft();
            let changed = async {
                if let Some(joiner) = change.joiner {
                    raft.add_learner(joiner.0, openraft::EmptyNode {}, true).await?;
                }
                let voters: BTreeSet<u64> = change.voters.iter().map(|voter| voter.0).collect();
                raft.change_membership(voters, change.keeps_leaver).await
            };
            // Who is not done is asked again.
            let _: Option<Result<_, _>> = runtime::timeout(CHANGE_DEADLINE, changed).await;
        });
    }
}
