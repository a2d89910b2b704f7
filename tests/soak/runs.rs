//! The runs of each suite.

use crate::Suite;
use crate::journal::{Result, Run};
use anyhow::ensure;
use harness::{Cut, Measure, Random};
use serde_json::json;
use std::path::{Path, PathBuf};

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
