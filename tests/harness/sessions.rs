//! Many live sessions at once.

use crate::appender::scratch_folder;
use crate::latency::Latency;
use crate::loop_disk::LoopDisk;
use crate::random::Random;
use crate::recorder::Door;
use crate::servers::{MEMBERS, Servers};
use anyhow::Context;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Barrier, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a session sends every second.
const BYTES_PER_S: u64 = 10 << 10;
/// Each member's disk holds all that is sent, and its journal.
const DISK_BYTES: u64 = 8 << 30;
/// A thread of a recorder needs little.
const STACK_BYTES: usize = 256 << 10;
/// So long after the last append is due, recorders give up what they still have.
const LATE_LIMIT: Duration = Duration::from_secs(30);
/// The beginning of each recording.
const HEAD: &[u8] = b"4.size,1.0,3.640,3.480;";

/// Sessions that are recorded at the same time.
#[derive(Debug, Clone, Copy)]
pub struct Sessions {
    /// Chooses when each one sends.
    pub seed: u64,
    /// How many.
    pub sessions: u64,
    /// For how long.
    pub seconds: u64,
    /// Whether the member that leads is killed in the middle; its recorders go on at others.
    pub kills: bool,
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct SessionsOutcome {
    /// Appends that were acknowledged: from when each was due to its answer.
    pub acknowledged: Latency,
    /// The slowest append of each session whose own member was killed, and of each other one: with a kill, how long it took until
    /// appends were acknowledged again.
    pub slowest_of_killed: Latency,
    /// See there.
    pub slowest_of_others: Latency,
    /// Tries that were not acknowledged.
    pub failed: usize,
    /// Appends for which there was no time left.
    pub unsent: u64,
    /// The first failure.
    pub first_failure: Option<String>,
    /// Requests to each member's disk to make durable what it had taken, in a second.
    pub flushes_per_s: BTreeMap<u64, u64>,
    /// Sessions of which another member knows fewer bytes than were acknowledged.
    pub losses: Vec<String>,
}

/// What one recorder saw.
#[derive(Default)]
struct Seen {
    times: Vec<Duration>,
    /// The slowest one of each session, by the place of its own member.
    slowest: Vec<(usize, Duration)>,
    failures: Vec<String>,
    unsent: u64,
    losses: Vec<String>,
}

impl Sessions {
    /// Does it. An error means that the test could not be done.
    pub fn run(self) -> anyhow::Result<SessionsOutcome> {
        let folder = scratch_folder()?;
        let mut disks = BTreeMap::new();
        for member in MEMBERS {
            disks.insert(member, LoopDisk::of_bytes(DISK_BYTES, folder.path(), &format!("disk-{member}"))?);
        }
        let folders = disks.iter().map(|(member, disk)| (*member, disk.path().to_owned())).collect();
        let mut servers = Servers::start(folders)?;
        let all = Mutex::new(Seen::default());
        let (recorders, mut random) = (usize::try_from(self.sessions)?, Random::new(self.seed));
        let (opened, done) = (Barrier::new(recorders + 1), Barrier::new(recorders + 1));
        let mut killed = None;
        let flushes_per_s = std::thread::scope(|scope| -> anyhow::Result<BTreeMap<u64, u64>> {
            for number in 0..recorders {
                let doors =
                    [0, 1, 2].map(|shift| servers.recorder(MEMBERS[(number + shift) % MEMBERS.len()]));
                let phase = Duration::from_millis(random.below(1000));
                let (all, opened, done) = (&all, &opened, &done);
                std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, move || {
                    let mut seen = Seen::default();
                    let session = doors[0].open();
                    opened.wait();
                    match session {
                        Ok(session) => self.record(Live::new(session, doors), phase, done, &mut seen),
                        Err(error) => {
                            seen.failures.push(format!("{error:#}"));
                            done.wait();
                        }
                    }
                    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                    let slowest = seen.times.iter().max().copied();
                    all.slowest.extend(slowest.map(|slowest| (number % MEMBERS.len(), slowest)));
                    all.times.append(&mut seen.times);
                    all.failures.append(&mut seen.failures);
                    all.unsent += seen.unsent;
                    all.losses.append(&mut seen.losses);
                })?;
            }
            opened.wait();
            let (began, before) = (Instant::now(), flushes(&disks)?);
            if self.kills {
                std::thread::sleep(Duration::from_secs(self.seconds / 2));
                let leader = servers.leader()?.context("three members have a leader")?;
                servers.kill(leader)?;
                killed = MEMBERS.iter().position(|member| *member == leader);
            }
            done.wait();
            let elapsed_ms = u64::try_from(began.elapsed().as_millis())?.max(1);
            let after = flushes(&disks)?;
            Ok(after
                .into_iter()
                .map(|(member, count)| (member, (count - before[&member]) * 1000 / elapsed_ms))
                .collect())
        })?;
        let seen = all.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(SessionsOutcome {
            acknowledged: Latency::of(seen.times),
            slowest_of_killed: slowest(&seen.slowest, |place| Some(place) == killed),
            slowest_of_others: slowest(&seen.slowest, |place| Some(place) != killed),
            failed: seen.failures.len(),
            unsent: seen.unsent,
            first_failure: seen.failures.into_iter().next(),
            flushes_per_s,
            losses: seen.losses,
        })
    }

    /// Sends every second; what is late makes the next one late as well, and both are counted from when they were due.
    fn record(self, mut live: Live, phase: Duration, done: &Barrier, seen: &mut Seen) {
        let began = Instant::now();
        let end = began + Duration::from_secs(self.seconds) + LATE_LIMIT;
        for second in 0..self.seconds {
            let due = began + phase + Duration::from_secs(second);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            match live.send(end, &mut seen.failures) {
                true => seen.times.push(due.elapsed()),
                false => {
                    seen.unsent = self.seconds - second;
                    break;
                }
            }
        }
        done.wait();
        seen.losses.extend(live.loss());
    }
}

/// A session that is recorded.
pub(crate) struct Live {
    session: String,
    /// Its member, and those to which its recorder turns.
    doors: [Door; 3],
    current: usize,
    acknowledged: u64,
}

impl Live {
    pub(crate) fn new(session: String, doors: [Door; 3]) -> Self {
        Self { session, doors, current: 0, acknowledged: 0 }
    }

    /// Sends what a second brings; whether it was acknowledged.
    pub(crate) fn send(&mut self, end: Instant, failures: &mut Vec<String>) -> bool {
        /// Before it turns to another member.
        const PAUSE: Duration = Duration::from_millis(20);
        let (mut offset, target) = (self.acknowledged, self.acknowledged + BYTES_PER_S);
        while offset < target {
            let door = &self.doors[self.current];
            match door.append(&self.session, offset, &content(offset, target)) {
                Ok(durable) => offset = durable,
                Err(_) if Instant::now() > end => return false,
                Err(error) => {
                    failures.push(format!("{error:#}"));
                    std::thread::sleep(PAUSE);
                    self.current = (self.current + 1) % self.doors.len();
                    offset = self.doors[self.current].offset(&self.session).unwrap_or(offset);
                }
            }
        }
        self.acknowledged = offset;
        true
    }

    /// Its name, and how much was acknowledged.
    pub(crate) fn standing(&self) -> (&str, u64) {
        (&self.session, self.acknowledged)
    }

    /// What another member lacks of what was acknowledged.
    pub(crate) fn loss(&self) -> Option<String> {
        let others =
            (1..self.doors.len()).map(|shift| &self.doors[(self.current + shift) % self.doors.len()]);
        let durable = others.filter_map(|door| door.offset(&self.session).ok()).next();
        let (session, acknowledged) = (&self.session, self.acknowledged);
        let is_there = durable.is_some_and(|durable| durable >= acknowledged);
        (!is_there).then(|| format!("{session}: {acknowledged} bytes were acknowledged, found {durable:?}"))
    }
}

/// Of those at some places.
fn slowest(all: &[(usize, Duration)], is_meant: impl Fn(usize) -> bool) -> Latency {
    Latency::of(all.iter().filter(|(place, _)| is_meant(*place)).map(|(_, slowest)| *slowest).collect())
}

/// The bytes of a recording from one offset to another.
pub(crate) fn content(from: u64, to: u64) -> Vec<u8> {
    let at = |offset| usize::try_from(offset).ok().and_then(|offset| HEAD.get(offset)).copied();
    (from..to).map(|offset| at(offset).unwrap_or(b' ')).collect()
}

fn flushes(disks: &BTreeMap<u64, LoopDisk>) -> anyhow::Result<BTreeMap<u64, u64>> {
    disks.iter().map(|(member, disk)| Ok((*member, disk.flushes()?))).collect()
}
