//! A member's folder as it is after years.

use crate::member;
use clap::Args;
use cluster::simulation::{Populated, Population};
use std::path::PathBuf;

/// How many sessions, and where.
#[derive(Debug, Args)]
pub(crate) struct PopulateArguments {
    /// The member's folder, which is not there yet.
    #[arg(long)]
    folder: PathBuf,
    /// How many.
    #[arg(long)]
    sessions: u64,
    /// Decides what they are.
    #[arg(long)]
    seed: u64,
}

/// Fills it, and prints how long that took.
pub(crate) fn run(arguments: &PopulateArguments) -> anyhow::Result<()> {
    let PopulateArguments { folder, sessions, seed } = arguments;
    let population = Population { sessions: *sessions, seed: *seed };
    let told = |so_far: u64| member::say(&format!("{so_far} of {sessions} sessions"));
    let Populated { commands, applied, snapshot, snapshot_bytes } =
        population.fill(folder, "this boot", told)?;
    // As after a stop of the machine: only the snapshot counts.
    std::fs::remove_dir_all(folder.join("catalog"))?;
    let per_s = u128::from(commands) * 1000 / applied.as_millis().max(1);
    member::print(&serde_json::json!({
        "commands": commands,
        "commands_per_s": u64::try_from(per_s)?,
        "snapshot_ms": u64::try_from(snapshot.as_millis())?,
        "snapshot_bytes": snapshot_bytes,
    }))
}
