//! Which of our errors are which kind of problem.

use std::error::Error;

use actix_web::error::{JsonPayloadError, PayloadError, QueryPayloadError};
use cluster::catalog::{CatalogError, CursorError, Refusal};
use cluster::chunk::key::NoRandomness;
use cluster::cluster::{
    AppendError, EvidenceError, KekError, LayoutError, OpenSessionError, OrderError, ReadError,
    ReplicationError, SealError, WriteFailure,
};
use cluster::facts::{NotReady, ReadIndexError, SubmitError};

use super::{Kind, Problem};
use crate::intake::IntakeRefusal;
use crate::media::MediaError;
use crate::threads::ThreadError;

/// When to ask again while a member waits for its cluster.
const NOT_READY_S: u64 = 2;

impl Problem {
    /// A failure of ours: the caller learns that it happened, the log learns why.
    pub(crate) fn internal(error: &(dyn Error + 'static)) -> Self {
        let mut reasons = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            reasons = format!("{reasons}: {cause}");
            source = cause.source();
        }
        tracing::error!(reasons, "a request has failed");
        Self::new(Kind::Internal, "the reason is in this member's log")
    }

    /// What was there is gone for good.
    pub(crate) fn session_purged() -> Self {
        Self::new(Kind::SessionPurged, "only the head of its report is left")
    }

    pub(crate) fn not_ready(reason: impl std::fmt::Display) -> Self {
        Self::new(Kind::NotReady, reason).retry_after(NOT_READY_S)
    }
}

impl From<NotReady> for Problem {
    fn from(error: NotReady) -> Self {
        Self::not_ready(error)
    }
}

impl From<ReadIndexError> for Problem {
    fn from(error: ReadIndexError) -> Self {
        match error {
            ReadIndexError::NoLeader
            | ReadIndexError::NotLeader { .. }
            | ReadIndexError::NoQuorum
            | ReadIndexError::Behind { .. }
            | ReadIndexError::Stopped => Self::not_ready(error),
            ReadIndexError::Start(_)
            | ReadIndexError::Keks(_)
            | ReadIndexError::Answer { .. }
            | ReadIndexError::Catalog(_) => Self::internal(&error),
        }
    }
}

impl From<CatalogError> for Problem {
    fn from(error: CatalogError) -> Self {
        Self::internal(&error)
    }
}

impl From<ReplicationError> for Problem {
    fn from(error: ReplicationError) -> Self {
        match error {
            ReplicationError::NotReady(error) => error.into(),
            ReplicationError::ReadIndex(error) => error.into(),
            ReplicationError::ObjectUnknown { .. } => Self::not_found(),
            ReplicationError::Catalog(_) | ReplicationError::Disk(_) => Self::internal(&error),
            ReplicationError::Stopped => Self::not_ready(error),
        }
    }
}

impl From<LayoutError> for Problem {
    fn from(error: LayoutError) -> Self {
        match error {
            LayoutError::NotReady(error) => error.into(),
            LayoutError::ReadIndex(error) => error.into(),
            LayoutError::Catalog(_) | LayoutError::Disk(_) => Self::internal(&error),
            LayoutError::Stopped => Self::not_ready(error),
        }
    }
}

impl From<OrderError> for Problem {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::WorkerUnknown { .. } => Self::not_found(),
            OrderError::MemberUnknown { .. } => Self::new(Kind::InvalidField, error),
        }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Refused(refusal) => refusal.into(),
            SubmitError::TooLong { .. } => Self::new(Kind::TooLarge, error),
            SubmitError::NotReady(_) | SubmitError::NotLeader { .. } | SubmitError::Stopped => {
                Self::not_ready(error)
            }
            SubmitError::Unknown { .. } => Self::new(Kind::OutcomeUnknown, error).retry_after(NOT_READY_S),
            SubmitError::Unencodable => Self::internal(&error),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        if let Refusal::ParameterOff { name } = &refusal {
            return Self::parameter_off(name);
        }
        let kind = kind_of(&refusal);
        if kind == Kind::Internal {
            return Self::internal(&refusal);
        }
        if kind == Kind::NotFound {
            return Self::not_found();
        }
        let problem = Self::new(kind, refusal);
        match kind.status().is_server_error() {
            true => problem.retry_after(NOT_READY_S),
            false => problem,
        }
    }
}

fn kind_of(refusal: &Refusal) -> Kind {
    match refusal {
        Refusal::OutcomeUnknown | Refusal::IncarnationGone { .. } => Kind::OutcomeUnknown,
        Refusal::TextMissing { .. }
        | Refusal::TextTooLong { .. }
        | Refusal::TextControl { .. }
        | Refusal::EndBeforeStart { .. }
        | Refusal::ParameterValue { .. }
        | Refusal::TooManyAddresses { .. }
        | Refusal::RoleUnknown { .. }
        | Refusal::TooManyPermissions { .. }
        | Refusal::PermissionForm { .. }
        | Refusal::TooManyRoles { .. }
        | Refusal::TokenExpired { .. }
        | Refusal::RecorderRoles
        | Refusal::TooManyUsers { .. }
        | Refusal::TooManyHolds { .. }
        | Refusal::TooManyComments { .. }
        | Refusal::TooManyReviews { .. }
        | Refusal::TooManyBlocks { .. }
        | Refusal::ApprovalWindow { .. }
        | Refusal::TooManyApprovals { .. }
        | Refusal::HoldExpired { .. }
        | Refusal::ProtocolUnknown { .. }
        | Refusal::RetentionDays { .. }
        | Refusal::SoundOffset { .. }
        | Refusal::TooManyRules { .. }
        | Refusal::UsersFull { .. }
        | Refusal::RolesFull { .. }
        | Refusal::LoginKind
        | Refusal::LayoutWeight { .. }
        | Refusal::TooManyLayoutMembers { .. }
        | Refusal::LayoutMemberUnknown { .. }
        | Refusal::MemberNotThere { .. }
        | Refusal::TooManyJoinTokens { .. }
        | Refusal::TooManyMembers { .. }
        | Refusal::RowTooLong { .. } => Kind::InvalidField,
        Refusal::DatabaseFormat { .. } => Kind::DatabaseFormat,
        Refusal::RecordingUnknown { .. }
        | Refusal::ObjectUnknown { .. }
        | Refusal::ParameterUnknown { .. }
        | Refusal::JobUnknown { .. }
        | Refusal::MailUnknown { .. }
        | Refusal::HoldUnknown { .. }
        | Refusal::ApprovalUnknown { .. }
        | Refusal::VideoUnknown { .. }
        | Refusal::UserUnknown { .. }
        | Refusal::JoinTokenUnknown { .. }
        | Refusal::MemberUnknown { .. }
        | Refusal::TokenUnknown { .. } => Kind::NotFound,
        Refusal::LoginRefused => Kind::Unauthenticated,
        Refusal::LastManager => Kind::LastManager,
        Refusal::SessionPurged { .. } => Kind::SessionPurged,
        Refusal::Held { .. } => Kind::SessionHeld,
        Refusal::HoldReleased { .. } => Kind::HoldReleased,
        Refusal::SecondPersonNeeded { .. } | Refusal::ApprovalOfOwn { .. } => Kind::SecondPersonNeeded,
        Refusal::SessionEnded { .. } => Kind::SessionEnded,
        Refusal::SessionNotLive { .. } => Kind::SessionNotLive,
        Refusal::SessionNotEnded { .. } | Refusal::ObjectNotSealed { .. } => Kind::SessionNotEnded,
        Refusal::ObjectSealed { .. } => Kind::RecordingSealed,
        Refusal::ParameterOff { .. } => Kind::VideoDownloadDisabled,
        Refusal::VersionDiffers { .. } => Kind::VersionDiffers,
        Refusal::ConditionFailed => Kind::PreconditionFailed,
        Refusal::KeyReused => Kind::KeyReused,
        Refusal::VideoNotEnded { .. }
        | Refusal::JobEnded { .. }
        | Refusal::JobClaimed { .. }
        | Refusal::UserExists { .. }
        | Refusal::ApprovalDecided { .. }
        | Refusal::LayoutTooSmall { .. }
        | Refusal::NotInLayout { .. }
        | Refusal::InLayout { .. }
        | Refusal::LayoutNotStaged
        | Refusal::LayoutStaged
        | Refusal::LayoutUnsettled { .. }
        | Refusal::JoinTokenUsed { .. }
        | Refusal::JoinTokenExpired { .. }
        | Refusal::MemberRemoved { .. }
        | Refusal::LastMember { .. }
        | Refusal::CaMissing
        | Refusal::CaExists
        | Refusal::MailEnded { .. } => Kind::Conflict,
        // Another owner writes the object from here on: the recorder asks for the offset and goes on there.
        Refusal::EpochNotCurrent { .. } | Refusal::EpochNotNext { .. } => Kind::NotReady,
        Refusal::AuditNotBegun => Kind::NotReady,
        // Another one is made or has come into use meanwhile.
        Refusal::KekNumber { .. } | Refusal::KekNotCurrent { .. } => Kind::NotReady,
        Refusal::TooManyKeks { .. } => Kind::Conflict,
        // Only the cluster itself purges by age, in few sessions at once.
        Refusal::NotDue { .. }
        | Refusal::ClockSuspected
        | Refusal::PurgePace { .. }
        | Refusal::TooManySessions { .. }
        | Refusal::TooManyObjects { .. }
        | Refusal::HoldExists { .. }
        | Refusal::RecordingExists { .. }
        | Refusal::ObjectOfOther { .. }
        | Refusal::ChunkMembers { .. }
        | Refusal::ChunkOpen { .. }
        | Refusal::ChunkNotOpen { .. }
        | Refusal::ChunkNumber { .. }
        | Refusal::ChunkOffset { .. }
        | Refusal::ChunkImplausible { .. }
        | Refusal::ManifestUnsealed { .. }
        | Refusal::ManifestMissing { .. }
        | Refusal::SealDiffers { .. }
        | Refusal::VideoExists { .. }
        | Refusal::ClaimLost { .. }
        | Refusal::LeaseLength { .. }
        | Refusal::JobKind { .. }
        | Refusal::VideoLength { .. }
        | Refusal::VideoNotInFragments { .. }
        | Refusal::SoundLength { .. }
        | Refusal::TokenExists
        | Refusal::AskedTwice
        | Refusal::TooManyKeys { .. }
        | Refusal::PasswordHashForm
        | Refusal::KekDiffers { .. }
        | Refusal::KekNotHeld { .. }
        | Refusal::KekState { .. }
        | Refusal::PurgeIncomplete { .. }
        | Refusal::WrappedKey { .. } => Kind::Internal,
    }
}

impl From<ThreadError> for Problem {
    fn from(error: ThreadError) -> Self {
        match error {
            ThreadError::Busy => Self::new(Kind::Busy, error).retry_after(NOT_READY_S),
            ThreadError::Start(_) | ThreadError::Ended => Self::internal(&error),
        }
    }
}

impl From<NoRandomness> for Problem {
    fn from(error: NoRandomness) -> Self {
        Self::internal(&error)
    }
}

impl From<CursorError> for Problem {
    fn from(error: CursorError) -> Self {
        Self::new(Kind::InvalidCursor, error)
    }
}

impl From<OpenSessionError> for Problem {
    fn from(error: OpenSessionError) -> Self {
        match error {
            OpenSessionError::Randomness(error) => error.into(),
            OpenSessionError::Submit(error) => error.into(),
            OpenSessionError::StorageFull { .. } => Self::new(Kind::StorageFull, error),
            OpenSessionError::NotReady(error) => error.into(),
            OpenSessionError::Catalog(error) => error.into(),
            OpenSessionError::KekMissing { .. } => Self::not_ready(error),
        }
    }
}

impl From<KekError> for Problem {
    fn from(error: KekError) -> Self {
        match error {
            KekError::NotReady(error) => error.into(),
            KekError::ReadIndex(error) => error.into(),
            KekError::Submit(error) => error.into(),
            KekError::Stopped | KekError::KekElsewhere { .. } => Self::not_ready(error),
            KekError::Catalog(_)
            | KekError::Randomness(_)
            | KekError::Store(_)
            | KekError::Disk(_)
            | KekError::Unwrap(_)
            | KekError::CaKey(_)
            | KekError::StillWraps { .. } => Self::internal(&error),
        }
    }
}

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::NotReady(error) => error.into(),
            AppendError::ObjectUnknown { .. } => Self::not_found(),
            AppendError::Sealed { .. } => Self::new(Kind::RecordingSealed, error),
            AppendError::Conflict { .. } => Self::new(Kind::BytesDiffer, error),
            AppendError::Gap { durable_offset, .. } => {
                Self::new(Kind::OffsetMismatch, error).at(durable_offset)
            }
            AppendError::ObjectFull { .. } => Self::new(Kind::TooLarge, error),
            AppendError::DiskFull => Self::new(Kind::DiskFull, error),
            AppendError::TimedOut { .. } => Self::new(Kind::OutcomeUnknown, error).retry_after(NOT_READY_S),
            AppendError::Busy { .. } => Self::new(Kind::Busy, error).retry_after(NOT_READY_S),
            AppendError::Stopped => Self::not_ready(error),
            AppendError::TooLong { .. } => Self::internal(&error),
            AppendError::Failed(failure) => failure.into(),
        }
    }
}

impl From<SealError> for Problem {
    fn from(error: SealError) -> Self {
        match error {
            SealError::NotReady(error) => error.into(),
            SealError::ObjectUnknown { .. } => Self::not_found(),
            SealError::Sealed { .. } => Self::new(Kind::RecordingSealed, error),
            SealError::ObjectFull { .. } => Self::new(Kind::TooLarge, error),
            SealError::TimedOut { .. } => Self::new(Kind::OutcomeUnknown, error).retry_after(NOT_READY_S),
            SealError::DiskFull => Self::new(Kind::DiskFull, error),
            SealError::Busy { .. } => Self::new(Kind::Busy, error).retry_after(NOT_READY_S),
            SealError::Stopped => Self::not_ready(error),
            SealError::Failed(failure) => failure.into(),
        }
    }
}

impl From<WriteFailure> for Problem {
    fn from(failure: WriteFailure) -> Self {
        match failure {
            WriteFailure::Read(error) => error.into(),
            WriteFailure::NotTaken => Self::new(Kind::OutcomeUnknown, failure).retry_after(NOT_READY_S),
            WriteFailure::Lost { .. } => Self::internal(&failure),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotReady(error) => error.into(),
            ReadError::ObjectUnknown { .. } => Self::not_found(),
            ReadError::OutOfRange { available, .. } => Self::range_not_satisfiable(available),
            ReadError::Stopped => Self::not_ready(error),
            ReadError::Catalog(_)
            | ReadError::KeyMissing { .. }
            | ReadError::Key(_)
            | ReadError::Chunks(_)
            | ReadError::Chunk(_) => Self::internal(&error),
        }
    }
}

impl From<EvidenceError> for Problem {
    fn from(error: EvidenceError) -> Self {
        match error {
            EvidenceError::NotReady(error) => error.into(),
            EvidenceError::ObjectUnknown { .. } => Self::not_found(),
            EvidenceError::NotSealed { .. } => Self::new(Kind::RecordingNotSealed, error),
            EvidenceError::Key(error) => error.into(),
            EvidenceError::Stopped | EvidenceError::LeavesMissing { .. } => Self::not_ready(error),
            EvidenceError::Catalog(_) | EvidenceError::Chunks(_) | EvidenceError::OtherRecording(_) => {
                Self::internal(&error)
            }
        }
    }
}

impl From<IntakeRefusal> for Problem {
    fn from(refusal: IntakeRefusal) -> Self {
        let mut problem = Self::new(Kind::RecordingRefused, &refusal);
        problem.extensions.refused_offset = Some(refusal.offset);
        problem.extensions.refused_line = refusal.line;
        problem
    }
}

impl From<MediaError> for Problem {
    fn from(error: MediaError) -> Self {
        match error {
            MediaError::Busy { retry_after_s } => Self::new(Kind::Busy, error).retry_after(retry_after_s),
            MediaError::Deadline { .. } => Self::new(Kind::Busy, error).retry_after(NOT_READY_S),
            MediaError::NoPicture { .. } => Self::new(Kind::NoPicture, error),
            MediaError::TooLong { .. } => Self::new(Kind::SessionNotEnded, error),
            MediaError::Damaged { .. } => Self::new(Kind::RecordingDamaged, error),
            MediaError::Unheard { .. } => Self::new(Kind::SoundRefused, error),
            MediaError::DiskFull => Self::new(Kind::DiskFull, error),
            MediaError::Crashed | MediaError::Unkept { .. } => Self::internal(&error),
        }
    }
}

impl From<JsonPayloadError> for Problem {
    fn from(error: JsonPayloadError) -> Self {
        match error {
            JsonPayloadError::OverflowKnownLength { .. } | JsonPayloadError::Overflow { .. } => {
                Self::new(Kind::TooLarge, error)
            }
            JsonPayloadError::ContentType => {
                Self::new(Kind::UnsupportedMediaType, "expected application/json")
            }
            JsonPayloadError::Payload(error) => error.into(),
            error @ (JsonPayloadError::Deserialize(_) | JsonPayloadError::Serialize(_) | _) => {
                Self::new(Kind::InvalidJson, error)
            }
        }
    }
}

impl From<PayloadError> for Problem {
    fn from(error: PayloadError) -> Self {
        let kind = match error {
            PayloadError::Overflow => Kind::TooLarge,
            PayloadError::Incomplete(_)
            | PayloadError::EncodingCorrupted
            | PayloadError::UnknownLength
            | PayloadError::Http2Payload(_)
            | PayloadError::Io(_)
            | _ => Kind::BadRequest,
        };
        Self::new(kind, error)
    }
}

impl From<QueryPayloadError> for Problem {
    fn from(error: QueryPayloadError) -> Self {
        Self::new(Kind::InvalidQuery, error)
    }
}
