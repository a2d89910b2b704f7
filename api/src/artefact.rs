//! What the index job makes of a recording, as content.

use cluster::catalog::{IndexFacts, IndexState, ObjectState, SessionState, ViewRow};
use cluster::id::ObjectId;

use crate::auth::{OneSession, Sight};
use crate::content::{Content, Source};
use crate::dto;
use crate::problem::{Kind, Problem};
use crate::range::Tag;
use crate::state::ApiState;

const JSON: &str = "application/json";

/// The view of a recording. Its tag names the index beside the recording: what an index finds is one view.
pub(crate) fn view(state: &ApiState, session: &OneSession) -> Result<Content, Problem> {
    let view = view_row(state, session)?;
    let recording = session.id;
    let (root, _) = sealed(state, recording.into())?;
    Ok(Content {
        source: Source::View { recording, index: view.index },
        length: view.length,
        tag: Some(Tag(format!("{root}-view-{}", view.index.stream))),
        media_type: "application/octet-stream",
        file_name: format!("session-{recording}-view.{}", session.row.info.format),
    })
}

/// The timeline of what somebody may see: its bytes are those of the recording, or those of the view.
pub(crate) fn timeline(state: &ApiState, session: &OneSession, sight: Sight) -> Result<Content, Problem> {
    let object = match sight {
        Sight::Received => made(session)?.0.artefact,
        Sight::View => view_row(state, session)?.timeline,
    };
    stored(state, object, format!("session-{}-timeline.json", session.id))
}

/// What was typed.
pub(crate) fn keystrokes(state: &ApiState, session: &OneSession) -> Result<Content, Problem> {
    let (_, object) = made(session)?;
    stored(state, object, format!("session-{}-keystrokes.json", session.id))
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
        (_, SessionState::Purging(_)) => Err(Problem::session_purged()),
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
