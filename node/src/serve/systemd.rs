//! What the service manager is told, when there is one.

use crate::tasks::{Stop, TaskResult};
use cluster::Cluster;
use sd_notify::NotifyState;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How long the cluster may take to answer before the watchdog is left to bark.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// How often more time to start is asked for, and how much in microseconds.
const EXTEND_EVERY: Duration = Duration::from_secs(10);
const EXTEND_US: u32 = 60_000_000;

/// Asks for more time until it is dropped: building the rows again takes as long as it takes.
pub(super) struct Starting {
    _started: Sender<()>,
}

/// The member starts. What it waits for others has limits of its own.
pub(super) fn starting() -> Starting {
    let (started, is_started) = channel();
    let ask = move || {
        while is_started.recv_timeout(EXTEND_EVERY) == Err(RecvTimeoutError::Timeout) {
            notify(&[NotifyState::ExtendTimeoutUsec(EXTEND_US)]);
        }
    };
    if let Err(error) = std::thread::Builder::new().name("starting".to_owned()).spawn(ask) {
        tracing::warn!(%error, "no more time to start is asked for");
    }
    Starting { _started: started }
}

/// The member answers.
pub(super) fn ready(address: SocketAddr) {
    let status = format!("serving on {address}");
    notify(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// The member ends.
pub(super) fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// How often to report that all is well: twice in the watchdog's time, if it watches.
pub(super) fn watchdog_every() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

/// Reports that all is well as long as the cluster answers.
pub(super) async fn watch(cluster: Arc<Cluster>, every: Duration, stop: Stop) -> TaskResult {
    while stop.sleep(every).await {
        match tokio::time::timeout(ANSWER_LIMIT, cluster.read_index()).await {
            Ok(_) => notify(&[NotifyState::Watchdog]),
            Err(_) => tracing::error!("the member hangs; the watchdog is not fed"),
        }
    }
    Ok(())
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager was not told");
    }
}
