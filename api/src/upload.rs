//! What a recorder sends, piece by piece: looked into, made durable, acknowledged.

use std::pin::pin;
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use cluster::catalog::{Command, EndSession, ObjectState, Refusal, SessionState};
use cluster::cluster::Sealed;
use cluster::facts::SubmitError;
use cluster::id::ObjectId;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::auth::{Allowed, OneSession, Record};
use crate::content::{self, Source};
use crate::control::{self, LOOK_EVERY, Order};
use crate::dto::SealRequest;
use crate::intake::PIECE_BYTES_MAX;
use crate::metrics::APPENDED_BYTES;
use crate::problem::{Kind, Problem};
use crate::state::ApiState;

/// How long more bytes are waited for before a piece that is not full is appended.
const LINGER: Duration = Duration::from_millis(20);
/// What is appended at once, about, and as much is gathered meanwhile: who sends fast waits for few syncs.
const GATHERED_BYTES_MAX: usize = 4 * PIECE_BYTES_MAX;
/// So many uploads may gather that much at a time; the others gather a piece, so that a thousand recorders that come back
/// at once do not take all memory.
const AHEAD_MAX: usize = 32;

/// Places for uploads that gather more than a piece.
#[derive(Debug)]
pub struct Ahead(Semaphore);

impl Default for Ahead {
    fn default() -> Self {
        Self(Semaphore::new(AHEAD_MAX))
    }
}

/// The most that is read to tell a refused line's number.
const COUNTED_BYTES_MAX: u64 = 64 << 20;

/// How far a recording is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Up to where it is durable.
    pub(crate) offset: u64,
    pub(crate) is_sealed: bool,
}

/// How far a recording is. Changes nothing.
pub(crate) async fn standing(state: &ApiState, object: ObjectId) -> Result<Standing, Problem> {
    let look = || state.cluster.catalog()?.object(object)?.ok_or_else(Problem::not_found);
    let mut row = look()?;
    if matches!(row.state, ObjectState::Interrupted { .. }) {
        // All of it is closed, and the facts know how much. Its owner would have to open a chunk to be sure.
        state.cluster.read_index().await?;
        row = look()?;
        if matches!(row.state, ObjectState::Interrupted { .. }) && row.open_chunk.is_none() {
            return Ok(Standing { offset: row.length, is_sealed: false });
        }
    }
    match row.state {
        ObjectState::Sealed(facts) => Ok(Standing { offset: facts.length, is_sealed: true }),
        ObjectState::Open | ObjectState::Interrupted { .. } => {
            let offset = state.cluster.durable_offset(object).await?;
            Ok(Standing { offset, is_sealed: false })
        }
    }
}

/// Appends a body from an offset on, and answers the durable offset behind it. What the body holds before an error
/// is durable all the same, and the problem says how far.
pub(crate) async fn append(
    state: &ApiState,
    session: &OneSession,
    offset: u64,
    length: Option<u64>,
    body: Payload,
) -> Result<u64, Problem> {
    let object = ObjectId::from(session.id);
    let order = control::order(state, session.id)?;
    if order == Order::Drop {
        return Err(Problem::session_dropped());
    }
    let standing = standing(state, object).await?;
    let problem = |kind, detail: &str| Problem::new(kind, detail).at(standing.offset);
    if standing.is_sealed {
        return Err(problem(Kind::RecordingSealed, "expected nothing more"));
    }
    if offset > standing.offset {
        return Err(problem(Kind::OffsetMismatch, "expected the durable offset in the header Upload-Offset"));
    }
    if offset.saturating_add(length.unwrap_or(0)) > state.limits.recording_bytes_max {
        return Err(problem(Kind::TooLarge, "the recording would be longer than is allowed"));
    }
    let pending = BytesMut::new();
    let mut upload = Upload {
        state,
        session,
        object,
        order,
        position: offset,
        pending,
        stored: standing.offset,
        compared: offset,
        ahead: None,
    };
    match upload.run(body).await {
        Ok(()) => Ok(upload.position),
        // The seal of a drop is no conflict of the recorder's.
        Err(_) if control::order(state, session.id)? == Order::Drop => Err(Problem::session_dropped()),
        Err(problem) => Err(match state.cluster.durable_offset(object).await {
            Ok(durable_offset) => {
                let lines = match problem.refused_line_at() {
                    Some(at) => lines_before(state, object, at.min(durable_offset)).await,
                    None => None,
                };
                problem.at(durable_offset).behind_lines(lines)
            }
            Err(_) => problem.behind_lines(None),
        }),
    }
}

/// Ends a session, if it has not ended, and seals its recording. Asked again, it does what is left.
pub(crate) async fn seal(
    state: &ApiState,
    allowed: &Allowed<Record, OneSession>,
    request: SealRequest,
) -> Result<Sealed, Problem> {
    let session = &allowed.target;
    let object = ObjectId::from(session.id);
    if let Some(length) = request.length {
        let standing = standing(state, object).await?;
        if standing.offset != length {
            let detail = format_args!("the recording has {} bytes, not {length}", standing.offset);
            return Err(Problem::new(Kind::OffsetMismatch, detail).at(standing.offset));
        }
    }
    match session.row.state {
        SessionState::Live => end(allowed, request).await?,
        SessionState::Ended { .. } | SessionState::Purging(_) | SessionState::Purged { .. } => {}
    }
    Ok(state.cluster.seal(object).await?)
}

async fn end(allowed: &Allowed<Record, OneSession>, request: SealRequest) -> Result<(), Problem> {
    let command = EndSession {
        recording: allowed.target.id,
        end: request.end.into(),
        end_ms: request.end_ms,
        error_message: request.error_message,
        reason: request.reason,
    };
    match allowed.submit(Command::CloseSession(command)).await {
        Ok(_) | Err(SubmitError::Refused(Refusal::SessionEnded { .. })) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

struct Upload<'a> {
    state: &'a ApiState,
    session: &'a OneSession,
    object: ObjectId,
    /// What the recorder has been told to heed, or was when it began.
    order: Order,
    /// Where the pending bytes belong: all before them is durable, or being appended.
    position: u64,
    pending: BytesMut,
    /// Up to where the recording was durable when the request began.
    stored: u64,
    /// Up to where what comes again was found to be what is stored.
    compared: u64,
    /// There while it may gather more than a piece.
    ahead: Option<SemaphorePermit<'a>>,
}

/// Bytes that are to be appended.
struct Accepted {
    offset: u64,
    bytes: Bytes,
}

/// What became of a body while a piece was gathered.
enum Gathered {
    /// There may be more.
    More,
    /// It has ended.
    End,
    /// It has broken off.
    Broken(PayloadError),
    /// Nothing came for too long.
    Idle,
}

impl Upload<'_> {
    async fn run(&mut self, mut body: Payload) -> Result<(), Problem> {
        loop {
            self.compare().await?;
            let gathered = match self.accept()? {
                Some(accepted) => self.append_and_gather(accepted, &mut body).await?,
                None => self.gather(&mut body).await?,
            };
            if !matches!(gathered, Gathered::More) {
                self.compare().await?;
                while let Some(accepted) = self.accept()? {
                    make_durable(self.state, self.object, accepted).await?;
                }
            }
            match gathered {
                Gathered::More => {}
                Gathered::End if self.order == Order::Block => return Err(Problem::session_blocked()),
                Gathered::End => return Ok(()),
                Gathered::Broken(error) => return Err(error.into()),
                Gathered::Idle => {
                    let limit_s = self.state.limits.idle_s_max;
                    return Err(Problem::new(
                        Kind::RecorderIdle,
                        format_args!("nothing came for {limit_s} s"),
                    ));
                }
            }
        }
    }

    /// Appends, and gathers more meanwhile.
    async fn append_and_gather(
        &mut self,
        accepted: Accepted,
        body: &mut Payload,
    ) -> Result<Gathered, Problem> {
        let appending = pin!(make_durable(self.state, self.object, accepted));
        let gathering = pin!(self.gather(body));
        match select(appending, gathering).await {
            Either::Left((appended, gathering)) => {
                appended?;
                gathering.await
            }
            // What was accepted becomes durable whatever comes behind it.
            Either::Right((gathered, appending)) => {
                let appended = appending.await;
                gathered.and_then(|gathered| appended.map(|()| gathered))
            }
        }
    }

    /// Waits for bytes, then takes what comes right behind them. Who waits hears when the session is
    /// blocked or dropped.
    async fn gather(&mut self, body: &mut Payload) -> Result<Gathered, Problem> {
        let idle_until = Instant::now() + Duration::from_secs(self.state.limits.idle_s_max);
        let first = loop {
            self.heed()?;
            let until = idle_until.min(Instant::now() + LOOK_EVERY);
            match timeout_at(until, body.next()).await {
                Ok(first) => break first,
                Err(_) if until == idle_until => return Ok(Gathered::Idle),
                Err(_) => {}
            }
        };
        if let Some(over) = self.take(first) {
            return Ok(over);
        }
        let until = Instant::now() + LINGER;
        while self.pending.len() < self.gathered_bytes_max() {
            // Who sends slowly leaves the place to others.
            let Ok(next) = timeout_at(until, body.next()).await else {
                self.ahead = None;
                break;
            };
            if let Some(over) = self.take(next) {
                return Ok(over);
            }
        }
        Ok(Gathered::More)
    }

    /// How much is gathered before it is appended: a piece, and more if there is a place for it.
    fn gathered_bytes_max(&mut self) -> usize {
        if self.pending.len() >= PIECE_BYTES_MAX && self.ahead.is_none() {
            self.ahead = self.state.ahead.0.try_acquire().ok();
        }
        if self.ahead.is_some() { GATHERED_BYTES_MAX } else { PIECE_BYTES_MAX }
    }

    /// Ends the request when the session is dropped, and when it is blocked while the request is under way: one that
    /// begins in a blocked session has its answer at its end, so that the recording goes on.
    fn heed(&mut self) -> Result<(), Problem> {
        let order = control::order(self.state, self.session.id)?;
        let is_news = order != std::mem::replace(&mut self.order, order);
        match order {
            Order::Drop => Err(Problem::session_dropped()),
            Order::Block if is_news => Err(Problem::session_blocked()),
            Order::Block | Order::GoOn => Ok(()),
        }
    }

    /// Keeps bytes; says so when there are no more.
    fn take(&mut self, item: Option<Result<Bytes, PayloadError>>) -> Option<Gathered> {
        match item {
            Some(Ok(bytes)) => {
                self.pending.extend_from_slice(&bytes);
                None
            }
            Some(Err(error)) => Some(Gathered::Broken(error)),
            None => Some(Gathered::End),
        }
    }

    /// Compares what comes again with what is stored before anybody looks into it: whoever sends other bytes hears that,
    /// whatever they are. Bytes that cannot be read here are compared when they are appended.
    async fn compare(&mut self) -> Result<(), Problem> {
        let end = self.position.saturating_add(length_of(self.pending.len())).min(self.stored);
        let skipped = usize::try_from(self.compared.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let mut rest = self.pending.get(skipped..).unwrap_or_default();
        if self.compared >= end {
            return Ok(());
        }
        let source = Source::Object(self.object);
        let Some(mut reading) = content::read(self.state, source, self.compared..end).await? else {
            return Ok(());
        };
        while let Some(Ok(piece)) = reading.next().await {
            let detail = "expected the bytes that are stored, or those behind them";
            rest = rest.strip_prefix(&piece[..]).ok_or_else(|| Problem::new(Kind::BytesDiffer, detail))?;
        }
        self.compared = end;
        Ok(())
    }

    /// Takes from the pending bytes what is accepted of them; what is left needs more behind it, or is sent again.
    fn accept(&mut self) -> Result<Option<Accepted>, Problem> {
        let mut accepted = 0;
        while accepted < self.pending.len().min(GATHERED_BYTES_MAX) {
            let rest = self.pending.get(accepted..).unwrap_or_default();
            let piece = rest.get(..PIECE_BYTES_MAX).unwrap_or(rest);
            match self.look_into(self.position.saturating_add(length_of(accepted)), piece) {
                Ok(0) => break,
                Ok(more) => accepted += more,
                // What stands before it is appended first.
                Err(_) if accepted > 0 => break,
                Err(refusal) => return Err(refusal),
            }
        }
        let offset = self.position;
        self.position = offset.saturating_add(length_of(accepted));
        let bytes = self.pending.split_to(accepted).freeze();
        Ok((accepted > 0).then_some(Accepted { offset, bytes }))
    }

    /// How much is accepted of a piece that begins at an offset.
    fn look_into(&self, offset: u64, piece: &[u8]) -> Result<usize, Problem> {
        let format = self.session.row.info.format;
        let accepted = match self.state.intake.accept(format, offset, piece) {
            Ok(accepted) => accepted.min(piece.len()),
            // It was accepted before, from another byte on.
            Err(_) if offset.saturating_add(length_of(piece.len())) <= self.compared => piece.len(),
            Err(refusal) => return Err(refusal.into()),
        };
        if accepted == 0 && piece.len() == PIECE_BYTES_MAX {
            let detail = format_args!("expected a part that is whole within {PIECE_BYTES_MAX} bytes");
            return Err(Problem::new(Kind::RecordingRefused, detail));
        }
        if offset.saturating_add(length_of(accepted)) > self.state.limits.recording_bytes_max {
            return Err(Problem::new(Kind::TooLarge, "the recording would be longer than is allowed"));
        }
        Ok(accepted)
    }
}

/// How many lines the first bytes of a recording have; none if they are too many to be read for this.
async fn lines_before(state: &ApiState, object: ObjectId, offset: u64) -> Option<u64> {
    if offset > COUNTED_BYTES_MAX {
        return None;
    }
    let mut lines = 0_u64;
    if let Some(mut reading) = content::read(state, Source::Object(object), 0..offset).await.ok()? {
        while let Some(piece) = reading.next().await {
            let feeds = piece.ok()?.iter().filter(|byte| **byte == b'\n').count();
            lines = lines.saturating_add(length_of(feeds));
        }
    }
    Some(lines)
}

/// Makes bytes durable.
async fn make_durable(state: &ApiState, object: ObjectId, accepted: Accepted) -> Result<(), Problem> {
    let Accepted { offset, bytes } = accepted;
    let length = length_of(bytes.len());
    state.cluster.append(object, offset, bytes).await?;
    metrics::counter!(APPENDED_BYTES).increment(length);
    Ok(())
}

fn length_of(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
