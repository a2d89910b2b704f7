//! Chunk files of one of three members that are changed and deleted under it, while it works and is read from.

use crate::agreement::Agreement;
use crate::appender::scratch_folder;
use crate::latency::Latency;
use crate::processes::wait_until;
use crate::random::Random;
use crate::ranges::some_recording;
use crate::recorder::Door;
use crate::servers::{MEMBERS, Servers};
use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Recorders and readers at the same time.
const AT_ONCE: u64 = 8;
/// A member on a busy machine compares and repairs in less time.
const DEADLINE: Duration = Duration::from_secs(300);

/// Files that are hurt.
#[derive(Debug, Clone, Copy)]
pub struct Repairs {
    /// Chooses everything.
    pub seed: u64,
    /// Recordings that are sealed before, at all members.
    pub recordings: u64,
    /// Files in which one bit is changed.
    pub flips: u64,
    /// Files that are deleted.
    pub deletions: u64,
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct RepairsOutcome {
    /// From the seal to the answer that all members have a good copy of every chunk.
    pub synced: Latency,
    /// Closed chunks of the member when they were hurt, and how many of the changed ones were manifests.
    pub files: usize,
    /// See above.
    pub manifests: usize,
    /// Copies that the member found bad; those that it repaired, and those that it fetched because they were missing.
    pub bad: u64,
    /// See above.
    pub repaired: u64,
    /// See above.
    pub fetched: u64,
    /// Recordings that were read from the member while its files were bad, and those that were not what was recorded.
    pub reads: usize,
    /// See above.
    pub wrong: Vec<String>,
    /// Hurt files that are not what they were at the end.
    pub unlike: Vec<String>,
    /// How long it took to find all, with the files in the page cache, and to repair all.
    pub found_ms: u64,
    /// See above.
    pub repaired_ms: u64,
    /// What an independent script says while nothing is repaired, and at the end.
    pub hurt: Agreement,
    /// See above.
    pub whole: Agreement,
}

/// A recording that was sealed.
struct Sealed {
    session: String,
    bytes: Vec<u8>,
    synced_after: Duration,
}

/// A member whose files are hurt.
struct Patient {
    member: u64,
    door: Door,
}

#[derive(Deserialize)]
struct Workers {
    workers: Vec<Worker>,
}

#[derive(Deserialize)]
struct Worker {
    name: String,
    member: u64,
    state: String,
    queue: Option<u64>,
    counts: BTreeMap<String, u64>,
}

impl Repairs {
    /// Does it. An error means that the test could not be done, or that the member does not come to an end.
    pub fn run(self) -> anyhow::Result<RepairsOutcome> {
        let mut random = Random::new(self.seed);
        let folder = scratch_folder()?;
        let servers = Servers::start_in(folder.path())?;
        let sealed = self.record(&servers)?;
        let member = *random.choose(&MEMBERS);
        // Another one is asked about it.
        let door = servers.administrator(MEMBERS[usize::from(member == MEMBERS[0])]);
        let patient = Patient { member, door };
        // A copy that is on its way already would take the place of one that is hurt.
        patient.wait_for_all()?;
        patient.order("resync", "pause")?;
        let before = patient.worker("resync")?.counts;
        let mut all = files_below(&servers.chunks(member))?;
        let files = all.len();
        let (flipped, deleted) = self.choose(&mut all, &mut random)?;
        let manifests = flipped.iter().filter(|(path, _)| is_manifest(path)).count();
        for (path, _) in &flipped {
            flip(path, &mut random)?;
        }
        deleted.iter().try_for_each(|(path, _)| std::fs::remove_file(path))?;
        let began = Instant::now();
        let (wrong, reads) = read_beside(&servers.administrator(member), &sealed, || patient.scrub())?;
        let found_ms = u64::try_from(began.elapsed().as_millis())?;
        let hurt = agreement(&servers)?;
        let began = Instant::now();
        patient.order("resync", "start")?;
        patient.wait_for_all()?;
        for one in &sealed {
            let path = format!("/v1/sessions/{}/replication?wait=synced&timeout_s=10", one.session);
            let shown: Value = patient.door.get(&path)?;
            ensure!(shown["synced"] == true, "{shown}");
        }
        let repaired_ms = u64::try_from(began.elapsed().as_millis())?;
        let mut unlike = Vec::new();
        for (path, bytes) in flipped.iter().chain(&deleted) {
            if std::fs::read(path).ok().as_ref() != Some(bytes) {
                unlike.push(path.display().to_string());
            }
        }
        let counts = patient.worker("resync")?.counts;
        Ok(RepairsOutcome {
            synced: Latency::of(sealed.iter().map(|one| one.synced_after).collect()),
            files,
            manifests,
            bad: counts["bad"] - before["bad"],
            repaired: counts["repaired"] - before["repaired"],
            fetched: counts["fetched"] - before["fetched"],
            reads,
            wrong,
            unlike,
            found_ms,
            repaired_ms,
            hurt,
            whole: agreement(&servers)?,
        })
    }

    /// Records and seals at all members; each waits until its recording is everywhere.
    fn record(self, servers: &Servers) -> anyhow::Result<Vec<Sealed>> {
        let (next, sealed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let recordings = usize::try_from(self.recordings)?;
        let record = |number: u64| -> anyhow::Result<()> {
            let mut random = Random::new(self.seed ^ (number << 48));
            while next.fetch_add(1, Ordering::Relaxed) < recordings {
                let member = *random.choose(&MEMBERS);
                let (door, bytes) = (servers.recorder(member), some_recording(&mut random));
                let session = door.open()?;
                door.append(&session, 0, &bytes)?;
                door.seal(&session, u64::try_from(bytes.len())?)?;
                let began = Instant::now();
                let path = format!("/v1/sessions/{session}/replication?wait=synced&timeout_s=15");
                let shown: Value = servers.administrator(member).get(&path)?;
                ensure!(shown["synced"] == true, "{shown}");
                let synced_after = began.elapsed();
                let mut sealed = sealed.lock().unwrap_or_else(PoisonError::into_inner);
                sealed.push(Sealed { session, bytes, synced_after });
            }
            Ok(())
        };
        std::thread::scope(|scope| -> anyhow::Result<()> {
            let record = &record;
            let recorders: Vec<_> = (0..AT_ONCE).map(|number| scope.spawn(move || record(number))).collect();
            recorders.into_iter().try_for_each(|recorder| {
                recorder.join().map_err(|_| anyhow::anyhow!("a recorder panicked"))?
            })
        })?;
        Ok(sealed.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Files to be changed, and others to be deleted, with what is in them.
    #[expect(clippy::type_complexity, reason = "two lists of the same")]
    fn choose(
        self,
        files: &mut Vec<PathBuf>,
        random: &mut Random,
    ) -> anyhow::Result<(Vec<(PathBuf, Vec<u8>)>, Vec<(PathBuf, Vec<u8>)>)> {
        let mut some = |count: u64| -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
            let mut chosen = Vec::new();
            for _ in 0..count {
                ensure!(!files.is_empty(), "too few files for so many flips and deletions");
                let at = usize::try_from(random.below(u64::try_from(files.len())?))?;
                let path = files.swap_remove(at);
                let bytes = std::fs::read(&path)?;
                chosen.push((path, bytes));
            }
            Ok(chosen)
        };
        Ok((some(self.flips)?, some(self.deletions)?))
    }
}

impl Patient {
    fn order(&self, worker: &str, order: &str) -> anyhow::Result<()> {
        let body = json!({ "order": order, "member": self.member });
        let told: Value = self.door.tell(&format!("/v1/cluster/workers/{worker}"), &body)?;
        ensure!(told["unreachable"] == json!([]), "{told}");
        Ok(())
    }

    fn worker(&self, name: &str) -> anyhow::Result<Worker> {
        let all: Workers = self.door.get("/v1/cluster/workers")?;
        let own = |worker: &Worker| worker.name == name && worker.member == self.member;
        all.workers.into_iter().find(own).with_context(|| format!("{name} of member {}", self.member))
    }

    /// Waits until it has all that it wants of the others.
    fn wait_for_all(&self) -> anyhow::Result<()> {
        wait_until("an empty queue", DEADLINE, || Ok(self.worker("resync")?.queue == Some(0)))
    }

    /// Has it compare all its copies once, from the first on.
    fn scrub(&self) -> anyhow::Result<()> {
        let before = self.worker("scrub")?.counts["begun"];
        self.order("scrub", "start")?;
        wait_until("the end of the scrub", DEADLINE, || {
            let worker = self.worker("scrub")?;
            Ok(worker.state == "idle" && worker.counts["begun"] > before)
        })
    }
}

/// Reads all recordings from a door until some work is done, at least once.
fn read_beside(
    door: &Door,
    sealed: &[Sealed],
    work: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<(Vec<String>, usize)> {
    let (next, is_done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= sealed.len() && is_done.load(Ordering::Acquire) > 0 {
                        return;
                    }
                    let one = &sealed[at % sealed.len()];
                    let failure = match door.read(&one.session, None) {
                        Ok((200, bytes)) if bytes == one.bytes => continue,
                        Ok((status, bytes)) => format!("status {status}, {} bytes", bytes.len()),
                        Err(error) => format!("{error:#}"),
                    };
                    let mut wrong = wrong.lock().unwrap_or_else(PoisonError::into_inner);
                    wrong.push(format!("{}: {failure}", one.session));
                }
            });
        }
        let done = work();
        is_done.store(1, Ordering::Release);
        done
    })?;
    let reads = next.into_inner() - usize::try_from(AT_ONCE)?;
    Ok((wrong.into_inner().unwrap_or_else(PoisonError::into_inner), reads))
}

/// Asks the script that knows nothing of us but names and hashes.
fn agreement(servers: &Servers) -> anyhow::Result<Agreement> {
    let chunks = MEMBERS.into_iter().map(|member| (member, servers.chunks(member))).collect();
    Agreement::of(&servers.url(MEMBERS[2]), servers.administrator_token(), &chunks)
}

/// All files in a folder and those below it, in order.
pub(crate) fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() { &mut folders } else { &mut files }.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// The name's third part is the number of a chunk; the greatest one is the manifest's.
fn is_manifest(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.split('.').nth(2) == Some("4294967295")
}

/// Changes one bit of a file.
fn flip(path: &Path, random: &mut Random) -> anyhow::Result<()> {
    let mut bytes = std::fs::read(path)?;
    let at = usize::try_from(random.below(u64::try_from(bytes.len())?))?;
    bytes[at] ^= 1 << random.below(8);
    Ok(std::fs::write(path, bytes)?)
}
