//! Recorders on one member of several, which go on when anything else does not.

use crate::member::{self, MemberArguments};
use crate::{clock, look};
use anyhow::Context;
use cluster::Cluster;
use cluster::catalog::{Format, Protocol, SessionInfo};
use cluster::chunk::Hash;
use cluster::cluster::{AppendError, NewSession, SealError};
use cluster::id::{ObjectId, RecordingId};
use harness::{Acknowledged, Call, Random, content};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// A recorder gives up a call after so long, and asks how far it is.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// Before it tries again.
const PAUSE: Duration = Duration::from_millis(20);
/// Whoever tries for so long is stuck: no member is away, and no majority, for as long.
const STUCK_LIMIT: Duration = Duration::from_secs(120);

/// The exit code of `custody serve` when a disk has failed.
const EXIT_DISK: i32 = 74;

/// What a member does all the while.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    /// Tells the starts of a member apart.
    pub(crate) round: u64,
    /// Recorders at the same time.
    pub(crate) recorders: u64,
    /// The file that says by how much its clock is wrong.
    pub(crate) clock: Option<PathBuf>,
}

/// Starts the member and lets recorders, a reader and a clock loose on it until it is killed, or its disk fails.
pub(crate) async fn run(arguments: &MemberArguments, work: Work) -> anyhow::Result<()> {
    let running = arguments.start_serving().await?;
    member::print(&Acknowledged::Ready)?;
    let mut tasks = JoinSet::new();
    let (cluster, calls) = (Arc::new(running.cluster), Arc::new(AtomicU64::new(0)));
    let seed = arguments.seed;
    for number in 0..work.recorders {
        let random = Random::new(seed ^ (work.round << 32) ^ (number << 48) ^ (arguments.wire.member << 56));
        let recorder = Recorder { cluster: Arc::clone(&cluster), seed, random, calls: Arc::clone(&calls) };
        tasks.spawn(recorder.run());
    }
    if !arguments.wire.is_alone() {
        tasks.spawn(look::run(Arc::clone(&cluster), seed, Random::new(seed ^ (work.round << 40))));
    }
    if let Some(file) = work.clock {
        tasks.spawn(clock::run(Arc::clone(&cluster), file));
    }
    let failed = Arc::clone(&cluster);
    tokio::select! {
        fatal = failed.fatal() => {
            member::say(&format!("appender: {fatal}"));
            std::process::exit(EXIT_DISK);
        }
        Some(ended) = tasks.join_next() => ended?,
    }
}

/// What is tried again and again has an end.
async fn within<T>(what: &str, tries: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    timeout(STUCK_LIMIT, tries).await.with_context(|| format!("{what} was tried for {STUCK_LIMIT:?}"))?
}

struct Recorder {
    cluster: Arc<Cluster>,
    seed: u64,
    random: Random,
    /// Appends of this process, counted.
    calls: Arc<AtomicU64>,
}

impl Recorder {
    async fn run(mut self) -> anyhow::Result<()> {
        loop {
            let recording = within("finding a recording", self.recording()).await?;
            let object = ObjectId::from(recording);
            let pieces = 4 + self.random.below(40);
            let mut offset = 0;
            for _ in 0..pieces {
                match within("an append", self.append(object, offset)).await? {
                    Some(durable) => offset = durable,
                    None => break,
                }
            }
            match self.random.below(4) {
                // Its recorder turns to another member, or comes back after a while.
                0..2 => {}
                _ => within("a seal", self.seal(object)).await?,
            }
        }
    }

    /// A recording of anybody's that grows, or a new one.
    async fn recording(&mut self) -> anyhow::Result<RecordingId> {
        loop {
            if self.random.below(3) > 0
                && let Ok(growing) = crate::append::growing(&self.cluster)
                && !growing.is_empty()
            {
                return Ok(*self.random.choose(&growing));
            }
            let info = SessionInfo {
                protocol: Protocol::Ssh,
                format: Format::Guacamole,
                device_address: "192.0.2.1".to_owned(),
                credential_user: "root".to_owned(),
                user_name: "ada".to_owned(),
                user_address: "192.0.2.2".to_owned(),
                start_ms: self.random.below(1 << 40),
                recorder_token: None,
            };
            if let Ok(Ok(recording)) =
                timeout(CALL_LIMIT, self.cluster.open_session(NewSession { info })).await
            {
                member::print(&Acknowledged::Session { recording: recording.to_string() })?;
                return Ok(recording);
            }
            sleep(PAUSE).await;
        }
    }

    /// Appends at an offset, or where the recording has got to; none when it is sealed.
    async fn append(&mut self, object: ObjectId, offset: u64) -> anyhow::Result<Option<u64>> {
        let recording = object.recording.to_string();
        let mut offset = offset;
        loop {
            let length = match self.random.below(40) {
                0 => 300_000 + self.random.below(500_000),
                1..8 => self.random.below(64 << 10),
                _ => self.random.below(4096),
            } + 1;
            let bytes = content(self.seed, &recording, offset, usize::try_from(length)?);
            let hash = Hash::of(&[&bytes]).to_string();
            let number = self.calls.fetch_add(1, Ordering::Relaxed);
            member::print(&Call::Begun { number })?;
            let answer = timeout(CALL_LIMIT, self.cluster.append(object, offset, bytes)).await;
            if let Ok(Ok(_)) = &answer {
                let recording = recording.clone();
                member::print(&Acknowledged::Bytes { recording, offset, length, hash })?;
            }
            member::print(&Call::Over { number })?;
            match answer {
                Ok(Ok(durable)) => return Ok(Some(durable)),
                Ok(Err(AppendError::Sealed { .. })) => return Ok(None),
                Ok(Err(error @ AppendError::Conflict { .. })) => return Err(error.into()),
                Ok(Err(_)) | Err(_) => {
                    sleep(PAUSE).await;
                    if let Ok(Ok(durable)) = timeout(CALL_LIMIT, self.cluster.durable_offset(object)).await {
                        offset = durable;
                    }
                }
            }
        }
    }

    async fn seal(&self, object: ObjectId) -> anyhow::Result<()> {
        let recording = object.recording.to_string();
        loop {
            match timeout(CALL_LIMIT, self.cluster.seal(object)).await {
                Ok(Ok(sealed)) => {
                    let (length, root) = (sealed.length, sealed.root.to_string());
                    return member::print(&Acknowledged::Sealed { recording, length, root });
                }
                Ok(Err(SealError::Sealed { .. })) => return Ok(()),
                Ok(Err(_)) | Err(_) => sleep(PAUSE).await,
            }
        }
    }
}
