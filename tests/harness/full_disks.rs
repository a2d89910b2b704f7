//! Disks of members that are filled to the last byte while recorders append.

use crate::appender::scratch_folder;
use crate::loop_disk::LoopDisk;
use crate::processes::wait_until;
use crate::random::Random;
use crate::servers::{MEMBERS, Servers};
use crate::sessions::{Live, content};
use anyhow::Context;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A member's disk.
const DISK_BYTES: u64 = 1 << 30;
/// Recorders at the same time, by turns of each member.
const RECORDERS: usize = 6;
/// How long they write before a disk is full, and while it is.
const BEFORE: Duration = Duration::from_secs(2);
const MEANWHILE: Duration = Duration::from_secs(6);
/// How long a recorder tries before it begins anew.
const PATIENCE: Duration = Duration::from_secs(1);
/// A member on a full disk is given so long to be ready or to end.
const START_LIMIT: Duration = Duration::from_secs(15);
const DEADLINE: Duration = Duration::from_secs(120);

/// Full disks: first of one member, then of all.
#[derive(Debug, Clone, Copy)]
pub struct FullDisks {
    /// Chooses the one.
    pub seed: u64,
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct FullDisksOutcome {
    /// When one member's disk was full.
    pub one: WhileFull,
    /// When all were.
    pub all: WhileFull,
    /// Appends that were acknowledged in all.
    pub acknowledged: usize,
    /// Recordings that lack acknowledged bytes at a member, or have others.
    pub losses: Vec<String>,
}

/// What happened while disks were full.
#[derive(Debug, Serialize)]
pub struct WhileFull {
    /// Those members.
    pub members: Vec<u64>,
    /// What the API said of their disks.
    pub levels: BTreeMap<u64, BTreeSet<String>>,
    /// Appends that were acknowledged before and meanwhile.
    pub acknowledged_before: usize,
    /// See there.
    pub acknowledged_meanwhile: usize,
    /// Answers to others, by what they begin with.
    pub refused: BTreeMap<String, usize>,
    /// Members that ended by themselves: the exit code, and the last that was said.
    pub ended: BTreeMap<u64, String>,
    /// What became of members that were started while their disk was full.
    pub restarted: BTreeMap<u64, String>,
    /// From the room that was given back until all recorders had an acknowledgement again, starts of members included.
    pub resumed_ms: u64,
}

/// What recorders share.
#[derive(Default)]
struct Progress {
    counts: [AtomicUsize; RECORDERS],
    failures: std::sync::Mutex<BTreeMap<String, usize>>,
    is_over: AtomicBool,
}

impl Progress {
    fn acknowledged(&self) -> usize {
        self.counts.iter().map(|count| count.load(Ordering::Acquire)).sum()
    }

    fn take_failures(&self) -> BTreeMap<String, usize> {
        std::mem::take(&mut *self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Records until it is told to end.
    fn record(&self, mut live: Live, count: &AtomicUsize) -> Live {
        while !self.is_over.load(Ordering::Acquire) {
            let mut failures = Vec::new();
            if live.send(Instant::now() + PATIENCE, &mut failures) {
                count.fetch_add(1, Ordering::Release);
            }
            let mut all = self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            for failure in failures {
                *all.entry(kind(&failure)).or_default() += 1;
            }
        }
        live
    }
}

/// The status of a refusal, or the first words of another failure.
fn kind(failure: &str) -> String {
    failure.split([':', '{']).next().unwrap_or_default().trim().to_owned()
}

impl FullDisks {
    /// Does it. An error means that the test could not be done, or that the cluster does not go on.
    pub fn run(self) -> anyhow::Result<FullDisksOutcome> {
        let mut random = Random::new(self.seed);
        let folder = scratch_folder()?;
        let (mut disks, mut folders) = (BTreeMap::new(), BTreeMap::new());
        for member in MEMBERS {
            // Its configuration and its log are on another disk.
            let own: PathBuf = folder.path().join(format!("member-{member}"));
            std::fs::create_dir(&own)?;
            disks.insert(member, LoopDisk::of_bytes(DISK_BYTES, &own, "data")?);
            folders.insert(member, own);
        }
        let mut servers = Servers::start(folders)?;
        let mut lives = Vec::new();
        for number in 0..RECORDERS {
            let doors = [0, 1, 2].map(|shift| servers.recorder(MEMBERS[(number + shift) % MEMBERS.len()]));
            lives.push(Live::new(doors[0].open()?, doors));
        }
        let progress = Progress::default();
        let (found, lives) = std::thread::scope(|scope| {
            let progress = &progress;
            let recorders: Vec<_> = lives
                .into_iter()
                .zip(&progress.counts)
                .map(|(live, count)| scope.spawn(|| progress.record(live, count)))
                .collect();
            let one = [*random.choose(&MEMBERS)];
            let found = fill(&mut servers, &disks, &one, progress)
                .and_then(|one| Ok((one, fill(&mut servers, &disks, &MEMBERS, progress)?)));
            progress.is_over.store(true, Ordering::Release);
            let lives: Result<Vec<Live>, _> = recorders.into_iter().map(|recorder| recorder.join()).collect();
            (found, lives)
        });
        let lives = lives.map_err(|_| anyhow::anyhow!("a recorder panicked"))?;
        let (one, all) = found?;
        let mut losses: Vec<String> = lives.iter().filter_map(Live::loss).collect();
        for live in &lives {
            losses.extend(wrong(&servers, live)?);
        }
        Ok(FullDisksOutcome { one, all, acknowledged: progress.acknowledged(), losses })
    }
}

/// Fills disks, looks, starts their members anew, gives the room back, and waits until all goes on.
fn fill(
    servers: &mut Servers,
    disks: &BTreeMap<u64, LoopDisk>,
    members: &[u64],
    progress: &Progress,
) -> anyhow::Result<WhileFull> {
    std::thread::park_timeout(BEFORE);
    let acknowledged_before = progress.acknowledged();
    drop(progress.take_failures());
    for member in members {
        disks[member].take_room()?;
    }
    let (levels, mut ended) = look(servers, members)?;
    let acknowledged_meanwhile = progress.acknowledged() - acknowledged_before;
    let refused = progress.take_failures();
    let mut restarted = BTreeMap::new();
    for member in members {
        restarted.insert(*member, restart(servers, *member)?);
    }
    for member in members {
        disks[member].give_room()?;
    }
    let began = Instant::now();
    for member in members {
        // It may have ended at the last moment.
        if servers.running().contains(member)
            && let Some(end) = servers.ended(*member)?
        {
            ended.insert(*member, shown(&end));
        }
        if !servers.running().contains(member) {
            servers.begin(*member)?;
        }
    }
    servers.wait_ready()?;
    let before: Vec<usize> = progress.counts.iter().map(|count| count.load(Ordering::Acquire)).collect();
    wait_until("recorders that go on", DEADLINE, || {
        let counts = progress.counts.iter().map(|count| count.load(Ordering::Acquire));
        Ok(counts.zip(&before).all(|(count, before)| count > *before))
    })?;
    let resumed_ms = u64::try_from(began.elapsed().as_millis())?;
    Ok(WhileFull {
        members: members.to_vec(),
        levels,
        acknowledged_before,
        acknowledged_meanwhile,
        refused,
        ended,
        restarted,
        resumed_ms,
    })
}

/// For a while: what the API says of the disks, and which members end.
#[expect(clippy::type_complexity, reason = "two maps by member")]
fn look(
    servers: &mut Servers,
    members: &[u64],
) -> anyhow::Result<(BTreeMap<u64, BTreeSet<String>>, BTreeMap<u64, String>)> {
    /// Between two looks.
    const PAUSE: Duration = Duration::from_millis(200);
    /// Who does not answer in that time is asked again.
    const ANSWER_LIMIT: Duration = Duration::from_secs(2);
    let (mut levels, mut ended) = (BTreeMap::<u64, BTreeSet<String>>::new(), BTreeMap::new());
    let until = Instant::now() + MEANWHILE;
    while Instant::now() < until {
        for member in servers.running() {
            if let Some(end) = servers.ended(member)? {
                ended.insert(member, shown(&end));
                continue;
            }
            let door = servers.administrator(member).within(ANSWER_LIMIT);
            for told in door.get::<Vec<Value>>("/v1/cluster/members").unwrap_or_default() {
                let id = told["id"].as_u64().context("a member has an id")?;
                let level = told["disk"]["level"].as_str();
                levels.entry(id).or_default().extend(level.map(str::to_owned));
            }
        }
        std::thread::park_timeout(PAUSE);
    }
    levels.retain(|member, _| members.contains(member));
    Ok((levels, ended))
}

/// Kills a member, if it runs, and starts it while its disk is full: what becomes of it.
fn restart(servers: &mut Servers, member: u64) -> anyhow::Result<String> {
    if servers.running().contains(&member) && servers.ended(member)?.is_none() {
        servers.kill(member)?;
    }
    servers.begin(member)?;
    let until = Instant::now() + START_LIMIT;
    while Instant::now() < until {
        if let Some(end) = servers.ended(member)? {
            return Ok(shown(&end));
        }
        if servers.administrator(member).within(PATIENCE).is_ready() {
            return Ok("ready".to_owned());
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    Ok("runs, and is not ready".to_owned())
}

fn shown((status, last): &(std::process::ExitStatus, String)) -> String {
    format!("{status}: {last}")
}

/// Ends a session, and reads its recording from all members: those that have something else than was sent.
fn wrong(servers: &Servers, live: &Live) -> anyhow::Result<Vec<String>> {
    let (session, acknowledged) = live.standing();
    let door = servers.recorder(MEMBERS[0]);
    let length = door.offset(session)?;
    door.seal(session, length)?;
    let sent = content(0, length);
    let mut wrong = Vec::new();
    for member in MEMBERS {
        let (status, bytes) = servers.administrator(member).read(session, None)?;
        if length < acknowledged || status != 200 || bytes != sent {
            let length = bytes.len();
            wrong.push(format!(
                "{session} at member {member}: status {status}, {length} of {acknowledged} bytes"
            ));
        }
    }
    Ok(wrong)
}
