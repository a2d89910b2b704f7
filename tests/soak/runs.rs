//! The runs of each suite.

use crate::journal::{Result, Run};
use crate::{Suite, hostile};
use anyhow::ensure;
use harness::{
    Cut, FullDisks, Heals, Kills, Leaders, Leaks, ManySessions, Measure, Members, Moves, PowerCuts,
    PowerCutsOutcome, Races, Random, Ranges, Repairs, Requests, Resumes, Sessions, Synchronisation, Syncs,
};
use serde_json::json;
use std::path::{Path, PathBuf};

/// What is recovered once may be lost the second time.
const STOPS_PER_RUN: u64 = 2;

/// What happens to three members in one run.
const FAULTS_PER_RUN: u64 = 10;

/// Receiving members that are lost in one run.
const LOSSES_PER_RUN: u64 = 10;

/// How long live sessions are recorded.
const LIVE_S: u64 = 60;

/// Clients that ask at the same time.
const CLIENTS: u64 = 16;

/// All runs of a suite.
pub(crate) fn of(suite: Suite, folder: &Path, times: u64, seed: u64) -> anyhow::Result<Vec<Run>> {
    match suite {
        Suite::Pictures => {
            let seed = seed.to_string();
            let options = vec!["--seed".to_owned(), seed, "--times".to_owned(), times.to_string()];
            Ok(names(folder)?.into_iter().map(|name| script("pictures.py", folder, name, &options)).collect())
        }
        Suite::Frames => {
            let has_frames = |name: &String| folder.join("frames").join(name).exists();
            let names = names(folder)?.into_iter().filter(has_frames);
            Ok(names.map(|name| script("frames.py", folder, name, &[])).collect())
        }
        Suite::Determinism => (seed..seed + times).map(|seed| cut(folder, seed)).collect(),
        Suite::PowerCut => {
            let controls = [Syncs::Dropped, Syncs::DroppedOfBytes, Syncs::DroppedOfFacts];
            let runs = (seed..seed + times).flat_map(|seed| {
                let controls = controls.map(|syncs| control(seed, syncs));
                std::iter::once(power_cuts(seed)).chain(controls)
            });
            Ok(runs.collect())
        }
        Suite::Hostile => Ok(hostile::runs()),
        Suite::Kill => Ok((seed..seed + times).map(kills).collect()),
        Suite::Members => Ok((seed..seed + times).map(members).collect()),
        Suite::Resume => Ok((seed..seed + times.div_ceil(LOSSES_PER_RUN)).map(resumes).collect()),
        Suite::Sessions => Ok([false, true].map(|kills| sessions(seed, times, kills)).into()),
        Suite::Ranges => Ok(vec![ranges(seed, times)]),
        Suite::Sync => Ok(vec![sync(seed, times)]),
        Suite::Moves => Ok(vec![moves(seed, times)]),
        Suite::Repair => Ok(vec![repair(seed, times)]),
        Suite::Races => Ok(vec![races(seed, times)]),
        Suite::Clocks => Ok(vec![clocks()]),
        Suite::Catalog => Ok(vec![catalog(seed, times)]),
        Suite::Heal => Ok(vec![heal(seed, times)]),
        Suite::Leader => Ok(vec![leader(seed, times)]),
        Suite::Full => Ok((seed..seed + times).map(full).collect()),
        Suite::Requests => Ok(vec![requests(seed, times)]),
        Suite::Canary => Ok(vec![canary(seed, times)]),
        Suite::Simulation => Ok(crate::simulation::of(seed, times)),
    }
}

/// The recordings of a folder, without suffix, in order.
fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let file = entry?.file_name();
        names.extend(file.to_str().and_then(|name| name.strip_suffix(".guac.zst")).map(str::to_owned));
    }
    ensure!(!names.is_empty(), "{} holds no recording (*.guac.zst)", folder.display());
    names.sort();
    Ok(names)
}

/// A measuring script on one recording.
fn script(script: &'static str, folder: &Path, name: String, options: &[String]) -> Run {
    let key = json!({ "script": script, "recording": name, "options": options });
    let (folder, options) = (folder.to_owned(), options.to_owned());
    let work = move || -> Result {
        let command = Measure::new(script, &folder)?.args(options.iter().map(String::as_str));
        let measured = command.args(["--only", &name]).run()?;
        ensure!(measured.code() == Some(0), "{}{}", measured.stdout, measured.stderr);
        Ok(measured.stdout.lines().map(str::trim).collect())
    };
    Run { key, work: Box::new(work) }
}

/// A member that loses its power and is looked at, again and again.
fn power_cuts(seed: u64) -> Run {
    let power_cuts = PowerCuts { seed, cuts: STOPS_PER_RUN, syncs: Syncs::Done };
    let work = move || -> Result {
        let outcome = power_cuts.run()?;
        ensure!(outcome.losses.is_empty(), "lost: {}", serde_json::to_string(&outcome)?);
        Ok(serde_json::to_value(outcome)?)
    };
    Run { key: json!({ "seed": seed, "cuts": STOPS_PER_RUN }), work: Box::new(work) }
}

/// The same with syncs that are dropped. One run may be lucky: that some lose is a test of the suite.
fn control(seed: u64, syncs: Syncs) -> Run {
    let control = PowerCuts { seed, cuts: 1, syncs };
    let work = move || -> Result {
        let PowerCutsOutcome { acknowledged, losses, .. } = control.run()?;
        Ok(json!({ "acknowledged": acknowledged, "lost": losses.len(), "first": losses.first() }))
    };
    Run { key: json!({ "seed": seed, "syncs": syncs }), work: Box::new(work) }
}

/// A member that is killed and looked at, again and again.
fn kills(seed: u64) -> Run {
    let kills = Kills { seed, kills: STOPS_PER_RUN };
    let work = move || -> Result {
        let outcome = kills.run()?;
        ensure!(outcome.losses.is_empty(), "lost: {}", serde_json::to_string(&outcome)?);
        Ok(serde_json::to_value(outcome)?)
    };
    Run { key: json!({ "seed": seed, "kills": STOPS_PER_RUN }), work: Box::new(work) }
}

/// Three members to which things happen, and which are asked for everything at the end.
fn members(seed: u64) -> Run {
    let members = Members { seed, faults: FAULTS_PER_RUN };
    let work = move || -> Result {
        let outcome = members.run()?;
        ensure!(outcome.losses.is_empty(), "lost: {}", serde_json::to_string(&outcome)?);
        Ok(serde_json::to_value(outcome)?)
    };
    Run { key: json!({ "seed": seed, "faults": FAULTS_PER_RUN }), work: Box::new(work) }
}

/// A member with the facts of many sessions.
fn catalog(seed: u64, sessions: u64) -> Run {
    let work = move || -> Result { Ok(serde_json::to_value(ManySessions { seed, sessions }.run()?)?) };
    Run { key: json!({ "seed": seed, "sessions": sessions }), work: Box::new(work) }
}

/// Receiving members that are killed or cut off, and recorders that go on elsewhere.
fn resumes(seed: u64) -> Run {
    let work = move || -> Result {
        let outcome = Resumes { seed, losses: LOSSES_PER_RUN }.run()?;
        let all = usize::try_from(LOSSES_PER_RUN)?;
        ensure!(
            outcome.losses.is_empty() && outcome.played == all,
            "lost: {}",
            serde_json::to_string(&outcome)?
        );
        Ok(serde_json::to_value(outcome)?)
    };
    Run { key: json!({ "seed": seed, "losses": LOSSES_PER_RUN }), work: Box::new(work) }
}

/// Many live sessions, perhaps with a leader that is killed.
fn sessions(seed: u64, sessions: u64, kills: bool) -> Run {
    let work = move || -> Result {
        let outcome = Sessions { seed, sessions, seconds: LIVE_S, kills }.run()?;
        ensure!(
            outcome.losses.is_empty() && outcome.unsent == 0,
            "lost: {}",
            serde_json::to_string(&outcome)?
        );
        Ok(serde_json::to_value(outcome)?)
    };
    Run {
        key: json!({ "seed": seed, "sessions": sessions, "seconds": LIVE_S, "kills": kills }),
        work: Box::new(work),
    }
}

/// Ranges of recordings that were just sealed.
fn ranges(seed: u64, recordings: u64) -> Run {
    let work = move || -> Result {
        let outcome = Ranges { seed, recordings }.run()?;
        ensure!(outcome.failures.is_empty(), "not served: {}", serde_json::to_string(&outcome)?);
        Ok(serde_json::to_value(outcome)?)
    };
    Run { key: json!({ "seed": seed, "recordings": recordings }), work: Box::new(work) }
}

/// Recordings and videos, and when they are on all members.
fn sync(seed: u64, recordings: u64) -> Run {
    let work = move || -> Result {
        let outcome = Synchronisation { seed, recordings, while_away: None }.run()?;
        let faults = outcome.faults();
        ensure!(faults.is_empty(), "{faults:?}: {}", serde_json::to_string(&outcome)?);
        Ok(serde_json::to_value(outcome)?)
    };
    Run { key: json!({ "seed": seed, "recordings": recordings }), work: Box::new(work) }
}

/// Members that go and are followed by others.
fn moves(seed: u64, drains: u64) -> Run {
    let deaths = drains.div_ceil(2);
    let work = move || -> Result {
        let outcome = Moves { seed, drains, deaths }.run()?;
        let faults = outcome.faults();
        ensure!(faults.is_empty(), "{faults:?}: {}", serde_json::to_string(&outcome)?);
        Ok(serde_json::to_value(outcome)?)
    };
    Run { key: json!({ "seed": seed, "drains": drains, "deaths": deaths }), work: Box::new(work) }
}

/// Chunk files of one member that are changed, and a tenth as many that are deleted.
fn repair(seed: u64, flips: u64) -> Run {
    let hurt = Repairs { seed, recordings: flips, flips, deletions: flips / 10 };
    let work = move || -> Result {
        let outcome = hurt.run()?;
        let found = (outcome.bad, outcome.repaired, outcome.fetched) == (flips, flips, flips / 10);
        let agrees = outcome.hurt.disagreements.is_empty() && outcome.whole.disagreements.is_empty();
        let is_right = outcome.wrong.is_empty() && outcome.unlike.is_empty();
        ensure!(found && agrees && is_right, "not repaired: {}", serde_json::to_string(&outcome)?);
        Ok(serde_json::to_value(outcome)?)
    };
    Run { key: json!({ "seed": seed, "flips": flips }), work: Box::new(work) }
}

/// A member that has lost so many MiB of chunks.
fn heal(seed: u64, mib: u64) -> Run {
    let work = move || -> Result {
        let outcome = Heals { seed, mib }.run()?;
        ensure!(outcome.unlike.is_empty(), "not healed: {}", serde_json::to_string(&outcome)?);
        Ok(serde_json::to_value(outcome)?)
    };
    Run { key: json!({ "seed": seed, "mib": mib }), work: Box::new(work) }
}

/// A leader that is killed again and again.
fn leader(seed: u64, kills: u64) -> Run {
    let work = move || -> Result {
        let outcome = Leaders { seed, kills }.run()?;
        ensure!(outcome.losses.is_empty(), "lost: {}", serde_json::to_string(&outcome)?);
        Ok(serde_json::to_value(outcome)?)
    };
    Run { key: json!({ "seed": seed, "kills": kills }), work: Box::new(work) }
}

/// Disks that are full.
fn full(seed: u64) -> Run {
    let work = move || -> Result {
        let outcome = FullDisks { seed }.run()?;
        ensure!(outcome.losses.is_empty(), "lost: {}", serde_json::to_string(&outcome)?);
        Ok(serde_json::to_value(outcome)?)
    };
    Run { key: json!({ "seed": seed }), work: Box::new(work) }
}

/// Sessions that are held and purged at the same time.
fn races(seed: u64, sessions: u64) -> Run {
    let work = move || -> Result {
        let outcome = Races { seed, sessions }.run()?;
        let is_right = outcome.wrong.is_empty() && outcome.without_leaf == 0;
        ensure!(is_right, "wrong: {}", serde_json::to_string(&outcome)?);
        Ok(serde_json::to_value(outcome)?)
    };
    Run { key: json!({ "seed": seed, "sessions": sessions }), work: Box::new(work) }
}

/// Members whose clocks are wrong by years.
fn clocks() -> Run {
    let work = || -> Result {
        let outcomes = harness::clocks()?;
        let is_right = outcomes.iter().all(|outcome| (outcome.purged > 0) == outcome.is_confirmed);
        ensure!(is_right, "purged before its time: {}", serde_json::to_string(&outcomes)?);
        Ok(serde_json::to_value(outcomes)?)
    };
    Run { key: json!({ "wrong": "by ten years" }), work: Box::new(work) }
}

/// Sessions in which texts are typed that are served to nobody without the permission.
fn canary(seed: u64, sessions: u64) -> Run {
    let work = move || -> Result {
        let outcome = Leaks { seed, sessions }.run()?;
        let is_right = outcome.leaks.is_empty() && outcome.found_with_keystrokes == outcome.canaries;
        ensure!(is_right, "leaks: {}", serde_json::to_string(&outcome)?);
        Ok(serde_json::to_value(outcome)?)
    };
    Run { key: json!({ "seed": seed, "sessions": sessions }), work: Box::new(work) }
}

/// Clients that ask as fast as they are answered.
fn requests(seed: u64, requests: u64) -> Run {
    let work =
        move || -> Result { Ok(serde_json::to_value(Requests { seed, clients: CLIENTS, requests }.run()?)?) };
    Run { key: json!({ "seed": seed, "requests": requests, "clients": CLIENTS }), work: Box::new(work) }
}

/// A recording that the seed chooses, cut where the seed says.
fn cut(folder: &Path, seed: u64) -> anyhow::Result<Run> {
    let mut random = Random::new(seed);
    let names = names(folder)?;
    let name = random.choose(&names).clone();
    let path: PathBuf = folder.join(format!("{name}.guac.zst"));
    let work = move || -> Result {
        let cut = Cut::of(&path, &mut random)?;
        let outcome = cut.outcome(tempfile::tempdir()?.path())?;
        Ok(json!({
            "bytes": cut.bytes.len(),
            "damaged_at": cut.damaged_at,
            "inspect": outcome.inspect_code,
            "convert": outcome.convert_code,
        }))
    };
    Ok(Run { key: json!({ "recording": name, "seed": seed }), work: Box::new(work) })
}
