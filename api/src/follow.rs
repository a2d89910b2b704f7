//! A recording that is sent as it becomes durable.
//!
//! Nothing is held for who reads slowly: bytes are read when they can be sent, a step at a time, and each step has its leaf in
//! the audit log before its first byte. Whoever follows is judged again every few seconds, with all that a new request is
//! judged by: a token that was revoked, a role that was taken away, a session that is denied ends the answer.

use std::error::Error;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, rt};
use bytes::Bytes;
use cluster::catalog::{ObjectState, SessionState};
use cluster::id::RecordingId;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::time::Instant;

use crate::audit::Shown;
use crate::auth::Sighted;
use crate::content::{self, Reading, Source};
use crate::media::{Join, Sight};
use crate::problem::{Kind, Problem};
use crate::state::ApiState;

/// How often is looked for more: an auditor sees what happens well within a second.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often is asked whether they may still see it.
const JUDGE_EVERY: Duration = Duration::from_secs(4);
/// Looks in a row that may fail because all are busy.
const BUSY_LOOKS_MAX: u32 = 80;
/// The most bytes of a step.
const STEP_BYTES: u64 = 1 << 20;

/// Tells all who follow that the server stops.
#[derive(Debug, Clone, Default)]
pub struct Closing(Arc<AtomicBool>);

impl Closing {
    /// From here on nothing is followed any more.
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Where an answer begins.
pub(crate) struct Beginning {
    /// The byte of the recording that comes first.
    pub(crate) position: u64,
    /// The bytes of the key state in front of it, and the media time of its picture.
    pub(crate) key_state: Option<(usize, u64)>,
}

/// Somebody who follows a recording.
pub(crate) struct Follow {
    state: Data<ApiState>,
    /// By which they are judged again.
    request: HttpRequest,
    sighted: Sighted,
    judged: Instant,
    /// The byte of what they see that comes next.
    position: u64,
    reading: Option<Reading>,
    /// Up to where that reads.
    step_end: u64,
    key_state: Option<Bytes>,
    busy_looks: u32,
    is_over: bool,
}

/// What a look has found.
enum Look {
    /// More may be sent.
    More,
    /// Nothing yet.
    Nothing,
    /// The recording is final, and all of it is sent.
    End,
}

/// Begins to follow a live session: at a byte, or at its newest key state.
pub(crate) async fn begin(
    state: Data<ApiState>,
    request: HttpRequest,
    sighted: Sighted,
    from: Option<u64>,
) -> Result<(Follow, Beginning), Problem> {
    match sighted.session().row.state {
        SessionState::Live => {}
        SessionState::Ended { .. } | SessionState::Purging(_) | SessionState::Purged { .. } => {
            let detail = "what is left of it is its recording";
            return Err(Problem::new(Kind::SessionEnded, detail));
        }
    }
    let judged = Instant::now();
    let (id, sight) = (sighted.session().id, sighted.sight);
    let join = match from {
        Some(_) => None,
        None => state.media.join(id, sight).await?,
    };
    let position = from.or(join.as_ref().map(|join| join.position)).unwrap_or(0);
    let length = length(&state, id, sight).await?;
    if position > length {
        return Err(Problem::range_not_satisfiable(length));
    }
    if let Some(Join { at_ms, .. }) = join {
        sighted.viewer(Shown::Frame).sees(at_ms..at_ms.saturating_add(1)).await?;
    }
    let beginning =
        Beginning { position, key_state: join.as_ref().map(|join| (join.instructions.len(), join.at_ms)) };
    let key_state = join.map(|join| Bytes::from_owner(join.instructions));
    let mut follow = Follow {
        state,
        request,
        sighted,
        judged,
        position,
        reading: None,
        step_end: position,
        key_state,
        busy_looks: 0,
        is_over: false,
    };
    // To draw what comes first may have taken long.
    follow.judge().await?;
    match follow.step().await? {
        Look::More => {}
        Look::Nothing | Look::End => follow.sees(position..position).await?,
    }
    Ok((follow, beginning))
}

impl Follow {
    /// What is sent, as it comes. An error breaks the answer off.
    pub(crate) fn pieces(self) -> impl Stream<Item = Result<Bytes, Box<dyn Error>>> {
        unfold(self, |mut follow| async {
            let piece = follow.next().await?;
            follow.is_over = piece.is_err();
            Some((piece, follow))
        })
    }

    async fn next(&mut self) -> Option<Result<Bytes, Box<dyn Error>>> {
        if let Some(key_state) = self.key_state.take() {
            return Some(Ok(key_state));
        }
        while !self.is_over {
            if let Err(problem) = self.judge().await {
                return Some(Err(problem.to_string().into()));
            }
            if let Some(reading) = &mut self.reading {
                if let Some(piece) = reading.next().await {
                    let bytes = piece.as_ref().map_or(0, Bytes::len);
                    self.position = self.position.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
                    return Some(piece);
                }
                self.reading = None;
                if self.position < self.step_end {
                    return Some(Err("what was durable cannot be read".into()));
                }
            }
            match self.look().await {
                Ok(Look::More) => {}
                Ok(Look::Nothing) => rt::time::sleep(LOOK_EVERY).await,
                Ok(Look::End) => return None,
                Err(problem) => return Some(Err(problem.to_string().into())),
            }
        }
        None
    }

    async fn look(&mut self) -> Result<Look, Problem> {
        if self.state.closing.is_set() {
            return Err(Problem::not_ready("the member stops"));
        }
        match self.step().await {
            Ok(look) => {
                self.busy_looks = 0;
                Ok(look)
            }
            Err(problem) if problem.is_busy() && self.busy_looks < BUSY_LOOKS_MAX => {
                self.busy_looks += 1;
                Ok(Look::Nothing)
            }
            Err(problem) => Err(problem),
        }
    }

    /// Asks again whether they may see this, if that was asked too long ago.
    async fn judge(&mut self) -> Result<(), Problem> {
        if self.judged.elapsed() < JUDGE_EVERY {
            return Ok(());
        }
        let sighted = Sighted::from_request(&self.request, &mut Payload::None).await?;
        sighted.watches_live()?;
        if sighted.sight != self.sighted.sight {
            return Err(Problem::new(Kind::Conflict, "another stream is theirs from here on"));
        }
        (self.sighted, self.judged) = (sighted, Instant::now());
        Ok(())
    }

    async fn step(&mut self) -> Result<Look, Problem> {
        let (id, sight) = (self.sighted.session().id, self.sighted.sight);
        // Asked first: what is final does not grow.
        let is_final = is_final(&self.state, id)?;
        let length = length(&self.state, id, sight).await?;
        if length <= self.position {
            return Ok(if is_final { Look::End } else { Look::Nothing });
        }
        let part = self.position..length.min(self.position.saturating_add(STEP_BYTES));
        self.sees(part.clone()).await?;
        let source = match sight {
            Sight::Received => Source::Object(id.into()),
            Sight::View => Source::View { recording: id, index: None },
        };
        self.step_end = part.end;
        self.reading = content::read(&self.state, source, part).await?;
        Ok(Look::More)
    }

    async fn sees(&self, part: Range<u64>) -> Result<(), Problem> {
        let shown = match self.sighted.sight {
            Sight::Received => Shown::Recording,
            Sight::View => Shown::View,
        };
        self.sighted.viewer(shown).sees(part).await
    }
}

/// How many bytes of what somebody sees are durable.
async fn length(state: &ApiState, id: RecordingId, sight: Sight) -> Result<u64, Problem> {
    Ok(match sight {
        Sight::Received => state.cluster.length(id.into()).await?,
        Sight::View => state.media.view_length(id).await?,
    })
}

fn is_final(state: &ApiState, id: RecordingId) -> Result<bool, Problem> {
    let row = state.cluster.catalog()?.object(id.into())?.ok_or_else(Problem::not_found)?;
    Ok(matches!(row.state, ObjectState::Sealed(_)))
}
