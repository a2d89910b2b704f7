//! What the threads share that own the workers of a conversion.

use super::coded::Coded;
use super::convert::{Conversion, ConvertError};
use super::side_car::SideCarFile;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::recording::Recording;
use crate::worker::limits;
use crate::worker::message::{Reply, Request};
use crate::worker::process::{ProcessError, WorkerProcess};
use codec::cut::Cut;
use codec::source::guac::OnDamage;
use codec::timeline::Timeline;
use codec::video::Plan;
use std::path::Path;
use std::thread::ScopedJoinHandle;

/// One plan at work.
pub(super) struct Work<'a> {
    pub(super) recording: &'a Recording,
    pub(super) timeline: &'a Timeline,
    pub(super) plan: &'a Plan,
    /// Worker processes that code pictures.
    pub(super) workers: usize,
    on_damage: OnDamage,
    pub(super) side_car: Option<&'a SideCarFile>,
    pub(super) folder: &'a Path,
    pub(super) progress: &'a dyn Progress,
    pub(super) coded: &'a Coded,
    /// Stops all of it.
    pub(super) interrupt: Interrupt,
}

impl Conversion<'_> {
    /// The work on a plan, on as many worker processes as cores and memory allow.
    pub(super) fn work<'a>(
        &'a self,
        timeline: &'a Timeline,
        plan: &'a Plan,
        coded: &'a Coded,
        interrupt: &Interrupt,
    ) -> Work<'a> {
        Work {
            recording: self.recording,
            timeline,
            plan,
            workers: self.workers.min(limits::workers_max(plan)).clamp(1, plan.segments.len()),
            on_damage: self.limits.on_damage,
            side_car: self.side_car,
            folder: self.work_dir,
            progress: self.progress,
            coded,
            interrupt: interrupt.part(),
        }
    }
}

impl Work<'_> {
    /// A worker that reads the recording as the survey did.
    pub(super) fn start_worker(&self, interrupt: &Interrupt) -> Result<WorkerProcess, ConvertError> {
        let mut worker = WorkerProcess::start(interrupt)?;
        if self.on_damage == OnDamage::Resync {
            worker.request(&Request::Resync, no_results)?;
        }
        Ok(worker)
    }

    /// A failure of one part makes the work of the others useless, and what they wait for will not come.
    pub(super) fn stopping_others<T>(
        &self,
        part: impl FnOnce() -> Result<T, ConvertError>,
    ) -> Result<T, ConvertError> {
        let mut others = StopUnlessDone { work: self, is_done: false };
        let result = part();
        others.is_done = result.is_ok();
        result
    }
}

/// Stops the other parts, also when this one panics.
struct StopUnlessDone<'a> {
    work: &'a Work<'a>,
    is_done: bool,
}

impl Drop for StopUnlessDone<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            self.work.interrupt.set();
            self.work.coded.fail();
        }
    }
}

/// Whether any sound may be in the video.
pub(super) fn is_heard(timeline: &Timeline, cut: &Cut) -> bool {
    timeline.sound && timeline.sound_end_ms > cut.start_ms() && cut.duration_ms() > 0
}

/// What receives the results of requests that have none.
pub(super) fn no_results(_: Reply) -> Result<(), ConvertError> {
    Ok(())
}

pub(super) fn joined<T>(handle: ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// What came of one part if neither it nor another one failed; of several errors, the one that made the others stop.
pub(super) fn unless_failed<T>(
    part: Result<T, ConvertError>,
    others: impl IntoIterator<Item = Result<(), ConvertError>>,
) -> Result<T, ConvertError> {
    let mut errors: Vec<_> = others.into_iter().filter_map(Result::err).collect();
    let done = match part {
        Ok(done) if errors.is_empty() => return Ok(done),
        Ok(_) => None,
        Err(error) => Some(error),
    };
    errors.splice(0..0, done);
    let is_echo = |error: &ConvertError| matches!(error, ConvertError::Worker(ProcessError::Interrupted));
    let first = errors.iter().position(|error| !is_echo(error)).unwrap_or(0);
    Err(errors.swap_remove(first))
}
