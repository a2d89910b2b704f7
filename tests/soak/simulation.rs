//! Simulated clusters: many seeds on all cores.

use crate::journal::{Result, Run};
use anyhow::{Context, ensure};
use cluster::simulation::{Report, Simulation};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Seeds of one line of the journal.
const SEEDS_PER_RUN: u64 = 100;

/// All seeds from one on.
pub(crate) fn of(seed: u64, times: u64) -> Vec<Run> {
    let starts = (seed..seed + times).step_by(usize::try_from(SEEDS_PER_RUN).unwrap_or(1));
    let run = |from: u64| {
        let until = (from + SEEDS_PER_RUN).min(seed + times);
        Run { key: json!({ "from": from, "until": until }), work: Box::new(move || histories(from, until)) }
    };
    starts.map(run).collect()
}

/// The histories of some seeds. One that fails is told with what repeats it.
fn histories(from: u64, until: u64) -> Result {
    let (next, start) = (AtomicU64::new(from), Instant::now());
    let take = || {
        let mut reports = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= until {
                return reports;
            }
            reports.push((seed, Simulation::new(seed).run()));
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let reports: Vec<(u64, Report)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(take)).collect();
        let joined: Option<Vec<_>> = threads.into_iter().map(|thread| thread.join().ok()).collect();
        joined.map(|reports| reports.into_iter().flatten().collect())
    })
    .with_context(|| format!("a history of the seeds {from}..{until} panicked"))?;
    for (seed, report) in &reports {
        let replay = format!("make soak SUITE=simulation N=1 SEED={seed}");
        ensure!(report.violations.is_empty(), "{replay}: {:?} after {:?}", report.violations, report.faults);
        ensure!(report.faults.len() >= 3, "{replay}: only {:?} struck", report.faults);
    }
    let sum = |count: fn(&Report) -> u64| reports.iter().map(|(_, report)| count(report)).sum::<u64>();
    Ok(json!({
        "seeds": reports.len(),
        "faults": reports.iter().map(|(_, report)| report.faults.len()).sum::<usize>(),
        "takeovers": sum(|report| report.takeovers),
        "chunks": reports.iter().map(|(_, report)| report.chunks).sum::<usize>(),
        // The same seeds have the same histories in every process.
        "histories": format!("{:016x}", reports.iter().fold(0, |all, (_, report)| all ^ report.history)),
        "acknowledged_bytes": sum(|report| report.acknowledged_bytes),
        "compared_bytes": sum(|report| report.compared_bytes),
        "simulated_s": sum(|report| report.simulated_ms) / 1000,
        "took_ms": u64::try_from(start.elapsed().as_millis())?,
    }))
}
