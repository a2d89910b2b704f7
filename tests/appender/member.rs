//! Opening the member's folder.

use crate::careless_disk::CarelessDisk;
use crate::wire::WireArguments;
use anyhow::Context;
use clap::Args;
use cluster::chunk::disk::{Disk, RealDisk};
use cluster::chunk::journal::JournalLimits;
use cluster::chunk::key::{Kek, KekId, NoRandomness, Random};
use cluster::cluster::StartReport;
use cluster::id::MemberId;
use cluster::{Cluster, ClusterOptions};
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

/// For a member on a busy machine to be ready.
const DEADLINE: Duration = Duration::from_secs(60);

/// Which member.
#[derive(Debug, Args)]
pub(crate) struct MemberArguments {
    /// Its folder.
    #[arg(long)]
    folder: PathBuf,
    /// Chooses its bytes.
    #[arg(long)]
    pub(crate) seed: u64,
    /// Names this start of the machine.
    #[arg(long)]
    boot_id: String,
    /// Takes a disk that, once the member serves, only says it has synced what is in this part of the folder; `.`
    /// is all of it.
    #[arg(long)]
    no_fsync: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) wire: WireArguments,
}

/// A member that serves, and answers others.
pub(crate) struct Serving {
    pub(crate) cluster: Cluster,
    pub(crate) report: StartReport,
    /// Answers while it is kept.
    _answers: JoinSet<()>,
}

impl MemberArguments {
    /// Starts the member and waits until it serves.
    pub(crate) async fn start(&self) -> anyhow::Result<(Cluster, StartReport)> {
        let Serving { cluster, report, .. } = self.start_serving().await?;
        Ok((cluster, report))
    }

    /// The same for a member of several.
    pub(crate) async fn start_serving(&self) -> anyhow::Result<Serving> {
        let member = MemberId(self.wire.member);
        let options = ClusterOptions::new(member, self.folder.clone(), self.boot_id.clone());
        // So small and young that segments come and go, chunks are closed and snapshots are taken while a test looks on.
        let journal = JournalLimits { segment_bytes: 256 << 10, segment_age_ms: 50, ..options.journal };
        let (founders, peers) = self.wire.peers()?;
        let options = ClusterOptions {
            founders,
            journal,
            snapshot_after_bytes: 16 << 10,
            idle_after: Duration::from_millis(if self.wire.is_alone() { 100 } else { 2_000 }),
            ..options
        };
        let kek = Kek::from_bytes(KekId(1), Zeroizing::new([7; 32]));
        let careless = self.no_fsync.as_ref().map(|part| CarelessDisk::new(self.folder.join(part)));
        let is_careless = careless.as_ref().map(CarelessDisk::is_careless);
        let disk: Arc<dyn Disk> = match careless {
            Some(disk) => Arc::new(disk),
            None => Arc::new(RealDisk),
        };
        let (cluster, report) = Cluster::start(options, kek, disk, Arc::new(SystemRandom), peers).await?;
        let answers = self.wire.serve(&cluster)?;
        cluster.ready(DEADLINE).await?;
        // A member that is not even durable when it begins would lose everything at once, and hide what an append loses.
        if let Some(is_careless) = is_careless {
            is_careless.store(true, Ordering::Relaxed);
        }
        Ok(Serving { cluster, report, _answers: answers })
    }
}

/// The kernel's randomness.
struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, into: &mut [u8]) -> Result<(), NoRandomness> {
        let filled = File::open("/dev/urandom").and_then(|mut file| file.read_exact(into));
        filled.map_err(|_| NoRandomness)
    }
}

/// Prints a line in one write, so that a kill leaves it whole or out.
pub(crate) fn print(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(&line)?;
    stdout.flush().context("nobody reads")
}

/// Says a sentence to the person.
pub(crate) fn say(sentence: &str) {
    // A person who does not listen changes nothing.
    writeln!(std::io::stderr(), "{sentence}").ok();
}
