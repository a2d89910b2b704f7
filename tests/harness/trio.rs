//! Three processes, their disks and the network between them.

use crate::acknowledged::{Acknowledged, Verdict};
use crate::appender::Appender;
use crate::certificates::Certificates;
use crate::links::Links;
use crate::looker::Looker;
use crate::loop_disk::LoopDisk;
use crate::paths::program;
use crate::ports;
use crate::processes::wait_until;
use anyhow::{Context, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub(crate) const MEMBERS: std::ops::RangeInclusive<u64> = 1..=3;
/// After a fault so many acknowledgements must come, some of every member, or the cluster is stuck.
const LINES_AFTER: usize = 12;
/// A cluster with one member away goes on in less time.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// Before the files of changed chunks are looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The processes, and what those before them acknowledged. What stands first ends first.
pub(crate) struct Trio {
    pub(crate) processes: BTreeMap<u64, Appender>,
    pub(crate) links: Links,
    pub(crate) disks: BTreeMap<u64, LoopDisk>,
    pub(crate) silence_ms: Vec<u64>,
    /// Files of chunks that were changed.
    pub(crate) flipped: Vec<(u64, PathBuf)>,
    folder: PathBuf,
    seed: u64,
    at: BTreeMap<u64, SocketAddr>,
    round: u64,
    acknowledged: Vec<Acknowledged>,
}

/// What was found at the end.
pub(crate) struct End {
    pub(crate) acknowledged: usize,
    pub(crate) silence_ms: Vec<u64>,
    pub(crate) flips: (usize, usize),
    pub(crate) verdicts: Vec<Verdict>,
}

impl Trio {
    pub(crate) fn start(folder: &Path, seed: u64) -> anyhow::Result<Self> {
        let certificates = Certificates::new()?;
        let free = ports::free(MEMBERS.count())?;
        let (mut at, mut disks) = (BTreeMap::new(), BTreeMap::new());
        for (member, address) in MEMBERS.zip(free) {
            at.insert(member, address);
            certificates.write(member, &folder.join(format!("certificates-{member}")))?;
            disks.insert(member, LoopDisk::new(folder, &format!("disk-{member}"))?);
        }
        let links = Links::open(&at)?;
        let mut trio = Self {
            processes: BTreeMap::new(),
            links,
            disks,
            silence_ms: Vec::new(),
            flipped: Vec::new(),
            folder: folder.to_owned(),
            seed,
            at,
            round: 0,
            acknowledged: Vec::new(),
        };
        for member in MEMBERS {
            trio.set_clock(member, 0)?;
            trio.begin(member)?;
        }
        Ok(trio)
    }

    fn command(&self, mode: &str, member: u64) -> anyhow::Result<Command> {
        let mut command = Command::new(program("appender")?);
        command.arg(mode).arg("--folder").arg(self.member_folder(member));
        command.args(["--seed", &self.seed.to_string(), "--boot-id", "the only one"]);
        let certificates = self.folder.join(format!("certificates-{member}"));
        command.args(["--member", &member.to_string()]).arg("--certificates").arg(certificates);
        for other in MEMBERS {
            // It listens where it is, and finds the others behind the doors.
            let at = if other == member { self.at[&member] } else { self.links.door((member, other)) };
            command.args(["--at", &format!("{other}={at}")]);
        }
        Ok(command)
    }

    pub(crate) fn member_folder(&self, member: u64) -> PathBuf {
        self.disks[&member].path().join("member")
    }

    pub(crate) fn begin(&mut self, member: u64) -> anyhow::Result<()> {
        self.round += 1;
        let mut command = self.command("record", member)?;
        command.args(["--round", &self.round.to_string()]).arg("--clock").arg(self.clock_file(member));
        self.processes.insert(member, Appender::start(command)?);
        Ok(())
    }

    pub(crate) fn kill(&mut self, member: u64) -> anyhow::Result<()> {
        let process = self.processes.remove(&member).context("it runs")?;
        self.acknowledged.extend(process.kill()?);
        Ok(())
    }

    /// Starts a member again whose disk has failed, as the system would.
    pub(crate) fn begin_after_disk(&mut self, member: u64) -> anyhow::Result<()> {
        let process = self.processes.remove(&member).context("it ran")?;
        self.acknowledged.extend(process.ended()?);
        self.begin(member)
    }

    /// By how much a member's clock is wrong from now on.
    pub(crate) fn set_clock(&self, member: u64, offset_ms: i64) -> anyhow::Result<()> {
        let (file, new) = (self.clock_file(member), self.folder.join("clock.new"));
        std::fs::write(&new, offset_ms.to_string())?;
        // Whoever reads at this instant finds one or the other.
        Ok(std::fs::rename(new, file)?)
    }

    fn clock_file(&self, member: u64) -> PathBuf {
        self.folder.join(format!("clock-{member}"))
    }

    pub(crate) fn lines(&self) -> usize {
        self.processes.values().map(Appender::lines).sum()
    }

    /// Appends without an answer, by member.
    pub(crate) fn under_way(&self) -> BTreeSet<(u64, u64)> {
        let of = |(member, process): (&u64, &Appender)| {
            let member = *member;
            process.under_way().into_iter().map(move |number| (member, number))
        };
        self.processes.iter().flat_map(of).collect()
    }

    /// Waits until every member has acknowledged something again.
    pub(crate) fn wait_until_all_go_on(&mut self, after: &str) -> anyhow::Result<()> {
        let before = self.lines();
        let each: BTreeMap<_, _> =
            self.processes.iter().map(|(member, process)| (*member, process.lines())).collect();
        let went_on = wait_until("acknowledgements of all members", DEADLINE, || {
            self.processes.values_mut().try_for_each(Appender::check)?;
            let all = self.processes.iter().all(|(member, process)| process.lines() > each[member]);
            Ok(all && self.lines() >= before + LINES_AFTER)
        });
        went_on.with_context(|| {
            let heard = self.processes.iter().map(|(member, process)| {
                format!(
                    "member {member}: {} more, {} appends under way",
                    process.lines() - each[member],
                    process.under_way().len()
                )
            });
            format!("after {after}: {}", heard.collect::<Vec<_>>().join(", "))
        })
    }

    /// Kills all, and asks each of them for all that any of them has acknowledged.
    pub(crate) fn end(mut self) -> anyhow::Result<End> {
        for member in MEMBERS {
            self.kill(member)?;
        }
        let mut lines = tempfile::NamedTempFile::new()?;
        for line in &self.acknowledged {
            writeln!(lines, "{}", serde_json::to_string(line)?)?;
        }
        lines.flush()?;
        let mut looking = Vec::new();
        for member in MEMBERS {
            let mut command = self.command("verify", member)?;
            command.arg("--acknowledged").arg(lines.path());
            looking.push(Looker::start(command)?);
        }
        // All stay until the last of them has looked.
        let verdicts = looking.iter_mut().map(Looker::verdict).collect::<anyhow::Result<Vec<_>>>()?;
        ensure!(verdicts.len() == 3, "every member looks");
        // A changed chunk is found when it is read, and mended by those that are still there.
        let whole = || self.flipped.iter().filter(|(member, path)| self.is_whole(*member, path)).count();
        let mended = wait_until("changed chunks that are whole again", DEADLINE, || {
            std::thread::park_timeout(LOOK_AGAIN);
            Ok(whole() == self.flipped.len())
        });
        // One that is not mended by then is counted.
        let whole = mended.map_or_else(|_| whole(), |()| self.flipped.len());
        let (acknowledged, flips) = (self.acknowledged.len(), (self.flipped.len(), whole));
        drop(looking);
        Ok(End { acknowledged, silence_ms: self.silence_ms, flips, verdicts })
    }

    /// Whether a member's chunk is the same as another member's.
    fn is_whole(&self, member: u64, path: &Path) -> bool {
        let read = |member| std::fs::read(self.member_folder(member).join(path)).ok();
        let own = read(member);
        own.is_some() && MEMBERS.filter(|other| *other != member).any(|other| read(other) == own)
    }
}
