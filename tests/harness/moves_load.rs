//! Recorders, readers and conversions at work while members come and go.

use crate::doors::{Doors, Video};
use crate::founded::Founded;
use crate::made::made_recording;
use crate::random::Random;
use anyhow::{bail, ensure};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::Scope;
use std::time::Duration;

/// At the same time.
const RECORDERS: u64 = 3;
const READERS: u64 = 3;
/// The longest recording, in bytes: long ones, since what has to be moved grows by objects as long as members come and go.
const LENGTH_MAX: u64 = 4 << 20;
/// A recorder appends so many bytes, then waits so long.
const PIECE_BYTES: usize = 32 << 10;
const PAUSE: Duration = Duration::from_millis(100);
/// A reader waits so long between two reads.
const READ_PAUSE: Duration = Duration::from_millis(5);
/// A recording in so many becomes a video.
const VIDEO_SHARE: u64 = 4;

/// What was done.
#[derive(Debug, Serialize)]
pub struct Loaded {
    /// Recordings that were sealed, and the bytes of recordings that were acknowledged.
    pub sealed: u64,
    /// See above.
    pub acknowledged_bytes: u64,
    /// Videos that were made.
    pub videos: u64,
    /// Ranges that were read meanwhile, each of them compared.
    pub reads: u64,
    /// How often who asked had to ask again, since a member did not answer or could not, by what was asked.
    pub retries: BTreeMap<&'static str, usize>,
    /// Reads and appends that failed: no member that was there served them right.
    pub failed: Vec<String>,
    /// What was acknowledged and is not there at the end, on each member.
    pub lost: Vec<String>,
}

/// A recording that follows from its seed, and its video.
#[derive(Debug, Clone)]
struct Sealed {
    session: String,
    seed: u64,
    bytes: u64,
    video: Option<Video>,
}

/// The recorders and readers, until they are told to end.
pub(crate) struct Load<'a> {
    doors: &'a Doors,
    seed: u64,
    next: AtomicU64,
    is_over: AtomicBool,
    acknowledged: AtomicU64,
    reads: AtomicU64,
    sealed: Mutex<Vec<Sealed>>,
    failed: Mutex<Vec<String>>,
}

impl<'a> Load<'a> {
    /// Records some, which are there from the beginning.
    pub(crate) fn new(doors: &'a Doors, seed: u64, before: u64) -> anyhow::Result<Self> {
        let load = Self {
            doors,
            seed,
            next: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            acknowledged: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            sealed: Mutex::new(Vec::new()),
            failed: Mutex::new(Vec::new()),
        };
        let mut random = Random::new(seed);
        (0..before).try_for_each(|_| load.record(Duration::ZERO, &mut random))?;
        Ok(load)
    }

    /// Begins.
    pub(crate) fn begin<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        for number in 0..RECORDERS + READERS {
            let mut random = Random::new(self.seed ^ ((number + 1) << 40));
            scope.spawn(move || {
                while !self.is_over.load(Ordering::Acquire) {
                    let done = match number < RECORDERS {
                        true => self.record(PAUSE, &mut random),
                        false => self.read(&mut random),
                    };
                    let failed = done.err().map(|error| format!("{error:#}"));
                    lock(&self.failed).extend(failed);
                }
            });
        }
    }

    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    /// An error once something has failed: nothing is gained by going on.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        match lock(&self.failed).first() {
            Some(first) => bail!("{first}"),
            None => Ok(()),
        }
    }

    /// One recording, and perhaps its video.
    fn record(&self, pause: Duration, random: &mut Random) -> anyhow::Result<()> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let seed = self.seed ^ ((number + 1) << 20);
        let bytes = content(seed);
        let (session, mut at) = self.doors.open(random)?;
        let mut acknowledged = 0;
        while acknowledged < bytes.len() {
            let end = bytes.len().min(acknowledged + PIECE_BYTES);
            at = self.doors.append(&session, (acknowledged, &bytes[..end]), at, random)?;
            self.acknowledged.fetch_add(u64::try_from(end - acknowledged)?, Ordering::Relaxed);
            acknowledged = end;
            std::thread::park_timeout(pause);
        }
        self.doors.seal(&session, bytes.len(), &at, random)?;
        let is_wanted = number.is_multiple_of(VIDEO_SHARE);
        let video = is_wanted.then(|| self.doors.video(&session, random)).transpose()?;
        let bytes = u64::try_from(bytes.len())?;
        lock(&self.sealed).push(Sealed { session, seed, bytes, video });
        Ok(())
    }

    /// A range of a recording that was sealed, from some member. One that does not answer, or says that it cannot, is
    /// passed over; one that answers with other bytes has failed.
    fn read(&self, random: &mut Random) -> anyhow::Result<()> {
        let one = {
            let sealed = lock(&self.sealed);
            random.choose(&sealed).clone()
        };
        let start = random.below(one.bytes);
        let end = start + 1 + random.below(one.bytes - start);
        let bytes = content(one.seed);
        let wanted = &bytes[usize::try_from(start)?..usize::try_from(end)?];
        let read = self.doors.ask("read", random, |door| {
            let (status, read) = door.administrator.read(&one.session, Some(start..end))?;
            ensure!(status == 206, "status {status}");
            Ok(read)
        })?;
        ensure!(read == wanted, "{} {start}..{end}: {} other bytes", one.session, read.len());
        self.reads.fetch_add(1, Ordering::Relaxed);
        std::thread::park_timeout(READ_PAUSE);
        Ok(())
    }

    /// Reads all recordings and videos as a whole from every member that is there, once all are where they are to be.
    pub(crate) fn read_all(self, cluster: &Founded) -> anyhow::Result<Loaded> {
        let (sealed, mut lost) = (lock(&self.sealed).clone(), Vec::new());
        let mut random = Random::new(self.seed);
        for one in &sealed {
            self.doors.wait_synced(&format!("sessions/{}", one.session), &mut random)?;
            let bytes = content(one.seed);
            for at in cluster.all_running() {
                match cluster.door(at).read(&one.session, None) {
                    Ok((200, read)) if read == bytes => {}
                    Ok((status, read)) => {
                        lost.push(format!("{} at place {at}: {status}, {} bytes", one.session, read.len()));
                    }
                    Err(error) => lost.push(format!("{} at place {at}: {error:#}", one.session)),
                }
            }
            if let Some(video) = &one.video {
                self.doors.wait_synced(&format!("videos/{}", video.id), &mut random)?;
                lost.extend(lost_video(cluster, video)?);
            }
        }
        Ok(Loaded {
            sealed: u64::try_from(sealed.len())?,
            acknowledged_bytes: self.acknowledged.into_inner(),
            videos: u64::try_from(sealed.iter().filter(|one| one.video.is_some()).count())?,
            reads: self.reads.into_inner(),
            retries: self.doors.retries(),
            failed: lock(&self.failed).clone(),
            lost,
        })
    }
}

/// The members that do not give a video's file.
fn lost_video(cluster: &Founded, video: &Video) -> anyhow::Result<Vec<String>> {
    let mut lost = Vec::new();
    let mut first = None;
    for at in cluster.all_running() {
        let read = cluster.door(at).fetch(&format!("/v1/videos/{}/content", video.id), None)?;
        let is_first = first.get_or_insert_with(|| read.body.clone()) == &read.body;
        if read.status != 200 || u64::try_from(read.body.len())? != video.bytes || !is_first {
            lost.push(format!(
                "video {} at place {at}: {}, {} bytes",
                video.id,
                read.status,
                read.body.len()
            ));
        }
    }
    Ok(lost)
}

fn content(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let length = usize::try_from(random.below(LENGTH_MAX)).unwrap_or(0);
    made_recording(&mut random, length)
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
