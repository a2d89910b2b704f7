//! From a request to its effect and its leaf.

use super::access;
use super::approval;
use super::audit;
use super::begun;
use super::ca;
use super::clock::{self, ClockRow};
use super::command::Command;
use super::comment;
use super::condition::{self, OnlyIf};
use super::control;
use super::deleted;
use super::forget;
use super::hold;
use super::job;
use super::join_token;
use super::kek;
use super::key_states;
use super::layout;
use super::member;
use super::once::{self, Once};
use super::outbox;
use super::outcome::{Applied, Outcome, Refusal};
use super::parameter;
use super::purge;
use super::recording;
use super::request::{self, Known, Request};
use super::retention;
use super::role;
use super::session;
use super::sound;
use super::step::{Effect, Halt, LogPosition, Step};
use super::token;
use super::transaction::{CatalogError, Transaction};
use super::user;
use super::video;
use super::view;
use crate::chunk::key::KeyPurpose;

/// Applies one request, unless it was applied before.
pub(super) fn request(
    rows: &mut Transaction<'_>,
    position: LogPosition,
    request: Request,
) -> Result<Applied, CatalogError> {
    if let Some(id) = request.id
        && let Known::Answered(applied) = request::lookup(rows, id)?
    {
        return Ok(applied);
    }
    let now_ms = rows.get::<ClockRow>(clock::KEY)?.map_or(0, |clock| clock.now_ms);
    let mut step = Step { rows, now_ms, index: position.index };
    let applied = match audited(&mut step, request.command) {
        Ok(outcome) => {
            rows.keep();
            Ok(outcome)
        }
        Err(Halt::Refused(refusal)) => {
            rows.forget();
            Err(refusal)
        }
        Err(Halt::Failed(error)) => return Err(error),
    };
    if let Some(id) = request.id {
        request::keep(rows, id, &applied)?;
        rows.keep();
    }
    Ok(applied)
}

/// A command and, in the same batch, its leaf.
fn audited(step: &mut Step<'_, '_>, command: Command) -> Effect {
    let (change, command) = if let Command::As(audit::As { user, service, address, command }) = command {
        let change = audit::of(step, &command)?;
        (change.map(|change| change.asked_by(user, service, address)), *command)
    } else {
        (audit::of(step, &command)?, command)
    };
    let outcome = apply(step, command)?;
    // What was done before has its leaf.
    let is_again = matches!(outcome, Outcome::Again { .. });
    if let Some(change) = change.filter(|_| !is_again) {
        audit::changed(step, change)?;
    }
    Ok(outcome)
}

/// A change, while its row is as it was.
fn only_if(step: &mut Step<'_, '_>, command: OnlyIf) -> Effect {
    let OnlyIf { row, condition, command } = command;
    condition::check(step, &row, condition)?;
    apply_plain(step, *command)
}

/// A change, unless it was made under the same key.
fn once(step: &mut Step<'_, '_>, command: Once) -> Effect {
    let Once { key, note, command } = command;
    if let Some(outcome) = once::earlier(step, &key)? {
        return Ok(outcome);
    }
    let outcome = apply_plain(step, *command)?;
    once::keep(step, key, note, &outcome)?;
    Ok(outcome)
}

/// A change that stands in another one, and in which none stands.
fn apply_plain(step: &mut Step<'_, '_>, command: Command) -> Effect {
    if matches!(command, Command::As(_) | Command::OnlyIf(_) | Command::Once(_)) {
        return Err(Refusal::AskedTwice.into());
    }
    apply(step, command)
}

fn apply(step: &mut Step<'_, '_>, command: Command) -> Effect {
    match command {
        Command::StartMember { member } => request::start(step, member),
        Command::Seed => role::seed(step),
        Command::Clock(sample) => clock::sample(step, sample),
        Command::ConfirmClock { by } => clock::confirm(step, &by),
        Command::OpenSession(command) => session::open(step, command),
        Command::EndSession(command) | Command::CloseSession(command) => session::end(step, command),
        Command::OpenStream { recording, owner } => {
            recording::open_stream(step, recording, owner, KeyPurpose::Bytes)
        }
        Command::TakeOver { object, epoch, owner } => recording::take_over(step, object, epoch, owner),
        Command::OpenChunk(command) => recording::open_chunk(step, command),
        Command::CloseChunk(command) => recording::close_chunk(step, command),
        Command::Interrupt { object, epoch } => recording::interrupt(step, object, epoch, 0),
        Command::Seal(command) => recording::seal(step, command),
        Command::RequestVideo(command) => video::request(step, command),
        Command::ClaimJob(command) => job::claim(step, command),
        Command::RenewClaim { claim, lease_ms } => job::renew(step, claim, lease_ms),
        Command::Progress(command) => job::progress(step, command),
        Command::IndexDone(command) => job::index_done(step, command),
        Command::CompleteIndex(command) => job::complete_index(step, command),
        Command::Complete(command) => job::complete(step, command),
        Command::CompleteDamaged(command) => job::complete_damaged(step, command),
        Command::KeepSound(command) => sound::keep(step, command),
        Command::BeginVideo(command) => begun::begin(step, command),
        Command::FailJob(command) => job::fail(step, command),
        Command::CancelJob { job, by } => job::cancel(step, job, &by),
        Command::MailSent { mail } => outbox::sent(step, mail),
        Command::MailFailed { mail, error, retry_after_ms } => {
            outbox::failed(step, mail, error, retry_after_ms)
        }
        Command::PutParameter(command) => parameter::put(step, command),
        Command::PutRole(command) => role::put(step, command),
        Command::CreateToken(command) => token::create(step, command),
        Command::RevokeToken { token, by } => token::revoke(step, token, &by),
        Command::KeepKeyStates(command) => key_states::keep(step, command),
        Command::PlaceHold(command) => hold::place(step, command),
        Command::ReleaseHold(command) => hold::release(step, command),
        Command::PutRetention(command) => retention::put(step, command),
        Command::Purge(command) => purge::purge(step, command),
        Command::DeletedBytes(command) => purge::deleted(step, command),
        Command::OpenTextStream { recording, owner } => {
            recording::open_stream(step, recording, owner, KeyPurpose::Text)
        }
        Command::KeepView(command) => view::keep(step, command),
        Command::PutAccess(command) => access::put(step, command),
        Command::RetryVideo(command) => video::retry(step, command),
        Command::BlockMail(command) => outbox::blocked(step, command),
        Command::CreateUser(command) => user::create(step, command),
        Command::PutUser(command) => user::put(step, command),
        Command::SetPassword(command) => user::set_password(step, command),
        Command::DeleteUser { name, by } => user::delete(step, &name, &by),
        Command::LogIn(command) => user::log_in(step, command),
        Command::As(_) => Err(Refusal::AskedTwice.into()),
        Command::OnlyIf(command) => only_if(step, command),
        Command::Once(command) => once(step, command),
        Command::Audit(command) => audit::event(step, command),
        Command::AuditKey(command) => audit::keep_key(step, &command),
        Command::AuditHeartbeat { member } => audit::heartbeat(step, member),
        Command::AddComment(command) => comment::add(step, command),
        Command::PutReview(command) => comment::review(step, command),
        Command::AskApproval(command) => approval::ask(step, command),
        Command::DecideApproval(command) => approval::decide(step, command),
        Command::InterruptIdle { object, epoch, idle_ms } => {
            recording::interrupt(step, object, epoch, idle_ms)
        }
        Command::LetGo { object, epoch, idle_ms } => recording::let_go(step, object, epoch, idle_ms),
        Command::OpenChunkLate(command) => recording::open_chunk_late(step, command),
        Command::StageLayout(command) => layout::stage(step, command),
        Command::RevertLayout { by } => layout::revert(step, &by),
        Command::ApplyLayout(command) => layout::apply(step, command),
        Command::DrainMember { member, by } => layout::drain(step, member, by),
        Command::UndrainMember { member, by } => layout::undrain(step, member, by),
        Command::LayoutSettled(command) => layout::settled(step, command),
        Command::ControlSession(command) => control::control(step, command),
        Command::HoldKeks(command) => kek::hold(step, command),
        Command::NextKek(command) => kek::next(step, command),
        Command::UseKek { kek } => kek::take_into_use(step, kek),
        Command::Rewrap(command) => kek::rewrap(step, command),
        Command::RetireKek { kek } => kek::retire(step, kek),
        Command::ForgetTurn { member } => forget::give_turn(step, member),
        Command::Forgotten(command) => forget::forgotten(step, command),
        Command::CompletePurge { recording } => forget::complete(step, recording),
        Command::FoundCa(command) => ca::found(step, command),
        Command::CreateJoinToken(command) => join_token::create(step, command),
        Command::DeleteJoinToken { token, by } => join_token::delete(step, token, &by),
        Command::AdmitMember(command) => member::admit(step, command),
        Command::DescribeMember(command) => member::describe(step, command),
        Command::SettleMember { member } => member::settle(step, member),
        Command::RemoveMember(command) => member::remove(step, command),
        Command::RewrapCa(command) => ca::rewrap(step, command),
        Command::DeleteVideo(command) => video::delete(step, command),
        Command::DeletedCopies(command) => deleted::copies(step, command),
    }
}
