//! A claim while its job is done: renewed in time, told how far the job is, and given up when it is lost.

use crate::interrupt::Interrupt;
use crate::progress::Progress;
use cluster::Cluster;
use cluster::catalog::{ClaimToken, Command, JobProgress, Progress as ReportProgress, Refusal};
use cluster::facts::SubmitError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// How long a claim holds without its member. The cluster's time moves every 10 s.
pub(super) const LEASE_MS: u64 = 60_000;
/// How often it is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(15);

/// How far a job is, as its threads say.
#[derive(Debug, Default)]
pub(super) struct JobCounter {
    done_ms: AtomicU64,
    total_ms: AtomicU64,
}

impl JobCounter {
    fn read(&self) -> JobProgress {
        let total_ms = self.total_ms.load(Ordering::Relaxed);
        JobProgress { done_ms: self.done_ms.load(Ordering::Relaxed).min(total_ms), total_ms }
    }
}

impl Progress for JobCounter {
    fn begin(&self, total_ms: u64) {
        self.total_ms.store(total_ms, Ordering::Relaxed);
    }

    fn advance(&self, step_ms: u64) {
        self.done_ms.fetch_add(step_ms, Ordering::Relaxed);
    }

    fn finish(&self) {}
}

/// A claim that this member holds.
pub(super) struct HeldClaim<'a> {
    cluster: &'a Cluster,
    token: ClaimToken,
    reported: JobProgress,
    renew_at: Instant,
}

impl<'a> HeldClaim<'a> {
    /// A claim that was just made.
    pub(super) fn new(cluster: &'a Cluster, token: ClaimToken) -> Self {
        let renew_at = Instant::now() + RENEW_EVERY;
        Self { cluster, token, reported: JobProgress::default(), renew_at }
    }

    /// Which claim it is.
    pub(super) fn token(&self) -> ClaimToken {
        self.token
    }

    /// Renews the claim when it is time, and reports progress when there is any. A claim that is lost, or whose
    /// job has ended, ends the work: its result would be refused.
    pub(super) async fn keep(&mut self, counter: &JobCounter, interrupt: &Interrupt) {
        let progress = counter.read();
        if progress != self.reported {
            self.submit(Command::Progress(ReportProgress { claim: self.token, progress }), interrupt).await;
            self.reported = progress;
        }
        if Instant::now() >= self.renew_at {
            self.renew_at = Instant::now() + RENEW_EVERY;
            self.submit(Command::RenewClaim { claim: self.token, lease_ms: LEASE_MS }, interrupt).await;
        }
    }

    async fn submit(&self, command: Command, interrupt: &Interrupt) {
        let job = self.token.job;
        match self.cluster.submit(command).await {
            Ok(_) => {}
            Err(SubmitError::Refused(refusal @ (Refusal::ClaimLost { .. } | Refusal::JobEnded { .. }))) => {
                tracing::info!(%job, %refusal, "the work stops");
                interrupt.set();
            }
            // Without a quorum the work goes on: the claim holds until somebody else takes the job.
            Err(error) => tracing::warn!(%job, %error, "a claim is not renewed"),
        }
    }
}
