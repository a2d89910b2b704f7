//! The member that leads is killed while recorders write at all of them.

use crate::appender::scratch_folder;
use crate::latency::Latency;
use crate::random::Random;
use crate::servers::{MEMBERS, Servers};
use crate::sessions::Live;
use crate::wait_until;
use anyhow::{Context, ensure};
use serde::Serialize;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// Recorders write for so long before a kill, at least and at most.
const BEFORE_MS: std::ops::Range<u64> = 200..1_200;
/// Three members on a busy machine have a leader again in less time.
const DEADLINE: Duration = Duration::from_secs(60);
/// Between two syncs that are only measured.
const SYNC_EVERY: Duration = Duration::from_millis(20);

/// Leaders that are killed.
#[derive(Debug, Clone, Copy)]
pub struct Leaders {
    /// Chooses when.
    pub seed: u64,
    /// How often.
    pub kills: u64,
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct LeadersOutcome {
    /// From a kill until one of the others had opened a session, which a new leader commits.
    pub opened: Latency,
    /// The slowest append after a kill of the recorder whose member was killed, from the kill or when it was sent to its
    /// acknowledgement, and of each other one.
    pub slowest_of_killed: Latency,
    /// See there.
    pub slowest_of_others: Latency,
    /// What a sync of 4 KiB takes on the members' disk meanwhile.
    pub sync: Latency,
    /// Sessions of which another member knows fewer bytes than were acknowledged.
    pub losses: Vec<String>,
}

/// One kill.
struct Round {
    opened: Duration,
    killed: Duration,
    others: Vec<Duration>,
    losses: Vec<String>,
}

/// When appends were sent and acknowledged, and what was lost.
type Written = (Vec<(Instant, Instant)>, Option<String>);

impl Leaders {
    /// Does it. An error means that the test could not be done, or that the cluster did not go on.
    pub fn run(self) -> anyhow::Result<LeadersOutcome> {
        let mut random = Random::new(self.seed);
        let folder = scratch_folder()?;
        let mut servers = Servers::start_in(folder.path())?;
        let is_over = AtomicBool::new(false);
        let (rounds, syncs) = std::thread::scope(|scope| {
            let syncing = scope.spawn(|| sync(folder.path(), &is_over));
            let rounds: anyhow::Result<Vec<Round>> =
                (0..self.kills).map(|_| round(&mut servers, &mut random)).collect();
            is_over.store(true, Ordering::Release);
            let syncs = syncing.join().map_err(|_| anyhow::anyhow!("who syncs panicked"))?;
            anyhow::Ok((rounds?, syncs?))
        })?;
        let of = |time: fn(&Round) -> Duration| Latency::of(rounds.iter().map(time).collect());
        Ok(LeadersOutcome {
            opened: of(|round| round.opened),
            slowest_of_killed: of(|round| round.killed),
            slowest_of_others: Latency::of(rounds.iter().flat_map(|round| round.others.clone()).collect()),
            sync: Latency::of(syncs),
            losses: rounds.into_iter().flat_map(|round| round.losses).collect(),
        })
    }
}

/// Kills the leader once, and gets it back.
fn round(servers: &mut Servers, random: &mut Random) -> anyhow::Result<Round> {
    let leader = servers.leader()?.context("three members have a leader")?;
    let place = MEMBERS.iter().position(|member| *member == leader).context("one of three leads")?;
    let mut lives = Vec::new();
    for number in 0..MEMBERS.len() {
        let doors = [0, 1, 2].map(|shift| servers.recorder(MEMBERS[(number + shift) % MEMBERS.len()]));
        lives.push(Live::new(doors[0].open()?, doors));
    }
    let pause = BEFORE_MS.start + random.below(BEFORE_MS.end - BEFORE_MS.start);
    let (is_over, counts) = (AtomicBool::new(false), [const { AtomicUsize::new(0) }; MEMBERS.len()]);
    let (done, written) = std::thread::scope(|scope| {
        let (is_over, counts) = (&is_over, &counts);
        let writers: Vec<_> = lives
            .into_iter()
            .zip(counts)
            .map(|(live, count)| scope.spawn(|| write(live, count, is_over)))
            .collect();
        std::thread::park_timeout(Duration::from_millis(pause));
        let done = kill(servers, leader, counts);
        is_over.store(true, Ordering::Release);
        let written = writers.into_iter().map(|writer| writer.join());
        let written: Result<Vec<Written>, _> = written.collect();
        (done, written)
    });
    let ((killed_at, opened), written) =
        (done?, written.map_err(|_| anyhow::anyhow!("a recorder panicked"))?);
    let slowest = |(times, _): &Written| {
        let behind = times.iter().filter(|(_, end)| *end > killed_at);
        behind.map(|(begin, end)| *end - (*begin).max(killed_at)).max().unwrap_or_default()
    };
    let mut others: Vec<Duration> = written.iter().map(slowest).collect();
    let killed = others.remove(place);
    servers.begin(leader)?;
    servers.wait_ready()?;
    Ok(Round { opened, killed, others, losses: written.into_iter().filter_map(|(_, loss)| loss).collect() })
}

/// Kills a member, and waits until the others open sessions and all recorders have gone on. When it was killed, and how long
/// the first took.
fn kill(
    servers: &mut Servers,
    leader: u64,
    counts: &[AtomicUsize; MEMBERS.len()],
) -> anyhow::Result<(Instant, Duration)> {
    let killed_at = Instant::now();
    servers.kill(leader)?;
    let before: Vec<usize> = counts.iter().map(|count| count.load(Ordering::Acquire)).collect();
    let (tell, told) = channel();
    std::thread::scope(|scope| {
        for member in servers.running() {
            let (door, tell) = (servers.recorder(member), tell.clone());
            // Who is answered last tells nobody.
            scope.spawn(move || tell.send(door.open().map(|_| killed_at.elapsed())).ok());
        }
    });
    drop(tell);
    let opened: Vec<Duration> = told.into_iter().filter_map(Result::ok).collect();
    ensure!(!opened.is_empty(), "no member opens a session without {leader}");
    wait_until("recorders that go on", DEADLINE, || {
        // The second one has begun after the kill.
        Ok(counts.iter().zip(&before).all(|(count, before)| count.load(Ordering::Acquire) > before + 1))
    })?;
    Ok((killed_at, opened.into_iter().min().unwrap_or_default()))
}

/// Appends until it is told to end.
fn write(mut live: Live, count: &AtomicUsize, is_over: &AtomicBool) -> Written {
    let (mut times, mut failures) = (Vec::new(), Vec::new());
    while !is_over.load(Ordering::Acquire) {
        let begin = Instant::now();
        if !live.send(begin + DEADLINE, &mut failures) {
            break;
        }
        times.push((begin, Instant::now()));
        count.fetch_add(1, Ordering::Release);
    }
    let loss = live.loss();
    (times, loss)
}

/// Syncs a small write again and again.
fn sync(folder: &Path, is_over: &AtomicBool) -> anyhow::Result<Vec<Duration>> {
    let mut file = File::create(folder.join("sync"))?;
    let mut times = Vec::new();
    while !is_over.load(Ordering::Acquire) {
        file.write_all(&[7; 4096])?;
        let began = Instant::now();
        file.sync_data()?;
        times.push(began.elapsed());
        std::thread::park_timeout(SYNC_EVERY);
    }
    Ok(times)
}
