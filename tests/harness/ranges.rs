//! Recordings that were just sealed, read from every member that is left when one is killed.

use crate::appender::scratch_folder;
use crate::latency::Latency;
use crate::random::Random;
use crate::recorder::Door;
use crate::servers::{MEMBERS, Servers};
use serde::Serialize;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Recorders and readers at the same time.
const AT_ONCE: u64 = 16;
/// The most synchronisations in a recording.
const SYNCS_MAX: u64 = 2_000;
/// Whoever is told to come again does so within this time, or has failed.
const AGAIN_LIMIT: Duration = Duration::from_secs(30);

/// Recordings that are read.
#[derive(Debug, Clone, Copy)]
pub struct Ranges {
    /// Chooses everything.
    pub seed: u64,
    /// How many.
    pub recordings: u64,
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct RangesOutcome {
    /// Ranges that were read, each from every member that is left.
    pub reads: usize,
    /// Answers that said to come again, while a new leader was elected.
    pub come_again: usize,
    /// What was not served, or is wrong.
    pub failures: Vec<String>,
    /// From the question to all bytes.
    pub latency: Latency,
}

/// A recording that was sealed.
struct Sealed {
    session: String,
    bytes: Vec<u8>,
}

impl Ranges {
    /// Does it. An error means that the test could not be done.
    pub fn run(self) -> anyhow::Result<RangesOutcome> {
        let mut random = Random::new(self.seed);
        let folder = scratch_folder()?;
        let mut servers = Servers::start_in(folder.path())?;
        let sealed = self.record(&servers)?;
        servers.kill(*random.choose(&MEMBERS))?;
        let doors: Vec<Door> =
            servers.running().into_iter().map(|member| servers.administrator(member)).collect();

        let (next, come_again) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (failures, times) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for number in 0..AT_ONCE {
                let mut random = Random::new(self.seed ^ (number << 32));
                let (sealed, doors, next, come_again) = (&sealed, &doors, &next, &come_again);
                let (failures, times) = (&failures, &times);
                scope.spawn(move || {
                    while let Some(recording) = sealed.get(next.fetch_add(1, Ordering::Relaxed)) {
                        for door in doors {
                            let range = some_range(recording, &mut random);
                            let began = Instant::now();
                            let failure = read(door, recording, &range, come_again).err();
                            lock(times).push(began.elapsed());
                            let named = |error| format!("{} {range:?}: {error:#}", recording.session);
                            lock(failures).extend(failure.map(named));
                        }
                    }
                });
            }
        });
        let (failures, times) = (std::mem::take(&mut *lock(&failures)), std::mem::take(&mut *lock(&times)));
        let come_again = come_again.load(Ordering::Relaxed);
        Ok(RangesOutcome { reads: times.len(), come_again, failures, latency: Latency::of(times) })
    }

    /// Records and seals at all members.
    fn record(self, servers: &Servers) -> anyhow::Result<Vec<Sealed>> {
        let (next, sealed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let recordings = usize::try_from(self.recordings)?;
        std::thread::scope(|scope| -> anyhow::Result<()> {
            let recorders: Vec<_> = (0..AT_ONCE)
                .map(|number| {
                    let mut random = Random::new(self.seed ^ (number << 48));
                    let (next, sealed) = (&next, &sealed);
                    scope.spawn(move || -> anyhow::Result<()> {
                        while next.fetch_add(1, Ordering::Relaxed) < recordings {
                            let door = servers.recorder(*random.choose(&MEMBERS));
                            let (session, bytes) = (door.open()?, some_recording(&mut random));
                            door.append(&session, 0, &bytes)?;
                            door.seal(&session, u64::try_from(bytes.len())?)?;
                            lock(sealed).push(Sealed { session, bytes });
                        }
                        Ok(())
                    })
                })
                .collect();
            recorders.into_iter().try_for_each(|recorder| {
                recorder.join().map_err(|_| anyhow::anyhow!("a recorder panicked"))?
            })
        })?;
        Ok(std::mem::take(&mut *lock(&sealed)))
    }
}

/// Reads a range; comes again when it is told to.
fn read(door: &Door, sealed: &Sealed, range: &Range<u64>, come_again: &AtomicUsize) -> anyhow::Result<()> {
    /// Before it asks again.
    const PAUSE: Duration = Duration::from_millis(50);
    let began = Instant::now();
    let (start, end) = (usize::try_from(range.start)?, usize::try_from(range.end)?);
    loop {
        let (status, bytes) = door.read(&sealed.session, Some(range.clone()))?;
        match status {
            206 if Some(bytes.as_slice()) == sealed.bytes.get(start..end) => return Ok(()),
            206 => anyhow::bail!("{} other bytes", bytes.len()),
            503 if began.elapsed() < AGAIN_LIMIT => {
                come_again.fetch_add(1, Ordering::Relaxed);
                std::thread::park_timeout(PAUSE);
            }
            _ => anyhow::bail!("status {status}: {}", String::from_utf8_lossy(&bytes)),
        }
    }
}

/// A short recording of a screen on which nothing happens.
pub(crate) fn some_recording(random: &mut Random) -> Vec<u8> {
    let mut text = "4.size,1.0,3.640,3.480;".to_owned();
    let mut at_ms = 1_760_000_000_000 + random.below(1 << 30);
    for _ in 0..random.below(SYNCS_MAX) + 1 {
        at_ms += random.below(40);
        text += &format!("4.sync,13.{at_ms};");
    }
    text.into_bytes()
}

fn some_range(sealed: &Sealed, random: &mut Random) -> Range<u64> {
    let length = u64::try_from(sealed.bytes.len()).unwrap_or(u64::MAX);
    let start = random.below(length);
    start..start + 1 + random.below(length - start)
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
