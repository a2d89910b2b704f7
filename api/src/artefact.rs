//! What the index job makes of a recording, as content; and what is made at once of one that grows.

use bytes::Bytes;
use cluster::catalog::{IndexFacts, IndexState, ObjectState, SessionState, ViewRow};
use cluster::id::ObjectId;

use crate::auth::OneSession;
use crate::content::{Content, Source};
use crate::dto;
use crate::media::{Sight, Surveyed};
use crate::problem::{Kind, Problem};
use crate::range::Tag;
use crate::state::ApiState;

const JSON: &str = "application/json";

/// The view of a recording. Its tag names the index beside the recording: what an index finds is one view. That of a
/// recording that grows has none.
pub(crate) async fn view(state: &ApiState, session: &OneSession) -> Result<Content, Problem> {
    let recording = session.id;
    let media_type = "application/octet-stream";
    let file_name = format!("session-{recording}-view.{}", session.row.info.format);
    if grows(state, session)? {
        let length = state.media.view_length(recording).await?;
        let source = Source::View { recording, index: None };
        return Ok(Content { source, length, tag: None, media_type, file_name });
    }
    let view = view_row(state, session)?;
    let (root, _) = sealed(state, recording.into())?;
    Ok(Content {
        source: Source::View { recording, index: Some(view.index) },
        length: view.length,
        tag: Some(Tag(format!("{root}-view-{}", view.index.stream))),
        media_type,
        file_name,
    })
}

/// The timeline of what somebody may see: its bytes are those of the recording, or those of the view.
pub(crate) async fn timeline(
    state: &ApiState,
    session: &OneSession,
    sight: Sight,
) -> Result<Content, Problem> {
    let file_name = format!("session-{}-timeline.json", session.id);
    if grows(state, session)? {
        return surveyed(state, session, Surveyed::Timeline(sight), file_name).await;
    }
    let object = match sight {
        Sight::Received => made(session)?.0.artefact,
        Sight::View => view_row(state, session)?.timeline,
    };
    stored(state, object, file_name)
}

/// What was typed.
pub(crate) async fn keystrokes(state: &ApiState, session: &OneSession) -> Result<Content, Problem> {
    let file_name = format!("session-{}-keystrokes.json", session.id);
    if grows(state, session)? {
        return surveyed(state, session, Surveyed::Keystrokes, file_name).await;
    }
    let (_, object) = made(session)?;
    stored(state, object, file_name)
}

/// Whether a recording is not final yet, so that no job has looked into it.
fn grows(state: &ApiState, session: &OneSession) -> Result<bool, Problem> {
    if !matches!(session.row.index, IndexState::Absent) {
        return Ok(false);
    }
    let row = state.cluster.catalog()?.object(session.id.into())?;
    Ok(row.is_some_and(|row| match row.state {
        ObjectState::Open | ObjectState::Interrupted { .. } => true,
        ObjectState::Sealed(_) => false,
    }))
}

/// What a recording holds so far.
async fn surveyed(
    state: &ApiState,
    session: &OneSession,
    wanted: Surveyed,
    file_name: String,
) -> Result<Content, Problem> {
    let json = Bytes::from(state.media.survey(session.id, wanted).await?);
    let length = u64::try_from(json.len()).unwrap_or(u64::MAX);
    Ok(Content { source: Source::Made(json), length, tag: None, media_type: JSON, file_name })
}

fn view_row(state: &ApiState, session: &OneSession) -> Result<ViewRow, Problem> {
    made(session)?;
    let view = state.cluster.catalog()?.view(session.id)?;
    view.ok_or_else(|| Problem::new(Kind::IndexFailed, "its index is of a version that knew no views"))
}

/// The facts of an index, and the object of its keystrokes. An index without one is of a version whose timeline
/// held them: it is shown to nobody.
fn made(session: &OneSession) -> Result<(&IndexFacts, ObjectId), Problem> {
    match (&session.row.index, &session.row.state) {
        (_, SessionState::Purging(_) | SessionState::Purged { .. }) => Err(Problem::session_purged()),
        (IndexState::Complete { facts, keystrokes }, _) => Ok((facts, *keystrokes)),
        (IndexState::Absent, SessionState::Live) => {
            Err(Problem::new(Kind::SessionNotEnded, "expected a session that has ended"))
        }
        (IndexState::Absent, SessionState::Ended { .. }) => Err(Problem::index_not_ready()),
        (IndexState::Failed { failure }, _) => {
            Err(Problem::new(Kind::IndexFailed, format_args!("the job has failed: {failure}")))
        }
        (IndexState::Ready(_), _) => {
            Err(Problem::new(Kind::IndexFailed, "its index is of a version that kept no keystrokes apart"))
        }
    }
}

fn stored(state: &ApiState, object: ObjectId, file_name: String) -> Result<Content, Problem> {
    let (root, length) = sealed(state, object)?;
    Ok(Content { source: Source::Object(object), length, tag: Some(Tag(root)), media_type: JSON, file_name })
}

/// Root and length of an object that a job has read or made.
fn sealed(state: &ApiState, object: ObjectId) -> Result<(String, u64), Problem> {
    match state.cluster.catalog()?.object(object)?.map(|row| row.state) {
        Some(ObjectState::Sealed(facts)) => Ok((dto::hex(&facts.root.0), facts.length)),
        Some(ObjectState::Open | ObjectState::Interrupted { .. }) | None => Err(Problem::not_found()),
    }
}
