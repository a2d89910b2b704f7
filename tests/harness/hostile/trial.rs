//! A recording, met by the commands of a user: how each ends, how long it takes, and how much memory.

use super::outcome::{Expected, Outcome};
use super::recording::Script;
use super::{Case, Variant};
use crate::measure::PYTHON;
use crate::paths::{binary, repository};
use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A command that takes longer is ended: it is a hang, on any machine.
const DEADLINE_S: u64 = 240;
/// Most memory of any process, in KiB.
const PEAK_KIB: u64 = 512 << 10;

/// What a recording took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measured {
    /// The longest command, in seconds.
    pub wall_s: f64,
    /// The most computing time of a command with all its processes, in seconds.
    pub cpu_s: f64,
    /// The largest resident set of any process, in KiB.
    pub peak_kib: u64,
}

impl Measured {
    /// The larger of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            wall_s: self.wall_s.max(other.wall_s),
            cpu_s: self.cpu_s.max(other.cpu_s),
            peak_kib: self.peak_kib.max(other.peak_kib),
        }
    }
}

/// Runs commands and measures them.
pub struct Trials {
    runner: Child,
    orders: ChildStdin,
    results: BufReader<ChildStdout>,
    folder: tempfile::TempDir,
}

#[derive(Serialize)]
struct Order<'a> {
    command: Vec<&'a Path>,
    deadline_s: u64,
    stderr: &'a Path,
}

#[derive(Deserialize)]
struct Result {
    code: Option<i32>,
    late: bool,
    wall_s: f64,
    cpu_s: f64,
    peak_kib: u64,
}

impl Trials {
    /// Ready to run.
    pub fn new() -> anyhow::Result<Self> {
        let mut command = Command::new(PYTHON);
        command.arg(repository().join("tests/harness/measured.py"));
        let mut runner = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let orders = runner.stdin.take().context("its input is piped")?;
        let results = BufReader::new(runner.stdout.take().context("its output is piped")?);
        Ok(Self { runner, orders, results, folder: tempfile::tempdir()? })
    }

    /// Meets a recording with all commands. An error says what is not as it must be.
    pub fn run(&mut self, case: &Case, variant: &Variant) -> anyhow::Result<Measured> {
        let tried = self.folder.path().join("tried");
        let mut file = BufWriter::new(File::create(&tried)?);
        variant.write(&mut file)?;
        file.into_inner()?.set_permissions(Permissions::from_mode(0o400))?;
        let before = digest(&tried)?;
        let mut most = Measured::default();
        let (input, convert) = match variant.is_sound {
            true => (
                self.sound_recording()?,
                vec![Path::new("convert"), Path::new("--quiet"), Path::new("--sound"), &tried],
            ),
            false => (tried.clone(), vec![Path::new("convert"), Path::new("--quiet")]),
        };
        let (inspect, convert, frame) = (
            self.command(&[Path::new("inspect")], &input, &mut most)?,
            self.command(&convert, &input, &mut most)?,
            self.command(&["frame", "--at", "999999999"].map(Path::new), &input, &mut most)?,
        );
        ensure!(digest(&tried)? == before, "{}: the file was changed", case.name);
        fs::remove_file(&tried)?;
        let met = Expected { inspect, convert, frame };
        ensure!(met == variant.expected, "met {met:?}, expected {:?}", variant.expected);
        ensure!(most.peak_kib < PEAK_KIB, "{} KiB, the limit is {PEAK_KIB}", most.peak_kib);
        Ok(most)
    }

    /// A recording of a second, beside which a file of sound is heard.
    fn sound_recording(&self) -> anyhow::Result<PathBuf> {
        let path = self.folder.path().join("recording.guac");
        fs::write(&path, Script::new().end())?;
        Ok(path)
    }

    fn command(&mut self, arguments: &[&Path], input: &Path, most: &mut Measured) -> anyhow::Result<Outcome> {
        let binary = binary()?;
        let (stderr, output) = (self.folder.path().join("stderr"), self.folder.path().join("output"));
        let mut command: Vec<&Path> = vec![&binary];
        command.extend(arguments);
        command.push(input);
        let makes_none = arguments[0] == Path::new("inspect");
        if !makes_none {
            command.extend([Path::new("-o"), &output]);
        }
        let order = Order { command, deadline_s: DEADLINE_S, stderr: &stderr };
        writeln!(self.orders, "{}", serde_json::to_string(&order)?)?;
        let mut line = String::new();
        self.results.read_line(&mut line)?;
        let Result { code, late, wall_s, cpu_s, peak_kib } = serde_json::from_str(&line)?;
        ensure!(!late, "{} did not end in {DEADLINE_S} s", arguments[0].display());
        *most = most.max(Measured { wall_s, cpu_s, peak_kib });
        let outcome = Outcome::of(code, &fs::read_to_string(&stderr)?);
        let made = take_away(&output)?;
        let is_made = matches!(outcome, Outcome::Whole | Outcome::Partial(_)) && !makes_none;
        ensure!(made == is_made, "{}: {outcome}, and a result that is there: {made}", arguments[0].display());
        Ok(outcome)
    }
}

impl Drop for Trials {
    fn drop(&mut self) {
        // An error means that it has ended already.
        self.runner.kill().ok();
        self.runner.wait().ok();
    }
}

fn take_away(output: &PathBuf) -> anyhow::Result<bool> {
    let made = output.exists();
    if made {
        fs::remove_file(output)?;
    }
    Ok(made)
}

/// Tells whether a file was changed: its length and FNV-1a over words of 8 bytes.
fn digest(path: &Path) -> anyhow::Result<(u64, u64)> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    let (mut length, mut hash) = (0, 0xCBF2_9CE4_8422_2325_u64);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((length, hash));
        }
        length += u64::try_from(read)?;
        for word in buffer[..read].chunks(8) {
            let mut bytes = [0; 8];
            bytes[..word.len()].copy_from_slice(word);
            hash = (hash ^ u64::from_le_bytes(bytes)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}
