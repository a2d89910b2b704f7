//! The facts about sessions, recordings, videos and jobs: rows that only committed commands change.
//!
//! `Catalog::apply` is pure and deterministic: no clock, no randomness, no order of hash maps, no I/O outside
//! its batch. Each command has its rules beside its row.

mod access;
mod apply;
mod approval;
mod audit;
mod begun;
mod ca;
#[expect(clippy::module_inception, reason = "the main type has a file of its name, as all types have")]
mod catalog;
mod clock;
mod command;
mod comment;
mod condition;
mod control;
mod deleted;
mod engine;
mod forget;
mod frozen;
mod gap;
mod hold;
mod index;
mod job;
mod join_token;
mod kek;
mod key_states;
mod layout;
mod member;
mod once;
mod outbox;
mod outcome;
mod parameter;
mod purge;
mod recording;
mod request;
mod retention;
mod role;
mod row;
mod session;
mod sound;
mod standstill;
mod step;
mod text;
mod token;
mod transaction;
mod user;
mod video;
mod view;

#[cfg(test)]
mod tests;

pub use access::{AccessRow, PutAccess};
pub use approval::{
    ApprovalId, ApprovalNeed, ApprovalRow, ApprovalState, ApprovalWord, AskApproval, DecideApproval,
};
pub use audit::{
    As, AuditEvent, AuditHead, AuditKey, AuditKeyRow, AuditKind, AuditLeaf, AuditPage, AuditQuery,
    HEARTBEAT_MS, LEAF_BYTES_MAX,
};
pub use begun::BeginVideo;
pub use ca::{CaRow, FoundCa, RewrapCa};
pub use catalog::Catalog;
pub(crate) use catalog::{CommandEntry, MembershipRow, ROWS_AT_ONCE};
pub use clock::{ClockRow, ClockSample, Suspicion};
pub use command::Command;
pub use comment::{AddComment, CommentId, CommentRow, PutReview, ReviewRow};
pub use condition::{Condition, OnlyIf, RowTag, Tagged};
pub use control::{ControlKind, ControlRow, ControlSession};
pub(crate) use deleted::COPIES_MAX;
pub use deleted::DeletedCopies;
pub use engine::{
    Batch, Engine, EngineError, KeyAndRow, KeyRange, MemoryEngine, SledEngine, SledOpenError, SledStart, Tree,
};
pub(crate) use forget::ForgetRound;
pub use forget::{Forgotten, PurgeProgress};
pub(crate) use frozen::Frozen;
#[cfg(any(test, feature = "simulation"))]
pub(crate) use frozen::RowPlace;
pub(crate) use gap::GAP_MS_MIN;
pub use gap::{Gap, Gaps};
pub use hold::{HoldId, HoldRow, HoldState, HoldWord, PlaceHold, ReleaseHold};
pub use index::{Cursor, CursorError, SessionColumn, SessionFilter, SessionPage, SessionQuery, Span};
pub use job::{
    Claim, ClaimJob, ClaimToken, Complete, CompleteDamaged, CompleteIndex, FailJob, FailureKind, IndexDone,
    JobKind, JobProgress, JobRow, JobStartRow, JobState, Progress,
};
pub use join_token::{CreateJoinToken, JOIN_TOKEN_MS, JoinTokenRow, Used};
pub(crate) use kek::REWRAP_MAX;
pub use kek::{HoldKeks, KekRow, KekState, NextKek, Rewrap};
pub use key_states::{KeepKeyStates, KeyStatesRow};
pub use layout::{
    ApplyLayout, LAYOUT_MEMBERS_MAX, Layout, LayoutMemberRow, LayoutRole, LayoutRow, LayoutSettled,
    StageLayout, StagedLayout, WEIGHT_MAX, ZONE_BYTES_MAX,
};
pub use member::{
    AdmitMember, DescribeMember, Fingerprint, MEMBERS_MAX, MemberRow, MemberState, RemoveMember,
};
pub use once::{KEY_KEPT_MS, Once, OnceKey};
pub use outbox::{BlockMail, MailFault, MailId, MailKind, MailRow, MailState, WebhookEvent};
pub use outcome::{Applied, Outcome, Refusal};
pub(crate) use parameter::{
    FORGET_HOURS, KEK_ROTATION_DAYS, RESUME_HOURS, RESYNC_MIB_PER_S, SCRUB_DAYS, SCRUB_MIB_PER_S,
};
pub use parameter::{Parameter, ParameterKind, ParameterRow, ParameterValue, PutParameter};
pub(crate) use purge::DELETED_MAX;
pub use purge::{DeletedBytes, DuePage, DuePlace, DueSession, Purge, PurgeCause, Tombstone};
pub use recording::{
    ChunkRow, CloseChunk, ObjectRow, ObjectState, OpenChunk, OpenChunkFact, OpenChunkLate, Seal, SealFacts,
    WrappedKeys,
};
pub use request::{Incarnation, OUTCOMES_KEPT, Request, RequestId};
pub use retention::{PutRetention, Retention, RetentionRow, RetentionScope};
pub use role::{PutRole, RoleRow};
pub use row::RowError;
pub use session::{
    End, EndSession, Format, IndexFacts, IndexState, OpenSession, Protocol, SessionInfo, SessionRow,
    SessionState,
};
pub use sound::{KeepSound, SOUND_OFFSET_MS_MAX, SoundRow};
pub use step::LogPosition;
pub use token::{CreateToken, TokenId, TokenKind, TokenRow};
pub use transaction::CatalogError;
pub use user::{CreateUser, LogIn, PasswordHash, PutUser, SetPassword, UserRow};
pub use video::{
    Container, DeleteVideo, RequestVideo, RetryVideo, VideoFacts, VideoRow, VideoSettings, VideoState,
};
pub use view::{KeepView, ViewRow};
