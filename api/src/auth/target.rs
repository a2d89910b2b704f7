//! What a route is about, and how it relates to who asks.

use actix_web::HttpRequest;
use cluster::catalog::{
    ApprovalNeed, Catalog, IndexState, SessionRow, SessionState, TokenKind, VideoRow, VideoState,
};
use cluster::id::{RecordingId, VideoId};
use policy::{Relations, Resource};

use super::caller::Caller;
use crate::problem::Problem;

/// What a route is about.
pub(crate) trait Target: Sized + 'static {
    /// The target that the request names, and the resource that it is; none when there is none.
    fn find(
        request: &HttpRequest,
        caller: &Caller,
        catalog: &Catalog,
    ) -> Result<Option<(Self, Resource)>, Problem>;

    /// What leaves of the audit log call it; empty where the action says it all.
    fn object(&self) -> String {
        String::new()
    }

    /// Whether it was there and was purged: who may ask is told so, and gets nothing else.
    fn is_purged(&self) -> bool {
        false
    }

    /// Whether it is not what it will be, as far as this member knows: another one may know already that it is.
    fn is_under_way(&self) -> bool {
        false
    }
}

/// The caller.
pub(crate) struct Themselves;

/// What belongs to no session.
pub(crate) struct System;

/// All sessions at once; each is asked about again before it is shown.
pub(crate) struct AllSessions;

/// A session that is about to be opened.
pub(crate) struct NewSession;

/// The session that the route names.
#[derive(Debug, Clone)]
pub(crate) struct OneSession {
    pub(crate) id: RecordingId,
    pub(crate) row: SessionRow,
}

/// The session that the route names, or what a purge has left of it.
#[derive(Debug, Clone)]
pub(crate) struct SessionOrTombstone(pub(crate) OneSession);

/// The video that the route names.
#[derive(Debug, Clone)]
pub(crate) struct OneVideo {
    pub(crate) id: VideoId,
    pub(crate) row: VideoRow,
}

impl Target for Themselves {
    fn find(_: &HttpRequest, _: &Caller, _: &Catalog) -> Result<Option<(Self, Resource)>, Problem> {
        Ok(Some((Self, Resource::System)))
    }
}

impl Target for System {
    fn find(_: &HttpRequest, _: &Caller, _: &Catalog) -> Result<Option<(Self, Resource)>, Problem> {
        Ok(Some((Self, Resource::System)))
    }
}

impl Target for AllSessions {
    fn find(_: &HttpRequest, _: &Caller, _: &Catalog) -> Result<Option<(Self, Resource)>, Problem> {
        Ok(Some((Self, Resource::Sessions)))
    }
}

impl Target for NewSession {
    fn find(_: &HttpRequest, _: &Caller, _: &Catalog) -> Result<Option<(Self, Resource)>, Problem> {
        Ok(Some((Self, Resource::Session(Relations { own: true, ..Relations::default() }))))
    }
}

impl Target for OneSession {
    fn find(
        request: &HttpRequest,
        caller: &Caller,
        catalog: &Catalog,
    ) -> Result<Option<(Self, Resource)>, Problem> {
        let Some(id) = named::<RecordingId>(request) else { return Ok(None) };
        let Some(row) = catalog.session(id)? else { return Ok(None) };
        let relations = relations(caller, id, &row, catalog)?;
        Ok(Some((Self { id, row }, Resource::Session(relations))))
    }

    fn object(&self) -> String {
        format!("session/{}", self.id)
    }

    fn is_purged(&self) -> bool {
        self.row.state.tombstone().is_some()
    }

    fn is_under_way(&self) -> bool {
        matches!(self.row.state, SessionState::Live) || matches!(self.row.index, IndexState::Absent)
    }
}

impl Target for SessionOrTombstone {
    fn find(
        request: &HttpRequest,
        caller: &Caller,
        catalog: &Catalog,
    ) -> Result<Option<(Self, Resource)>, Problem> {
        let found = OneSession::find(request, caller, catalog)?;
        Ok(found.map(|(session, resource)| (Self(session), resource)))
    }

    fn object(&self) -> String {
        self.0.object()
    }
}

impl Target for OneVideo {
    fn find(
        request: &HttpRequest,
        caller: &Caller,
        catalog: &Catalog,
    ) -> Result<Option<(Self, Resource)>, Problem> {
        let Some(id) = named::<VideoId>(request) else { return Ok(None) };
        let Some(row) = catalog.video(id)? else { return Ok(None) };
        let Some(session) = catalog.session(row.recording)? else { return Ok(None) };
        let relations = relations(caller, row.recording, &session, catalog)?;
        Ok(Some((Self { id, row }, Resource::Session(relations))))
    }

    fn object(&self) -> String {
        format!("video/{}", self.id)
    }

    fn is_purged(&self) -> bool {
        self.row.state == VideoState::Purged
    }

    fn is_under_way(&self) -> bool {
        !matches!(self.row.state, VideoState::Ready(_) | VideoState::Purged)
    }
}

/// How a caller and a session relate. A recorder keeps its sessions when it gets a new token.
pub(crate) fn relations(
    caller: &Caller,
    id: RecordingId,
    row: &SessionRow,
    catalog: &Catalog,
) -> Result<Relations, Problem> {
    let own = match (row.info.recorder_token, caller.recorder_token()) {
        (Some(opener), Some(token)) if opener == token => true,
        (Some(opener), Some(_)) => catalog
            .token(opener)?
            .is_some_and(|opener| opener.kind == TokenKind::Recorder && opener.subject == caller.name),
        (Some(_) | None, _) => false,
    };
    let access = catalog.access(id)?;
    let names = |users: &[String]| !caller.is_recorder() && users.contains(&caller.name);
    let unapproved = catalog.approval_need(id, &caller.name)? == ApprovalNeed::Unmet;
    Ok(Relations { own, auditor: names(&access.auditors), denied: names(&access.denied), unapproved })
}

/// The identifier in the route. One that is none names nothing.
fn named<I: std::str::FromStr>(request: &HttpRequest) -> Option<I> {
    request.match_info().get("id")?.parse().ok()
}
