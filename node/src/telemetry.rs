//! What this process tells about itself: its log on standard error.

use crate::config::LogFormat;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// What is logged unless `RUST_LOG` says otherwise: Raft's own log speaks of every heartbeat it misses.
const USUAL: &str = "info,openraft=warn,sled=warn,actix_server=warn";

/// Begins the log of a service. A second call changes nothing: tests start many servers in one process.
pub(crate) fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(USUAL));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_span_events(FmtSpan::NONE)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Plain => log.with_target(false).try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    if started.is_err() {
        tracing::debug!("the log was begun before");
    }
}
