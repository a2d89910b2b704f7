//! Sessions and their report.

use cluster::catalog::{
    self, IndexState, ObjectState, SessionFilter, SessionInfo, SessionRow, SessionState, Span, TokenId,
};
use cluster::cluster::Sealed;
use cluster::id::RecordingId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::comment::Review;
use super::control::Blocked;
use super::gap::Gap;
use super::hex;
use super::hold::Hold;
use super::named::{End, Format, Protocol};
use super::purge::TombstonePart;
use super::sound::Sound;
use super::video::VideoParts;

/// A session that begins.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSession {
    pub(crate) protocol: Protocol,
    pub(crate) format: Format,
    /// The device.
    pub(crate) device_address: String,
    /// The name of the credential on the device.
    #[serde(default)]
    pub(crate) credential_user: String,
    /// The user.
    #[serde(default)]
    pub(crate) user_name: String,
    /// From where the user came.
    #[serde(default)]
    pub(crate) user_address: String,
    /// The start, as the recorder says.
    pub(crate) start_ms: u64,
}

impl NewSession {
    /// The same for the catalog.
    pub(crate) fn into_info(self, recorder_token: Option<TokenId>) -> SessionInfo {
        SessionInfo {
            protocol: self.protocol.into(),
            format: self.format.into(),
            device_address: self.device_address,
            credential_user: self.credential_user,
            user_name: self.user_name,
            user_address: self.user_address,
            start_ms: self.start_ms,
            recorder_token,
        }
    }
}

/// A session that was opened.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Opened {
    /// The session, and its recording.
    pub(crate) id: String,
    /// Where to append.
    pub(crate) recording: String,
}

/// How a session ended; its recording is final from here on.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealRequest {
    pub(crate) end: End,
    /// The end, as the recorder says.
    pub(crate) end_ms: u64,
    /// The error, when there was one.
    #[serde(default)]
    pub(crate) error_message: String,
    /// Why it was dropped, say.
    #[serde(default)]
    pub(crate) reason: String,
    /// The recording's length, as the recorder says; another one is refused.
    pub(crate) length: Option<u64>,
}

/// A recording that is final.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SealDone {
    /// The recording's bytes as received.
    pub(crate) length: u64,
    /// The Merkle root over all of it (RFC 6962).
    pub(crate) root: String,
}

impl From<Sealed> for SealDone {
    fn from(sealed: Sealed) -> Self {
        Self { length: sealed.length, root: hex(&sealed.root.0) }
    }
}

/// What is known of a session, in the four parts of the report.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Report {
    pub(crate) session_info: SessionInfoPart,
    pub(crate) user_info: UserInfoPart,
    pub(crate) session: SessionPart,
    pub(crate) video: VideoParts,
    /// When the recording stood still, in order: the newest ones.
    pub(crate) gaps: Vec<Gap>,
    /// How many there were before them.
    pub(crate) gaps_left_out: u64,
    /// What keeps it from being purged, and what did.
    pub(crate) holds: Vec<Hold>,
    /// Who has reviewed it.
    pub(crate) reviews: Vec<Review>,
    /// What a purge has left.
    pub(crate) tombstone: Option<TombstonePart>,
}

/// The session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SessionInfoPart {
    pub(crate) id: String,
    /// `live`, how it ended, `purging`, or `purged` once nothing of its keys is left on any member.
    pub(crate) state: &'static str,
    pub(crate) start_ms: u64,
    pub(crate) end_ms: Option<u64>,
    pub(crate) protocol: Protocol,
    pub(crate) device_address: String,
    pub(crate) credential_user: String,
    /// Empty without an error.
    pub(crate) error_message: String,
    /// Why it was dropped, say.
    pub(crate) reason: String,
    /// Who has its user's input held back, and why; none when it is let through.
    pub(crate) blocked: Option<Blocked>,
}

/// The user.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct UserInfoPart {
    pub(crate) name: String,
    pub(crate) address: String,
}

/// The recording.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SessionPart {
    pub(crate) format: Format,
    /// The recording's bytes as received.
    pub(crate) size_bytes: u64,
    /// How long it plays, once its index is made; before, from start to end; none while it is live.
    pub(crate) duration_ms: Option<u64>,
    /// `open`, `interrupted` or `sealed`.
    pub(crate) recording_state: &'static str,
    /// `absent`, `ready` or `failed`.
    pub(crate) index_state: &'static str,
    /// The Merkle root over all of it, once it is sealed.
    pub(crate) root: Option<String>,
    /// Where the bytes are.
    pub(crate) recording: String,
    /// Where the timeline is, once the index is ready.
    pub(crate) timeline: String,
    /// Where the keystrokes are, once the index is ready.
    pub(crate) keystrokes: String,
    /// Where a picture is; put a media time in place of `{ms}`.
    pub(crate) frame: String,
    /// The file of sound that was recorded beside it; none without.
    pub(crate) sound: Option<Sound>,
}

/// What a report is made of.
pub(crate) struct ReportFacts {
    pub(crate) id: RecordingId,
    pub(crate) row: SessionRow,
    pub(crate) object: ObjectState,
    pub(crate) size_bytes: u64,
    pub(crate) sound: Option<Sound>,
    pub(crate) video: VideoParts,
    pub(crate) gaps: catalog::Gaps,
    pub(crate) holds: Vec<Hold>,
    pub(crate) reviews: Vec<Review>,
    pub(crate) blocked: Option<Blocked>,
    pub(crate) purge: Option<catalog::PurgeProgress>,
}

impl From<ReportFacts> for Report {
    fn from(facts: ReportFacts) -> Self {
        let ReportFacts { id, row, object, size_bytes, sound, video, gaps, holds, reviews, blocked, purge } =
            facts;
        let complete_ms = match row.state {
            SessionState::Purged { complete_ms, .. } => Some(complete_ms),
            SessionState::Live | SessionState::Ended { .. } | SessionState::Purging(_) => None,
        };
        let tombstone = row.state.tombstone().cloned();
        let tombstone = tombstone.map(|tombstone| TombstonePart::new(tombstone, complete_ms, purge));
        let session = SessionPart { sound, ..SessionPart::new(id, &row, object, size_bytes) };
        let user_info =
            UserInfoPart { name: row.info.user_name.clone(), address: row.info.user_address.clone() };
        let catalog::Gaps { gaps, left_out: gaps_left_out } = gaps;
        let gaps = gaps.into_iter().map(Gap::from).collect();
        let session_info = SessionInfoPart::new(id, row, blocked);
        Self { session_info, user_info, session, video, gaps, gaps_left_out, holds, reviews, tombstone }
    }
}

impl SessionInfoPart {
    fn new(id: RecordingId, row: SessionRow, blocked: Option<Blocked>) -> Self {
        let state = row.state.name();
        let (end_ms, error_message, reason) = match row.state {
            SessionState::Live => (None, String::new(), String::new()),
            SessionState::Ended { end: _, end_ms, error_message, reason } => {
                (Some(end_ms), error_message, reason)
            }
            SessionState::Purging(tombstone) | SessionState::Purged { tombstone, .. } => {
                (Some(tombstone.end_ms), String::new(), String::new())
            }
        };
        Self {
            id: id.to_string(),
            state,
            start_ms: row.info.start_ms,
            end_ms,
            protocol: row.info.protocol.into(),
            device_address: row.info.device_address,
            credential_user: row.info.credential_user,
            error_message,
            reason,
            blocked,
        }
    }
}

impl SessionPart {
    fn new(id: RecordingId, row: &SessionRow, object: ObjectState, size_bytes: u64) -> Self {
        let (recording_state, root) = match object {
            ObjectState::Open => ("open", None),
            ObjectState::Interrupted { .. } => ("interrupted", None),
            ObjectState::Sealed(facts) => ("sealed", Some(hex(&facts.root.0))),
        };
        let index_state = match &row.index {
            IndexState::Absent => "absent",
            IndexState::Ready(_) | IndexState::Complete { .. } => "ready",
            IndexState::Failed { .. } => "failed",
        };
        Self {
            format: row.info.format.into(),
            size_bytes,
            duration_ms: row.duration_ms(),
            recording_state,
            index_state,
            root,
            recording: format!("/v1/sessions/{id}/recording"),
            timeline: format!("/v1/sessions/{id}/timeline"),
            keystrokes: format!("/v1/sessions/{id}/keystrokes"),
            frame: format!("/v1/sessions/{id}/frames/{{ms}}.png"),
            sound: None,
        }
    }
}

/// Which sessions, and how many.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// At most so many; 50 without.
    #[param(minimum = 1, maximum = 1000)]
    pub(crate) limit: Option<usize>,
    /// From the Link header or `next` of an earlier page of the same query.
    pub(crate) cursor: Option<String>,
    /// Of this user.
    pub(crate) user: Option<String>,
    /// On this device.
    pub(crate) device: Option<String>,
    /// With this credential on the device.
    pub(crate) credential: Option<String>,
    /// Of a user who came from there.
    pub(crate) user_address: Option<String>,
    /// Over this protocol.
    pub(crate) protocol: Option<Protocol>,
    /// Recorded in this format.
    pub(crate) format: Option<Format>,
    /// `live`, or how they ended.
    pub(crate) state: Option<StateFilter>,
    /// Started then or later.
    pub(crate) start_from_ms: Option<u64>,
    /// Started before then.
    pub(crate) start_before_ms: Option<u64>,
    /// Ended then or later, as their recorders say.
    pub(crate) end_from_ms: Option<u64>,
    /// Ended before then.
    pub(crate) end_before_ms: Option<u64>,
    /// Play so long or longer.
    pub(crate) duration_from_ms: Option<u64>,
    /// Play shorter.
    pub(crate) duration_before_ms: Option<u64>,
    /// Whose sealed recording has so many bytes or more.
    pub(crate) size_from_bytes: Option<u64>,
    /// Whose sealed recording has fewer bytes.
    pub(crate) size_before_bytes: Option<u64>,
    /// In the order of this column, within equal values by start; by start without. What has no end, no duration or no final
    /// size yet counts as the greatest. The sessions that name their caller as auditor are always sorted by start.
    #[param(inline)]
    pub(crate) sort: Option<SortColumn>,
    /// `descending`, the greatest or newest first, without.
    #[param(inline)]
    pub(crate) order: Option<SortOrder>,
}

/// A column by which sessions are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SortColumn {
    Start,
    User,
    Device,
    Protocol,
    State,
    End,
    Duration,
    Credential,
    UserAddress,
    Format,
    Size,
}

/// Which comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SortOrder {
    Ascending,
    Descending,
}

impl From<SortColumn> for catalog::SessionColumn {
    fn from(column: SortColumn) -> Self {
        match column {
            SortColumn::Start => Self::Start,
            SortColumn::User => Self::User,
            SortColumn::Device => Self::Device,
            SortColumn::Protocol => Self::Protocol,
            SortColumn::State => Self::State,
            SortColumn::End => Self::End,
            SortColumn::Duration => Self::Duration,
            SortColumn::Credential => Self::Credential,
            SortColumn::UserAddress => Self::UserAddress,
            SortColumn::Format => Self::Format,
            SortColumn::Size => Self::Size,
        }
    }
}

/// A state of sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StateFilter {
    Live,
    Finished,
    Dropped,
    Interrupted,
    Failed,
    Purging,
    Purged,
}

impl StateFilter {
    fn name(self) -> &'static str {
        match self {
            Self::Live => SessionState::Live.name(),
            Self::Finished => catalog::End::Finished.as_str(),
            Self::Dropped => catalog::End::Dropped.as_str(),
            Self::Interrupted => catalog::End::Interrupted.as_str(),
            Self::Failed => catalog::End::Failed.as_str(),
            Self::Purging => "purging",
            Self::Purged => "purged",
        }
    }
}

impl ListQuery {
    /// The same for the catalog.
    pub(crate) fn filter(&self) -> SessionFilter {
        SessionFilter {
            start_from_ms: self.start_from_ms,
            start_before_ms: self.start_before_ms,
            end_ms: Span { from: self.end_from_ms, before: self.end_before_ms },
            duration_ms: Span { from: self.duration_from_ms, before: self.duration_before_ms },
            size_bytes: Span { from: self.size_from_bytes, before: self.size_before_bytes },
            user_name: self.user.clone(),
            device_address: self.device.clone(),
            credential_user: self.credential.clone(),
            user_address: self.user_address.clone(),
            protocol: self.protocol.map(catalog::Protocol::from),
            format: self.format.map(catalog::Format::from),
            state: self.state.map(|state| state.name().to_owned()),
            auditor: None,
            not_denied_to: None,
        }
    }
}

/// Sessions in the order that was asked for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SessionPage {
    pub(crate) sessions: Vec<SessionSummary>,
    /// The cursor of the next page; none after the last. A page may be short or empty before that.
    pub(crate) next: Option<String>,
}

/// A session in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SessionSummary {
    pub(crate) id: String,
    /// `live`, or how it ended.
    pub(crate) state: &'static str,
    pub(crate) start_ms: u64,
    pub(crate) end_ms: Option<u64>,
    pub(crate) duration_ms: Option<u64>,
    /// The recording's bytes, once they are final.
    pub(crate) size_bytes: Option<u64>,
    pub(crate) protocol: Protocol,
    pub(crate) format: Format,
    pub(crate) device_address: String,
    pub(crate) credential_user: String,
    pub(crate) user_name: String,
    pub(crate) user_address: String,
}

impl SessionSummary {
    /// The summary of a row.
    pub(crate) fn new(id: RecordingId, row: SessionRow, size_bytes: Option<u64>) -> Self {
        let (end_ms, duration_ms) = (row.state.end_ms(), row.duration_ms());
        Self {
            id: id.to_string(),
            state: row.state.name(),
            start_ms: row.info.start_ms,
            end_ms,
            duration_ms,
            size_bytes,
            protocol: row.info.protocol.into(),
            format: row.info.format.into(),
            device_address: row.info.device_address,
            credential_user: row.info.credential_user,
            user_name: row.info.user_name,
            user_address: row.info.user_address,
        }
    }
}
