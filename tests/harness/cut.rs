//! Recordings that end or are damaged anywhere: what the binary makes of them.

use crate::custody::{Custody, Ended};
use crate::random::Random;
use crate::recordings::decompress;
use anyhow::{Context, ensure};
use std::fs;
use std::path::Path;

/// A recording that was cut, and in half of all cases damaged as well.
#[derive(Debug)]
pub struct Cut {
    /// What is left of it.
    pub bytes: Vec<u8>,
    /// Where a byte was replaced.
    pub damaged_at: Option<usize>,
}

/// How `inspect` and `convert` ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Exit code of `inspect`.
    pub inspect_code: i32,
    /// Exit code of `convert`.
    pub convert_code: i32,
}

impl Cut {
    /// A cut that the random numbers choose.
    pub fn of(recording: &Path, random: &mut Random) -> anyhow::Result<Self> {
        let mut bytes = decompress(recording)?;
        let length = random.below(u64::try_from(bytes.len())? + 1);
        bytes.truncate(usize::try_from(length)?);
        let damaged_at = if random.below(2) == 0 || bytes.is_empty() {
            None
        } else {
            let at = usize::try_from(random.below(length))?;
            bytes[at] = u8::try_from(random.below(256))?;
            Some(at)
        };
        Ok(Self { bytes, damaged_at })
    }

    /// Inspects and converts it in `folder`: with one worker and with four, which must give the same. An error tells
    /// what no input may bring about.
    pub fn outcome(&self, folder: &Path) -> anyhow::Result<Outcome> {
        let input = folder.join("cut.guac");
        fs::write(&input, &self.bytes)?;
        let inspected = Custody::new([Path::new("inspect"), &input, Path::new("--json")])?.run()?;
        let inspect_code = typed("inspect", &inspected)?;
        let alone = convert(&input, folder, "1")?;
        let shared = convert(&input, folder, "4")?;
        ensure!(alone == shared, "the video of one worker and that of four differ");
        ensure!(inspect_code == 0 || alone.0 != 0, "inspect sees damage that convert does not tell");
        Ok(Outcome { inspect_code, convert_code: alone.0 })
    }
}

/// Exit code and bytes of a conversion.
fn convert(input: &Path, folder: &Path, workers: &str) -> anyhow::Result<(i32, Option<Vec<u8>>)> {
    let output = folder.join("cut.mp4");
    let done = Custody::new([Path::new("convert"), input, Path::new("-o"), &output])?;
    let done = done.arg("--workers").arg(workers).run()?;
    let code = typed("convert", &done)?;
    let made = output.exists();
    ensure!(made == (code != 1), "exit code {code} and a video that is there: {made}");
    if !made {
        return Ok((code, None));
    }
    let bytes = fs::read(&output)?;
    fs::remove_file(&output)?;
    Ok((code, Some(bytes)))
}

/// The exit code, if it is one of the three that an input can bring about, with a sentence for the last two.
fn typed(command: &str, ended: &Ended) -> anyhow::Result<i32> {
    let code = ended.code().with_context(|| format!("{command} ended by {}", ended.status))?;
    let said = ended.stderr.lines().any(|line| line.starts_with("custody: "));
    ensure!(matches!(code, 0 | 1 | 3), "{command} ended with exit code {code}: {}", ended.stderr);
    ensure!(command == "inspect" || code == 0 || said, "{command} ended with {code} and said nothing");
    Ok(code)
}
