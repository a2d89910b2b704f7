//! Long runs: the promises of the suite, many times, with a line of JSON for each run.
//!
//! A run that stands in the file is not repeated, so that a soak can be stopped and started again.

mod journal;
mod runs;

use clap::{Parser, ValueEnum};
use journal::Journal;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs one suite for long.
#[derive(Debug, Parser)]
struct Soak {
    /// What is run.
    suite: Suite,
    /// Times in each recording (pictures), or runs (determinism).
    #[arg(long, default_value_t = 50)]
    times: u64,
    /// Repeats the same choices.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder of recordings.
    #[arg(long)]
    recordings: PathBuf,
    /// The folder of the journals.
    #[arg(long)]
    into: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// Videos beside `custody frame`, at random times.
    Pictures,
    /// `custody frame` beside the reference pictures.
    Frames,
    /// Recordings cut and damaged at random: typed outcomes, the same video with any number of workers.
    Determinism,
}

fn main() -> anyhow::Result<ExitCode> {
    let soak = Soak::parse();
    let recordings = std::fs::canonicalize(&soak.recordings)?;
    let name = soak.suite.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let mut journal = Journal::open(&soak.into, &name)?;
    for run in runs::of(soak.suite, &recordings, soak.times, soak.seed)? {
        journal.run(run)?;
    }
    journal.finish();
    Ok(if journal.failures() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
