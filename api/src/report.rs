//! What is said about sessions and videos, gathered from the facts.

use cluster::catalog::{
    Cursor, JobKind, JobRow, ObjectState, SessionColumn, SessionFilter, SessionQuery, VideoRow,
};
use cluster::id::{JobId, ObjectId, RecordingId, VideoId};
use policy::Action;

use crate::auth::{AllSessions, Allowed, Any, OneSession};
use crate::dto::{
    Blocked, Hold, ListQuery, Report, ReportFacts, Review, SessionPage, SessionSummary, SortOrder, Video,
    VideoJob, VideoParts, VideoRows,
};
use crate::problem::{Kind, Problem};
use crate::sound;
use crate::state::ApiState;

/// The name of the parameter that allows videos.
pub(crate) const VIDEO_DOWNLOAD_ENABLED: &str = "video_download_enabled";
/// Sessions of a page when nothing else is asked for.
const PAGE_SESSIONS: usize = 50;
/// Jobs that are counted to tell a position in the queue.
const QUEUE_MAX: usize = 1000;

/// The report of a session.
pub(crate) async fn report(state: &ApiState, session: OneSession) -> Result<Report, Problem> {
    let sound = sound::told(state, &session)?;
    let OneSession { id, row } = session;
    let object = ObjectId::from(id);
    let facts = state.cluster.catalog()?.object(object)?.ok_or_else(Problem::not_found)?;
    let size_bytes = match facts.state {
        ObjectState::Sealed(sealed) => sealed.length,
        ObjectState::Open | ObjectState::Interrupted { .. } => state.cluster.length(object).await?,
    };
    let gaps = state.cluster.catalog()?.gaps(id, size_bytes)?;
    let purge = state.cluster.catalog()?.purge_progress(id)?;
    let (video, holds, reviews) = (videos(state, id)?, holds(state, id)?, reviews(state, id)?);
    let blocked = Blocked::standing(&row.state, state.cluster.catalog()?.control(id)?);
    let state = facts.state;
    let facts = ReportFacts {
        id,
        row,
        object: state,
        size_bytes,
        sound,
        video,
        gaps,
        holds,
        reviews,
        blocked,
        purge,
    };
    Ok(facts.into())
}

/// The holds of a session, released ones included.
pub(crate) fn holds(state: &ApiState, recording: RecordingId) -> Result<Vec<Hold>, Problem> {
    let catalog = state.cluster.catalog()?;
    let clock = catalog.clock()?;
    Ok(catalog.holds(recording)?.into_iter().map(|(id, row)| Hold::new(id, row, &clock)).collect())
}

/// Who has reviewed a session.
pub(crate) fn reviews(state: &ApiState, recording: RecordingId) -> Result<Vec<Review>, Problem> {
    Ok(state.cluster.catalog()?.reviews(recording)?.into_iter().map(Review::from).collect())
}

/// A page of the sessions that the caller may read.
pub(crate) fn sessions(
    state: &ApiState,
    allowed: &Allowed<Any, AllSessions>,
    query: &ListQuery,
) -> Result<SessionPage, Problem> {
    let page = state.cluster.catalog()?.sessions(&SessionQuery {
        // What is denied to them takes no place in a page, and its place is in no cursor.
        filter: SessionFilter {
            auditor: only_auditor(state, allowed)?,
            not_denied_to: Some(allowed.caller.name.clone()),
            ..query.filter()
        },
        sort: query.sort.map_or(SessionColumn::Start, SessionColumn::from),
        descending: query.order != Some(SortOrder::Ascending),
        limit: query.limit.unwrap_or(PAGE_SESSIONS),
        after: query.cursor.as_deref().map(cursor).transpose()?,
    })?;
    let mut sessions = Vec::with_capacity(page.sessions.len());
    for (id, row) in page.sessions {
        if allowed.reads(id, &row)? {
            let size_bytes = state.cluster.catalog()?.size_bytes(id)?;
            sessions.push(SessionSummary::new(id, row, size_bytes));
        }
    }
    let next = page.next.map(|cursor| base64_simd::URL_SAFE_NO_PAD.encode_to_string(cursor.as_bytes()));
    Ok(SessionPage { sessions, next })
}

/// Who may not read sessions by a role sees those that name them as an auditor, if there is one.
fn only_auditor(state: &ApiState, allowed: &Allowed<Any, AllSessions>) -> Result<Option<String>, Problem> {
    let Err(refusal) = allowed.also(Action::Read) else { return Ok(None) };
    let auditor = Some(allowed.caller.name.clone()).filter(|_| !allowed.caller.is_recorder());
    let filter = SessionFilter { auditor: auditor.clone(), ..SessionFilter::default() };
    let first = SessionQuery { filter, sort: SessionColumn::Start, descending: true, limit: 1, after: None };
    match auditor.is_some() && !state.cluster.catalog()?.sessions(&first)?.sessions.is_empty() {
        true => Ok(auditor),
        false => Err(refusal),
    }
}

/// The videos of a session.
pub(crate) fn videos(state: &ApiState, recording: RecordingId) -> Result<VideoParts, Problem> {
    let rows = state.cluster.catalog()?.videos_of(recording)?;
    let videos = rows.into_iter().map(|(id, row)| video(state, id, row)).collect::<Result<_, _>>()?;
    Ok(VideoParts { download_enabled: is_download_enabled(state)?, videos })
}

/// A video, with what its job says.
pub(crate) fn video(state: &ApiState, id: VideoId, row: VideoRow) -> Result<Video, Problem> {
    let catalog = state.cluster.catalog()?;
    let job = catalog.job(row.job)?;
    let now_ms = catalog.clock()?.now_ms;
    let start = catalog.job_start(row.job)?.filter(|_| job.as_ref().is_some_and(JobRow::is_claimed));
    let elapsed_ms = start.map(|start| now_ms.saturating_sub(start.claimed_ms));
    let queue_position = queue_position(state, row.job)?;
    let job = job.map(|row| VideoJob { row, elapsed_ms, queue_position });
    let missing_from_ms = catalog.missing_from_ms(id)?;
    let is_begun = catalog.video_begun(id)?.is_some();
    Ok(Video::new(id, VideoRows { video: row, job, missing_from_ms, is_begun }))
}

/// Whether videos may be made and downloaded.
pub(crate) fn is_download_enabled(state: &ApiState) -> Result<bool, Problem> {
    Ok(state.cluster.catalog()?.is_on(VIDEO_DOWNLOAD_ENABLED)?)
}

fn cursor(text: &str) -> Result<Cursor, Problem> {
    let bytes = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text);
    let bytes =
        bytes.map_err(|_| Problem::new(Kind::InvalidCursor, "expected a cursor of an earlier page"))?;
    Ok(Cursor::from_bytes(&bytes)?)
}

/// How many conversions stand before a job, if it is among the oldest ones that have not ended.
fn queue_position(state: &ApiState, job: JobId) -> Result<Option<u64>, Problem> {
    let open = state.cluster.catalog()?.open_jobs(QUEUE_MAX)?;
    let mut conversions = open.iter().filter(|(_, row)| matches!(row.kind, JobKind::Convert { .. }));
    Ok(conversions.position(|(id, _)| *id == job).and_then(|position| u64::try_from(position).ok()))
}
