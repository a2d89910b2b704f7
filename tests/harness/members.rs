//! Three members as processes: killed, stopped and started again while recorders write, then asked for everything.

use crate::acknowledged::{Acknowledged, Verdict};
use crate::appender::{Appender, scratch_folder};
use crate::certificates::Certificates;
use crate::looker::Looker;
use crate::paths::program;
use crate::processes::wait_until;
use crate::random::Random;
use anyhow::{Context, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const MEMBERS: std::ops::RangeInclusive<u64> = 1..=3;
/// After a fault so many acknowledgements must come, or the cluster is stuck.
const LINES_AFTER: usize = 12;
/// A cluster with one member away goes on in less time.
const DEADLINE: Duration = Duration::from_secs(60);

/// Members that suffer.
#[derive(Debug, Clone, Copy)]
pub struct Members {
    /// Chooses everything.
    pub seed: u64,
    /// How often something happens to one of them, or to all.
    pub faults: u64,
}

/// What was found at the end.
#[derive(Debug, Serialize)]
pub struct MembersOutcome {
    /// What was acknowledged in all.
    pub acknowledged: usize,
    /// What happened, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// After a kill: how long no acknowledgement came from the members that were left, in milliseconds.
    pub silence_ms: Vec<u64>,
    /// What was lost, or is wrong, and on which member.
    pub losses: Vec<String>,
    /// The findings of each member.
    pub verdicts: Vec<Verdict>,
}

impl Members {
    /// Does it. An error means that the test could not be done, or that the cluster did not go on.
    pub fn run(self) -> anyhow::Result<MembersOutcome> {
        let mut random = Random::new(self.seed);
        let folder = scratch_folder()?;
        let mut cluster = Running::start(folder.path(), self.seed)?;
        let (mut faults, mut silence_ms) = (BTreeMap::new(), Vec::new());
        cluster.wait_for_more()?;
        for _ in 0..self.faults {
            std::thread::park_timeout(Duration::from_millis(random.below(300)));
            let kind = cluster.strike(&mut random, &mut silence_ms)?;
            *faults.entry(kind).or_default() += 1;
            cluster.wait_for_more()?;
        }
        let (acknowledged, verdicts) = cluster.end()?;
        let losses = verdicts.iter().zip(MEMBERS).flat_map(|(verdict, member)| {
            let all = verdict.missing.iter().chain(&verdict.wrong);
            all.map(move |loss| format!("member {member}: {loss}"))
        });
        let losses = losses.collect();
        Ok(MembersOutcome { acknowledged, faults, silence_ms, losses, verdicts })
    }
}

/// The processes, and what those before them acknowledged.
struct Running {
    folder: PathBuf,
    seed: u64,
    at: Vec<String>,
    round: u64,
    processes: BTreeMap<u64, Appender>,
    acknowledged: Vec<Acknowledged>,
}

impl Running {
    fn start(folder: &Path, seed: u64) -> anyhow::Result<Self> {
        let certificates = Certificates::new()?;
        let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        // All are bound at once, so that no two are the same.
        let listeners = MEMBERS.map(|_| free()).collect::<Result<Vec<_>, _>>()?;
        let mut at = Vec::new();
        for (member, listener) in MEMBERS.zip(&listeners) {
            at.push(format!("{member}={}", listener.local_addr()?));
            certificates.write(member, &folder.join(format!("certificates-{member}")))?;
        }
        drop(listeners);
        let (processes, acknowledged) = (BTreeMap::new(), Vec::new());
        let mut running = Self { folder: folder.to_owned(), seed, at, round: 0, processes, acknowledged };
        for member in MEMBERS {
            running.begin(member)?;
        }
        Ok(running)
    }

    fn command(&self, mode: &str, member: u64) -> anyhow::Result<Command> {
        let mut command = Command::new(program("appender")?);
        let folder = |name: &str| self.folder.join(format!("{name}-{member}"));
        command.arg(mode).arg("--folder").arg(folder("member"));
        command.args(["--seed", &self.seed.to_string(), "--boot-id", "the only one"]);
        command.args(["--member", &member.to_string()]).arg("--certificates").arg(folder("certificates"));
        for at in &self.at {
            command.args(["--at", at]);
        }
        Ok(command)
    }

    fn begin(&mut self, member: u64) -> anyhow::Result<()> {
        self.round += 1;
        let mut command = self.command("record", member)?;
        command.args(["--round", &self.round.to_string()]);
        self.processes.insert(member, Appender::start(command)?);
        Ok(())
    }

    fn kill(&mut self, member: u64) -> anyhow::Result<()> {
        let process = self.processes.remove(&member).context("it runs")?;
        self.acknowledged.extend(process.kill()?);
        Ok(())
    }

    fn lines(&self) -> usize {
        self.processes.values().map(Appender::lines).sum()
    }

    /// Waits until the cluster has gone on for a while.
    fn wait_for_more(&mut self) -> anyhow::Result<()> {
        let before = self.lines();
        wait_until("acknowledgements after a fault", DEADLINE, || {
            self.processes.values_mut().try_for_each(Appender::check)?;
            Ok(self.lines() >= before + LINES_AFTER)
        })
    }

    /// Something happens. Recorders write all the while.
    fn strike(&mut self, random: &mut Random, silence_ms: &mut Vec<u64>) -> anyhow::Result<&'static str> {
        let member = *random.choose(&MEMBERS.collect::<Vec<_>>());
        match random.below(5) {
            0..2 => {
                let began = Instant::now();
                self.kill(member)?;
                let before = self.lines();
                wait_until("an acknowledgement of those that are left", DEADLINE, || {
                    Ok(self.lines() > before)
                })?;
                silence_ms.push(u64::try_from(began.elapsed().as_millis())?);
                std::thread::park_timeout(Duration::from_millis(random.below(3_000)));
                self.begin(member)?;
                Ok("kill")
            }
            2..4 => {
                let id = self.processes.get(&member).context("it runs")?.id();
                let id = Pid::from_raw(i32::try_from(id)?);
                kill(id, Signal::SIGSTOP)?;
                std::thread::park_timeout(Duration::from_millis(random.below(4_000)));
                kill(id, Signal::SIGCONT)?;
                Ok("stop")
            }
            _ => {
                for member in MEMBERS {
                    self.kill(member)?;
                }
                for member in MEMBERS {
                    self.begin(member)?;
                }
                Ok("kill of all")
            }
        }
    }

    /// Kills all, and asks each of them for all that any of them has acknowledged.
    fn end(mut self) -> anyhow::Result<(usize, Vec<Verdict>)> {
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
        Ok((self.acknowledged.len(), verdicts))
    }
}
