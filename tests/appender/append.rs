//! The member at work.

use crate::member::{self, MemberArguments};
use anyhow::{Context, ensure};
use cluster::Cluster;
use cluster::catalog::{
    Command, End, EndSession, Format, ObjectState, Protocol, PutRetention, Retention, RetentionScope,
    SessionColumn, SessionFilter, SessionInfo, SessionQuery,
};
use cluster::chunk::Hash;
use cluster::cluster::NewSession;
use cluster::id::{ObjectId, RecordingId};
use harness::{Acknowledged, Random, content};
use std::process::exit;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::runtime::Handle;

/// Bytes of an append that goes past the journal.
const DIRECT_BYTES: u64 = 256 << 10;
/// The member's disk is small: a run ends before it is full.
const RUN_BYTES_MAX: u64 = 64 << 20;

/// What is done, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) round: u64,
    pub(crate) writers: u64,
    pub(crate) stop_after: Option<u64>,
}

/// What the writers share.
struct Work<'a> {
    cluster: &'a Cluster,
    seed: u64,
    pace: Pace,
    /// Recordings of runs before that still grow.
    resumed: Mutex<Vec<RecordingId>>,
    acknowledged: AtomicU64,
    bytes: AtomicU64,
    rules: AtomicU64,
}

/// Starts the member and lets writers loose on it.
pub(crate) fn run(runtime: &Handle, arguments: &MemberArguments, pace: Pace) -> anyhow::Result<()> {
    let (cluster, _) = runtime.block_on(arguments.start())?;
    let work = Work {
        seed: arguments.seed,
        pace,
        resumed: Mutex::new(growing(&cluster)?),
        acknowledged: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        rules: AtomicU64::new(0),
        cluster: &cluster,
    };
    member::print(&Acknowledged::Ready)?;
    std::thread::scope(|scope| {
        for writer in 0..pace.writers {
            let random = Random::new(work.seed ^ (pace.round << 32) ^ (writer << 48));
            let work = &work;
            scope.spawn(move || {
                if let Err(error) = runtime.block_on(work.write(random)) {
                    // The other writers would only say the same.
                    member::say(&format!("appender: {error:#}"));
                    exit(1);
                }
            });
        }
    });
    Ok(runtime.block_on(cluster.stop())?)
}

/// The recordings that take bytes; one that was sealed just before a kill belongs to a live session, too.
pub(crate) fn growing(cluster: &Cluster) -> anyhow::Result<Vec<RecordingId>> {
    let filter = SessionFilter { state: Some("live".to_owned()), ..SessionFilter::default() };
    let sort = SessionColumn::Start;
    let query = SessionQuery { filter, sort, descending: false, limit: 1000, after: None };
    let catalog = cluster.catalog()?;
    let mut growing = Vec::new();
    for (recording, _) in catalog.sessions(&query)?.sessions {
        let object = catalog.object(ObjectId::from(recording))?;
        if object.is_some_and(|object| !matches!(object.state, ObjectState::Sealed(_))) {
            growing.push(recording);
        }
    }
    Ok(growing)
}

impl Work<'_> {
    async fn write(&self, mut random: Random) -> anyhow::Result<()> {
        while !self.is_over() {
            let resumed = self.resumed.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let recording = match resumed {
                Some(recording) => recording,
                None => self.open(&mut random).await?,
            };
            let object = ObjectId::from(recording);
            let mut offset = self.cluster.durable_offset(object).await?;
            let end = offset + (1 << (12 + random.below(12)));
            while offset < end && !self.is_over() {
                offset = self.append(object, offset, &mut random).await?;
                if random.below(8) == 0 {
                    self.put_rule().await?;
                }
            }
            match random.below(4) {
                // Its recorder keeps silent; the next run may hear of it again.
                0 => {}
                1 => self.cluster.interrupt(object).await?,
                _ => self.finish(object, offset).await?,
            }
        }
        Ok(())
    }

    async fn open(&self, random: &mut Random) -> anyhow::Result<RecordingId> {
        let info = SessionInfo {
            protocol: Protocol::Ssh,
            format: Format::Guacamole,
            device_address: "192.0.2.1".to_owned(),
            credential_user: "root".to_owned(),
            user_name: "ada".to_owned(),
            user_address: "192.0.2.2".to_owned(),
            start_ms: random.below(1 << 40),
            recorder_token: None,
        };
        let recording = self.cluster.open_session(NewSession { info }).await?;
        self.acknowledge(&Acknowledged::Session { recording: recording.to_string() })?;
        Ok(recording)
    }

    /// Most appends are small and share a sync, some go to the chunk's file directly, few fill a chunk.
    async fn append(&self, object: ObjectId, offset: u64, random: &mut Random) -> anyhow::Result<u64> {
        let length = match random.below(256) {
            0 => random.below(7 << 20),
            1..12 => DIRECT_BYTES + random.below(DIRECT_BYTES),
            12..48 => random.below(64 << 10),
            _ => random.below(4096),
        } + 1;
        let recording = object.recording.to_string();
        let bytes = content(self.seed, &recording, offset, usize::try_from(length)?);
        let hash = Hash::of(&[&bytes]).to_string();
        let durable = self.cluster.append(object, offset, bytes).await?;
        ensure!(durable == offset + length, "{length} bytes at {offset} are durable up to {durable}");
        self.bytes.fetch_add(length, Ordering::Relaxed);
        self.acknowledge(&Acknowledged::Bytes { recording, offset, length, hash })?;
        Ok(durable)
    }

    async fn put_rule(&self) -> anyhow::Result<()> {
        let number = self.rules.fetch_add(1, Ordering::Relaxed);
        let device = format!("device {}.{number}", self.pace.round);
        let by = format!("writer of {number}");
        let (scope, retention) = (RetentionScope::Device(device.clone()), Some(Retention::Forever));
        self.cluster.submit(Command::PutRetention(PutRetention { scope, retention, by: by.clone() })).await?;
        self.acknowledge(&Acknowledged::Rule { device, by })
    }

    async fn finish(&self, object: ObjectId, length: u64) -> anyhow::Result<()> {
        let sealed = self.cluster.seal(object).await?;
        ensure!(sealed.length == length, "{length} bytes were appended, {} are sealed", sealed.length);
        let recording = object.recording.to_string();
        let root = sealed.root.to_string();
        self.acknowledge(&Acknowledged::Sealed { recording: recording.clone(), length, root })?;
        let end = EndSession {
            recording: object.recording,
            end: End::Finished,
            end_ms: 1 << 41,
            error_message: String::new(),
            reason: String::new(),
        };
        self.cluster.submit(Command::CloseSession(end)).await?;
        self.acknowledge(&Acknowledged::Ended { recording })
    }

    fn acknowledge(&self, acknowledged: &Acknowledged) -> anyhow::Result<()> {
        member::print(acknowledged).context("an acknowledgement")?;
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn is_over(&self) -> bool {
        let stop_after = self.pace.stop_after.unwrap_or(u64::MAX);
        self.acknowledged.load(Ordering::Relaxed) >= stop_after
            || self.bytes.load(Ordering::Relaxed) >= RUN_BYTES_MAX
    }
}
