//! A member that serves: everything is started, runs, and is stopped in the opposite order.

mod clock;
mod discovery;
mod error;
mod identity;
mod kek;
mod member;
mod members;
mod retention;
mod roles;
mod systemd;
mod tokens;

pub(crate) use clock::wall_ms;
pub(crate) use error::{RunError, StartError};
pub(crate) use member::{Member, MemberOptions};
pub(crate) use tokens::{NewToken, create_token};

use crate::config::Settings;
use crate::telemetry;
use std::future::Future;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Serves until a signal comes or something fails.
pub(crate) fn serve(settings: Settings) -> Result<(), RunError> {
    telemetry::start(settings.log);
    block_on(async {
        let mut signals = Signals::listen()?;
        let mut member = Member::start(settings, MemberOptions::default()).await?;
        systemd::ready(member.address());
        let end = tokio::select! {
            error = member.failed() => Err(error),
            name = signals.next() => {
                tracing::info!(signal = name, "stopping");
                Ok(())
            }
        };
        systemd::stopping();
        member.stop().await;
        end
    })?
}

/// Runs on a runtime of its own, which ends with it.
pub(crate) fn block_on<F: Future>(work: F) -> Result<F::Output, StartError> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.thread_name("custody").enable_all().build().map_err(StartError::Runtime)?;
    Ok(runtime.block_on(work))
}

/// Waits for the operator and the system to end the process.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Begins to listen. Called in a tokio runtime.
    pub(crate) fn listen() -> Result<Self, StartError> {
        let interrupt = signal(SignalKind::interrupt()).map_err(StartError::Runtime)?;
        let terminate = signal(SignalKind::terminate()).map_err(StartError::Runtime)?;
        Ok(Self { interrupt, terminate })
    }

    /// Waits for the next one. Cancel-safe.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}
