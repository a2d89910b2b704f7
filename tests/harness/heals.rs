//! A member whose chunks are gone gets them from the others, beside a copy of the same bytes on the same disk.

use crate::appender::scratch_folder;
use crate::processes::wait_until;
use crate::random::Random;
use crate::repairs::files_below;
use crate::servers::{MEMBERS, Servers};
use anyhow::{Context, ensure};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A recording, and what of it goes in one append.
const RECORDING_MIB: u64 = 64;
const PIECE_BYTES: usize = 8 << 20;
/// What a closed chunk has at most, and what is written at once beside it.
const FILE_MIB: u64 = 8;
/// Off, as far as an operator can say so.
const RESYNC_MIB_PER_S: u64 = 10_000;
/// For a disk that takes 8 MiB in a second.
const DEADLINE: Duration = Duration::from_secs(900);

/// Chunks that are lost.
#[derive(Debug, Clone, Copy)]
pub struct Heals {
    /// Makes the bytes.
    pub seed: u64,
    /// How many MiB are recorded before.
    pub mib: u64,
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct HealsOutcome {
    /// Files of chunks that were deleted, and their bytes.
    pub files: usize,
    /// See above.
    pub bytes: u64,
    /// From the start of the member's process to its first file.
    pub first_ms: u64,
    /// From the same until it had all files, and until all members said that they have a good copy of every chunk.
    pub filled_ms: u64,
    /// See above.
    pub healed_ms: u64,
    /// All bytes by that time, its start included.
    pub mib_per_s: u64,
    /// What `fio` needs to read the others' files, and to write as many of them with a sync each. One job.
    pub fio_read_ms: u64,
    /// See above.
    pub fio_write_ms: u64,
    /// All bytes by both times.
    pub fio_mib_per_s: u64,
    /// The member's speed in hundredths of that of `fio`.
    pub percent: u64,
    /// Time that all members have computed meanwhile.
    pub members_cpu_s: f64,
    /// Files that are not what they were.
    pub unlike: Vec<String>,
}

impl Heals {
    /// Does it. An error means that the test could not be done, or that the member does not come to an end.
    pub fn run(self) -> anyhow::Result<HealsOutcome> {
        let folder = scratch_folder()?;
        let mut servers = Servers::start_in(folder.path())?;
        let sessions = self.record(&servers)?;
        let (patient, other) = (MEMBERS[2], MEMBERS[0]);
        let operator = servers.administrator(other);
        operator.put("/v1/parameters/resync_mib_per_s", &json!({ "value": RESYNC_MIB_PER_S }))?;
        synced(&servers, other, &sessions)?;
        let (chunks, source) = (servers.chunks(patient), servers.chunks(other));
        let before = lengths(&chunks)?;
        let bytes = before.values().sum();
        servers.stop(patient)?;
        for entry in std::fs::read_dir(&chunks)? {
            std::fs::remove_dir_all(entry?.path())?;
        }
        flush()?;
        let computed_s = servers.computed_s();
        let began = Instant::now();
        servers.begin(patient)?;
        wait_until("the first file", DEADLINE, || Ok(!files_below(&chunks)?.is_empty()))?;
        let first_ms = u64::try_from(began.elapsed().as_millis())?;
        wait_until("all files", DEADLINE, || {
            std::thread::park_timeout(Duration::from_millis(50));
            Ok(lengths(&chunks)? == before)
        })?;
        let filled_ms = u64::try_from(began.elapsed().as_millis())?;
        synced(&servers, other, &sessions)?;
        let healed_ms = u64::try_from(began.elapsed().as_millis())?;
        let members_cpu_s = servers.computed_s() - computed_s;
        let unlike = unlike(&chunks, &source, &before)?;
        drop(servers);
        let beside = chunks.with_file_name("fio");
        std::fs::create_dir(&beside)?;
        flush()?;
        let (fio_read_ms, fio_write_ms) = fio(&source, &beside, before.len(), bytes)?;
        let (mib_per_s, fio_mib_per_s) =
            (mib_per_s(bytes, healed_ms), mib_per_s(bytes, fio_read_ms + fio_write_ms));
        Ok(HealsOutcome {
            files: before.len(),
            bytes,
            first_ms,
            filled_ms,
            healed_ms,
            mib_per_s,
            fio_read_ms,
            fio_write_ms,
            fio_mib_per_s,
            percent: 100 * mib_per_s / fio_mib_per_s.max(1),
            members_cpu_s,
            unlike,
        })
    }

    /// Records and seals at all members.
    fn record(self, servers: &Servers) -> anyhow::Result<Vec<String>> {
        ensure!(self.mib > 0, "something is recorded");
        let mut random = Random::new(self.seed);
        let mut bytes = b"4.size,1.0,3.640,3.480;".to_vec();
        while bytes.len() < usize::try_from(RECORDING_MIB << 20)? {
            bytes.extend(random.below(u64::MAX).to_le_bytes());
        }
        let mut sessions = Vec::new();
        for number in 0..self.mib.div_ceil(RECORDING_MIB) {
            let door = servers.recorder(MEMBERS[usize::try_from(number)? % MEMBERS.len()]);
            let mib = RECORDING_MIB.min(self.mib - number * RECORDING_MIB);
            let whole = &bytes[..usize::try_from(mib << 20)?];
            let session = door.open()?;
            let mut length = 0;
            for piece in whole.chunks(PIECE_BYTES) {
                length = door.append(&session, length, piece)?;
            }
            door.seal(&session, length)?;
            sessions.push(session);
        }
        Ok(sessions)
    }
}

/// Waits until all members say that they have a good copy of every chunk.
fn synced(servers: &Servers, asked: u64, sessions: &[String]) -> anyhow::Result<()> {
    for session in sessions {
        let path = format!("/v1/sessions/{session}/replication?wait=synced&timeout_s=15");
        wait_until("a recording on all members", DEADLINE, || {
            Ok(servers.administrator(asked).get::<Value>(&path)?["synced"] == true)
        })?;
    }
    Ok(())
}

/// The files of recordings in a folder, by their names in it, and how long they are. What is made of recordings comes and goes.
fn lengths(folder: &Path) -> anyhow::Result<BTreeMap<PathBuf, u64>> {
    let is_received = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.split('.').nth(1) == Some("0")
    };
    let length = |path: PathBuf| anyhow::Ok((path.strip_prefix(folder)?.to_owned(), path.metadata()?.len()));
    files_below(folder)?.into_iter().filter(is_received).map(length).collect()
}

/// Files that are not the same in two folders.
fn unlike(one: &Path, other: &Path, files: &BTreeMap<PathBuf, u64>) -> anyhow::Result<Vec<String>> {
    let mut unlike = Vec::new();
    for file in files.keys() {
        if std::fs::read(one.join(file))? != std::fs::read(other.join(file))? {
            unlike.push(file.display().to_string());
        }
    }
    Ok(unlike)
}

/// Lets what was written before reach the disk.
fn flush() -> anyhow::Result<()> {
    let done = Command::new("sync").status()?;
    ensure!(done.success(), "sync ended ({done})");
    Ok(())
}

/// How long `fio` reads all files of a folder, and writes as many bytes to another one: so many files, each synced when it is
/// whole. In milliseconds.
fn fio(from: &Path, into: &Path, files: usize, bytes: u64) -> anyhow::Result<(u64, u64)> {
    let file_bytes = FILE_MIB << 20;
    let files = bytes.div_ceil(file_bytes).min(u64::try_from(files)?);
    let shared = ["--bs=1M", "--file_service_type=sequential", "--openfiles=1", "--output-format=json"];
    let run = |own: &[String], way: &str| -> anyhow::Result<u64> {
        let done = Command::new("fio").args(shared).args(own).current_dir(into).output().context("fio")?;
        // It says a few words before.
        let begin = done.stdout.iter().position(|byte| *byte == b'{').unwrap_or(0);
        let said: Value = serde_json::from_slice(&done.stdout[begin..])
            .with_context(|| String::from_utf8_lossy(&done.stderr).into_owned())?;
        said["jobs"][0][way]["runtime"].as_u64().context("fio tells how long it took")
    };
    // From the page cache, as the members do.
    let read = ["--name=read", "--rw=read", "--invalidate=0"].map(str::to_owned);
    let read = [&read[..], &[format!("--opendir={}", from.display())]].concat();
    let write = [
        "--name=write".to_owned(),
        "--rw=write".to_owned(),
        format!("--directory={}", into.display()),
        format!("--nrfiles={files}"),
        format!("--filesize={file_bytes}"),
        format!("--size={}", files * file_bytes),
        format!("--fsync={FILE_MIB}"),
        "--fallocate=none".to_owned(),
        "--create_on_open=1".to_owned(),
    ];
    Ok((run(&read, "read")?, run(&write, "write")?))
}

fn mib_per_s(bytes: u64, took_ms: u64) -> u64 {
    (bytes >> 10) * 1000 / 1024 / took_ms.max(1)
}
