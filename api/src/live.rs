//! A recording that is watched while it grows.

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use bytes::Bytes;
use cluster::catalog::{ObjectState, SessionState};
use cluster::id::RecordingId;
use tokio::time::Instant;

use crate::audit::Shown;
use crate::auth::{Sighted, Viewer};
use crate::content::Source;
use crate::follow::{Extent, Follow, Followed, Start};
use crate::media::{Join, Sight};
use crate::problem::{Kind, Problem};
use crate::state::ApiState;

/// A recording, and who watches it.
pub(crate) struct LiveRecording(Sighted);

/// Where an answer begins.
pub(crate) struct Beginning {
    /// The byte of the recording that comes first.
    pub(crate) position: u64,
    /// The bytes of the key state in front of it, and the media time of its picture.
    pub(crate) key_state: Option<(usize, u64)>,
}

/// Begins to follow a live session: at a byte, or at its newest key state.
pub(crate) async fn begin(
    state: Data<ApiState>,
    request: HttpRequest,
    sighted: Sighted,
    from: Option<u64>,
) -> Result<(Follow<LiveRecording>, Beginning), Problem> {
    match sighted.session().row.state {
        SessionState::Live => {}
        SessionState::Ended { .. } | SessionState::Purging(_) | SessionState::Purged { .. } => {
            let detail = "what is left of it is its recording";
            return Err(Problem::new(Kind::SessionEnded, detail));
        }
    }
    // Asked before what comes first is drawn, which may take long.
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
    let front = join.map(|join| Bytes::from_owner(join.instructions));
    let start = Start { position, front, judged };
    let follow = Follow::begin(state, request, LiveRecording(sighted), start).await?;
    Ok((follow, beginning))
}

impl Followed for LiveRecording {
    async fn judge(&mut self, _: &ApiState, request: &HttpRequest) -> Result<(), Problem> {
        let sighted = Sighted::from_request(request, &mut Payload::None).await?;
        sighted.watches_live()?;
        if sighted.sight != self.0.sight {
            return Err(Problem::new(Kind::Conflict, "another stream is theirs from here on"));
        }
        self.0 = sighted;
        Ok(())
    }

    async fn extent(&self, state: &ApiState) -> Result<Extent, Problem> {
        let id = self.0.session().id;
        // Asked first: what is final does not grow.
        let is_final = is_final(state, id)?;
        Ok(Extent { length: length(state, id, self.0.sight).await?, is_final })
    }

    fn source(&self) -> Source {
        let id = self.0.session().id;
        match self.0.sight {
            Sight::Received => Source::Object(id.into()),
            Sight::View => Source::View { recording: id, index: None },
        }
    }

    fn viewer(&self) -> Viewer {
        self.0.viewer(match self.0.sight {
            Sight::Received => Shown::Recording,
            Sight::View => Shown::View,
        })
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
