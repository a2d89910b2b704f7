//! What a recorder sends, piece by piece: looked into, made durable, acknowledged.

use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use cluster::catalog::{Command, EndSession, ObjectState, Refusal, SessionState};
use cluster::cluster::Sealed;
use cluster::facts::SubmitError;
use cluster::id::ObjectId;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use crate::auth::{Allowed, OneSession, Record};
use crate::content::{self, Source};
use crate::control::{self, LOOK_EVERY, Order};
use crate::dto::SealRequest;
use crate::intake::{IntakeRefusal, PIECE_BYTES_MAX};
use crate::metrics::APPENDED_BYTES;
use crate::problem::{Kind, Problem};
use crate::state::ApiState;

/// How long more bytes are waited for before a piece that is not full is appended.
const LINGER: Duration = Duration::from_millis(20);

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
    let mut upload = Upload { state, session, object, order, position: offset, pending: BytesMut::new() };
    match upload.run(body).await {
        Ok(()) => Ok(upload.position),
        // The seal of a drop is no conflict of the recorder's.
        Err(_) if control::order(state, session.id)? == Order::Drop => Err(Problem::session_dropped()),
        Err(problem) => Err(match state.cluster.durable_offset(object).await {
            Ok(durable_offset) => problem.at(durable_offset),
            Err(_) => problem,
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
    match allowed.submit(Command::EndSession(command)).await {
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
    /// Where the pending bytes belong: all before them is durable.
    position: u64,
    pending: BytesMut,
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
            let gathered = self.gather(&mut body).await?;
            self.append_pending().await?;
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

    /// Waits for bytes, then takes what comes right behind them, up to a piece. Who waits hears when the session is
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
        while self.pending.len() < PIECE_BYTES_MAX {
            let Ok(next) = timeout_at(until, body.next()).await else { break };
            if let Some(over) = self.take(next) {
                return Ok(over);
            }
        }
        Ok(Gathered::More)
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

    /// Appends what is accepted of the pending bytes; what is left needs more behind it, or is sent again.
    async fn append_pending(&mut self) -> Result<(), Problem> {
        while !self.pending.is_empty() {
            let offered = self.pending.len().min(PIECE_BYTES_MAX);
            let piece = self.pending.get(..offered).unwrap_or_default();
            let format = self.session.row.info.format;
            let accepted = match self.state.intake.accept(format, self.position, piece) {
                Ok(accepted) => accepted.min(offered),
                Err(refusal) => return Err(self.refused(refusal).await),
            };
            match accepted {
                0 if offered == PIECE_BYTES_MAX => {
                    let detail = format_args!("expected a part that is whole within {PIECE_BYTES_MAX} bytes");
                    return Err(Problem::new(Kind::RecordingRefused, detail));
                }
                0 => return Ok(()),
                accepted => self.append(accepted).await?,
            }
        }
        Ok(())
    }

    /// What the recorder is told of a refusal: its line counts from the beginning of the recording, if that can be told.
    async fn refused(&self, refusal: IntakeRefusal) -> Problem {
        let line = match refusal.line {
            Some(line) => self.lines_before().await.ok().flatten().map(|before| before.saturating_add(line)),
            None => None,
        };
        IntakeRefusal { line, ..refusal }.into()
    }

    /// How many lines are durable; none of a recording that is too long to be read for this.
    async fn lines_before(&self) -> Result<Option<u64>, Problem> {
        if self.position > COUNTED_BYTES_MAX {
            return Ok(None);
        }
        let mut lines = 0_u64;
        if let Some(mut reading) =
            content::read(self.state, Source::Object(self.object), 0..self.position).await?
        {
            while let Some(piece) = reading.next().await {
                let piece = piece.map_err(|error| Problem::internal(&*error))?;
                let feeds = piece.iter().filter(|byte| **byte == b'\n').count();
                lines = lines.saturating_add(u64::try_from(feeds).unwrap_or(u64::MAX));
            }
        }
        Ok(Some(lines))
    }

    async fn append(&mut self, accepted: usize) -> Result<(), Problem> {
        let bytes = self.pending.split_to(accepted).to_vec();
        let length = u64::try_from(accepted).unwrap_or(u64::MAX);
        let behind = self.position.saturating_add(length);
        if behind > self.state.limits.recording_bytes_max {
            return Err(Problem::new(Kind::TooLarge, "the recording would be longer than is allowed"));
        }
        self.state.cluster.append(self.object, self.position, bytes).await?;
        metrics::counter!(APPENDED_BYTES).increment(length);
        self.position = behind;
        Ok(())
    }
}
