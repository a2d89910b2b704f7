//! How long it takes until recordings and videos are on all members that are to hold them.

use crate::agreement::Agreement;
use crate::appender::scratch_folder;
use crate::doors::{Asked, Doors};
use crate::founded::Founded;
use crate::latency::Latency;
use crate::loopback::loopback_bytes_per_s;
use crate::made::{made_recording, some_length};
use crate::progress::progress;
use crate::random::Random;
use anyhow::ensure;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const MEMBERS: usize = 3;
/// Recorders at the same time.
const AT_ONCE: u64 = 6;
/// While one is away, one in so many of what is recorded while all are there, and at least so many.
const AWAY_SHARE: u64 = 5;
const AWAY_MIN: u64 = 20;
/// Progress is told after so many.
const TOLD_EVERY: u64 = 50;

/// Recordings and videos.
#[derive(Debug, Clone, Copy)]
pub struct Synchronisation {
    /// Chooses everything.
    pub seed: u64,
    /// Recordings that are made while all are there, and as many videos.
    pub recordings: u64,
    /// The same while one is away; as the constants say when there is none.
    pub while_away: Option<u64>,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct SynchronisationOutcome {
    /// Bytes in a second from one process of this machine to another, through TCP in clear.
    pub link_bytes_per_s: u64,
    /// From the answer to a seal to the answer that all have it, all members there.
    pub recordings: Copied,
    /// From when a video is seen to be ready to the answer that all have it.
    pub videos: Copied,
    /// After one was away: from the start of its process.
    pub away: CaughtUp,
    /// After one was lost with its folder: from the order to replace it, which another one that has joined follows.
    pub replaced: CaughtUp,
    /// What an independent script says at the end.
    pub agreement: Agreement,
    /// Recordings, and videos, that were made in all.
    pub made: u64,
}

/// What was copied to all members.
#[derive(Debug, Serialize)]
pub struct Copied {
    /// Of all of them.
    pub bytes: u64,
    /// How long each took.
    pub synced: Latency,
    /// The same without the time that the link takes for its bytes.
    pub beyond_link: Latency,
}

/// What a member caught up with.
#[derive(Debug, Serialize)]
pub struct CaughtUp {
    /// How the member was lost.
    pub lost_by: &'static str,
    /// Recordings and videos, and those of them that were not synced before.
    pub objects: u64,
    /// See above.
    pub unsynced: u64,
    /// The bytes of those.
    pub bytes: u64,
    /// How long it took until all were synced, without any further order.
    pub until_all_ms: u64,
    /// What is stored in a second meanwhile.
    pub bytes_per_s: u64,
}

/// A recording that is sealed, and its video.
struct Made {
    session: (String, u64),
    video: (String, u64),
    /// When it was synced, if that was waited for.
    synced: Option<[Duration; 2]>,
}

/// The cluster, and what was made.
struct Run {
    cluster: Founded,
    doors: Doors,
    seed: u64,
    made: Vec<Made>,
}

impl Synchronisation {
    /// Does it. An error means that the test could not be done, or that something never is where it should be.
    pub fn run(self) -> anyhow::Result<SynchronisationOutcome> {
        let mut random = Random::new(self.seed);
        let link_bytes_per_s = loopback_bytes_per_s()?;
        let folder = scratch_folder()?;
        let cluster = Founded::of_members(folder.path(), MEMBERS)?;
        cluster.door(0).put("/v1/parameters/video_download_enabled", &json!({ "value": true }))?;
        let mut run = Run { cluster, doors: Doors::default(), seed: self.seed, made: Vec::new() };
        run.open_doors();
        progress("sync: all members are there");
        run.make(self.recordings, true)?;
        let copied = |which: usize| copied(&run.made, which, link_bytes_per_s);
        let (recordings, videos) = (copied(0), copied(1));
        let while_away = self.while_away.unwrap_or(AWAY_MIN.max(self.recordings / AWAY_SHARE));
        let away = run.lose_for_a_while(while_away, &mut random)?;
        let replaced = run.lose_for_good(&mut random)?;
        let agreement = run.cluster.agreement()?;
        let made = u64::try_from(run.made.len())?;
        Ok(SynchronisationOutcome { link_bytes_per_s, recordings, videos, away, replaced, agreement, made })
    }
}

impl SynchronisationOutcome {
    /// What is not as it is promised.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.agreement.disagreements.clone();
        let Agreement { states, synced, videos, videos_synced, .. } = &self.agreement;
        let all = [synced, videos, videos_synced];
        if all.iter().any(|count| **count != self.made) {
            faults.push(format!("of {} each are there and synced: {all:?}", self.made));
        }
        if states.iter().any(|(state, count)| state != "good" && *count > 0) {
            faults.push(format!("copies are {states:?}"));
        }
        for caught_up in [&self.away, &self.replaced] {
            if caught_up.unsynced != caught_up.objects {
                let CaughtUp { lost_by, objects, unsynced, .. } = caught_up;
                faults.push(format!("{unsynced} of {objects} lacked a copy ({lost_by})"));
            }
        }
        faults
    }
}

impl Run {
    /// Those that run are asked from here on.
    fn open_doors(&self) {
        let asked =
            |at: usize| Asked { administrator: self.cluster.door(at), recorder: self.cluster.recorder(at) };
        self.doors.set(self.cluster.all_running().into_iter().map(asked).collect());
    }

    /// So many recordings and videos, some at a time.
    fn make(&mut self, count: u64, is_waited_for: bool) -> anyhow::Result<()> {
        let (next, made) = (AtomicU64::new(0), Mutex::new(Vec::new()));
        let before = u64::try_from(self.made.len())?;
        std::thread::scope(|scope| -> anyhow::Result<()> {
            let (doors, seed, next, made) = (&self.doors, self.seed, &next, &made);
            let recorder = move || -> anyhow::Result<()> {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return Ok(());
                    }
                    let mut random = Random::new(seed ^ ((before + number + 1) << 24));
                    let one = make(doors, is_waited_for, &mut random)?;
                    made.lock().unwrap_or_else(PoisonError::into_inner).push(one);
                    if (number + 1) % TOLD_EVERY == 0 {
                        progress(&format!("sync: {} of {count} recordings and videos", number + 1));
                    }
                }
            };
            let recorders: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(recorder)).collect();
            recorders.into_iter().try_for_each(joined)
        })?;
        self.made.extend(made.into_inner().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    /// One member is stopped, or killed, and started again after much was made without it.
    fn lose_for_a_while(&mut self, count: u64, random: &mut Random) -> anyhow::Result<CaughtUp> {
        let at = *random.choose(&self.cluster.all_running());
        let lost_by = *random.choose(&["SIGTERM", "SIGKILL"]);
        progress(&format!("sync: place {at} is away by {lost_by}"));
        match lost_by {
            "SIGTERM" => self.cluster.stop(at)?,
            _ => self.cluster.kill(at)?,
        }
        self.open_doors();
        let first = self.made.len();
        self.make(count, false)?;
        let unsynced = self.unsynced(first)?;
        let began = Instant::now();
        self.cluster.serve(at)?;
        self.caught_up(lost_by, (first, unsynced), began)
    }

    /// One member is lost with its folder; another one joins and takes its place.
    fn lose_for_good(&mut self, random: &mut Random) -> anyhow::Result<CaughtUp> {
        self.open_doors();
        let at = *random.choose(&self.cluster.all_running());
        let lost = self.cluster.member(at)?;
        progress(&format!("sync: place {at} is lost for good"));
        self.cluster.kill(at)?;
        self.cluster.wipe(at)?;
        self.open_doors();
        let (_, heir) = self.cluster.grow()?;
        let unsynced = self.unsynced(0)?;
        let began = Instant::now();
        self.cluster.order(&["replace", &lost.to_string(), "--by", &heir.to_string()])?;
        self.caught_up("killed, and its folder deleted", (0, unsynced), began)
    }

    /// Waits until all that was made since is synced. There were so many that were not.
    fn caught_up(
        &self,
        lost_by: &'static str,
        (first, unsynced): (usize, u64),
        began: Instant,
    ) -> anyhow::Result<CaughtUp> {
        let made = &self.made[first..];
        self.each(made, |what, random| self.doors.wait_synced(what, random))?;
        let until_all_ms = u64::try_from(began.elapsed().as_millis())?.max(1);
        let bytes = made.iter().map(|made| made.session.1 + made.video.1).sum();
        let objects = u64::try_from(made.len() * 2)?;
        progress(&format!("sync: {objects} objects are synced again after {until_all_ms} ms"));
        let bytes_per_s = bytes * 1000 / until_all_ms;
        Ok(CaughtUp { lost_by, objects, unsynced, bytes, until_all_ms, bytes_per_s })
    }

    /// How many recordings and videos lack a copy, of those made since.
    fn unsynced(&self, first: usize) -> anyhow::Result<u64> {
        let unsynced = AtomicU64::new(0);
        self.each(&self.made[first..], |what, random| {
            let path = format!("/v1/{what}/replication");
            let shown: Value = self.doors.ask("replication", random, |door| door.administrator.get(&path))?;
            unsynced.fetch_add(u64::from(shown["synced"] == false), Ordering::Relaxed);
            Ok(())
        })?;
        Ok(unsynced.into_inner())
    }

    /// Does something for each recording and each video, some at a time.
    fn each(
        &self,
        made: &[Made],
        work: impl Fn(&str, &mut Random) -> anyhow::Result<()> + Sync,
    ) -> anyhow::Result<()> {
        let sessions = made.iter().map(|made| format!("sessions/{}", made.session.0));
        let videos = made.iter().map(|made| format!("videos/{}", made.video.0));
        let all: Vec<String> = sessions.chain(videos).collect();
        let next = AtomicU64::new(0);
        std::thread::scope(|scope| {
            let (all, next, work) = (&all, &next, &work);
            let asker = |number: u64| {
                let mut random = Random::new(number);
                move || -> anyhow::Result<()> {
                    let take = || usize::try_from(next.fetch_add(1, Ordering::Relaxed)).ok();
                    while let Some(what) = take().and_then(|at| all.get(at)) {
                        work(what, &mut random)?;
                    }
                    Ok(())
                }
            };
            let askers: Vec<_> = (0..AT_ONCE).map(|number| scope.spawn(asker(number))).collect();
            askers.into_iter().try_for_each(joined)
        })
    }
}

/// Records, seals, and has a video made.
fn make(doors: &Doors, is_waited_for: bool, random: &mut Random) -> anyhow::Result<Made> {
    let length = some_length(random);
    let bytes = made_recording(random, length);
    let (session, at) = doors.open(random)?;
    let at = doors.append(&session, (0, &bytes), at, random)?;
    doors.seal(&session, bytes.len(), &at, random)?;
    let began = Instant::now();
    let mut times = [Duration::ZERO; 2];
    if is_waited_for {
        doors.wait_synced(&format!("sessions/{session}"), random)?;
        times[0] = began.elapsed();
    }
    let video = doors.video(&session, random)?;
    let began = Instant::now();
    if is_waited_for {
        doors.wait_synced(&format!("videos/{}", video.id), random)?;
        times[1] = began.elapsed();
    }
    ensure!(video.bytes > 0, "the video of {session} is empty");
    let session = (session, u64::try_from(bytes.len())?);
    Ok(Made { session, video: (video.id, video.bytes), synced: is_waited_for.then_some(times) })
}

/// The recordings (0) or the videos (1).
fn copied(made: &[Made], which: usize, link_bytes_per_s: u64) -> Copied {
    let (mut bytes, mut times, mut beyond) = (0, Vec::new(), Vec::new());
    for one in made {
        let Some(times_of) = one.synced else { continue };
        let own = if which == 0 { one.session.1 } else { one.video.1 };
        let link = Duration::from_micros(own * 1_000_000 / link_bytes_per_s.max(1));
        bytes += own;
        times.push(times_of[which]);
        beyond.push(times_of[which].saturating_sub(link));
    }
    Copied { bytes, synced: Latency::of(times), beyond_link: Latency::of(beyond) }
}

fn joined(thread: std::thread::ScopedJoinHandle<'_, anyhow::Result<()>>) -> anyhow::Result<()> {
    thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?
}
