//! How each fault is inflicted. Recorders write all the while.

use crate::fault::Fault;
use crate::links::Way;
use crate::processes::wait_until;
use crate::random::Random;
use crate::trio::{DEADLINE, MEMBERS, Trio};
use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The longest time that a fault lasts.
const LASTS_MS_MAX: u64 = 4_000;
/// The longest delay of a slow link.
const DELAY_MS_MAX: u64 = 300;
/// The longest time that a slow disk stands still at once.
const FROZEN_MS_MAX: u64 = 400;
/// Steps of a clock.
const STEPS_MS: [i64; 6] = [-86_400_000, -3_600_000, -61_000, 30_000, 61_000, 7_200_000];

/// What was done.
pub(crate) struct Stroke {
    pub(crate) member: u64,
    pub(crate) detail: String,
    pub(crate) in_flight: usize,
}

/// A time that a fault lasts.
fn lasting(random: &mut Random) -> Duration {
    Duration::from_millis(random.below(LASTS_MS_MAX))
}

impl Trio {
    /// Does it, and mends what can be mended.
    pub(crate) fn strike(&mut self, fault: Fault, random: &mut Random) -> anyhow::Result<Stroke> {
        let member = *random.choose(&MEMBERS.collect::<Vec<_>>());
        wait_until("an append without an answer", DEADLINE, || Ok(!self.under_way().is_empty()))?;
        let before = self.under_way();
        let (detail, in_flight) = match fault {
            Fault::Kill => self.strike_down(member, &before, random)?,
            Fault::KillAll => self.strike_all_down(&before)?,
            Fault::Stop => self.stop(member, &before, random)?,
            Fault::Cut | Fault::CutOneWay | Fault::SlowLink => {
                self.strike_links(fault, member, &before, random)
            }
            Fault::FullDisk => self.fill(member, &before, random)?,
            Fault::SlowDisk => self.slow_down(member, random)?,
            Fault::BitFlip => self.flip(member, random)?,
            Fault::ClockStep => self.step(member, &before, random)?,
        };
        Ok(Stroke { member, detail, in_flight })
    }

    /// Appends that had no answer before, and have none yet.
    fn still(&self, before: &BTreeSet<(u64, u64)>) -> usize {
        self.under_way().intersection(before).count()
    }

    fn strike_down(
        &mut self,
        member: u64,
        before: &BTreeSet<(u64, u64)>,
        random: &mut Random,
    ) -> anyhow::Result<(String, usize)> {
        let began = Instant::now();
        let in_flight = self.still(before);
        self.kill(member)?;
        let lines = self.lines();
        wait_until("an acknowledgement of those that are left", DEADLINE, || Ok(self.lines() > lines))?;
        self.silence_ms.push(u64::try_from(began.elapsed().as_millis())?);
        let away = lasting(random);
        std::thread::park_timeout(away);
        self.begin(member)?;
        Ok((format!("away for {away:?}"), in_flight))
    }

    fn strike_all_down(&mut self, before: &BTreeSet<(u64, u64)>) -> anyhow::Result<(String, usize)> {
        let in_flight = self.still(before);
        for member in MEMBERS {
            self.kill(member)?;
        }
        for member in MEMBERS {
            self.begin(member)?;
        }
        Ok((String::new(), in_flight))
    }

    fn stop(
        &mut self,
        member: u64,
        before: &BTreeSet<(u64, u64)>,
        random: &mut Random,
    ) -> anyhow::Result<(String, usize)> {
        let id = self.processes.get(&member).context("it runs")?.id();
        let id = Pid::from_raw(i32::try_from(id)?);
        kill(id, Signal::SIGSTOP)?;
        let (in_flight, lasts) = (self.still(before), lasting(random));
        std::thread::park_timeout(lasts);
        kill(id, Signal::SIGCONT)?;
        Ok((format!("for {lasts:?}"), in_flight))
    }

    fn strike_links(
        &self,
        fault: Fault,
        member: u64,
        before: &BTreeSet<(u64, u64)>,
        random: &mut Random,
    ) -> (String, usize) {
        let ways = ways(fault, member, &self.links.ways(), random);
        let mut detail = format!("{ways:?}");
        if fault == Fault::SlowLink {
            let delay_ms = random.below(DELAY_MS_MAX) + 1;
            self.links.slow(&ways, delay_ms);
            detail += &format!(", {delay_ms} ms");
        } else {
            self.links.hold(&ways);
            if fault == Fault::Cut && random.below(2) == 0 {
                self.links.break_all();
                detail += ", broken";
            }
        }
        let (in_flight, lasts) = (self.still(before), lasting(random));
        std::thread::park_timeout(lasts);
        self.links.heal();
        (format!("{detail}, for {lasts:?}"), in_flight)
    }

    fn fill(
        &mut self,
        member: u64,
        before: &BTreeSet<(u64, u64)>,
        random: &mut Random,
    ) -> anyhow::Result<(String, usize)> {
        self.disks[&member].take_room()?;
        let (in_flight, lasts) = (self.still(before), lasting(random));
        std::thread::park_timeout(lasts);
        self.disks[&member].give_room()?;
        // The log of the facts cannot go on without room: then the member ends, and its system starts it again.
        let has_ended = self.processes.get_mut(&member).context("it ran")?.has_lost_its_disk()?;
        if has_ended {
            self.begin_after_disk(member)?;
        }
        Ok((format!("for {lasts:?}{}", if has_ended { ", it ended" } else { "" }), in_flight))
    }

    fn slow_down(&mut self, member: u64, random: &mut Random) -> anyhow::Result<(String, usize)> {
        let (until, mut in_flight, mut times) = (Instant::now() + lasting(random), 0, 0);
        while times == 0 || Instant::now() < until {
            let frozen = self.disks[&member].freeze()?;
            // Freezing waits for what is being written: what counts is begun by then, and not answered by the end.
            let begun = self.under_way();
            std::thread::park_timeout(Duration::from_millis(random.below(FROZEN_MS_MAX) + 1));
            in_flight = in_flight.max(self.still(&begun));
            drop(frozen);
            times += 1;
        }
        Ok((format!("{times} times"), in_flight))
    }

    fn flip(&mut self, member: u64, random: &mut Random) -> anyhow::Result<(String, usize)> {
        // Copies of one chunk on two members are more than a cluster of three can lose.
        let member = self.flipped.first().map_or(member, |(first, _)| *first);
        let folder = self.member_folder(member);
        let mut flipped = None;
        wait_until("a closed chunk, and an append without an answer", DEADLINE, || {
            let (chunks, before) = (chunks_of(&folder), self.under_way());
            if !chunks.is_empty() && !before.is_empty() {
                let path = random.choose(&chunks).clone();
                let bit = flip(&path, random).ok();
                flipped = bit.map(|bit| (path, bit, self.still(&before)));
            }
            Ok(flipped.is_some())
        })?;
        let (path, bit, in_flight) = flipped.context("a chunk was found")?;
        let path = path.strip_prefix(&folder)?.to_owned();
        let detail = format!("member {member}, bit {bit} of {}", path.display());
        self.flipped.push((member, path));
        Ok((detail, in_flight))
    }

    fn step(
        &mut self,
        member: u64,
        before: &BTreeSet<(u64, u64)>,
        random: &mut Random,
    ) -> anyhow::Result<(String, usize)> {
        let told = |trio: &Self| trio.processes.get(&member).and_then(|process| process.clock_offset_ms());
        let others: Vec<_> = STEPS_MS.into_iter().filter(|step| Some(*step) != told(self)).collect();
        let step_ms = *random.choose(&others);
        self.set_clock(member, step_ms)?;
        let in_flight = self.still(before);
        wait_until("the cluster to be told the wrong time", DEADLINE, || Ok(told(self) == Some(step_ms)))?;
        Ok((format!("{step_ms} ms"), in_flight))
    }
}

/// The ways that suffer.
fn ways(fault: Fault, member: u64, all: &[Way], random: &mut Random) -> Vec<Way> {
    let others: Vec<u64> = MEMBERS.filter(|other| *other != member).collect();
    // From one of the others only, or from both.
    let only = random.choose(&[None, Some(others[0]), Some(others[1])]).to_owned();
    let is_out = random.below(2) == 0;
    let touches = |(from, to): &Way| {
        let (is_from, is_to) = (*from == member, *to == member);
        let other = if is_from { *to } else { *from };
        let is_way = if fault == Fault::CutOneWay {
            (is_out && is_from) || (!is_out && is_to)
        } else {
            is_from || is_to
        };
        is_way && only.is_none_or(|only| only == other)
    };
    all.iter().copied().filter(touches).collect()
}

/// The number of a manifest, which no reader of bytes looks at.
const MANIFEST: &str = ".4294967295.";

/// The files of closed chunks that readers look at.
fn chunks_of(folder: &Path) -> Vec<PathBuf> {
    let entries = |folder: PathBuf| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    let folders = entries(folder.join("bytes/chunks")).into_iter().flat_map(entries);
    folders.flat_map(entries).filter(|path| !path.to_string_lossy().contains(MANIFEST)).collect()
}

/// Changes one bit; returns which.
fn flip(path: &Path, random: &mut Random) -> anyhow::Result<u64> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let bit = random.below(8 * file.metadata()?.len());
    let mut byte = [0];
    file.read_exact_at(&mut byte, bit / 8)?;
    byte[0] ^= 1 << (bit % 8);
    file.write_all_at(&byte, bit / 8)?;
    Ok(bit)
}
