//! What is done to live sessions, as their recorders hear of it.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::rt;
use actix_web::web::Data;
use bytes::Bytes;
use cluster::catalog::{Command, ControlKind, ControlSession, End, SessionState};
use cluster::id::RecordingId;
use futures_util::Stream;
use futures_util::stream::unfold;

use crate::auth::{Allowed, OneSession};
use crate::dto;
use crate::problem::Problem;
use crate::state::ApiState;

/// What the user of a dropped session is shown.
pub(crate) const DROPPED_MESSAGE: &str = "You have been disconnected";
/// How often a session is looked at while somebody waits: they hear well within a second.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Looks after which an idle stream says that it is alive, so that no proxy ends it.
const LOOKS_OF_SILENCE: u32 = 60;
/// Looks of one stream: its reader asks again then, and is judged again.
const LOOKS_MAX: u32 = 2400;

/// What a recorder has to heed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Nothing.
    GoOn,
    /// To hold back the user's input, and to go on recording.
    Block,
    /// To disconnect the user.
    Drop,
}

/// What the recorder of a session has to heed.
pub(crate) fn order(state: &ApiState, session: RecordingId) -> Result<Order, Problem> {
    let newest = state.cluster.catalog()?.control(session)?;
    Ok(match newest.map(|row| row.kind) {
        Some(ControlKind::Blocked) => Order::Block,
        Some(ControlKind::Dropped) => Order::Drop,
        Some(ControlKind::Unblocked) | None => Order::GoOn,
    })
}

/// Does something to a live session, and says how it stands then.
pub(crate) async fn submit<A>(
    state: &ApiState,
    allowed: &Allowed<A, OneSession>,
    kind: ControlKind,
    reason: String,
) -> Result<dto::Control, Problem> {
    let (recording, by) = (allowed.target.id, allowed.caller.name.clone());
    allowed.submit(Command::ControlSession(ControlSession { recording, kind, reason, by })).await?;
    standing(state, recording)
}

/// Seals what a dropped session has recorded. When that fails, its owner does it once its recorder is away.
pub(crate) async fn seal(state: &ApiState, session: RecordingId) {
    if let Err(error) = state.cluster.seal(session.into()).await {
        tracing::warn!(%session, %error, "the recording of a dropped session is not sealed yet");
    }
}

/// How a session stands.
pub(crate) fn standing(state: &ApiState, session: RecordingId) -> Result<dto::Control, Problem> {
    let catalog = state.cluster.catalog()?;
    let row = catalog.session(session)?.ok_or_else(Problem::not_found)?;
    let is_dropped = matches!(row.state, SessionState::Ended { end: End::Dropped, .. });
    Ok(dto::Control {
        state: row.state.name(),
        blocked: dto::Blocked::standing(&row.state, catalog.control(session)?),
        message: is_dropped.then_some(DROPPED_MESSAGE),
    })
}

/// A session whose standing is told whenever it changes, until it has ended.
pub(crate) struct Watched {
    state: Data<ApiState>,
    session: RecordingId,
    looks: u32,
    /// Looks since something was told.
    silence: u32,
    /// What was told last.
    told: String,
    is_over: bool,
}

impl Watched {
    pub(crate) fn new(state: Data<ApiState>, session: RecordingId) -> Self {
        Self { state, session, looks: 0, silence: 0, told: String::new(), is_over: false }
    }

    /// The events.
    pub(crate) fn events(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        unfold(self, |mut watched| async move {
            let event = watched.next().await?;
            Some((Ok(event), watched))
        })
    }

    /// The next event; none after the last, or when the facts can no longer be read here: its reader asks again.
    async fn next(&mut self) -> Option<Bytes> {
        while !self.is_over && self.looks < LOOKS_MAX && !self.state.closing.is_set() {
            if self.looks > 0 {
                rt::time::sleep(LOOK_EVERY).await;
            }
            self.looks += 1;
            if let Some(event) = self.look().ok()? {
                return Some(event);
            }
            self.silence += 1;
            if self.silence == LOOKS_OF_SILENCE {
                self.silence = 0;
                return Some(Bytes::from_static(b":\n\n"));
            }
        }
        None
    }

    /// The event of what has changed since the last one.
    fn look(&mut self) -> Result<Option<Bytes>, Problem> {
        let standing = standing(&self.state, self.session)?;
        self.is_over = standing.state != SessionState::Live.name();
        let text = serde_json::to_string(&standing).map_err(|error| Problem::internal(&error))?;
        if text == self.told {
            return Ok(None);
        }
        let event = Bytes::from(format!("event: session\ndata: {text}\n\n"));
        (self.told, self.silence) = (text, 0);
        Ok(Some(event))
    }
}
