//! What is counted, in the form that Prometheus reads.

use cluster::chunk::{DiskLevel, DiskSpace};
use cluster::cluster::{WorkerState, WorkerStatus};
use metrics::SetRecorderError;
use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

/// Requests answered, by method, route and status.
pub(crate) const REQUESTS: &str = "custody_http_requests_total";
/// How long the head of an answer took, by method and route.
pub(crate) const REQUEST_SECONDS: &str = "custody_http_request_seconds";
/// Recorder bytes that were acknowledged.
pub(crate) const APPENDED_BYTES: &str = "custody_appended_bytes_total";
/// Tokens of the identity provider that were refused, by reason.
pub(crate) const TOKENS_REFUSED: &str = "custody_identity_tokens_refused_total";

/// Views that go on, as the audit log sees them.
pub(crate) const VIEWS: &str = "custody_audit_views";

/// What is free on this member's disk.
const DISK_FREE_BYTES: &str = "custody_disk_free_bytes";
/// The size of this member's disk.
const DISK_TOTAL_BYTES: &str = "custody_disk_total_bytes";
/// How full this member's disk is: 0 ample, 1 low, 2 too full for new sessions, 3 too full for recordings.
const DISK_LEVEL: &str = "custody_disk_level";

/// What a worker of this member has counted, by worker and count.
const WORKER_COUNTS: &str = "custody_worker_count";
/// Pieces of work that wait for a worker of this member.
const WORKER_QUEUE: &str = "custody_worker_queue";
/// Whether a worker of this member does nothing because it was told to.
const WORKER_PAUSED: &str = "custody_worker_paused";

/// Copies that this member is to hold and lacks, and those that are damaged.
const MISSING: &str = "custody_chunks_missing";
const BAD: &str = "custody_chunks_bad";
/// For how long the copy is known to be missing that is known for longest.
const LAG_SECONDS: &str = "custody_replication_lag_seconds";
/// The counts of the worker `resync` that say so; the last one in milliseconds.
const REPLICATION: [(&str, &str, f64); 3] =
    [("missing_now", MISSING, 1.0), ("bad_now", BAD, 1.0), ("lag_ms", LAG_SECONDS, 1000.0)];

const SECONDS: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0];

/// Shows what the process has counted.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

/// Why nothing can be counted.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The buckets are not accepted.
    #[error("the buckets of a histogram are not accepted")]
    Buckets(#[from] BuildError),
    /// Something else in this process counts.
    #[error("another recorder of metrics is installed in this process")]
    Installed(#[source] Box<SetRecorderError<PrometheusRecorder>>),
}

impl Metrics {
    /// Counts for the whole process from here on; once in a process.
    pub fn install() -> Result<Self, MetricsError> {
        let recorder = recorder()?;
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|error| MetricsError::Installed(Box::new(error)))?;
        Ok(Self(handle))
    }

    /// Shows nothing, and leaves the process's recorder alone.
    pub fn detached() -> Result<Self, MetricsError> {
        Ok(Self(recorder()?.handle()))
    }

    /// What is counted, how the workers of this member are, and how full its disk is.
    pub(crate) fn render(&self, workers: &[WorkerStatus], disk: Option<DiskSpace>) -> String {
        if let Some(space) = disk {
            metrics::gauge!(DISK_FREE_BYTES).set(shown(space.free_bytes));
            metrics::gauge!(DISK_TOTAL_BYTES).set(shown(space.total_bytes));
            metrics::gauge!(DISK_LEVEL).set(match space.level() {
                DiskLevel::Ample => 0.0,
                DiskLevel::Low => 1.0,
                DiskLevel::Filling => 2.0,
                DiskLevel::Scarce => 3.0,
            });
        }
        for worker in workers {
            let paused = if worker.state == WorkerState::Paused { 1.0 } else { 0.0 };
            metrics::gauge!(WORKER_PAUSED, "worker" => worker.name.clone()).set(paused);
            if let Some(queue) = worker.queue {
                metrics::gauge!(WORKER_QUEUE, "worker" => worker.name.clone()).set(shown(queue));
            }
            for (count, value) in &worker.counts {
                let labels = [("worker", worker.name.clone()), ("count", count.clone())];
                metrics::gauge!(WORKER_COUNTS, &labels).set(shown(*value));
            }
            for (count, metric, unit) in REPLICATION {
                if let Some(value) = worker.counts.get(count) {
                    metrics::gauge!(metric).set(shown(*value) / unit);
                }
            }
        }
        self.0.run_upkeep();
        self.0.render()
    }
}

/// A count as Prometheus has it: exact below 2^53.
fn shown(count: u64) -> f64 {
    const HALF: f64 = 4_294_967_296.0;
    let high = u32::try_from(count >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(count & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    f64::from(high) * HALF + f64::from(low)
}

fn recorder() -> Result<PrometheusRecorder, BuildError> {
    let matcher = Matcher::Full(REQUEST_SECONDS.to_owned());
    Ok(PrometheusBuilder::new().set_buckets_for_metric(matcher, &SECONDS)?.build_recorder())
}
