mod access;
mod approvals;
mod audit;
mod begun;
mod chunks;
mod clock;
mod comments;
mod conditions;
mod controls;
mod determinism;
mod forgetting;
mod gaps;
mod jobs;
mod keks;
mod layout;
mod members;
mod once;
mod purging;
mod requests;
mod rows;
mod sessions;
mod settings;
mod sounds;
mod users;

use super::*;
use crate::chunk::key::KekId;
use crate::chunk::{ClosedChunk, Hash};
use crate::id::{ChunkNumber, Epoch, JobId, MemberId, ObjectId, RecordingId, StreamId, VideoId};
use std::sync::Arc;

const MEMBER: MemberId = MemberId(1);
const OTHER: MemberId = MemberId(2);
const RECORDING: RecordingId = RecordingId([7; 16]);
const OBJECT: ObjectId = ObjectId { recording: RECORDING, stream: StreamId::RECORDING };
const VIDEO: VideoId = VideoId([9; 16]);
const SETTINGS: VideoSettings =
    VideoSettings { container: Container::Mp4, keystrokes: false, codec_version: 1 };
const MINUTE_MS: u64 = 60_000;
/// Bytes of a closed chunk's file with one record of one byte, and the chunk's hash.
const CHUNK_BYTES: u64 = 64 + 44 + 1 + 36 + 64;
const HASH: Hash = Hash([3; 32]);

/// A catalog and the log that made it.
struct World {
    catalog: Catalog,
    index: u64,
}

impl World {
    fn new() -> Self {
        Self::on(Arc::new(MemoryEngine::new()))
    }

    fn on(engine: Arc<dyn Engine>) -> Self {
        let mut world = Self { catalog: Catalog::new(engine), index: 0 };
        world.voters(&[MEMBER]);
        world.done(Command::Seed);
        world
    }

    fn voters(&mut self, voters: &[MemberId]) {
        let row = MembershipRow { voters: voters.to_vec(), raft: vec![1] };
        self.entry(CommandEntry::Membership(row));
    }

    fn entry(&mut self, entry: CommandEntry) -> Vec<Applied> {
        self.index += 1;
        let position = LogPosition { term: 1, leader: MEMBER, index: self.index };
        self.catalog.apply(vec![(position, entry)]).unwrap().remove(0)
    }

    fn request(&mut self, id: Option<RequestId>, command: Command) -> Applied {
        self.entry(CommandEntry::Requests(vec![Request { id, command }])).remove(0)
    }

    fn apply(&mut self, command: Command) -> Applied {
        self.request(None, command)
    }

    #[track_caller]
    fn done(&mut self, command: Command) -> Outcome {
        self.apply(command.clone()).unwrap_or_else(|refusal| panic!("{command:?}: {refusal}"))
    }

    #[track_caller]
    fn refused(&mut self, command: Command) -> Refusal {
        match self.apply(command.clone()) {
            Err(refusal) => refusal,
            Ok(outcome) => panic!("{command:?}: {outcome:?}"),
        }
    }

    fn clock(&mut self, wall_ms: u64) -> Outcome {
        self.done(Command::Clock(ClockSample { member: MEMBER, wall_ms }))
    }

    /// A session with a sealed recording of one chunk, ended.
    fn recorded() -> Self {
        let mut world = Self::new();
        world.done(Command::OpenSession(session(RECORDING)));
        world.write(OBJECT);
        world.done(Command::EndSession(ending()));
        world
    }

    /// One chunk, the manifest, the seal.
    fn write(&mut self, object: ObjectId) -> Outcome {
        self.done(open_chunk(object, ChunkNumber(0), 1));
        self.done(close_chunk(object, chunk(0, 1, 0), 1));
        self.done(open_chunk(object, ChunkNumber::MANIFEST, 1));
        self.done(Command::Seal(seal(object, 1)))
    }

    /// A sealed stream of the recording.
    fn artefact(&mut self) -> ObjectId {
        let opened = self.done(Command::OpenStream { recording: RECORDING, owner: MEMBER });
        let Outcome::Stream(stream) = opened else { panic!("{opened:?}") };
        let object = ObjectId { recording: RECORDING, stream };
        self.write(object);
        object
    }

    fn allow_videos(&mut self) {
        self.done(put("video_download_enabled", ParameterValue::Switch(true)));
    }

    /// A request for a video and the job that makes it.
    fn video(&mut self, notify: &[&str]) -> JobId {
        let outcome = self.done(Command::RequestVideo(video(VIDEO, notify)));
        let Outcome::Video { job, .. } = outcome else { panic!("{outcome:?}") };
        job
    }

    #[track_caller]
    fn claim(&mut self, job: JobId, member: MemberId) -> ClaimToken {
        let outcome = self.done(claim(job, member));
        let Outcome::Claimed(claim) = outcome else { panic!("{outcome:?}") };
        ClaimToken { job, fencing_token: claim.fencing_token }
    }
}

fn keys() -> WrappedKeys {
    WrappedKeys { kek: KekId(1), data: vec![1; 72], derived: vec![2; 72] }
}

fn info() -> SessionInfo {
    SessionInfo {
        protocol: Protocol::Ssh,
        format: Format::Guacamole,
        device_address: "db1.example:22".to_owned(),
        credential_user: "root".to_owned(),
        user_name: "ada".to_owned(),
        user_address: "10.0.0.7".to_owned(),
        start_ms: 1_000,
        recorder_token: Some(TokenId([5; 16])),
    }
}

fn session(recording: RecordingId) -> OpenSession {
    OpenSession { recording, info: info(), keys: keys(), owner: MEMBER }
}

fn ending() -> EndSession {
    EndSession {
        recording: RECORDING,
        end: End::Finished,
        end_ms: 5_000,
        error_message: String::new(),
        reason: String::new(),
    }
}

fn open_chunk(object: ObjectId, number: ChunkNumber, epoch: u64) -> Command {
    Command::OpenChunk(OpenChunk { object, number, epoch: Epoch(epoch), members: vec![MEMBER] })
}

/// A chunk of one record of one byte.
fn chunk(number: u32, epoch: u64, offset: u64) -> ClosedChunk {
    ClosedChunk {
        number: ChunkNumber(number),
        epoch: Epoch(epoch),
        offset,
        plaintext_bytes: 1,
        length_bytes: CHUNK_BYTES,
        hash: HASH,
        leaves: 1,
        subtree: HASH,
    }
}

fn close_chunk(object: ObjectId, chunk: ClosedChunk, epoch: u64) -> Command {
    Command::CloseChunk(CloseChunk { object, epoch: Epoch(epoch), chunk })
}

fn seal(object: ObjectId, epoch: u64) -> Seal {
    let manifest = chunk(ChunkNumber::MANIFEST.0, epoch, 0);
    Seal { object, epoch: Epoch(epoch), manifest, root: HASH, length: 1, chunk_count: 1 }
}

fn video(video: VideoId, notify: &[&str]) -> RequestVideo {
    RequestVideo {
        video,
        recording: RECORDING,
        settings: SETTINGS,
        requested_by: "ada".to_owned(),
        notify: notify.iter().copied().map(str::to_owned).collect(),
    }
}

fn claim(job: JobId, member: MemberId) -> Command {
    Command::ClaimJob(ClaimJob { job, member, lease_ms: MINUTE_MS })
}

fn put(name: &str, value: ParameterValue) -> Command {
    let (name, by) = (name.to_owned(), "ada".to_owned());
    Command::PutParameter(PutParameter { name, value, expected_version: None, by })
}
