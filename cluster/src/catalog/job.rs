//! Jobs: long work, done by the member that holds the claim.

use super::begun;
use super::engine::Tree;
use super::outbox::{self, MailKind, WebhookEvent};
use super::outcome::{Outcome, Refusal};
use super::recording;
use super::row::Row;
use super::session::{self, IndexFacts, IndexState, named};
use super::step::{Counter, Effect, Halt, Step};
use super::text;
use super::video::{self, DamagedVideoRow, VideoFacts, VideoState};
use crate::id::{JobId, MemberId, ObjectId, RecordingId, VideoId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How long a claim may last.
const LEASE_MS: std::ops::RangeInclusive<u64> = 1_000..=600_000;
/// A job that has failed this often is not tried again.
const FAILURES_MAX: u32 = 2;
/// A job that was claimed this often without an end is not claimed again: it takes its members down with it.
const CLAIMS_MAX: u32 = 8;

/// What a job makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobKind {
    /// The index of a recording.
    Index,
    /// A video.
    Convert {
        /// Which.
        video: VideoId,
    },
}

/// A member's right to do a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Whose.
    pub member: MemberId,
    /// Greater than that of every earlier claim on any job: the log index of the claim.
    pub fencing_token: u64,
    /// Until when, in the cluster's time.
    pub deadline_ms: u64,
}

/// Names a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimToken {
    /// On which job.
    pub job: JobId,
    /// The fencing token.
    pub fencing_token: u64,
}

/// A member wants to do a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimJob {
    /// Which.
    pub job: JobId,
    /// Who.
    pub member: MemberId,
    /// For how long from the cluster's time on.
    pub lease_ms: u64,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Which claim says so.
    pub claim: ClaimToken,
    /// How far.
    pub progress: JobProgress,
}

/// Recording time done, of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobProgress {
    /// Done.
    pub done_ms: u64,
    /// Of all; 0 when unknown.
    pub total_ms: u64,
}

/// The index of a recording is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexDone {
    /// Which claim says so.
    pub claim: ClaimToken,
    /// What it says.
    pub facts: IndexFacts,
}

/// The index of a recording is made, and its keystrokes beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompleteIndex {
    /// Which claim says so.
    pub claim: ClaimToken,
    /// What it says.
    pub facts: IndexFacts,
    /// Where the keystrokes are stored.
    pub keystrokes: ObjectId,
}

/// A video is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complete {
    /// Which claim says so.
    pub claim: ClaimToken,
    /// What is known of it.
    pub facts: VideoFacts,
}

/// A video is made of what could be read of a damaged recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompleteDamaged {
    /// The video.
    pub made: Complete,
    /// All of the recording is in it up to then.
    pub missing_from_ms: u64,
}

/// A job could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailJob {
    /// Which claim says so.
    pub claim: ClaimToken,
    /// Why.
    pub failure: FailureKind,
    /// Why, for a person.
    pub detail: String,
}

named!(
    /// Why a job failed. Variants are only ever added at the end.
    FailureKind {
        /// A limit was exceeded.
        Limit = "limit",
        /// The recording is damaged or no recording.
        Malformed = "malformed",
        /// The recording is cut.
        Truncated = "truncated",
        /// The recording holds what cannot be shown.
        Unsupported = "unsupported",
        /// It took too long.
        TimeBudget = "time-budget",
        /// It took too much memory.
        MemoryBudget = "memory-budget",
        /// The worker crashed.
        Crashed = "crashed",
        /// It is good up to a point.
        Partial = "partial",
        /// Bytes could not be read or written.
        Storage = "storage",
    }
);

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobState {
    /// It waits.
    Queued,
    /// A member does it.
    Claimed(Claim),
    /// It is done.
    Done,
    /// It cannot be done.
    Failed(FailureKind),
    /// Nobody wants it any more.
    Cancelled,
}

/// A job in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRow {
    /// What it makes.
    pub kind: JobKind,
    /// Of which recording.
    pub recording: RecordingId,
    /// Where it stands.
    pub state: JobState,
    /// How far it is.
    pub progress: JobProgress,
    /// How often it was claimed.
    pub claims: u32,
    /// How often it failed.
    pub failures: u32,
    /// What the newest failure said.
    pub detail: String,
    /// The cluster's time when it was made.
    pub created_ms: u64,
}

impl JobRow {
    /// Whether a member does it.
    pub fn is_claimed(&self) -> bool {
        matches!(self.state, JobState::Claimed(_))
    }
}

impl JobProgress {
    /// How much longer it takes at the pace that it has had for `elapsed_ms`; nothing is known of it before a thousandth is done.
    pub fn left_ms(&self, elapsed_ms: u64) -> Option<u64> {
        let Self { done_ms, total_ms } = *self;
        let is_told = elapsed_ms > 0 && done_ms > 0 && done_ms >= total_ms / 1000;
        let left = u128::from(elapsed_ms) * u128::from(total_ms.saturating_sub(done_ms));
        is_told.then(|| u64::try_from(left / u128::from(done_ms)).unwrap_or(u64::MAX))
    }
}

impl Row for JobRow {
    const TREE: Tree = Tree::Jobs;
}

/// Since when a job is being done, while it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStartRow {
    /// The cluster's time when it was claimed last.
    pub claimed_ms: u64,
}

impl Row for JobStartRow {
    const TREE: Tree = Tree::JobStarts;
}

pub(crate) fn create_index(step: &mut Step<'_, '_>, recording: RecordingId) -> Result<JobId, Halt> {
    create(step, recording, JobKind::Index)
}

pub(crate) fn create_convert(
    step: &mut Step<'_, '_>,
    recording: RecordingId,
    video: VideoId,
) -> Result<JobId, Halt> {
    create(step, recording, JobKind::Convert { video })
}

pub(crate) fn claim(step: &mut Step<'_, '_>, command: ClaimJob) -> Effect {
    let ClaimJob { job, member, lease_ms } = command;
    check_lease(lease_ms)?;
    let mut row = open(step, job)?;
    if session::is_purged(step, row.recording)? {
        finish(step, job, row, JobState::Cancelled)?;
        return Ok(Outcome::GivenUp);
    }
    // A member that claims its own job anew was started again, or knows what it does: the older claim is fenced.
    if let JobState::Claimed(claim) = row.state
        && step.now_ms <= claim.deadline_ms
        && claim.member != member
    {
        let Claim { member, deadline_ms, .. } = claim;
        return Err(Refusal::JobClaimed { job, member, deadline_ms }.into());
    }
    if row.claims >= CLAIMS_MAX {
        finish(step, job, row, JobState::Failed(FailureKind::Crashed))?;
        return Ok(Outcome::GivenUp);
    }
    let claim = Claim { member, fencing_token: step.index, deadline_ms: step.now_ms + lease_ms };
    row.claims += 1;
    row.state = JobState::Claimed(claim);
    row.progress = JobProgress::default();
    begun::end(step, row.kind);
    step.rows.put(&key(job), &row)?;
    step.rows.put(&key(job), &JobStartRow { claimed_ms: step.now_ms })?;
    Ok(Outcome::Claimed(claim))
}

pub(crate) fn renew(step: &mut Step<'_, '_>, token: ClaimToken, lease_ms: u64) -> Effect {
    check_lease(lease_ms)?;
    let (mut row, claim) = claimed(step, token)?;
    let claim = Claim { deadline_ms: step.now_ms + lease_ms, ..claim };
    row.state = JobState::Claimed(claim);
    step.rows.put(&key(token.job), &row)?;
    Ok(Outcome::Claimed(claim))
}

pub(crate) fn progress(step: &mut Step<'_, '_>, command: Progress) -> Effect {
    let (mut row, _) = claimed(step, command.claim)?;
    row.progress = command.progress;
    step.rows.put(&key(command.claim.job), &row)?;
    Ok(Outcome::Done)
}

pub(crate) fn index_done(step: &mut Step<'_, '_>, command: IndexDone) -> Effect {
    let IndexDone { claim, facts } = command;
    let artefact = facts.artefact;
    end_index(step, claim, &[artefact], IndexState::Ready(facts))
}

pub(crate) fn complete_index(step: &mut Step<'_, '_>, command: CompleteIndex) -> Effect {
    let CompleteIndex { claim, facts, keystrokes } = command;
    let artefact = facts.artefact;
    end_index(step, claim, &[artefact, keystrokes], IndexState::Complete { facts, keystrokes })
}

/// Ends an index job; the objects that it made must be sealed.
fn end_index(step: &mut Step<'_, '_>, claim: ClaimToken, objects: &[ObjectId], index: IndexState) -> Effect {
    let row = claimed_index(step, claim)?;
    for object in objects {
        recording::sealed(step, *object, row.recording)?;
    }
    session::set_index(step, row.recording, index)?;
    finish(step, claim.job, row, JobState::Done)?;
    Ok(Outcome::Done)
}

/// An index job that this claim holds.
pub(crate) fn claimed_index(step: &Step<'_, '_>, claim: ClaimToken) -> Result<JobRow, Halt> {
    let (row, _) = claimed(step, claim)?;
    match row.kind {
        JobKind::Index => Ok(row),
        JobKind::Convert { .. } => Err(Refusal::JobKind { job: claim.job }.into()),
    }
}

/// A video is ready, and the mails that say so are in the outbox, in one batch.
pub(crate) fn complete(step: &mut Step<'_, '_>, command: Complete) -> Effect {
    let Complete { claim, facts } = command;
    let (video, row) = claimed_video(step, claim)?;
    let actual = recording::sealed(step, facts.object, row.recording)?.length;
    if actual != facts.length {
        return Err(Refusal::VideoLength { expected: facts.length, actual }.into());
    }
    let recording = row.recording;
    finish(step, claim.job, row, JobState::Done)?;
    let ready = video::set_state(step, video, VideoState::Ready(facts))?;
    let mut mails = Vec::new();
    for address in ready.notify {
        mails.push(outbox::create(step, MailKind::VideoReady { video }, recording, address)?);
    }
    mails.extend(outbox::tell(step, recording, WebhookEvent::VideoReady { video })?);
    Ok(Outcome::Completed { mails })
}

/// The same, and what it lacks.
pub(crate) fn complete_damaged(step: &mut Step<'_, '_>, command: CompleteDamaged) -> Effect {
    let CompleteDamaged { made, missing_from_ms } = command;
    let (video, _) = claimed_video(step, made.claim)?;
    let outcome = complete(step, made)?;
    step.rows.put(&video.0, &DamagedVideoRow { missing_from_ms })?;
    Ok(outcome)
}

/// A conversion that this claim holds, and its video.
pub(crate) fn claimed_video(step: &Step<'_, '_>, claim: ClaimToken) -> Result<(VideoId, JobRow), Halt> {
    let (row, _) = claimed(step, claim)?;
    match row.kind {
        JobKind::Convert { video } => Ok((video, row)),
        JobKind::Index => Err(Refusal::JobKind { job: claim.job }.into()),
    }
}

pub(crate) fn fail(step: &mut Step<'_, '_>, command: FailJob) -> Effect {
    let FailJob { claim, failure, detail } = command;
    text::message("detail", &detail)?;
    let (mut row, _) = claimed(step, claim)?;
    row.failures += 1;
    row.detail = detail;
    let is_retried = row.failures < FAILURES_MAX;
    if is_retried {
        row.state = JobState::Queued;
        begun::end(step, row.kind);
        step.rows.put(&key(claim.job), &row)?;
    } else {
        finish(step, claim.job, row, JobState::Failed(failure))?;
    }
    Ok(Outcome::Failed { is_retried })
}

pub(crate) fn cancel(step: &mut Step<'_, '_>, job: JobId, by: &str) -> Effect {
    text::needed("by", by)?;
    let mut row = open(step, job)?;
    row.detail = by.to_owned();
    finish(step, job, row, JobState::Cancelled)?;
    Ok(Outcome::Done)
}

/// Ends a job whose session is purged, or whose video is deleted.
pub(crate) fn cancel_purged(step: &mut Step<'_, '_>, job: JobId) -> Result<(), Halt> {
    let row = open(step, job)?;
    finish(step, job, row, JobState::Cancelled)
}

pub(crate) fn key(job: JobId) -> [u8; 8] {
    job.0.to_be_bytes()
}

fn create(step: &mut Step<'_, '_>, recording: RecordingId, kind: JobKind) -> Result<JobId, Halt> {
    let job = JobId(step.count(Counter::Job)?);
    let row = JobRow {
        kind,
        recording,
        state: JobState::Queued,
        progress: JobProgress::default(),
        claims: 0,
        failures: 0,
        detail: String::new(),
        created_ms: step.now_ms,
    };
    step.rows.put(&key(job), &row)?;
    step.rows.put_key(Tree::JobsOpen, key(job).to_vec());
    Ok(job)
}

/// Ends a job, and says so where its result is looked for.
fn finish(step: &mut Step<'_, '_>, job: JobId, mut row: JobRow, state: JobState) -> Result<(), Halt> {
    match (row.kind, state) {
        (JobKind::Index, JobState::Failed(failure)) => {
            session::set_index(step, row.recording, IndexState::Failed { failure })?;
        }
        (JobKind::Convert { video }, JobState::Failed(failure)) => {
            video::set_state(step, video, VideoState::Failed { failure })?;
            outbox::tell(step, row.recording, WebhookEvent::ConversionFailed { video, failure })?;
        }
        (JobKind::Convert { video }, JobState::Cancelled) => {
            video::set_state(step, video, VideoState::Cancelled)?;
        }
        (JobKind::Index, JobState::Cancelled)
        | (_, JobState::Queued | JobState::Claimed(_) | JobState::Done) => {}
    }
    row.state = state;
    begun::end(step, row.kind);
    step.rows.put(&key(job), &row)?;
    step.rows.remove(Tree::JobsOpen, &key(job));
    step.rows.remove(Tree::JobStarts, &key(job));
    Ok(())
}

/// A job that has not ended.
fn open(step: &Step<'_, '_>, job: JobId) -> Result<JobRow, Halt> {
    let row: JobRow = step.need(&key(job), || Refusal::JobUnknown { job })?;
    match row.state {
        JobState::Queued | JobState::Claimed(_) => Ok(row),
        JobState::Done | JobState::Failed(_) | JobState::Cancelled => Err(Refusal::JobEnded { job }.into()),
    }
}

/// A job in the hands of this claim. A claim past its deadline holds until another member takes the job.
fn claimed(step: &Step<'_, '_>, token: ClaimToken) -> Result<(JobRow, Claim), Halt> {
    let row = open(step, token.job)?;
    match row.state {
        JobState::Claimed(claim) if claim.fencing_token == token.fencing_token => Ok((row, claim)),
        JobState::Claimed(_)
        | JobState::Queued
        | JobState::Done
        | JobState::Failed(_)
        | JobState::Cancelled => Err(Refusal::ClaimLost { job: token.job }.into()),
    }
}

fn check_lease(lease_ms: u64) -> Result<(), Refusal> {
    match LEASE_MS.contains(&lease_ms) {
        true => Ok(()),
        false => Err(Refusal::LeaseLength { min_ms: *LEASE_MS.start(), max_ms: *LEASE_MS.end() }),
    }
}
