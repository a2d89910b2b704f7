//! Members that are drained, wiped and replaced one after the other, while all are written to, read from and convert.

use crate::agreement::Agreement;
use crate::appender::scratch_folder;
use crate::doors::{Asked, Doors};
use crate::founded::Founded;
use crate::latency::Latency;
use crate::moves_load::{Load, Loaded};
use crate::progress::progress;
use crate::random::Random;
use anyhow::ensure;
use serde::Serialize;
use serde_json::json;
use std::time::{Duration, Instant};

/// One more than hold each chunk, so that the others can hold it all when one goes.
const MEMBERS: usize = 4;
/// Recordings that are there before the first one goes.
const BEFORE: u64 = 12;
/// A member under load has given away what it holds in less time.
const DRAIN_LIMIT: Duration = Duration::from_secs(300);
/// For each of those that go, on the average.
const MOVE_LIMIT: Duration = Duration::from_secs(120);

/// Members that go and are followed by others.
#[derive(Debug, Clone, Copy)]
pub struct Moves {
    /// Chooses everything.
    pub seed: u64,
    /// Members that are drained, removed and wiped; a new one comes for each.
    pub drains: u64,
    /// Members that are killed, their folders deleted; a new one takes the place of each.
    pub deaths: u64,
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct MovesOutcome {
    /// From the order to drain to the proof that nothing needed is left.
    pub drained: Latency,
    /// From the order to give a new member copies to all being where they are to be.
    pub joined: Latency,
    /// From the order to replace a dead one to the same.
    pub replaced: Latency,
    /// What recorders and readers did meanwhile.
    pub load: Loaded,
    /// What an independent script says at the end.
    pub agreement: Agreement,
}

impl Moves {
    /// Does it. An error means that the test could not be done, or that it does not come to an end.
    pub fn run(self) -> anyhow::Result<MovesOutcome> {
        let mut random = Random::new(self.seed);
        let folder = scratch_folder()?;
        let mut cluster = Founded::of_members(folder.path(), MEMBERS)?;
        cluster.door(0).put("/v1/parameters/video_download_enabled", &json!({ "value": true }))?;
        let doors = Doors::default();
        open_doors(&cluster, &doors, None);
        let load = Load::new(&doors, self.seed, BEFORE)?;
        let mut times = <[Vec<Duration>; 3]>::default();
        std::thread::scope(|scope| {
            load.begin(scope);
            let moved = self.all(&mut cluster, (&doors, &load), &mut times, &mut random);
            load.end();
            moved
        })?;
        progress("moves: all is read from all");
        let load = load.read_all(&cluster)?;
        let [drained, joined, replaced] = times.map(Latency::of);
        Ok(MovesOutcome { drained, joined, replaced, load, agreement: cluster.agreement()? })
    }

    /// All moves, in an order that the seed chooses.
    fn all(
        self,
        cluster: &mut Founded,
        (doors, load): (&Doors, &Load<'_>),
        times: &mut [Vec<Duration>; 3],
        random: &mut Random,
    ) -> anyhow::Result<()> {
        let (mut drains, mut deaths, began) = (self.drains, self.deaths, Instant::now());
        let limit = MOVE_LIMIT * u32::try_from(drains + deaths)?;
        while drains + deaths > 0 {
            ensure!(began.elapsed() < limit, "after {limit:?}, {drains} drains and {deaths} deaths are left");
            load.check()?;
            let at = *random.choose(&cluster.all_running());
            if random.below(drains + deaths) < drains {
                drains -= 1;
                let [drained, joined] = drain(cluster, doors, at)?;
                times[0].push(drained);
                times[1].push(joined);
            } else {
                deaths -= 1;
                times[2].push(replace(cluster, doors, at)?);
            }
            let seconds = began.elapsed().as_secs();
            progress(&format!("moves: {drains} drains and {deaths} deaths are left after {seconds} s"));
        }
        Ok(())
    }
}

impl MovesOutcome {
    /// What is not as it is promised.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.agreement.disagreements.clone();
        faults.extend(self.load.failed.clone());
        faults.extend(self.load.lost.clone());
        let Agreement { states, synced, videos, videos_synced, .. } = &self.agreement;
        if states.iter().any(|(state, count)| state != "good" && *count > 0) {
            faults.push(format!("copies are {states:?}"));
        }
        let counts = [self.load.sealed, *synced, self.load.videos, *videos, *videos_synced];
        if counts[0] != counts[1] || counts[2..].iter().any(|count| *count != counts[2]) {
            faults.push(format!("sealed, synced; videos, found, synced: {counts:?}"));
        }
        faults
    }
}

/// Those that run are asked from here on, but for one.
fn open_doors(cluster: &Founded, doors: &Doors, but: Option<usize>) {
    let running = cluster.all_running().into_iter().filter(|at| Some(*at) != but);
    let asked = |at| Asked { administrator: cluster.door(at), recorder: cluster.recorder(at) };
    doors.set(running.map(asked).collect());
}

/// A member goes in order, and its folder is wiped; then another one comes. How long each took.
fn drain(cluster: &mut Founded, doors: &Doors, at: usize) -> anyhow::Result<[Duration; 2]> {
    let member = cluster.member(at)?.to_string();
    let began = Instant::now();
    cluster.order(&["drain", &member])?;
    cluster.wait_drained(cluster.member(at)?, DRAIN_LIMIT)?;
    let drained = began.elapsed();
    cluster.order(&["remove", &member])?;
    open_doors(cluster, doors, Some(at));
    cluster.end_removed(at)?;
    cluster.wipe(at)?;
    cluster.grow()?;
    open_doors(cluster, doors, None);
    let began = Instant::now();
    cluster.apply_layout()?;
    cluster.wait_layout()?;
    Ok([drained, began.elapsed()])
}

/// A member is killed and its folder deleted; another one that has joined takes its place. How long that took.
fn replace(cluster: &mut Founded, doors: &Doors, at: usize) -> anyhow::Result<Duration> {
    let lost = cluster.member(at)?.to_string();
    // Those who ask it see that it is gone, as they would.
    cluster.kill(at)?;
    cluster.wipe(at)?;
    let (_, heir) = cluster.grow()?;
    open_doors(cluster, doors, None);
    let began = Instant::now();
    cluster.order(&["replace", &lost, "--by", &heir.to_string()])?;
    cluster.wait_layout()?;
    Ok(began.elapsed())
}
