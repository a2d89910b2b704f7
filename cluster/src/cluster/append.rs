//! Changes of an object, wherever its owner is: appends, interruptions, seals.

use super::errors::{AppendError, Halt, ReadError, WriteFailure};
use super::machine::WAITING_MAX;
use super::shared::Shared;
use crate::catalog::SealFacts;
use crate::chunk::disk_size;
use crate::facts::NotReady;
use crate::id::{MemberId, ObjectId};
use crate::rpc;
use crate::tail::{self, Answer, Request};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a caller waits. What it asked for goes on: bytes may still become durable.
const DEADLINE: Duration = Duration::from_secs(60);
/// How long another member may take to answer, before this one looks who the owner is.
const OWNER_DEADLINE: Duration = Duration::from_secs(5);
/// Pauses between attempts: the first, and the longest.
const PAUSE: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(200);

impl Shared {
    /// Appends, and returns the durable offset.
    pub(super) async fn append(
        self: &Arc<Self>,
        object: ObjectId,
        offset: u64,
        bytes: Bytes,
    ) -> Result<u64, AppendError> {
        let until = Instant::now() + DEADLINE;
        let end = offset.saturating_add(disk_size(bytes.len()));
        let mut at = offset;
        loop {
            let skipped = usize::try_from(at - offset).unwrap_or(bytes.len());
            let request = Request::Append { offset: at, bytes: tail::Bytes(bytes.slice(skipped..)) };
            let answer = self.ask(object, request, until).await?;
            if let Answer::Durable { offset } = answer {
                return Ok(offset);
            }
            let Answer::Behind { durable_offset } = answer else {
                return Err(not_appended(object, offset, &answer));
            };
            let held = durable_offset.min(end);
            self.compare(object, at, bytes.slice(skipped..), held).await?;
            if held == end {
                return Ok(durable_offset);
            }
            at = held;
        }
    }

    /// Compares bytes with those that the object holds from `at` to `held`.
    async fn compare(
        self: &Arc<Self>,
        object: ObjectId,
        at: u64,
        bytes: Bytes,
        held: u64,
    ) -> Result<(), AppendError> {
        let mut rest = &bytes[..];
        let mut read = self.read(object, at..held).await.map_err(failed)?;
        while let Some(piece) = read.next().await {
            match rest.strip_prefix(&piece.map_err(failed)?[..]) {
                Some(after) => rest = after,
                None => return Err(AppendError::Conflict { object, offset: at }),
            }
        }
        Ok(())
    }

    /// Up to where an object is durable.
    pub(super) async fn durable_offset(&self, object: ObjectId) -> Result<u64, Halt> {
        let answer = self.ask(object, Request::DurableOffset, Instant::now() + DEADLINE).await?;
        if let Answer::Durable { offset } | Answer::Sealed(SealFacts { length: offset, .. }) = answer {
            return Ok(offset);
        }
        Err(refused(object, &answer))
    }

    /// Notes that a recorder is away.
    pub(super) async fn interrupt(&self, object: ObjectId) -> Result<(), Halt> {
        let answer = self.ask(object, Request::Interrupt, Instant::now() + DEADLINE).await?;
        if answer == Answer::Interrupted { Ok(()) } else { Err(refused(object, &answer)) }
    }

    /// Makes an object final.
    pub(super) async fn seal(&self, object: ObjectId) -> Result<SealFacts, Halt> {
        let answer = self.ask(object, Request::Seal, Instant::now() + DEADLINE).await?;
        if let Answer::Sealed(facts) = answer { Ok(facts) } else { Err(refused(object, &answer)) }
    }

    /// Asks whoever owns the object, until somebody answers for certain.
    async fn ask(&self, object: ObjectId, request: Request, until: Instant) -> Result<Answer, Halt> {
        self.catalog().map_err(|NotReady| Halt::NotReady)?;
        let mut pause = PAUSE;
        loop {
            let here = tokio::time::timeout_at(until, self.ask_here(object, request.clone())).await;
            let answer = match here {
                Ok(Some(Answer::Owner(owner))) => self.ask_owner(owner, object, request.clone(), until).await,
                Ok(Some(answer)) => answer,
                Ok(None) => return Err(Halt::Stopped),
                Err(_) => Answer::Unknown,
            };
            // The owner may think that it is another one, or it is away.
            if !matches!(answer, Answer::Unknown | Answer::Owner(_)) {
                return Ok(answer);
            }
            if Instant::now() + pause >= until {
                return Err(Halt::TimedOut { after_s: DEADLINE.as_secs() });
            }
            tokio::time::sleep(pause).await;
            pause = PAUSE_MAX.min(pause * 2);
        }
    }

    /// Asks another member; nothing is known when it does not answer.
    async fn ask_owner(&self, owner: MemberId, object: ObjectId, request: Request, until: Instant) -> Answer {
        let request = rpc::encode(&rpc::Request::Ask { object, request });
        let deadline = OWNER_DEADLINE.min(until.saturating_duration_since(Instant::now()));
        let answer = self.peers.call(owner, request, deadline).await.ok();
        let answer = answer.and_then(|answer| rpc::decode::<Option<Answer>>(&answer)?);
        answer.unwrap_or(Answer::Unknown)
    }
}

fn failed(error: ReadError) -> AppendError {
    Halt::from(error).into()
}

fn not_appended(object: ObjectId, offset: u64, answer: &Answer) -> AppendError {
    if let Answer::Gap { durable_offset } = answer {
        return AppendError::Gap { object, offset, durable_offset: *durable_offset };
    }
    if *answer == Answer::Conflict {
        return AppendError::Conflict { object, offset };
    }
    refused(object, answer).into()
}

/// Why an object is not changed.
fn refused(object: ObjectId, answer: &Answer) -> Halt {
    match answer {
        Answer::Sealed(_) => Halt::Sealed { object },
        Answer::ObjectUnknown => Halt::ObjectUnknown { object },
        Answer::Full { limit } => Halt::ObjectFull { object, limit: *limit },
        Answer::Busy => Halt::Busy { limit: WAITING_MAX },
        Answer::NoRoom => Halt::DiskFull,
        Answer::Lost(chunk) => Halt::Failed(WriteFailure::Lost { chunk: *chunk }),
        Answer::NotTaken
        | Answer::Durable { .. }
        | Answer::Behind { .. }
        | Answer::Gap { .. }
        | Answer::Conflict
        | Answer::Unknown
        | Answer::Owner(_)
        | Answer::Interrupted
        | Answer::Bytes(_)
        | Answer::Unreadable => Halt::Failed(WriteFailure::NotTaken),
    }
}
