//! What is sent and received as JSON: one file a resource. Times are milliseconds since 1970, lengths bytes.

mod access;
mod admission;
mod approval;
mod asciinema;
mod audit;
mod clock;
mod comment;
mod control;
mod gap;
mod hold;
mod join_token;
mod kek;
mod layout;
mod log;
mod mail;
mod member;
mod named;
mod parameter;
mod purge;
mod replication;
mod retention;
mod role;
mod session;
mod sound;
mod token;
mod user;
mod video;
mod whoami;
mod worker;

pub(crate) use access::{Access, NewAccess};
pub(crate) use admission::{Admission, AdmissionReason, NewAdmission};
pub(crate) use approval::{Approval, ApprovalAnswer, NewApproval};
pub(crate) use asciinema::{CastFile, OldCastFile, Refused, Uploaded};
pub(crate) use audit::{
    CheckpointKey, Consistency, ConsistencyQuery, Inclusion, InclusionQuery, Leaf, LeavesPage, LeavesQuery,
    path,
};
pub(crate) use clock::Clock;
pub(crate) use comment::{Comment, NewComment, Review};
pub(crate) use control::{Blocked, Control, ControlReason};
pub(crate) use hold::{Hold, NewHold, ReleaseQuery};
pub(crate) use join_token::{JoinToken, MadeJoinToken};
pub(crate) use kek::Keks;
pub(crate) use layout::{Layout, LayoutChoice, LayoutRole};
pub(crate) use log::{Log, LogEntry, LogKind, StatementOutcome};
pub(crate) use mail::{Mail, MailAlert, MailPage, MailQuery};
pub(crate) use member::{Health, Member, Removal, Replacement};
pub(crate) use parameter::{NewValue, Parameter};
pub(crate) use purge::{DueSession, PurgePlan, PurgePlanQuery, PurgeRequest};
pub(crate) use replication::{Replication, ReplicationQuery};
pub(crate) use retention::{RetentionRule, RetentionScope, RetentionValue};
pub(crate) use role::{NewRole, Role};
pub(crate) use session::{
    ListQuery, NewSession, Opened, Report, ReportFacts, SealDone, SealRequest, SessionPage, SessionSummary,
    SortOrder, StateFilter,
};
pub(crate) use sound::Sound;
pub(crate) use token::{MadeToken, NewToken, Token, TokenKind};
pub(crate) use user::{ChangedUser, Login, NewPassword, NewUser, User};
pub(crate) use video::{NewVideo, Video, VideoJob, VideoParts, VideoRows};
pub(crate) use whoami::{Whoami, WhoamiQuery};
pub(crate) use worker::{NewOrder, Workers};

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
