//! What a command's leaf says.
//!
//! The words are part of the log: members of two versions must make the same leaf of the same command. So those of a
//! command never change.

use super::{AuditEvent, AuditKind};
use crate::catalog::access::PutAccess;
use crate::catalog::approval::{AskApproval, DecideApproval};
use crate::catalog::ca::FoundCa;
use crate::catalog::command::Command;
use crate::catalog::comment::{AddComment, PutReview};
use crate::catalog::condition::OnlyIf;
use crate::catalog::control::{ControlKind, ControlSession};
use crate::catalog::hold::{PlaceHold, ReleaseHold};
use crate::catalog::join_token::{CreateJoinToken, JoinTokenRow};
use crate::catalog::kek::NextKek;
use crate::catalog::layout::{ApplyLayout, LayoutRole, StageLayout};
use crate::catalog::member::{AdmitMember, DescribeMember, RemoveMember};
use crate::catalog::once::Once;
use crate::catalog::parameter::{ParameterValue, PutParameter};
use crate::catalog::purge::{Purge, PurgeCause};
use crate::catalog::retention::{PutRetention, Retention, RetentionScope};
use crate::catalog::role::PutRole;
use crate::catalog::session::{EndSession, OpenSession};
use crate::catalog::sound::{self, KeepSound};
use crate::catalog::step::{Halt, Step};
use crate::catalog::token::{CreateToken, TokenKind, TokenRow};
use crate::catalog::user::{CreateUser, LogIn, PutUser, SetPassword};
use crate::catalog::video::{DeleteVideo, RequestVideo, RetryVideo};
use crate::id::MemberId;
use serde::{Deserialize, Serialize};

/// A change, and who asked for it how: what its leaf says beside what the change itself does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct As {
    /// Who; a change that names somebody itself is theirs.
    pub user: String,
    /// The service that acted for them; empty when none did.
    pub service: String,
    /// From where; empty when it is not known.
    pub address: String,
    /// The change, which is no [`Command::As`].
    pub command: Box<Command>,
}

/// A change that is audited.
#[derive(Debug)]
pub(crate) struct Change {
    action: &'static str,
    object: String,
    detail: String,
    user: String,
    service: String,
    address: String,
}

impl Change {
    fn new(action: &'static str, object: String, detail: String, user: &str) -> Self {
        let (service, address) = (String::new(), String::new());
        Self { action, object, detail, user: user.to_owned(), service, address }
    }

    /// The same, asked for in this way.
    pub(crate) fn asked_by(mut self, user: String, service: String, address: String) -> Self {
        if self.user.is_empty() {
            self.user = user;
        }
        Self { service, address, ..self }
    }

    pub(super) fn into_event(self) -> AuditEvent {
        let Self { action, object, detail, user, service, address } = self;
        let (kind, action) = (AuditKind::Change, action.to_owned());
        AuditEvent { kind, user, service, action, object, address, detail }
    }
}

/// What the leaf of a command says, if it has one, as seen before it is applied.
pub(crate) fn of(step: &Step<'_, '_>, command: &Command) -> Result<Option<Change>, Halt> {
    Ok(Some(match command {
        Command::ConfirmClock { by } => Change::new("clock-confirmed", String::new(), String::new(), by),
        Command::OpenSession(command) => opened(step, command)?,
        Command::EndSession(command) => ended(command),
        Command::CloseSession(command) => closed(command),
        Command::RequestVideo(command) => video(command),
        Command::CancelJob { job, by } => {
            Change::new("job-cancelled", format!("job/{job}"), String::new(), by)
        }
        Command::PutParameter(command) => parameter(command),
        Command::PutRole(command) => role(command),
        Command::CreateToken(command) => token(command),
        Command::RevokeToken { token, by } => {
            Change::new("System.Users.Manage", format!("token/{token}"), "revoked".to_owned(), by)
        }
        Command::PlaceHold(command) => placed(command),
        Command::ReleaseHold(command) => released(command),
        Command::PutRetention(command) => retention(command),
        Command::Purge(command) => purged(command),
        Command::PutAccess(command) => access(command),
        Command::RetryVideo(RetryVideo { video, by }) => {
            Change::new("PAM.SessionManagement.Convert", format!("video/{video}"), "again".to_owned(), by)
        }
        Command::DeleteVideo(DeleteVideo { video, by }) => {
            Change::new("PAM.SessionManagement.Convert", format!("video/{video}"), "deleted".to_owned(), by)
        }
        Command::CreateUser(CreateUser { name, roles, by, .. }) => {
            user(name, format!("created with {}", roles.join(", ")), by)
        }
        Command::PutUser(PutUser { name, roles, is_disabled, by, .. }) => {
            let disabled = if *is_disabled { "disabled, " } else { "" };
            user(name, format!("{disabled}roles {}", roles.join(", ")), by)
        }
        Command::SetPassword(SetPassword { name, by, .. }) => user(name, "password set".to_owned(), by),
        Command::DeleteUser { name, by } => user(name, "deleted".to_owned(), by),
        Command::LogIn(LogIn { name, token, .. }) => {
            Change::new("logged-in", format!("user/{name}"), format!("token/{token}"), name)
        }
        Command::FoundCa(FoundCa { by, .. }) => {
            Change::new("cluster-founded", String::new(), String::new(), by)
        }
        Command::CreateJoinToken(CreateJoinToken { token, by, .. }) => {
            Change::new("System.Cluster.Manage", format!("join-token/{token}"), "created".to_owned(), by)
        }
        Command::DeleteJoinToken { token, by } => {
            Change::new("System.Cluster.Manage", format!("join-token/{token}"), "deleted".to_owned(), by)
        }
        Command::AdmitMember(command) => admitted(step, command)?,
        Command::DescribeMember(DescribeMember { member, address, .. }) => {
            Change::new("member-described", format!("member/{member}"), format!("at {address}"), "")
        }
        Command::RemoveMember(command) => removed(command),
        Command::AddComment(command) => commented(command),
        Command::PutReview(command) => reviewed(command),
        Command::AskApproval(command) => approval_asked(command),
        Command::DecideApproval(command) => approval_decided(command),
        Command::StageLayout(command) => staged(command),
        Command::RevertLayout { by } => layout("reverted".to_owned(), by),
        Command::ApplyLayout(command) => applied(command),
        Command::DrainMember { member, by } => of_member(*member, "drain", by),
        Command::UndrainMember { member, by } => of_member(*member, "undrain", by),
        Command::ControlSession(command) => controlled(command),
        Command::NextKek(NextKek { kek, by, .. }) => {
            Change::new("System.Cluster.Manage", format!("kek/{kek}"), "made".to_owned(), by)
        }
        Command::UseKek { kek } => Change::new("kek-used", format!("kek/{kek}"), String::new(), ""),
        Command::RetireKek { kek } => Change::new("kek-retired", format!("kek/{kek}"), String::new(), ""),
        Command::KeepSound(command) => return sound_kept(step, command),
        Command::CompletePurge { recording } => {
            Change::new("purge-complete", format!("session/{recording}"), String::new(), "")
        }
        // Only apply knows whether it stands in another one that it must not.
        Command::OnlyIf(OnlyIf { command, .. }) | Command::Once(Once { command, .. }) => {
            return of(step, command);
        }
        // What members tell one another, the steps of bytes and jobs, and what appends a leaf by itself.
        Command::StartMember { .. }
        | Command::Seed
        | Command::Clock(_)
        | Command::OpenStream { .. }
        | Command::OpenTextStream { .. }
        | Command::TakeOver { .. }
        | Command::OpenChunk(_)
        | Command::CloseChunk(_)
        | Command::Interrupt { .. }
        | Command::InterruptIdle { .. }
        | Command::LetGo { .. }
        | Command::OpenChunkLate(_)
        | Command::Seal(_)
        | Command::ClaimJob(_)
        | Command::RenewClaim { .. }
        | Command::Progress(_)
        | Command::IndexDone(_)
        | Command::CompleteIndex(_)
        | Command::Complete(_)
        | Command::CompleteDamaged(_)
        | Command::BeginVideo(_)
        | Command::FailJob(_)
        | Command::MailSent { .. }
        | Command::MailFailed { .. }
        | Command::KeepKeyStates(_)
        | Command::KeepView(_)
        | Command::DeletedBytes(_)
        | Command::DeletedCopies(_)
        | Command::HoldKeks(_)
        | Command::Rewrap(_)
        | Command::RewrapCa(_)
        | Command::ForgetTurn { .. }
        | Command::Forgotten(_)
        | Command::BlockMail(_)
        | Command::LayoutSettled(_)
        | Command::As(_)
        | Command::Audit(_)
        | Command::AuditKey(_)
        | Command::AuditHeartbeat { .. }
        | Command::SettleMember { .. } => return Ok(None),
    }))
}

/// By whoever the recorder's token speaks for.
fn opened(step: &Step<'_, '_>, command: &OpenSession) -> Result<Change, Halt> {
    let OpenSession { recording, info, .. } = command;
    let token = info.recorder_token.map(|token| step.rows.get::<TokenRow>(&token.0)).transpose()?.flatten();
    let recorder = token.map(|token| token.subject).unwrap_or_default();
    let detail = format!("{} {} {}", info.protocol, info.device_address, info.user_name);
    Ok(Change::new("session-opened", format!("session/{recording}"), detail, &recorder))
}

fn ended(command: &EndSession) -> Change {
    let EndSession { recording, end, reason, .. } = command;
    Change::new("session-ended", format!("session/{recording}"), format!("{end} {reason}"), "")
}

/// The error stands first: a long reason must not push it out of the leaf.
fn closed(command: &EndSession) -> Change {
    let EndSession { recording, end, error_message, reason, .. } = command;
    let mut detail = end.to_string();
    for (name, text) in [("error", error_message), ("reason", reason)] {
        if !text.is_empty() {
            detail.push_str(&format!(" {name}: {text}"));
        }
    }
    Change::new("session-ended", format!("session/{recording}"), detail, "")
}

fn video(command: &RequestVideo) -> Change {
    let RequestVideo { recording, settings, requested_by, .. } = command;
    let keystrokes = if settings.keystrokes { " with keystrokes" } else { "" };
    let detail = format!("{}{keystrokes}", settings.container);
    let object = format!("session/{recording}");
    Change::new("PAM.SessionManagement.Convert", object, detail, requested_by)
}

/// What proves the file; none where the session has one already, for nothing changes then.
fn sound_kept(step: &Step<'_, '_>, command: &KeepSound) -> Result<Option<Change>, Halt> {
    let KeepSound { recording, sound } = command;
    if sound::of(step, *recording)?.is_some() {
        return Ok(None);
    }
    let detail = format!("sound of {} bytes at {} ms: {}", sound.length, sound.offset_ms, sound.content_hash);
    Ok(Some(Change::new("sound-kept", format!("session/{recording}"), detail, "")))
}

fn parameter(command: &PutParameter) -> Change {
    let PutParameter { name, value, by, .. } = command;
    let value = match value {
        ParameterValue::Switch(value) => value.to_string(),
        ParameterValue::Number(value) => value.to_string(),
        ParameterValue::Never => "never".to_owned(),
    };
    Change::new("System.Parameters.Manage", format!("parameter/{name}"), value, by)
}

fn user(name: &str, detail: String, by: &str) -> Change {
    Change::new("System.Users.Manage", format!("user/{name}"), detail, by)
}

fn role(command: &PutRole) -> Change {
    let PutRole { name, permissions, by, .. } = command;
    Change::new("System.Roles.Manage", format!("role/{name}"), permissions.join(" "), by)
}

fn token(command: &CreateToken) -> Change {
    let CreateToken { token, kind, subject, roles, by, .. } = command;
    let kind = match kind {
        TokenKind::Recorder => "recorder",
        TokenKind::User => "user",
        TokenKind::Login => "login",
    };
    let detail = format!("created for {kind} {subject}: {}", roles.join(", "));
    Change::new("System.Users.Manage", format!("token/{token}"), detail, by)
}

fn placed(command: &PlaceHold) -> Change {
    let PlaceHold { hold, recording, justification, by, .. } = command;
    let detail = format!("hold {hold}: {justification}");
    Change::new("PAM.SessionManagement.PreventPurge", format!("session/{recording}"), detail, by)
}

fn released(command: &ReleaseHold) -> Change {
    let ReleaseHold { hold, recording, reason, by } = command;
    let detail = format!("hold {hold}: {reason}");
    Change::new("PAM.SessionManagement.ReleaseHold", format!("session/{recording}"), detail, by)
}

fn retention(command: &PutRetention) -> Change {
    let PutRetention { scope, retention, by } = command;
    let object = match scope {
        RetentionScope::Device(value) => format!("retention-rule/device/{value}"),
        RetentionScope::Credential(value) => format!("retention-rule/credential/{value}"),
        RetentionScope::Protocol(value) => format!("retention-rule/protocol/{value}"),
    };
    let detail = match retention {
        Some(Retention::Days(days)) => format!("{days} days"),
        Some(Retention::Forever) => "forever".to_owned(),
        None => "no rule".to_owned(),
    };
    Change::new("System.Parameters.Manage", object, detail, by)
}

fn access(command: &PutAccess) -> Change {
    let PutAccess { recording, auditors, denied, by, .. } = command;
    let detail = format!("auditors {}; denied {}", auditors.join(", "), denied.join(", "));
    Change::new("PAM.SessionManagement.Auditors", format!("session/{recording}"), detail, by)
}

/// By whoever made the token.
fn admitted(step: &Step<'_, '_>, command: &AdmitMember) -> Result<Change, Halt> {
    let AdmitMember { token, name, address, .. } = command;
    let row = step.rows.get::<JoinTokenRow>(&token.0)?;
    let by = row.map(|row| row.by).unwrap_or_default();
    Ok(Change::new("member-joined", format!("join-token/{token}"), format!("{name} at {address}"), &by))
}

fn removed(command: &RemoveMember) -> Change {
    let RemoveMember { member, is_lost, replaced_by, by } = command;
    let how = if *is_lost { "removed as lost" } else { "removed" };
    let detail = match replaced_by {
        Some(heir) => format!("{how}, replaced by member {heir}"),
        None => how.to_owned(),
    };
    Change::new("System.Cluster.Manage", format!("member/{member}"), detail, by)
}

/// Not what was said: the log outlives the session.
fn commented(command: &AddComment) -> Change {
    let AddComment { comment, recording, by, .. } = command;
    let (object, detail) = (format!("session/{recording}"), format!("comment {comment}"));
    Change::new("PAM.SessionManagement.Review", object, detail, by)
}

fn reviewed(command: &PutReview) -> Change {
    let PutReview { recording, is_reviewed, by } = command;
    let detail = if *is_reviewed { "reviewed" } else { "not reviewed" };
    Change::new("PAM.SessionManagement.Review", format!("session/{recording}"), detail.to_owned(), by)
}

fn approval_asked(command: &AskApproval) -> Change {
    let AskApproval { approval, recording, reason, ticket, by, .. } = command;
    let detail = format!("approval {approval} asked for: {ticket} {reason}");
    Change::new("approval-asked", format!("session/{recording}"), detail, by)
}

fn approval_decided(command: &DecideApproval) -> Change {
    let DecideApproval { approval, recording, is_approved, reason, by } = command;
    let word = if *is_approved { "given" } else { "denied" };
    let detail = format!("approval {approval} {word}: {reason}");
    Change::new("PAM.SessionManagement.Approve", format!("session/{recording}"), detail, by)
}

fn staged(command: &StageLayout) -> Change {
    let StageLayout { member, role, by } = command;
    let detail = match role {
        Some(LayoutRole { zone, weight }) => format!("staged member {member}: weight {weight}, zone {zone}"),
        None => format!("staged without member {member}"),
    };
    layout(detail, by)
}

fn applied(command: &ApplyLayout) -> Change {
    let ApplyLayout { version, dead, by } = command;
    let dead: Vec<String> = dead.iter().map(|member| format!(", member {member} is dead")).collect();
    layout(format!("applied version {version}{}", dead.concat()), by)
}

fn layout(detail: String, by: &str) -> Change {
    Change::new("System.Cluster.Manage", "layout".to_owned(), detail, by)
}

fn of_member(member: MemberId, detail: &str, by: &str) -> Change {
    Change::new("System.Cluster.Manage", format!("member/{member}"), detail.to_owned(), by)
}

fn controlled(command: &ControlSession) -> Change {
    let ControlSession { recording, kind, reason, by } = command;
    let action = match kind {
        ControlKind::Blocked | ControlKind::Unblocked => "PAM.SessionManagement.Block",
        ControlKind::Dropped => "PAM.SessionManagement.Drop",
    };
    Change::new(action, format!("session/{recording}"), format!("{kind}: {reason}"), by)
}

fn purged(command: &Purge) -> Change {
    let object = format!("session/{}", command.recording);
    match &command.cause {
        PurgeCause::Retention => Change::new("purged-by-age", object, String::new(), ""),
        PurgeCause::Person { by, reason } => {
            Change::new("PAM.SessionManagement.Purge", object, reason.clone(), by)
        }
    }
}
