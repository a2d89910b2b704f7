//! The tasks that do jobs: each takes the oldest job of its kind that it can have, one at a time.
//!
//! A job is at home in the catalog: this member's claim on it may be lost at any moment, and a member that died
//! with one loses it when its lease runs out. What a member had claimed before it was started again, it claims
//! anew at once: the older claim's fencing token is worth nothing from then on.

use super::claim::{HeldClaim, JobCounter, LEASE_MS};
use super::convert::Video;
use super::failure::JobError;
use super::patience::Patience;
use super::{convert, index, key_states};
use crate::interrupt::Interrupt;
use crate::recording::OpenError;
use crate::tasks::{Stop, TaskResult, on_thread};
use cluster::Cluster;
use cluster::catalog::{
    CatalogError, ClaimJob, ClaimToken, Command, Complete, CompleteDamaged, Container, FailJob, JobKind,
    JobRow, JobState, ObjectState, Outcome, Refusal, SealFacts, VideoSettings,
};
use cluster::facts::{NotReady, SubmitError};
use cluster::id::{JobId, ObjectId, RecordingId};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// How often jobs are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// How often a running job is looked after.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// Open jobs that are looked at.
const JOBS_LOOKED_AT: usize = 1024;

/// Jobs that ended, by work and result.
const JOBS: &str = "custody_jobs_total";

/// Which jobs a runner does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Indexes.
    Index,
    /// Conversions.
    Convert,
}

impl Work {
    /// As metrics and threads name it.
    fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Convert => "convert",
        }
    }
}

/// What jobs work with.
#[derive(Clone)]
pub(crate) struct JobTools {
    /// Bytes and facts.
    pub(crate) cluster: Arc<Cluster>,
    /// The runtime that the cluster needs.
    pub(crate) runtime: Handle,
    /// Where conversions keep unnamed temporary files.
    pub(crate) work_dir: PathBuf,
    /// Worker processes of one conversion.
    pub(crate) workers: NonZeroUsize,
}

/// Does the jobs of one kind.
pub(crate) struct Runner {
    tools: JobTools,
    work: Work,
}

/// Why jobs cannot be looked for.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    NotReady(#[from] NotReady),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl Runner {
    /// Does jobs of a kind.
    pub(crate) fn new(tools: JobTools, work: Work) -> Self {
        Self { tools, work }
    }

    /// Runs until it is told to stop. A job that is stopped keeps its claim: whoever starts this member again
    /// takes it up.
    pub(crate) async fn run(self, stop: Stop) -> TaskResult {
        while !stop.is_set() {
            let next = self.next().unwrap_or_else(|error| {
                tracing::warn!(%error, work = ?self.work, "jobs cannot be looked for");
                None
            });
            let claim = match next {
                Some((job, _)) => self.claim(job).await,
                None => None,
            };
            match (next, claim) {
                (Some((_, recording)), Some(claim)) => self.work_on(claim, recording, &stop).await,
                _ => {
                    stop.sleep(LOOK_EVERY).await;
                }
            }
        }
        Ok(())
    }

    /// The oldest job that this member can claim.
    fn next(&self) -> Result<Option<(JobId, RecordingId)>, LookError> {
        let catalog = self.tools.cluster.catalog()?;
        let now_ms = catalog.clock()?.now_ms;
        let jobs = catalog.open_jobs(JOBS_LOOKED_AT)?;
        let free = jobs.into_iter().find(|(_, row)| self.is_mine(row) && self.is_free(row, now_ms));
        Ok(free.map(|(job, row)| (job, row.recording)))
    }

    fn is_mine(&self, row: &JobRow) -> bool {
        match row.kind {
            JobKind::Index => self.work == Work::Index,
            JobKind::Convert { .. } => self.work == Work::Convert,
        }
    }

    /// This runner does one job at a time, so a claim of this member is one of an earlier life.
    fn is_free(&self, row: &JobRow, now_ms: u64) -> bool {
        match row.state {
            JobState::Queued => true,
            JobState::Claimed(claim) => {
                claim.member == self.tools.cluster.member() || claim.deadline_ms < now_ms
            }
            JobState::Done | JobState::Failed(_) | JobState::Cancelled => false,
        }
    }

    async fn claim(&self, job: JobId) -> Option<ClaimToken> {
        let member = self.tools.cluster.member();
        let claim = Command::ClaimJob(ClaimJob { job, member, lease_ms: LEASE_MS });
        match self.tools.cluster.submit(claim).await {
            Ok(Outcome::Claimed(claim)) => Some(ClaimToken { job, fencing_token: claim.fencing_token }),
            Ok(outcome) => {
                tracing::warn!(%job, ?outcome, "the job is not done");
                None
            }
            Err(SubmitError::Refused(Refusal::JobClaimed { .. } | Refusal::JobEnded { .. })) => None,
            Err(error) => {
                tracing::warn!(%job, %error, "cannot claim the job");
                None
            }
        }
    }

    /// Does a job and commits what became of it.
    async fn work_on(&self, claim: ClaimToken, recording: RecordingId, stop: &Stop) {
        let job = claim.job;
        tracing::info!(%job, %recording, work = ?self.work, "job begins");
        let result = self.result_of(claim, recording, stop).await;
        let command = match result {
            Ok(command) => command,
            Err(error) => match error.kind() {
                Some(failure) => {
                    tracing::warn!(%job, %error, "job failed");
                    Command::FailJob(FailJob { claim, failure, detail: error.detail() })
                }
                None => {
                    tracing::info!(%job, "job stopped");
                    return;
                }
            },
        };
        match self.tools.cluster.submit(command).await {
            Ok(outcome) => {
                let is_failed = matches!(outcome, Outcome::Failed { .. });
                let result = if is_failed { "failed" } else { "done" };
                metrics::counter!(JOBS, "work" => self.work.name(), "result" => result).increment(1);
                tracing::info!(%job, ?outcome, "job ends");
            }
            Err(error) => tracing::warn!(%job, %error, "the result of a job is not kept"),
        }
    }

    /// Runs the job, again where bytes could not be read or written; gives the command that ends it well.
    async fn result_of(
        &self,
        claim: ClaimToken,
        recording: RecordingId,
        stop: &Stop,
    ) -> Result<Command, JobError> {
        let interrupt = Interrupt::default();
        let mut held = HeldClaim::new(&self.tools.cluster, claim);
        let mut patience = Patience::default();
        loop {
            let error = match self.attempt(&mut held, recording, &interrupt, stop).await {
                Ok(command) => return Ok(command),
                Err(error) => error,
            };
            let Some(wait) = patience.after(&error) else { return Err(error) };
            tracing::warn!(job = %claim.job, %error, ?wait, "the job waits for the cluster");
            if !stop.sleep(wait).await {
                return Err(JobError::Stopped);
            }
        }
    }

    /// Runs the job once, on a thread of its own, while its claim is kept.
    async fn attempt(
        &self,
        held: &mut HeldClaim<'_>,
        recording: RecordingId,
        interrupt: &Interrupt,
        stop: &Stop,
    ) -> Result<Command, JobError> {
        let counter = Arc::new(JobCounter::default());
        let claim = held.token();
        let work = {
            let (tools, interrupt, counter) = (self.tools.clone(), interrupt.clone(), Arc::clone(&counter));
            let work = self.work;
            on_thread(work.name(), move || do_job(&tools, work, claim, recording, &counter, &interrupt))
        };
        tokio::pin!(work);
        let mut ticks = tokio::time::interval(KEEP_EVERY);
        loop {
            tokio::select! {
                result = &mut work => return result?,
                _ = ticks.tick() => held.keep(&counter, interrupt).await,
                () = stop.stopped(), if !interrupt.is_set() => interrupt.set(),
            }
        }
    }
}

/// The work itself, on a thread.
fn do_job(
    tools: &JobTools,
    work: Work,
    claim: ClaimToken,
    recording: RecordingId,
    counter: &JobCounter,
    interrupt: &Interrupt,
) -> Result<Command, JobError> {
    let sealed = sealed(&tools.cluster, recording)?;
    let length = sealed.length;
    Ok(match work {
        Work::Index => {
            let done = index::index(tools, claim, recording, length, interrupt)?;
            key_states::keep_key_states(tools, claim, recording, length, interrupt)?;
            Command::CompleteIndex(done)
        }
        Work::Convert => {
            let source = convert::Source { recording, sealed, settings: video_settings(tools, claim)? };
            let Video { facts, missing_from_ms } =
                convert::convert(tools, claim, source, counter, interrupt)?;
            let made = Complete { claim, facts };
            match missing_from_ms {
                None => Command::Complete(made),
                Some(missing_from_ms) => Command::CompleteDamaged(CompleteDamaged { made, missing_from_ms }),
            }
        }
    })
}

/// What the video of a job is to be.
fn video_settings(tools: &JobTools, claim: ClaimToken) -> Result<VideoSettings, JobError> {
    let catalog = tools.cluster.catalog()?;
    let video = match catalog.job(claim.job)?.map(|row| row.kind) {
        Some(JobKind::Convert { video }) => catalog.video(video)?,
        Some(JobKind::Index) | None => None,
    };
    // A job that is gone cannot be completed: nobody sees what is made without its settings.
    let gone = VideoSettings { container: Container::Mp4, keystrokes: false, codec_version: 0 };
    Ok(video.map_or(gone, |row| row.settings))
}

/// The length and root of a recording, which a job is only made for once it is sealed.
fn sealed(cluster: &Cluster, recording: RecordingId) -> Result<SealFacts, JobError> {
    let object = ObjectId::from(recording);
    let unreadable = |source: Box<dyn std::error::Error + Send + Sync>| OpenError::Stored { object, source };
    let catalog = cluster.catalog().map_err(|error| unreadable(error.into()))?;
    let row = catalog.object(object).map_err(|error| unreadable(error.into()))?;
    match row.map(|row| row.state) {
        Some(ObjectState::Sealed(facts)) => Ok(facts),
        Some(ObjectState::Open | ObjectState::Interrupted { .. }) | None => {
            Err(unreadable(Box::from("it is not sealed")).into())
        }
    }
}
