//! Forgetting: members delete the files of purged sessions, and rewrite log, snapshot and rows, in which the wrapped keys of
//! those sessions would else stand for as long as it pleases; one after the other, and only while all are there.

use super::Cluster;
use super::purged::DeletePurgedError;
use super::shared::Shared;
use super::worker::{Worker, WorkerOrder, WorkerState, WorkerStatus};
use crate::catalog::{CatalogError, Command, FORGET_HOURS, ForgetRound, Forgotten, Refusal};
use crate::chunk::{DiskLevel, DiskSpace};
use crate::facts::{self, NotReady, ReadIndexError, SubmitError};
use crate::id::MemberId;
use crate::rpc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often it is looked whether there is something to do.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Purged sessions that are looked at each time.
const SESSIONS_AT_ONCE: usize = 256;
const HOUR_MS: u64 = 3_600_000;

/// Why purges do not come to their end. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// This member has only just started.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// What is committed is not known.
    #[error(transparent)]
    ReadIndex(#[from] ReadIndexError),
    /// The catalog's store failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// Files of purged sessions are still there.
    #[error(transparent)]
    Delete(#[from] DeletePurgedError),
    /// Log, snapshot and rows could not be rewritten.
    #[error(transparent)]
    Facts(#[from] facts::ForgetError),
    /// Rewriting them would leave the disk without room for recordings.
    #[error(
        "the disk has {free_bytes} bytes free, forgetting needs {needed_bytes} and room for recordings beside"
    )]
    NoRoom {
        /// What is free.
        free_bytes: u64,
        /// What the rows and the snapshot take a second time.
        needed_bytes: u64,
    },
    /// It was not committed.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The member is stopping.
    #[error("this member is stopping")]
    Stopped,
}

/// The worker.
#[derive(Debug, Default)]
pub(super) struct ForgetWorker {
    is_paused: AtomicBool,
    is_wanted_now: AtomicBool,
    /// The member stops.
    is_stopping: AtomicBool,
    is_busy: AtomicBool,
    /// How often this member has forgotten, and how many purges it has found to be over.
    rounds: AtomicU64,
    completed: AtomicU64,
    progress: Mutex<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    /// Where the walk over purged sessions goes on.
    after: Option<Vec<u8>>,
    waits_for: Option<String>,
    last_error: Option<String>,
}

impl ForgetWorker {
    /// Gives up what is under way.
    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    fn goes_on(&self) -> bool {
        !self.is_stopping.load(Ordering::Relaxed) && !self.is_paused.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Worker for ForgetWorker {
    fn name(&self) -> &'static str {
        "forget"
    }

    fn status(&self) -> WorkerStatus {
        let progress = self.lock();
        let is_busy = self.is_busy.load(Ordering::Relaxed);
        let state = match (self.is_paused.load(Ordering::Relaxed), is_busy, &progress.waits_for) {
            (true, ..) => WorkerState::Paused,
            (false, true, _) => WorkerState::Busy,
            (false, false, Some(reason)) => WorkerState::Waiting { reason: reason.clone() },
            (false, false, None) => WorkerState::Idle,
        };
        let counted = [("rounds", &self.rounds), ("completed", &self.completed)];
        WorkerStatus {
            name: self.name().to_owned(),
            state,
            progress_permille: None,
            queue: None,
            eta_ms: None,
            last_error: progress.last_error.clone(),
            counts: counted.map(|(name, count)| (name.to_owned(), count.load(Ordering::Relaxed))).into(),
        }
    }

    fn obey(&self, order: WorkerOrder) {
        self.is_paused.store(order == WorkerOrder::Pause, Ordering::Relaxed);
        if order == WorkerOrder::Start {
            self.is_wanted_now.store(true, Ordering::Relaxed);
        }
    }
}

impl Cluster {
    /// Does what is next to do for the end of purges. Returns how long to wait before the next call.
    ///
    /// Each member deletes the files of purged sessions and, when it is its turn, rewrites its rows beside those in use, and
    /// then takes a snapshot and gives up all log before it: it answers meanwhile. The leader says whose turn it is, its own
    /// comes last, and ends purges for which nothing is missing.
    pub async fn forget(&self) -> Result<Duration, ForgetError> {
        let forgotten = self.forget_some().await;
        let worker = &self.shared.forget_worker;
        worker.is_busy.store(false, Ordering::Relaxed);
        if let Err(error) = &forgotten {
            worker.lock().last_error = Some(error.to_string());
        }
        forgotten
    }

    async fn forget_some(&self) -> Result<Duration, ForgetError> {
        let (worker, me) = (Arc::clone(&self.shared.forget_worker), self.member());
        if self.delete_purged().await? > 0 || self.delete_copies().await? > 0 {
            return Ok(Duration::ZERO);
        }
        let Some(round) = self.catalog()?.forget_round()? else { return Ok(LOOK_EVERY) };
        if !worker.goes_on() {
            return Ok(LOOK_EVERY);
        }
        if round.turn == Some(me) && round.left().any(|member| member == me) {
            worker.is_busy.store(true, Ordering::Relaxed);
            return self.forget_now().await;
        }
        if self.shared.facts.leader().await == Some(me) {
            return self.lead_forgetting(round).await;
        }
        worker.is_wanted_now.store(false, Ordering::Relaxed);
        worker.lock().waits_for = None;
        Ok(LOOK_EVERY)
    }

    /// Leaves nothing in any file of this member of what was changed or removed up to here.
    async fn forget_now(&self) -> Result<Duration, ForgetError> {
        self.read_index().await?;
        let Some(applied) = self.catalog()?.applied()? else { return Ok(LOOK_EVERY) };
        self.shared.facts.wait_for_others(applied.index).await?;
        self.check_room_to_forget()?;
        let shared = Arc::clone(&self.shared);
        let renew = move || shared.facts.renew_rows(&|| shared.forget_worker.goes_on());
        if !self.shared.readers.run(renew).await.ok_or(ForgetError::Stopped)?? {
            return Ok(LOOK_EVERY);
        }
        self.shared.facts.forget_log().await?;
        let forgotten = Forgotten { member: self.member(), up_to: applied.index };
        self.submit(Command::Forgotten(forgotten)).await?;
        self.shared.forget_worker.rounds.fetch_add(1, Ordering::Relaxed);
        Ok(Duration::ZERO)
    }

    fn check_room_to_forget(&self) -> Result<(), ForgetError> {
        let Some(space) = self.disk_here() else { return Ok(()) };
        let needed_bytes = self.shared.facts.renewing_bytes()?;
        let left = DiskSpace { free_bytes: space.free_bytes.saturating_sub(needed_bytes), ..space };
        match left.level() {
            DiskLevel::Scarce => Err(ForgetError::NoRoom { free_bytes: space.free_bytes, needed_bytes }),
            DiskLevel::Ample | DiskLevel::Low | DiskLevel::Filling => Ok(()),
        }
    }

    async fn lead_forgetting(&self, round: ForgetRound) -> Result<Duration, ForgetError> {
        let worker = &self.shared.forget_worker;
        let is_purging = self.complete_purges().await?;
        worker.lock().waits_for = None;
        if !is_purging || !self.is_round_due(&round)? {
            return Ok(LOOK_EVERY);
        }
        let left: Vec<MemberId> = match round.left().next() {
            Some(_) => round.left().collect(),
            None => round.members.iter().map(|(member, _)| *member).collect(),
        };
        let answers = self.shared.ask_all(&rpc::Request::Workers, (), |_| Some(())).await;
        let is_there = |member: &MemberId| answers.get(member).is_some_and(Option::is_some);
        let mut voters = self.members().into_iter().filter(|member| member.is_voter);
        if let Some(away) = voters.find(|voter| !is_there(&voter.id)) {
            worker.lock().waits_for = Some(format!("member {} does not answer", away.id));
            return Ok(LOOK_EVERY);
        }
        if round.turn.is_some_and(|turn| left.contains(&turn) && is_there(&turn)) {
            return Ok(LOOK_EVERY);
        }
        let me = self.member();
        let (own, mut others): (Vec<_>, Vec<_>) = left.into_iter().partition(|member| *member == me);
        others.extend(own);
        match others.into_iter().find(is_there) {
            Some(member) => {
                self.submit(Command::ForgetTurn { member }).await?;
                // One that was asked for while another one was under way is still to come.
                if round.left().next().is_none() {
                    worker.is_wanted_now.store(false, Ordering::Relaxed);
                }
            }
            None => worker.lock().waits_for = Some("no member that has to forget answers".to_owned()),
        }
        Ok(LOOK_EVERY)
    }

    /// Whether a round is under way, or time for the next one.
    fn is_round_due(&self, round: &ForgetRound) -> Result<bool, ForgetError> {
        if round.left().next().is_some() {
            return Ok(true);
        }
        if round.newest <= round.target {
            return Ok(false);
        }
        let catalog = self.catalog()?;
        let (now_ms, hours) = (catalog.clock()?.now_ms, catalog.number(FORGET_HOURS)?);
        let age_ms = now_ms.saturating_sub(round.began_ms);
        let is_time = hours.is_some_and(|hours| age_ms >= hours.saturating_mul(HOUR_MS));
        Ok(is_time || self.shared.forget_worker.is_wanted_now.load(Ordering::Relaxed))
    }

    /// Ends the purges of some sessions for which nothing is missing. Whether there are any that have not ended.
    async fn complete_purges(&self) -> Result<bool, ForgetError> {
        let worker = &self.shared.forget_worker;
        let after = worker.lock().after.take();
        let is_anew = after.is_none();
        let shared = Arc::clone(&self.shared);
        let look = move || shared.purges(after);
        let (found, over, next) = self.shared.readers.run(look).await.ok_or(ForgetError::Stopped)??;
        for recording in over {
            match self.submit(Command::CompletePurge { recording }).await {
                Ok(_) => drop(worker.completed.fetch_add(1, Ordering::Relaxed)),
                // A member has joined meanwhile, or another one that leads was faster.
                Err(SubmitError::Refused(Refusal::PurgeIncomplete { .. })) => {}
                Err(error) => return Err(error.into()),
            }
        }
        worker.lock().after = next;
        Ok(!is_anew || found > 0)
    }
}

/// How many sessions were looked at, those whose purges are over, and where to go on.
type Purges = (usize, Vec<crate::id::RecordingId>, Option<Vec<u8>>);

impl Shared {
    fn purges(&self, after: Option<Vec<u8>>) -> Result<Purges, ForgetError> {
        let catalog = self.catalog()?;
        let (found, next) = catalog.purging(after, SESSIONS_AT_ONCE)?;
        let (count, mut over) = (found.len(), Vec::new());
        for recording in found {
            if catalog.purge_progress(recording)?.is_some_and(|progress| progress.is_complete()) {
                over.push(recording);
            }
        }
        Ok((count, over, next))
    }
}
