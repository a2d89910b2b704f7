//! A member that serves: everything is started, runs, and is stopped in the opposite order.

mod audit;
mod ballast;
mod clock;
mod discovery;
mod disks;
mod error;
mod forgetting;
mod identity;
pub(crate) mod kek;
mod keks;
mod key_file;
mod member;
mod members;
mod retention;
mod roles;
mod scrub;
mod systemd;
mod tokens;

use crate::config::Settings;
use crate::tasks::on_thread;
use crate::telemetry;
pub(crate) use clock::wall_ms;
pub(crate) use error::{RunError, StartError};
pub(crate) use kek::write as write_kek;
use member::Member;
pub(crate) use member::{make_folder, open_alone, stop_cluster};
use std::future::Future;
use std::io::Read;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Who ends a member that is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// A person or the system, by a signal.
    Signal,
    /// Also the process that started it: when that one is gone, however it ended, standard input ends.
    InputEnds,
}

/// Serves until it is told to end or something fails.
pub(crate) fn serve(settings: Settings, until: Until) -> Result<(), RunError> {
    telemetry::start(settings.log);
    block_on(async {
        let mut signals = Signals::listen()?;
        let starting = systemd::starting();
        let mut member = Member::start(settings).await?;
        drop(starting);
        systemd::ready(member.address());
        let end = tokio::select! {
            error = member.failed() => Err(error),
            name = signals.next() => {
                tracing::info!(signal = name, "stopping");
                Ok(())
            }
            () = end_of_input(until) => {
                tracing::info!("stopping, since who started this member is gone");
                Ok(())
            }
        };
        systemd::stopping();
        member.stop().await;
        end
    })?
}

/// Waits for the end of standard input, if that is to end the member. The thread that reads goes on when nobody waits.
async fn end_of_input(until: Until) {
    match until {
        Until::Signal => std::future::pending().await,
        // Input that cannot be read has ended, too.
        Until::InputEnds => {
            let _: Result<_, _> = on_thread("input", || std::io::stdin().read_to_end(&mut Vec::new())).await;
        }
    }
}

/// Runs on a runtime of its own, which ends with it.
pub(crate) fn block_on<F: Future>(work: F) -> Result<F::Output, StartError> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.thread_name("custody").enable_all().build().map_err(StartError::Runtime)?;
    Ok(runtime.block_on(work))
}

/// Waits for the operator and the system to end the process.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Begins to listen. Called in a tokio runtime.
    fn listen() -> Result<Self, StartError> {
        let interrupt = signal(SignalKind::interrupt()).map_err(StartError::Runtime)?;
        let terminate = signal(SignalKind::terminate()).map_err(StartError::Runtime)?;
        Ok(Self { interrupt, terminate })
    }

    /// Waits for the next one. Cancel-safe.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}
