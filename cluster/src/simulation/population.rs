//! The facts of a member after years: very many sessions, made by the commands that a cluster would have committed.

use super::random::Dice;
use crate::catalog::*;
use crate::chunk::disk::RealDisk;
use crate::chunk::key::KekId;
use crate::chunk::{ClosedChunk, Hash};
use crate::id::{ChunkNumber, Epoch, JobId, MemberId, ObjectId, RecordingId, StreamId, VideoId};
use crate::raft::{LogId, SnapshotError, SnapshotMeta, SnapshotStore, StoredMembership};
use openraft::{CommittedLeaderId, Membership};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const MEMBER: MemberId = MemberId(1);
/// One session starts after so long.
const EVERY_MS: u64 = 3_000;
/// When the first one starts.
const FIRST_MS: u64 = 1_700_000_000_000;
/// Of so many sessions one has a video.
const A_VIDEO_IN: u64 = 10;
/// What a session derives from its recording beside a video: index, keystrokes, key states, and two for its view.
const ARTEFACTS: u64 = 5;
/// How long objects are at most.
const OBJECT_BYTES: u64 = 1 << 20;
/// How much they differ: so many sizes, and as many durations.
const SIZES: u64 = 97;
const SIZE_STEP_BYTES: u64 = 1 << 10;
const DURATION_STEP_MS: u64 = 1_000;
/// What a chunk's file has beside plaintext: header and footer; for each record its frame, tag and leaf.
const EDGES_BYTES: u64 = 64 + 64;
const LEAVES: u64 = 16;
const LEAF_BYTES: u64 = 28 + 16 + 36;
/// Steps in which is told how far it is.
const TOLD_EVERY: u64 = 100_000;

/// How many sessions, and which.
#[derive(Debug, Clone, Copy)]
pub struct Population {
    /// How many.
    pub sessions: u64,
    /// Decides their names and what stands in them.
    pub seed: u64,
}

/// How long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Populated {
    /// Commands that were applied.
    pub commands: u64,
    /// Applying them.
    pub applied: Duration,
    /// Writing the snapshot, reading it back included.
    pub snapshot: Duration,
    /// How long it is.
    pub snapshot_bytes: u64,
}

/// Why there is no such catalog.
#[derive(Debug, thiserror::Error)]
pub enum PopulationError {
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] SledOpenError),
    /// Rows cannot be written.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The snapshot cannot be written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A command has no effect.
    #[error("a command that must have an effect was refused: {0}")]
    Refused(Refusal),
}

impl Population {
    /// Fills the folder of member 1 of a cluster of one that was never started: its first start builds the catalog again
    /// from the snapshot. `told` hears how many sessions there are so far.
    pub fn fill(
        self,
        dir: &Path,
        boot_id: &str,
        mut told: impl FnMut(u64),
    ) -> Result<Populated, PopulationError> {
        let engine = Arc::new(SledEngine::open(&dir.join("catalog"), boot_id)?.0);
        let mut filling = Filling { catalog: Catalog::new(engine.clone()), index: 0, job: 0 };
        let began = Instant::now();
        filling.found()?;
        let mut dice = Dice::new(self.seed);
        for number in 0..self.sessions {
            if number % TOLD_EVERY == 0 {
                told(number);
            }
            filling.session(number, &mut dice)?;
        }
        let (applied, began) = (began.elapsed(), Instant::now());
        let snapshots = SnapshotStore::open(Arc::new(RealDisk), &dir.join("facts").join("snapshots"))?;
        let mut frozen = Frozen::default();
        snapshots.write_rows(&filling.meta(), || frozen.next(&filling.catalog, ROWS_AT_ONCE))?;
        let (snapshot, snapshot_bytes) = (began.elapsed(), snapshots.bytes());
        engine.close().map_err(CatalogError::Engine)?;
        Ok(Populated { commands: filling.index, applied, snapshot, snapshot_bytes })
    }
}

struct Filling {
    catalog: Catalog,
    /// Of the newest command.
    index: u64,
    /// The newest job.
    job: u64,
}

impl Filling {
    /// What every cluster begins with.
    fn found(&mut self) -> Result<(), PopulationError> {
        let raft = postcard::to_stdvec(&membership()).expect("a membership is plain data");
        let voters = CommandEntry::Membership(MembershipRow { voters: vec![MEMBER], raft });
        self.index += 1;
        self.catalog.apply(vec![(self.position(), voters)])?;
        let now = ClockSample { member: MEMBER, wall_ms: FIRST_MS };
        let key = AuditKey { member: MEMBER, public_key: [7; 32] };
        self.commit(vec![Command::Seed, Command::Clock(now), Command::AuditKey(key)])?;
        let (name, by) = ("video_download_enabled".to_owned(), "ada".to_owned());
        let value = ParameterValue::Switch(true);
        self.commit(vec![Command::PutParameter(PutParameter { name, value, expected_version: None, by })])
    }

    /// A session from its opening to its index, and for some to a video.
    fn session(&mut self, number: u64, dice: &mut Dice) -> Result<(), PopulationError> {
        let recording = RecordingId((u128::from(dice.next()) << 64 | u128::from(dice.next())).to_be_bytes());
        let start_ms = FIRST_MS + number * EVERY_MS;
        let mut commands = Vec::new();
        if number.is_multiple_of(8) {
            commands.push(Command::Clock(ClockSample { member: MEMBER, wall_ms: start_ms }));
        }
        let size = number * 31 % SIZES;
        let (bytes, duration_ms) = (OBJECT_BYTES - size * SIZE_STEP_BYTES, 600_000 + size * DURATION_STEP_MS);
        commands.push(audited(Command::OpenSession(opening(recording, start_ms, dice))));
        write(&mut commands, recording.into(), bytes);
        commands.push(audited(Command::CloseSession(ending(recording, start_ms + duration_ms))));
        self.job += 1;
        let claim = self.claim(&mut commands);
        let mut artefacts = Vec::new();
        for stream in 1..=ARTEFACTS {
            let (stream, open) = match stream {
                1 => (StreamId(1).of_text(), Command::OpenTextStream { recording, owner: MEMBER }),
                _ => (StreamId(stream), Command::OpenStream { recording, owner: MEMBER }),
            };
            let object = ObjectId { recording, stream };
            commands.push(open);
            write(&mut commands, object, OBJECT_BYTES);
            artefacts.push(object);
        }
        let [keystrokes, artefact, key_states, index, timeline] = artefacts.try_into().expect("five of them");
        commands.push(Command::KeepKeyStates(KeepKeyStates { claim, object: key_states }));
        commands.push(Command::KeepView(KeepView {
            claim,
            view: ViewRow { length: OBJECT_BYTES, index, timeline },
        }));
        let facts = IndexFacts {
            duration_ms,
            width: 1920,
            height: 1080,
            frames: 4_000,
            keystrokes: 900,
            statements: 0,
            artefact,
        };
        commands.push(Command::CompleteIndex(CompleteIndex { claim, facts, keystrokes }));
        if number.is_multiple_of(A_VIDEO_IN) {
            self.video(&mut commands, recording);
        }
        self.commit(commands)
    }

    fn video(&mut self, commands: &mut Vec<Command>, recording: RecordingId) {
        commands.push(Command::RequestVideo(RequestVideo {
            video: VideoId(recording.0),
            recording,
            settings: VideoSettings { container: Container::Mp4, keystrokes: false, codec_version: 2 },
            requested_by: "ada".to_owned(),
            notify: Vec::new(),
        }));
        self.job += 1;
        let claim = self.claim(commands);
        let object = ObjectId { recording, stream: StreamId(ARTEFACTS + 1) };
        commands.push(Command::OpenStream { recording, owner: MEMBER });
        write(commands, object, OBJECT_BYTES);
        let facts =
            VideoFacts { object, length: OBJECT_BYTES, duration_ms: 600_000, content_hash: Hash([4; 32]) };
        commands.push(Command::Complete(Complete { claim, facts }));
    }

    /// Claims the newest job behind these commands; the place of the claim in the log is its token.
    fn claim(&self, commands: &mut Vec<Command>) -> ClaimToken {
        let job = JobId(self.job);
        commands.push(Command::ClaimJob(ClaimJob { job, member: MEMBER, lease_ms: 60_000 }));
        let behind = u64::try_from(commands.len()).expect("few commands");
        ClaimToken { job, fencing_token: self.index + behind }
    }

    /// Applies commands, each at a place of the log of its own.
    fn commit(&mut self, commands: Vec<Command>) -> Result<(), PopulationError> {
        let mut entries = Vec::with_capacity(commands.len());
        for command in commands {
            self.index += 1;
            entries.push((self.position(), CommandEntry::Requests(vec![Request { id: None, command }])));
        }
        for applied in self.catalog.apply(entries)?.into_iter().flatten() {
            applied.map_err(PopulationError::Refused)?;
        }
        Ok(())
    }

    fn position(&self) -> LogPosition {
        LogPosition { term: 1, leader: MEMBER, index: self.index }
    }

    fn meta(&self) -> SnapshotMeta {
        let last_log_id = Some(log_id(self.index));
        let snapshot_id = self.index.to_string();
        SnapshotMeta { last_log_id, last_membership: membership(), snapshot_id }
    }
}

fn membership() -> StoredMembership {
    let voters = vec![BTreeSet::from([MEMBER.0])];
    StoredMembership::new(Some(log_id(1)), Membership::new(voters, None))
}

fn log_id(index: u64) -> LogId {
    LogId::new(CommittedLeaderId::new(1, MEMBER.0), index)
}

fn opening(recording: RecordingId, start_ms: u64, dice: &mut Dice) -> OpenSession {
    let protocol =
        *[Protocol::Ssh, Protocol::Rdp, Protocol::Vnc].get(dice.index(3)).unwrap_or(&Protocol::Ssh);
    let info = SessionInfo {
        protocol,
        format: *[Format::Guacamole, Format::Asciicast].get(dice.index(2)).unwrap_or(&Format::Guacamole),
        device_address: format!("server-{}.example.com:22", dice.below(5_000)),
        credential_user: format!("operator{}", dice.below(20)),
        user_name: format!("user.{}@example.com", dice.below(2_000)),
        user_address: format!("10.{}.{}.{}", dice.below(256), dice.below(256), dice.below(256)),
        start_ms,
        recorder_token: None,
    };
    let keys = WrappedKeys { kek: KekId(1), data: vec![1; 72], derived: vec![2; 72] };
    OpenSession { recording, info, keys, owner: MEMBER }
}

fn ending(recording: RecordingId, end_ms: u64) -> EndSession {
    let (end, error_message, reason) = (End::Finished, String::new(), String::new());
    EndSession { recording, end, end_ms, error_message, reason }
}

fn audited(command: Command) -> Command {
    let (user, service, address) = ("recorder".to_owned(), String::new(), "10.0.0.9".to_owned());
    Command::As(As { user, service, address, command: Box::new(command) })
}

/// One chunk, the manifest, the seal.
fn write(commands: &mut Vec<Command>, object: ObjectId, bytes: u64) {
    let epoch = Epoch(1);
    for number in [ChunkNumber(0), ChunkNumber::MANIFEST] {
        let members = vec![MEMBER];
        commands.push(Command::OpenChunk(OpenChunk { object, number, epoch, members }));
        let chunk = ClosedChunk {
            number,
            epoch,
            offset: 0,
            plaintext_bytes: bytes,
            length_bytes: bytes + EDGES_BYTES + LEAVES * LEAF_BYTES,
            hash: Hash([3; 32]),
            leaves: u32::try_from(LEAVES).expect("few leaves"),
            subtree: Hash([3; 32]),
        };
        commands.push(match number {
            ChunkNumber::MANIFEST => Command::Seal(Seal {
                object,
                epoch,
                manifest: chunk,
                root: Hash([5; 32]),
                length: bytes,
                chunk_count: 1,
            }),
            _ => Command::CloseChunk(CloseChunk { object, epoch, chunk }),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{SessionColumn, SessionFilter, SessionQuery};
    use crate::facts::{Facts, FactsOptions};
    use crate::rpc::NoPeers;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_member_builds_its_catalog_from_the_snapshot_and_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let population = Population { sessions: 21, seed: 5 };
        let populated = population.fill(dir, "this boot", |_| {}).unwrap();
        assert!(populated.commands > 21 * 30, "{populated:?}");
        for is_rebuilt in [true, false] {
            let engine = Arc::new(SledEngine::open(&dir.join("catalog"), "this boot").unwrap().0);
            let options = FactsOptions::new(MEMBER, dir.join("facts"));
            let started = Facts::start(options, Arc::new(RealDisk), engine, Arc::new(NoPeers)).await;
            let (facts, report) = started.unwrap();
            assert_eq!(report.rebuilt.is_some(), is_rebuilt);
            facts.ready(Duration::from_secs(60)).await.unwrap();
            let sort = SessionColumn::Start;
            let filter = SessionFilter::default();
            let query = SessionQuery { filter, sort, descending: false, limit: 100, after: None };
            let page = facts.catalog().unwrap().sessions(&query).unwrap();
            assert_eq!(page.sessions.len(), 21);
            facts.stop().await.unwrap();
        }
    }
}
