//! `custody convert`: a recording becomes an ordinary video.

use super::{Exit, print_partial};
use crate::conversion::{Conversion, Report};
use crate::interrupt::Interrupt;
use crate::output::{Output, folder_of};
use crate::progress::{TerminalProgress, clock};
use crate::recording::Recording;
use anyhow::Context;
use clap::Args;
use codec::video::VideoSettings;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// Make an ordinary video (MP4: AV1 and Opus) of a recording.
///
/// Exits with 0 when the whole recording is in the video, and with 3 when the video is there but the recording is
/// damaged: then it ends where the recording can no longer be read, and the message says where.
#[derive(Debug, Args)]
pub(super) struct Convert {
    /// The recording (.guac or .guac.zst); - reads standard input.
    file: PathBuf,
    /// Where to write the video.
    #[arg(short, long, value_name = "OUT.mp4")]
    output: PathBuf,
    /// Worker processes; the video is the same with any number. Default: one a core, as far as memory allows.
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroUsize>,
    /// Show no progress.
    #[arg(short, long)]
    quiet: bool,
}

impl Convert {
    pub(super) fn run(self, interrupt: &Interrupt) -> anyhow::Result<Exit> {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let unwritten = || format!("cannot write {}", self.output.display());
        let mut output = Output::create(&self.output).with_context(unwritten)?;
        let recording = Recording::open(&self.file, interrupt)?;
        let conversion = Conversion {
            recording: &recording,
            work_dir: folder_of(&self.output),
            video: VideoSettings::default(),
            workers: self.workers.map_or(cores, NonZeroUsize::get),
            progress: &TerminalProgress::new(self.quiet),
        };
        let report = conversion.run(&mut output, interrupt)?;
        let bytes = output.publish().with_context(unwritten)?;
        if !self.quiet {
            self.print_result(&report, bytes);
        }
        Ok(print_losses(&report))
    }

    #[expect(clippy::print_stderr, reason = "the command line speaks to its user")]
    fn print_result(&self, report: &Report, bytes: u64) {
        let duration_ms = u64::try_from(report.timeline.media_duration_ms).unwrap_or(0);
        eprintln!(
            "{}: {} of {}x{}, {} pictures, {}, {} bytes",
            self.output.display(),
            clock(Duration::from_millis(duration_ms)),
            report.plan.width,
            report.plan.height,
            report.pictures,
            if report.timeline.sound { "with sound" } else { "no sound" },
            bytes,
        );
    }
}

/// Says what of the recording is not in the video, and up to when all of it is there.
fn print_losses(report: &Report) -> Exit {
    let mut exit = Exit::Done;
    let timeline = &report.timeline;
    if let Some(refusal) = timeline.ending.refusal() {
        let left = timeline.bytes - timeline.readable_bytes;
        let what = format!("{refusal}: the video ends there, {left} bytes are left out");
        exit = print_partial(timeline.media_duration_ms, &what);
    }
    if let Some(first) = &report.summary.first_fault {
        let (count, refusal) = (report.summary.faults, &first.refusal);
        let position = refusal.position.unwrap_or(0);
        let what = format!("{refusal}: the first of {count} not drawn instructions, before byte {position}");
        exit = print_partial(first.at_ms, &what);
    }
    if let Some(refusal) = &timeline.sound_loss {
        exit = print_partial(timeline.media_duration_ms, &format!("{refusal}: some sound is left out"));
    }
    exit
}
