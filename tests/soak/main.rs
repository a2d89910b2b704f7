//! Long runs: the promises of the suite, many times, with a line of JSON for each run.
//!
//! A run that stands in the file is not repeated, so that a soak can be stopped and started again.

mod hostile;
mod journal;
mod runs;
mod simulation;

use clap::{Parser, ValueEnum};
use journal::Journal;
use std::path::PathBuf;
use std::process::ExitCode;

/// Runs one suite for long.
#[derive(Debug, Parser)]
struct Soak {
    /// What is run.
    suite: Suite,
    /// Times in each recording (pictures), runs (determinism, power_cut, kill, members, simulation), kills (resume), drains
    /// (moves), live sessions (sessions), sealed recordings (ranges, sync), changed files (repair), sessions (races, catalog),
    /// MiB (heal) or kills (leader).
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
    /// Members that lose their power: each run two cuts of one member, and the same without syncs, which must lose.
    #[value(name = "power_cut")]
    PowerCut,
    /// Members that are killed at work and in recovery: each run two kills of one member.
    Kill,
    /// Three members that are killed and stopped, cut off, without room, slow, damaged and out of time while recorders
    /// write: each run one fault of each kind.
    Members,
    /// Three members as operators run them, of which the receiving one is killed or cut off: each run ten losses.
    Resume,
    /// Many live sessions on three members, for a minute; and again with a leader that is killed in the middle.
    Sessions,
    /// Ranges of recordings that were just sealed, from all members but one that is killed.
    Ranges,
    /// Recordings and videos on three members, of which one is away and then replaced: how long until all have them.
    Sync,
    /// Four members that are drained, wiped and replaced one after the other, twice as many drained as killed, under load.
    Moves,
    /// Three members, of which one has changed and deleted chunk files: found, not served, repaired.
    Repair,
    /// Three members, of which one has lost its chunks: how fast it gets them back, beside a copy by `fio`.
    Heal,
    /// Three members whose leader is killed: how long nothing is accepted.
    Leader,
    /// Three members on whose disks nothing fits any more, first on one, then on all.
    Full,
    /// Sessions that are viewed, then held and purged at the same time, on three members.
    Races,
    /// Three members whose clocks are wrong by years, once in each way.
    Clocks,
    /// A member with the facts of many sessions: how long lists, reports, a snapshot and a rebuild take.
    Catalog,
    /// Sessions in which texts are typed that nobody else writes, and all that is served, sent and logged to others.
    Canary,
    /// Reports, lists and ranges of a video, asked for by many clients of three members.
    Requests,
    /// The bad-input table: all cases in all variants, with outcome, time and memory.
    Hostile,
    /// Simulated clusters, many seeds at once on all cores; a line for each hundred.
    Simulation,
}

impl Suite {
    /// The program that it tests: runs of another build say nothing about this one.
    fn program(self) -> &'static str {
        match self {
            Self::Pictures | Self::Frames | Self::Determinism | Self::Hostile => "custody",
            Self::Resume | Self::Sessions | Self::Ranges | Self::Repair | Self::Catalog => "custody",
            Self::Sync | Self::Moves | Self::Heal | Self::Leader | Self::Full => "custody",
            Self::Races | Self::Clocks | Self::Canary | Self::Requests => "custody",
            Self::PowerCut | Self::Kill | Self::Members => "appender",
            Self::Simulation => "soak",
        }
    }
}

fn main() -> anyhow::Result<ExitCode> {
    let soak = Soak::parse();
    let recordings = std::fs::canonicalize(&soak.recordings)?;
    let name = soak.suite.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let mut journal = Journal::open(&soak.into, &name, soak.suite.program())?;
    for run in runs::of(soak.suite, &recordings, soak.times, soak.seed)? {
        journal.run(run)?;
    }
    if soak.suite == Suite::Hostile {
        hostile::print_table(&journal.lines()?);
    }
    journal.finish();
    Ok(if journal.failures() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
