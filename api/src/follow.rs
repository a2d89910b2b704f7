//! What grows, sent as it becomes durable: a recording, or a video that is being made.
//!
//! Nothing is held for who reads slowly: bytes are read when they can be sent, a step at a time, and each step has its leaf in
//! the audit log before its first byte. Whoever follows is judged again every few seconds, with all that a new request is
//! judged by: a token that was revoked, a role that was taken away, a session that is denied ends the answer.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, rt};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::time::Instant;

use crate::auth::Viewer;
use crate::content::{self, Reading, Source};
use crate::problem::Problem;
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

/// What is followed, and by whom.
pub(crate) trait Followed: 'static {
    /// Judges them again, by all that a new request is judged by.
    async fn judge(&mut self, state: &ApiState, request: &HttpRequest) -> Result<(), Problem>;

    /// How much of it there is.
    async fn extent(&self, state: &ApiState) -> Result<Extent, Problem>;

    /// Where its bytes are.
    fn source(&self) -> Source;

    /// Them, about to see something of it.
    fn viewer(&self) -> Viewer;
}

/// How much there is of something that is followed.
pub(crate) struct Extent {
    /// Its durable bytes.
    pub(crate) length: u64,
    /// Whether no more will come.
    pub(crate) is_final: bool,
}

/// How an answer begins.
pub(crate) struct Start {
    /// The byte that comes first.
    pub(crate) position: u64,
    /// What is sent before it.
    pub(crate) front: Option<Bytes>,
    /// When was judged whether they may see it.
    pub(crate) judged: Instant,
}

/// Somebody who follows something.
pub(crate) struct Follow<F> {
    state: Data<ApiState>,
    /// By which they are judged again.
    request: HttpRequest,
    followed: F,
    judged: Instant,
    /// The byte of what they see that comes next.
    position: u64,
    reading: Option<Reading>,
    /// Up to where that reads.
    step_end: u64,
    front: Option<Bytes>,
    busy_looks: u32,
    is_over: bool,
}

/// What a look has found.
enum Look {
    /// More may be sent.
    More,
    /// Nothing yet.
    Nothing,
    /// It is final, and all of it is sent.
    End,
}

impl<F: Followed> Follow<F> {
    /// Begins to follow; what is there at once has its leaf before the answer begins.
    pub(crate) async fn begin(
        state: Data<ApiState>,
        request: HttpRequest,
        followed: F,
        start: Start,
    ) -> Result<Self, Problem> {
        let Start { position, front, judged } = start;
        let mut follow = Self {
            state,
            request,
            followed,
            judged,
            position,
            reading: None,
            step_end: position,
            front,
            busy_looks: 0,
            is_over: false,
        };
        follow.judge().await?;
        match follow.step().await? {
            Look::More => {}
            Look::Nothing | Look::End => follow.followed.viewer().sees(position..position).await?,
        }
        Ok(follow)
    }

    /// What is sent, as it comes. An error breaks the answer off.
    pub(crate) fn pieces(self) -> impl Stream<Item = Result<Bytes, Box<dyn Error>>> {
        unfold(self, |mut follow| async {
            let piece = follow.next().await?;
            follow.is_over = piece.is_err();
            Some((piece, follow))
        })
    }

    async fn next(&mut self) -> Option<Result<Bytes, Box<dyn Error>>> {
        if let Some(front) = self.front.take() {
            return Some(Ok(front));
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
        self.followed.judge(&self.state, &self.request).await?;
        self.judged = Instant::now();
        Ok(())
    }

    async fn step(&mut self) -> Result<Look, Problem> {
        let Extent { length, is_final } = self.followed.extent(&self.state).await?;
        if length <= self.position {
            return Ok(if is_final { Look::End } else { Look::Nothing });
        }
        let part = self.position..length.min(self.position.saturating_add(STEP_BYTES));
        self.followed.viewer().sees(part.clone()).await?;
        self.step_end = part.end;
        self.reading = content::read(&self.state, self.followed.source(), part).await?;
        Ok(Look::More)
    }
}
