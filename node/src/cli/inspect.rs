//! `custody inspect`: what a recording holds, without drawing it.

use super::resync::Resync;
use super::summary::print_summary;
use super::timing::Timing;
use super::{Exit, print_partial};
use crate::conversion::{Surveyed, survey};
use crate::interrupt::Interrupt;
use crate::recording::Recording;
use clap::Args;
use codec::timeline::{Keystrokes, Timeline};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

/// Tell what a recording holds: duration, size, sound, activity, keys, and how it ends.
#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// The recording (.guac, .cast or a typescript; .zst too); - reads standard input.
    file: PathBuf,
    /// Print all facts as JSON. They hold what was typed, passwords included.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    resync: Resync,
    #[command(flatten)]
    timing: Timing,
}

/// All that is known, as one JSON object.
#[derive(Serialize)]
struct Everything<'a> {
    #[serde(flatten)]
    timeline: &'a Timeline,
    #[serde(flatten)]
    keystrokes: &'a Keystrokes,
}

impl Inspect {
    pub(super) fn run(self, interrupt: &Interrupt) -> anyhow::Result<Exit> {
        let recording = Recording::open(&self.file, &self.timing.files(), interrupt)?;
        let surveyed = Surveyed { recording: &recording, session: None, limits: self.resync.limits() };
        let (timeline, keystrokes) = survey(&surveyed, interrupt)?;
        let mut output = std::io::stdout().lock();
        if self.json {
            let everything = Everything { timeline: &timeline, keystrokes: &keystrokes };
            serde_json::to_writer_pretty(&mut output, &everything)?;
            writeln!(output)?;
        } else {
            print_summary(&timeline, &keystrokes, &mut output)?;
        }
        let mut exit = if timeline.is_complete() { Exit::Done } else { Exit::Partial };
        for refusal in timeline.ending.refusal().iter().chain(&timeline.sound_loss) {
            exit = print_partial(timeline.media_duration_ms, &refusal.to_string());
        }
        Ok(exit)
    }
}
