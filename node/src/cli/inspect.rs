//! `custody inspect`: what a recording holds, without drawing it.

use super::{Exit, print_partial};
use crate::conversion::survey;
use crate::interrupt::Interrupt;
use crate::progress::clock;
use crate::recording::Recording;
use clap::Args;
use codec::timeline::{Ending, Timeline};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// Tell what a recording holds: duration, size, sound, keys, and how it ends.
#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// The recording (.guac or .guac.zst); - reads standard input.
    file: PathBuf,
    /// Print all facts as JSON.
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub(super) fn run(self, interrupt: &Interrupt) -> anyhow::Result<Exit> {
        let recording = Recording::open(&self.file, interrupt)?;
        let timeline = survey(&recording, interrupt)?;
        let mut output = std::io::stdout().lock();
        if self.json {
            serde_json::to_writer_pretty(&mut output, &timeline)?;
            writeln!(output)?;
        } else {
            print_summary(&timeline, &mut output)?;
        }
        let mut exit = Exit::Done;
        for refusal in timeline.ending.refusal().iter().chain(&timeline.sound_loss) {
            exit = print_partial(timeline.media_duration_ms, &refusal.to_string());
        }
        Ok(exit)
    }
}

fn print_summary(timeline: &Timeline, output: &mut impl Write) -> std::io::Result<()> {
    let time = |ms: i64| clock(Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
    let milliseconds = timeline.media_duration_ms;
    writeln!(output, "format      {}, {} bytes", timeline.format, timeline.bytes)?;
    writeln!(output, "duration    {} ({milliseconds} ms)", time(milliseconds))?;
    writeln!(output, "picture     {}", sizes_of(timeline))?;
    let gap = time(timeline.longest_gap_ms);
    writeln!(output, "frames      {}, the longest pause is {gap}", timeline.sync_count)?;
    let sound = if timeline.sound { format!("until {}", time(timeline.sound_end_ms)) } else { "none".into() };
    writeln!(output, "sound       {sound}")?;
    writeln!(
        output,
        "input       {} keys pressed, {} mouse events",
        timeline.key_presses, timeline.mouse_events
    )?;
    for error in &timeline.errors {
        let (at, status) = (time(error.at_ms), error.status);
        writeln!(output, "error       {} (status {status}) at {at}", error.text.escape_default())?;
    }
    match &timeline.ending {
        Ending::Whole => writeln!(output, "end         whole"),
        Ending::Truncated { position } => {
            writeln!(output, "end         cut inside an instruction at byte {position}")
        }
        Ending::Damaged { code: _, position, reason } => {
            let left = timeline.bytes - position;
            writeln!(output, "end         damaged, {left} bytes cannot be read: {reason}")
        }
    }
}

fn sizes_of(timeline: &Timeline) -> String {
    /// Sizes that are listed.
    const LISTED: usize = 6;
    let sizes: Vec<_> =
        timeline.sizes.iter().take(LISTED).map(|size| format!("{}x{}", size.width, size.height)).collect();
    match (sizes.len(), timeline.sizes.len()) {
        (0, _) => "none".into(),
        (listed, all) if all > listed => format!("{}, and {} more sizes", sizes.join(", "), all - listed),
        _ => sizes.join(", "),
    }
}
