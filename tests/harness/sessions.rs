//! Many live sessions at once.

use crate::appender::scratch_folder;
use crate::latency::Latency;
use crate::loop_disk::LoopDisk;
use crate::random::Random;
use crate::recorder::Door;
use crate::servers::{MEMBERS, Servers};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Barrier, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a session sends every second.
const BYTES_PER_S: usize = 10 << 10;
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
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct SessionsOutcome {
    /// Appends that were acknowledged: from when each was due to its answer.
    pub acknowledged: Latency,
    /// Appends that were not acknowledged at the first try.
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
        let servers = Servers::start(folder.path(), folders)?;
        let all = Mutex::new(Seen::default());
        let (recorders, mut random) = (usize::try_from(self.sessions)?, Random::new(self.seed));
        let (opened, done) = (Barrier::new(recorders + 1), Barrier::new(recorders + 1));
        let flushes_per_s = std::thread::scope(|scope| -> anyhow::Result<BTreeMap<u64, u64>> {
            for number in 0..recorders {
                let at = |shift: usize| MEMBERS[(number + shift) % MEMBERS.len()];
                let (own, other) = (servers.recorder(at(0)), servers.recorder(at(1)));
                let phase = Duration::from_millis(random.below(1000));
                let (all, opened, done) = (&all, &opened, &done);
                std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, move || {
                    let mut seen = Seen::default();
                    let session = own.open();
                    opened.wait();
                    match session {
                        Ok(session) => self.record(&session, [&own, &other], phase, done, &mut seen),
                        Err(error) => {
                            seen.failures.push(format!("{error:#}"));
                            done.wait();
                        }
                    }
                    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                    all.times.append(&mut seen.times);
                    all.failures.append(&mut seen.failures);
                    all.unsent += seen.unsent;
                    all.losses.append(&mut seen.losses);
                })?;
            }
            opened.wait();
            let (began, before) = (Instant::now(), flushes(&disks)?);
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
            failed: seen.failures.len(),
            unsent: seen.unsent,
            first_failure: seen.failures.into_iter().next(),
            flushes_per_s,
            losses: seen.losses,
        })
    }

    /// Sends every second; what is late makes the next one late as well, and both are counted from when they were due.
    fn record(
        self,
        session: &str,
        [own, other]: [&Door; 2],
        phase: Duration,
        done: &Barrier,
        seen: &mut Seen,
    ) {
        let began = Instant::now();
        let mut offset = 0;
        for second in 0..self.seconds {
            let due = began + phase + Duration::from_secs(second);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if began.elapsed() > Duration::from_secs(self.seconds) + LATE_LIMIT {
                seen.unsent = self.seconds - second;
                break;
            }
            let mut bytes = vec![b' '; BYTES_PER_S];
            if offset == 0 {
                bytes[..HEAD.len()].copy_from_slice(HEAD);
            }
            match own.append(session, offset, &bytes) {
                Ok(durable) => {
                    seen.times.push(due.elapsed());
                    offset = durable;
                }
                Err(error) => {
                    seen.failures.push(format!("{error:#}"));
                    offset = own.offset(session).unwrap_or(offset);
                }
            }
        }
        done.wait();
        match other.offset(session) {
            Ok(durable) if durable >= offset => {}
            found => {
                seen.losses.push(format!("{session}: {offset} bytes were acknowledged, found {found:?}"))
            }
        }
    }
}

fn flushes(disks: &BTreeMap<u64, LoopDisk>) -> anyhow::Result<BTreeMap<u64, u64>> {
    disks.iter().map(|(member, disk)| Ok((*member, disk.flushes()?))).collect()
}
