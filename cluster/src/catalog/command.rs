use super::access::PutAccess;
use super::approval::{AskApproval, DecideApproval};
use super::audit::{As, AuditEvent, AuditKey};
use super::begun::BeginVideo;
use super::ca::{FoundCa, RewrapCa};
use super::clock::ClockSample;
use super::comment::{AddComment, PutReview};
use super::condition::OnlyIf;
use super::control::ControlSession;
use super::deleted::DeletedCopies;
use super::forget::Forgotten;
use super::hold::{PlaceHold, ReleaseHold};
use super::job::{
    ClaimJob, ClaimToken, Complete, CompleteDamaged, CompleteIndex, FailJob, IndexDone, Progress,
};
use super::join_token::CreateJoinToken;
use super::kek::{HoldKeks, NextKek, Rewrap};
use super::key_states::KeepKeyStates;
use super::layout::{ApplyLayout, LayoutSettled, StageLayout};
use super::member::{AdmitMember, DescribeMember, RemoveMember};
use super::once::Once;
use super::outbox::{BlockMail, MailId};
use super::parameter::PutParameter;
use super::purge::{DeletedBytes, Purge};
use super::recording::{CloseChunk, OpenChunk, OpenChunkLate, Seal};
use super::retention::PutRetention;
use super::role::PutRole;
use super::session::{EndSession, OpenSession};
use super::sound::KeepSound;
use super::token::{CreateToken, TokenId};
use super::user::{CreateUser, LogIn, PutUser, SetPassword};
use super::video::{DeleteVideo, RequestVideo, RetryVideo};
use super::view::KeepView;
use crate::chunk::key::KekId;
use crate::id::{Epoch, JobId, MemberId, ObjectId, RecordingId};
use serde::{Deserialize, Serialize};

/// A change of the facts. Variants are only ever added at the end, and a variant never changes: members apply
/// the logs of older ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// A member has started: it gets a new incarnation, and requests of its earlier ones are refused.
    StartMember {
        /// Which.
        member: MemberId,
    },
    /// Writes the seeded roles that are not there yet.
    Seed,
    /// What a member's clock says.
    Clock(ClockSample),
    /// An operator has looked at the clocks: purge and expiry may go on.
    ConfirmClock {
        /// Who.
        by: String,
    },
    /// A session begins.
    OpenSession(OpenSession),
    /// A session is over; only in old logs, as its leaf does not say the error.
    EndSession(EndSession),
    /// A further stream of a recording, for what derives from it.
    OpenStream {
        /// Of which recording.
        recording: RecordingId,
        /// Who writes it.
        owner: MemberId,
    },
    /// Another owner, or the same one after a restart, writes an object from here on.
    TakeOver {
        /// Which object.
        object: ObjectId,
        /// The epoch after the current one.
        epoch: Epoch,
        /// Who writes it from here on.
        owner: MemberId,
    },
    /// A chunk begins.
    OpenChunk(OpenChunk),
    /// A chunk is final.
    CloseChunk(CloseChunk),
    /// The recorder is away; only in old logs.
    Interrupt {
        /// From which recording.
        object: ObjectId,
        /// The current epoch.
        epoch: Epoch,
    },
    /// An object is final.
    Seal(Seal),
    /// Somebody wants a video.
    RequestVideo(RequestVideo),
    /// A member wants to do a job.
    ClaimJob(ClaimJob),
    /// A member is still at a job.
    RenewClaim {
        /// Which claim.
        claim: ClaimToken,
        /// For how long from the cluster's time on.
        lease_ms: u64,
    },
    /// How far a job is.
    Progress(Progress),
    /// The index of a recording is made, without its keystrokes; only in old logs.
    IndexDone(IndexDone),
    /// A video is made.
    Complete(Complete),
    /// A job could not be done.
    FailJob(FailJob),
    /// Nobody wants a job any more.
    CancelJob {
        /// Which.
        job: JobId,
        /// Who.
        by: String,
    },
    /// A mail was taken by the mail server.
    MailSent {
        /// Which.
        mail: MailId,
    },
    /// A mail was not taken.
    MailFailed {
        /// Which.
        mail: MailId,
        /// What the mail server said.
        error: String,
        /// After how long to try again; never, when it is final.
        retry_after_ms: Option<u64>,
    },
    /// Sets a parameter.
    PutParameter(PutParameter),
    /// Sets a role.
    PutRole(PutRole),
    /// Makes a token.
    CreateToken(CreateToken),
    /// Ends a token.
    RevokeToken {
        /// Which.
        token: TokenId,
        /// Who.
        by: String,
    },
    /// The index of a recording is made, and its keystrokes.
    CompleteIndex(CompleteIndex),
    /// The key states of a recording are made.
    KeepKeyStates(KeepKeyStates),
    /// A session is to be kept.
    PlaceHold(PlaceHold),
    /// A hold is to end.
    ReleaseHold(ReleaseHold),
    /// Sets a rule of retention.
    PutRetention(PutRetention),
    /// A session is to be gone.
    Purge(Purge),
    /// A member has deleted what it held of purged sessions.
    DeletedBytes(DeletedBytes),
    /// A further stream of a recording, for text that derives from its keystrokes: under the second key.
    OpenTextStream {
        /// Of which recording.
        recording: RecordingId,
        /// Who writes it.
        owner: MemberId,
    },
    /// What the view of a recording needs is made.
    KeepView(KeepView),
    /// Names the auditors of a session, and who may not see it.
    PutAccess(PutAccess),
    /// Makes a video that failed or was cancelled once more.
    RetryVideo(RetryVideo),
    /// A mail cannot be sent until an operator has mended something.
    BlockMail(BlockMail),
    /// A change, and who asked for it how.
    As(As),
    /// Something is audited that changes nothing.
    Audit(AuditEvent),
    /// The key with which a member signs checkpoints of the audit log.
    AuditKey(AuditKey),
    /// The leader says that the audit log goes on.
    AuditHeartbeat {
        /// Which member it is.
        member: MemberId,
    },
    /// Makes a local user.
    CreateUser(CreateUser),
    /// Changes a local user.
    PutUser(PutUser),
    /// Sets a local user's password.
    SetPassword(SetPassword),
    /// A local user is no more.
    DeleteUser {
        /// Which.
        name: String,
        /// Who.
        by: String,
    },
    /// A local user has shown their password.
    LogIn(LogIn),
    /// A change that is made only while its row is as it was.
    OnlyIf(OnlyIf),
    /// A change that is made once under its key.
    Once(Once),
    /// Somebody says something about a session.
    AddComment(AddComment),
    /// Somebody has reviewed a session, or takes that back.
    PutReview(PutReview),
    /// Somebody wants to watch a session.
    AskApproval(AskApproval),
    /// Somebody agrees to it, or does not.
    DecideApproval(DecideApproval),
    /// The recorder is away, since before the cluster is told.
    InterruptIdle {
        /// From which recording.
        object: ObjectId,
        /// The current epoch.
        epoch: Epoch,
        /// For how long nothing had come of it.
        idle_ms: u64,
    },
    /// A chunk begins after its first bytes have waited for long.
    OpenChunkLate(OpenChunkLate),
    /// Changes the layout that is staged.
    StageLayout(StageLayout),
    /// Nothing is staged any more.
    RevertLayout {
        /// Who.
        by: String,
    },
    /// Makes the staged layout the one that counts.
    ApplyLayout(ApplyLayout),
    /// Takes a member out of the layout.
    DrainMember {
        /// Which.
        member: MemberId,
        /// Who.
        by: String,
    },
    /// Gives a member that was taken out the role that it had.
    UndrainMember {
        /// Which.
        member: MemberId,
        /// Who.
        by: String,
    },
    /// A member has all that it is to hold by the layout, and nothing else.
    LayoutSettled(LayoutSettled),
    /// Somebody blocks a live session, lets it go on, or drops it.
    ControlSession(ControlSession),
    /// A member says which KEKs it holds.
    HoldKeks(HoldKeks),
    /// There is a KEK that is to be the next one.
    NextKek(NextKek),
    /// The next KEK wraps new keys from here on.
    UseKek {
        /// Which.
        kek: KekId,
    },
    /// Keys are wrapped by the current KEK.
    Rewrap(Rewrap),
    /// A KEK wraps nothing any more: members delete it.
    RetireKek {
        /// Which.
        kek: KekId,
    },
    /// It is a member's turn to forget what was purged.
    ForgetTurn {
        /// Which.
        member: MemberId,
    },
    /// A member has forgotten what was purged.
    Forgotten(Forgotten),
    /// Nothing of a purged session's keys is left.
    CompletePurge {
        /// Which.
        recording: RecordingId,
    },
    /// A cluster gets its CA.
    FoundCa(FoundCa),
    /// Makes a token for one new member.
    CreateJoinToken(CreateJoinToken),
    /// A token for a new member is no more.
    DeleteJoinToken {
        /// Which.
        token: TokenId,
        /// Who.
        by: String,
    },
    /// Somebody who shows a token becomes a member.
    AdmitMember(AdmitMember),
    /// A member says where it is.
    DescribeMember(DescribeMember),
    /// A member that joined has all that the others have.
    SettleMember {
        /// Which.
        member: MemberId,
    },
    /// A member is no more.
    RemoveMember(RemoveMember),
    /// The CA's key is sealed under the current KEK.
    RewrapCa(RewrapCa),
    /// The same as `InterruptIdle`; a manifest that an older owner had begun is given up, too.
    LetGo {
        /// Of which recording.
        object: ObjectId,
        /// The current epoch.
        epoch: Epoch,
        /// For how long nothing had come of it.
        idle_ms: u64,
    },
    /// A video is to be gone, and its session to stay.
    DeleteVideo(DeleteVideo),
    /// A member has deleted its copies of deleted objects.
    DeletedCopies(DeletedCopies),
    /// A session is over, and its leaf says the error.
    CloseSession(EndSession),
    /// A video is made of what could be read.
    CompleteDamaged(CompleteDamaged),
    /// A file of sound belongs to a session.
    KeepSound(KeepSound),
    /// A video can be played while it is made.
    BeginVideo(BeginVideo),
}
