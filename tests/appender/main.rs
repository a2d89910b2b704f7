//! A member that is about to be killed: it appends and submits as fast as it can, and prints a line for each
//! acknowledgement after it was given. Started again as `verify`, it says whether it has kept its word.
//!
//! The tests of power cuts and kills run it; see the harness of this crate.

mod append;
mod careless_disk;
mod clock;
mod look;
mod member;
mod populate;
mod record;
mod verify;
mod wire;

use anyhow::Context;
use clap::{Parser, Subcommand};
use member::MemberArguments;
use populate::PopulateArguments;
use std::path::PathBuf;
use std::process::ExitCode;

/// A member under test.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Debug, Subcommand)]
enum Mode {
    /// Appends and submits until it is killed.
    Append {
        #[command(flatten)]
        member: MemberArguments,
        /// Tells the starts of a member apart.
        #[arg(long)]
        round: u64,
        /// Recordings that grow at the same time.
        #[arg(long, default_value_t = 4)]
        writers: u64,
        /// Stops in order after so many acknowledgements.
        #[arg(long)]
        stop_after: Option<u64>,
    },
    /// One member of several, with recorders that go on whatever becomes of the others, until it is killed.
    Record {
        #[command(flatten)]
        member: MemberArguments,
        /// Tells the starts of a member apart.
        #[arg(long)]
        round: u64,
        /// Recorders at the same time.
        #[arg(long, default_value_t = 3)]
        recorders: u64,
        /// A file with the milliseconds by which the member's clock is wrong; without, the cluster is told no time.
        #[arg(long)]
        clock: Option<PathBuf>,
    },
    /// Makes the folder of a member with the facts of very many sessions, and prints what that took as JSON.
    Populate(PopulateArguments),
    /// Looks for all that was acknowledged, and prints what is missing as JSON.
    Verify {
        #[command(flatten)]
        member: MemberArguments,
        /// The lines of runs before.
        #[arg(long)]
        acknowledged: PathBuf,
        /// Ends without a stop.
        #[arg(long)]
        abandon: bool,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            member::say(&format!("appender: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.context("a runtime")?;
    match arguments.mode {
        Mode::Append { member, round, writers, stop_after } => {
            append::run(runtime.handle(), &member, append::Pace { round, writers, stop_after })
        }
        Mode::Record { member, round, recorders, clock } => {
            runtime.block_on(record::run(&member, record::Work { round, recorders, clock }))
        }
        Mode::Populate(arguments) => populate::run(&arguments),
        Mode::Verify { member, acknowledged, abandon } => {
            let lines = std::fs::read_to_string(&acknowledged)?;
            let lines: Result<Vec<_>, _> = lines.lines().map(serde_json::from_str).collect();
            runtime.block_on(verify::run(&member, &lines?, abandon))
        }
    }
}
