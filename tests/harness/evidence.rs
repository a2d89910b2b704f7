//! An export of a session, checked by the script that is in it while no member runs, and with one bit changed in each part.

use crate::appender::scratch_folder;
use crate::measure::PYTHON;
use crate::processes::wait_until;
use crate::random::Random;
use crate::ranges::some_recording;
use crate::servers::{MEMBERS, Servers};
use anyhow::{Context, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A recording is indexed in less time.
const DEADLINE: Duration = Duration::from_secs(120);
/// Chooses what is recorded and which bits are changed.
const SEED: u64 = 20_261_122;
/// More than a chunk.
const LONG_BYTES: usize = 9 << 20;
const PIECE_BYTES_MAX: usize = 300_000;
/// Bits that are changed in each file.
const FLIPS: usize = 4;

/// What the script has said.
#[derive(Debug)]
pub struct EvidenceOutcome {
    /// Of the export as it came, with the key that the members told before.
    pub whole: Vec<String>,
    /// Of the same with another member's key, of one without its recording, and of one with a byte more.
    pub foreign: String,
    /// See above.
    pub missing: String,
    /// See above.
    pub longer: String,
    /// For each changed bit its file, and the last line that the script told.
    pub flipped: Vec<(String, String)>,
}

/// A recording of two chunks on which little happens.
fn long_recording(random: &mut Random) -> Vec<u8> {
    let mut bytes = some_recording(random);
    let mut at_ms = 1_780_000_000_000_u64;
    while bytes.len() < LONG_BYTES {
        at_ms += random.below(3);
        bytes.extend_from_slice(format!("4.sync,13.{at_ms};").as_bytes());
    }
    bytes
}

/// A second of silence as WAVE: 8,000 samples of one channel.
fn silence() -> Vec<u8> {
    let samples = vec![0; 16_000];
    let format = [1, 0, 1, 0, 0x40, 0x1F, 0, 0, 0x80, 0x3E, 0, 0, 2, 0, 16, 0];
    let chunk = |name: &[u8; 4], bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        [&name[..], &length, bytes].concat()
    };
    chunk(b"RIFF", &[&b"WAVE"[..], &chunk(b"fmt ", &format), &chunk(b"data", &samples)].concat())
}

fn below(random: &mut Random, end: usize) -> usize {
    let number = random.below(u64::try_from(end).unwrap_or(u64::MAX));
    usize::try_from(number).unwrap_or(0)
}

/// Records a session on two members, exports its evidence from the third, and checks it once no member runs.
pub fn evidence() -> anyhow::Result<EvidenceOutcome> {
    let folder = scratch_folder()?;
    let servers = Servers::start_in(folder.path())?;
    let mut random = Random::new(SEED);
    let bytes = long_recording(&mut random);
    let session = servers.recorder(MEMBERS[0]).open()?;
    let (mut offset, mut at) = (0, 0);
    // Records of many lengths, and chunks of more than one owner.
    while at < bytes.len() {
        let piece = below(&mut random, PIECE_BYTES_MAX).saturating_add(1).min(bytes.len() - at);
        let member = MEMBERS[at % 2];
        offset = servers.recorder(member).append(&session, offset, &bytes[at..at + piece])?;
        at += piece;
    }
    servers.recorder(MEMBERS[0]).seal(&session, u64::try_from(bytes.len())?)?;
    servers.recorder(MEMBERS[1]).bring(&format!("/v1/sessions/{session}/sound"), &silence())?;
    let door = servers.administrator(MEMBERS[2]);
    wait_until("an index", DEADLINE, || {
        let report: Value = door.get(&format!("/v1/sessions/{session}"))?;
        Ok(report["session"]["index_state"] == "ready")
    })?;
    let keys: Vec<Value> = door.get("/v1/audit/keys")?;
    let key = |member: u64| -> anyhow::Result<String> {
        let key = keys.iter().find(|key| key["member"] == member).context("each member has a key")?;
        Ok(key["verifier_key"].as_str().context("a text")?.to_owned())
    };
    let export = door.fetch(&format!("/v1/sessions/{session}/evidence"), None)?;
    ensure!(export.status == 200, "{}: {}", export.status, String::from_utf8_lossy(&export.body));
    let (own, other) = (key(MEMBERS[2])?, key(MEMBERS[0])?);
    drop(servers);

    let tar = folder.path().join("evidence.tar");
    std::fs::write(&tar, &export.body)?;
    let unpacked = Command::new("tar").arg("-xf").arg(&tar).arg("-C").arg(folder.path()).status()?;
    ensure!(unpacked.success(), "tar ended with {unpacked}");
    let export = folder.path().join(format!("evidence-{session}"));
    ensure!(std::fs::read(export.join("recording.guacamole"))? == bytes, "another recording than was sent");
    check(&export, &own, random, &other)
}

fn check(export: &Path, own: &str, mut random: Random, other: &str) -> anyhow::Result<EvidenceOutcome> {
    let whole = verify(export, own)?;
    let foreign = last(verify(export, other)?);
    let mut flipped = Vec::new();
    for name in [
        "recording.guacamole",
        "sound",
        "manifest.bin",
        "leaves.bin",
        "keys.txt",
        "proofs.json",
        "checkpoint.txt",
        "report.json",
    ] {
        for _ in 0..FLIPS {
            let path = export.join(name);
            let before = std::fs::read(&path)?;
            let mut changed = before.clone();
            let at = below(&mut random, changed.len());
            changed[at] ^= 1 << random.below(8);
            std::fs::write(&path, changed)?;
            flipped.push((name.to_owned(), last(verify(export, own)?)));
            std::fs::write(&path, before)?;
        }
    }
    let recording = export.join("recording.guacamole");
    let bytes = std::fs::read(&recording)?;
    std::fs::write(&recording, [&bytes[..], b"x"].concat())?;
    let longer = last(verify(export, own)?);
    std::fs::remove_file(&recording)?;
    let missing = last(verify(export, own)?);
    Ok(EvidenceOutcome { whole, foreign, missing, longer, flipped })
}

/// What the script tells, line by line, with nothing of this machine around it but openssl and Python.
fn verify(export: &Path, key: &str) -> anyhow::Result<Vec<String>> {
    let path = std::env::join_paths(python_folder().into_iter().chain(["/usr/bin".into(), "/bin".into()]))?;
    let mut command = Command::new("sh");
    command.arg(export.join("verify.sh")).args(["--key", key]).env_clear().env("PATH", path);
    let output = command.output()?;
    let text = [output.stdout, output.stderr].concat();
    let mut lines: Vec<String> = String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
    let status = output.status.code().context("it is not killed")?;
    let is_told = lines.last().is_some_and(|last| (last == "OK") == (status == 0));
    ensure!(is_told, "status {status}: {lines:?}");
    lines.retain(|line| !line.is_empty());
    Ok(lines)
}

fn python_folder() -> Option<PathBuf> {
    Path::new(PYTHON).parent().map(Path::to_owned)
}

fn last(lines: Vec<String>) -> String {
    lines.into_iter().next_back().unwrap_or_default()
}
