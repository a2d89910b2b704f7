use super::approval::ApprovalId;
use super::hold::HoldId;
use super::job::Claim;
use super::outbox::MailId;
use super::recording::OpenChunkFact;
use super::request::Incarnation;
use super::session::{Format, Protocol};
use super::sound::SoundRow;
use super::token::TokenId;
use crate::chunk::key::KekId;
use crate::id::{ChunkNumber, Epoch, JobId, MemberId, ObjectId, RecordingId, StreamId, VideoId};
use serde::{Deserialize, Serialize};

/// What became of a command.
pub type Applied = Result<Outcome, Refusal>;

/// What a command has done. Variants are only ever added at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is done.
    Done,
    /// A member's new incarnation.
    Started(Incarnation),
    /// The cluster's time after a clock sample.
    Now {
        /// Milliseconds since 1970.
        now_ms: u64,
    },
    /// A new stream.
    Stream(StreamId),
    /// An object has another owner; the chunk that the older one had open is to be fenced and closed.
    TakenOver {
        /// That chunk.
        open_chunk: Option<OpenChunkFact>,
    },
    /// An object is sealed.
    Sealed {
        /// The job that indexes it, when it is a recording.
        index_job: Option<JobId>,
    },
    /// A video, asked for now or earlier.
    Video {
        /// Which.
        video: VideoId,
        /// The job that makes it.
        job: JobId,
        /// Whether this command asked for it first.
        is_new: bool,
    },
    /// A job is this member's.
    Claimed(Claim),
    /// A job was claimed too often without an end and has failed.
    GivenUp,
    /// A job has failed; it is tried again or not.
    Failed {
        /// Whether it is.
        is_retried: bool,
    },
    /// A video is ready, and these mails say so.
    Completed {
        /// The mails.
        mails: Vec<MailId>,
    },
    /// A row with a version has a new one.
    Version(u64),
    /// Somebody wanted a hold to end.
    HoldRelease {
        /// Whether it has ended; if not, a second person is needed.
        is_released: bool,
    },
    /// A leaf of the audit log.
    Audited {
        /// Its number.
        leaf: u64,
    },
    /// It was done before, under the same key.
    Again {
        /// What the first request has left for the next.
        note: Vec<u8>,
        /// What it has done.
        outcome: Box<Outcome>,
    },
    /// Somebody is a member.
    Admitted {
        /// Under this number.
        member: MemberId,
    },
    /// The file of sound of a session, kept now or earlier.
    Sound {
        /// What it is.
        sound: SoundRow,
        /// Whether this command brought it.
        is_new: bool,
    },
}

/// Why a command has done nothing. Variants are only ever added at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum Refusal {
    #[error("the request is older than the outcomes that are kept; what became of it is unknown")]
    OutcomeUnknown,
    #[error("the request is of an incarnation that member {member} has left")]
    IncarnationGone { member: MemberId },
    #[error("a row of {tree} would have {bytes} bytes, above the limit")]
    RowTooLong { tree: String, bytes: u64 },
    #[error("{field} must not be empty")]
    TextMissing { field: String },
    #[error("{field} has more than {limit_bytes} bytes")]
    TextTooLong { field: String, limit_bytes: u64 },
    #[error("{field} has control characters")]
    TextControl { field: String },
    #[error("recording {recording} exists")]
    RecordingExists { recording: RecordingId },
    #[error("there is no recording {recording}")]
    RecordingUnknown { recording: RecordingId },
    #[error("a session of {protocol} is recorded as db-lines only, not as {format}")]
    DatabaseFormat { protocol: Protocol, format: Format },
    #[error("the session of recording {recording} has ended")]
    SessionEnded { recording: RecordingId },
    #[error("the session of recording {recording} has not ended")]
    SessionNotEnded { recording: RecordingId },
    #[error("a session that began at {start_ms} ms cannot end at {end_ms} ms")]
    EndBeforeStart { start_ms: u64, end_ms: u64 },
    #[error("there is no object {object}")]
    ObjectUnknown { object: ObjectId },
    #[error("object {object} is sealed")]
    ObjectSealed { object: ObjectId },
    #[error("object {object} is not sealed")]
    ObjectNotSealed { object: ObjectId },
    #[error("object {object} does not derive from recording {recording}")]
    ObjectOfOther { object: ObjectId, recording: RecordingId },
    #[error("the epoch of object {object} is {current}, not {given}")]
    EpochNotCurrent { object: ObjectId, current: Epoch, given: Epoch },
    #[error("the next epoch of object {object} is {next}, not {given}")]
    EpochNotNext { object: ObjectId, next: Epoch, given: Epoch },
    #[error("a chunk has 1 to {limit} different members")]
    ChunkMembers { limit: u64 },
    #[error("chunk {number} of object {object} is open")]
    ChunkOpen { object: ObjectId, number: ChunkNumber },
    #[error("chunk {number} of object {object} is not open")]
    ChunkNotOpen { object: ObjectId, number: ChunkNumber },
    #[error("the next chunk of object {object} is {expected}, not {given}")]
    ChunkNumber { object: ObjectId, expected: ChunkNumber, given: ChunkNumber },
    #[error("the next chunk of object {object} begins at byte {expected}, not {given}")]
    ChunkOffset { object: ObjectId, expected: u64, given: u64 },
    #[error("chunk {number} of object {object} cannot have these lengths")]
    ChunkImplausible { object: ObjectId, number: ChunkNumber },
    #[error("the manifest of object {object} is closed by its seal")]
    ManifestUnsealed { object: ObjectId },
    #[error("the seal of object {object} names no manifest")]
    ManifestMissing { object: ObjectId },
    #[error("object {object} has {chunks} chunks of {length} bytes")]
    SealDiffers { object: ObjectId, chunks: u32, length: u64 },
    #[error("parameter {name} is off")]
    ParameterOff { name: String },
    #[error("there is no parameter {name}")]
    ParameterUnknown { name: String },
    #[error("parameter {name} takes {expected}")]
    ParameterValue { name: String, expected: String },
    #[error("the version is {actual}, not {expected}")]
    VersionDiffers { expected: u64, actual: u64 },
    #[error("video {video} exists for another request")]
    VideoExists { video: VideoId },
    #[error("a request names at most {limit} addresses to notify")]
    TooManyAddresses { limit: u64 },
    #[error("there is no job {job}")]
    JobUnknown { job: JobId },
    #[error("job {job} has ended")]
    JobEnded { job: JobId },
    #[error("job {job} is claimed by member {member} until {deadline_ms} ms")]
    JobClaimed { job: JobId, member: MemberId, deadline_ms: u64 },
    #[error("the claim on job {job} is lost")]
    ClaimLost { job: JobId },
    #[error("a claim lasts {min_ms} to {max_ms} ms")]
    LeaseLength { min_ms: u64, max_ms: u64 },
    #[error("job {job} is of another kind")]
    JobKind { job: JobId },
    #[error("the video has {expected} bytes, its object {actual}")]
    VideoLength { expected: u64, actual: u64 },
    #[error("there is no mail {mail}")]
    MailUnknown { mail: MailId },
    #[error("mail {mail} has been sent or given up")]
    MailEnded { mail: MailId },
    #[error("there is no role {role}")]
    RoleUnknown { role: String },
    #[error("role {role} has more than {limit} permissions")]
    TooManyPermissions { role: String, limit: u64 },
    #[error("a permission reads Area.Object.Action, not {permission}")]
    PermissionForm { permission: String },
    #[error("the token exists")]
    TokenExists,
    #[error("there is no token {token}")]
    TokenUnknown { token: super::token::TokenId },
    #[error("a user or a token has at most {limit} roles")]
    TooManyRoles { limit: u64 },
    #[error("the token would expire at {expires_ms} ms, it is {now_ms} ms")]
    TokenExpired { expires_ms: u64, now_ms: u64 },
    #[error("a wrapped key has 1 to {limit_bytes} bytes")]
    WrappedKey { limit_bytes: u64 },
    #[error("a recorder's token has no roles: it may record its own sessions and nothing else")]
    RecorderRoles,
    #[error("session {recording} was purged")]
    SessionPurged { recording: RecordingId },
    #[error("session {recording} is kept by {holds} hold(s); release them first")]
    Held { recording: RecordingId, holds: u64 },
    #[error("the retention of session {recording} has not passed")]
    NotDue { recording: RecordingId, due_ms: Option<u64> },
    #[error(
        "the clocks of the members are suspected: nothing is purged by age until an operator confirms them"
    )]
    ClockSuspected,
    #[error(
        "the cluster purges at most {limit} sessions an hour by itself, the next ones from {again_ms} ms on"
    )]
    PurgePace { limit: u64, again_ms: u64 },
    #[error("at most {limit} sessions are named at once")]
    TooManySessions { limit: u64 },
    #[error("a session has at most {limit} holds")]
    TooManyHolds { limit: u64 },
    #[error("hold {hold} exists")]
    HoldExists { hold: HoldId },
    #[error("there is no hold {hold}")]
    HoldUnknown { hold: HoldId },
    #[error("hold {hold} was released")]
    HoldReleased { hold: HoldId },
    #[error("hold {hold} is released by a second person, other than the one who asked for it")]
    SecondPersonNeeded { hold: HoldId },
    #[error("a hold until {expires_ms} ms is over, it is {now_ms} ms")]
    HoldExpired { expires_ms: u64, now_ms: u64 },
    #[error("{protocol} is no protocol")]
    ProtocolUnknown { protocol: String },
    #[error("a session is kept for 1 to {limit} days, or forever")]
    RetentionDays { limit: u64 },
    #[error("there are at most {limit} rules of retention")]
    TooManyRules { limit: u64 },
    #[error("a session names at most {limit} users in each list")]
    TooManyUsers { limit: u64 },
    #[error("there is no video {video}")]
    VideoUnknown { video: VideoId },
    #[error("video {video} neither failed nor was cancelled")]
    VideoNotEnded { video: VideoId },
    #[error("the audit log has not begun: no member has a key yet")]
    AuditNotBegun,
    #[error("a change is asked for once")]
    AskedTwice,
    #[error("a member has at most {limit} keys for the audit log")]
    TooManyKeys { limit: u64 },
    #[error("there is a user {name}")]
    UserExists { name: String },
    #[error("there is no user {name}")]
    UserUnknown { name: String },
    #[error("there are at most {limit} users")]
    UsersFull { limit: u64 },
    #[error("a password's hash is of argon2id, in PHC form")]
    PasswordHashForm,
    #[error("name and password are not those of a user who may log in")]
    LoginRefused,
    #[error("a login is made with a password")]
    LoginKind,
    #[error("there are at most {limit} roles")]
    RolesFull { limit: u64 },
    #[error("no role would hold System.Roles.Manage and System.Users.Manage any more")]
    LastManager,
    #[error("it is not as it was when it was looked at")]
    ConditionFailed,
    #[error("the key was used for another request")]
    KeyReused,
    #[error("a session has at most {limit} comments")]
    TooManyComments { limit: u64 },
    #[error("a session is reviewed by at most {limit} users")]
    TooManyReviews { limit: u64 },
    #[error("it is {now_ms} ms: an approval ends later, and lasts at most {limit_ms} ms")]
    ApprovalWindow { now_ms: u64, limit_ms: u64 },
    #[error("at most {limit} approvals of a session are asked for")]
    TooManyApprovals { limit: u64 },
    #[error("there is no approval {approval}")]
    ApprovalUnknown { approval: ApprovalId },
    #[error("approval {approval} is given by a person other than who asks for it and whose session it is")]
    ApprovalOfOwn { approval: ApprovalId },
    #[error("approval {approval} was decided about")]
    ApprovalDecided { approval: ApprovalId },
    #[error("a weight is 1 to {limit}")]
    LayoutWeight { limit: u16 },
    #[error("a layout has at most {limit} members")]
    TooManyLayoutMembers { limit: u64 },
    #[error("a layout has at least {needed} members, a majority of the replicas")]
    LayoutTooSmall { needed: u64 },
    #[error("there is no member {member}")]
    LayoutMemberUnknown { member: MemberId },
    #[error("member {member} is not in the layout")]
    NotInLayout { member: MemberId },
    #[error("member {member} is in the layout")]
    InLayout { member: MemberId },
    #[error("no change of the layout is staged")]
    LayoutNotStaged,
    #[error("a change of the layout is staged; apply or revert it first")]
    LayoutStaged,
    #[error("version {version} of the layout has moves left: member {member} has not settled")]
    LayoutUnsettled { version: u64, member: MemberId },
    #[error("session {recording} has ended: only a live one is blocked or dropped")]
    SessionNotLive { recording: RecordingId },
    #[error("a session is blocked at most {limit} times")]
    TooManyBlocks { limit: u64 },
    #[error("KEK {kek} is not the cluster's: its check value differs")]
    KekDiffers { kek: KekId },
    #[error("the number of the next KEK is {next}")]
    KekNumber { next: KekId },
    #[error("there are at most {limit} KEKs at a time")]
    TooManyKeks { limit: u64 },
    #[error("member {member} does not hold KEK {kek} yet")]
    KekNotHeld { kek: KekId, member: MemberId },
    #[error("KEK {kek} is not one of which this can be said")]
    KekState { kek: KekId },
    #[error("new keys are wrapped by KEK {current}")]
    KekNotCurrent { current: KekId },
    #[error("the purge of session {recording} has not ended, or there is none")]
    PurgeIncomplete { recording: RecordingId },
    #[error("the cluster has a CA")]
    CaExists,
    #[error("the cluster has no CA of its own: an operator makes the certificates of its members")]
    CaMissing,
    #[error("there is no join token {token}, or its secret is another one")]
    JoinTokenUnknown { token: TokenId },
    #[error("join token {token} was used: it is for one member, and that is member {member}")]
    JoinTokenUsed { token: TokenId, member: MemberId },
    #[error("the join token could be used until {expires_ms} ms, it is {now_ms} ms")]
    JoinTokenExpired { expires_ms: u64, now_ms: u64 },
    #[error("at most {limit} join tokens are kept; delete those that nobody needs")]
    TooManyJoinTokens { limit: u64 },
    #[error("a cluster has at most {limit} members")]
    TooManyMembers { limit: u64 },
    #[error("there is no member {member}")]
    MemberUnknown { member: MemberId },
    #[error("member {member} was removed; an id is never used again")]
    MemberRemoved { member: MemberId },
    #[error("member {member} is none that could take the place of another one")]
    MemberNotThere { member: MemberId },
    #[error("member {member} is the last one")]
    LastMember { member: MemberId },
    #[error("at most {limit} objects are named at once")]
    TooManyObjects { limit: u64 },
    #[error("the sound has {actual} bytes, not {expected}")]
    SoundLength { expected: u64, actual: u64 },
    #[error("sound begins at most {limit_ms} ms from the beginning of its recording")]
    SoundOffset { limit_ms: u64 },
    #[error("video {video} is not in fragments: it plays only when it is complete")]
    VideoNotInFragments { video: VideoId },
}
