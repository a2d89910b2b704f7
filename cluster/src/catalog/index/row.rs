//! What the rows of the indexes say, so that a filter and another order need no row of a session.

use super::{SessionColumn, SessionFilter, key, number_key};
use crate::catalog::engine::Tree;
use crate::catalog::row::{self, RowError};
use crate::catalog::session::{End, Format, Protocol, SessionRow, SessionState};
use crate::id::RecordingId;
use serde::{Deserialize, Serialize};

/// The version of what is stored.
pub(super) const VERSION: u8 = 2;
/// How the key of each index ends: start, recording.
const START_BYTES: usize = 8;

/// What is filtered by as a session's state. Variants are only ever added at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::catalog) enum StateName {
    Live,
    Finished,
    Dropped,
    Interrupted,
    Failed,
    Purging,
    Purged,
}

impl StateName {
    pub(in crate::catalog) fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Finished => End::Finished.as_str(),
            Self::Dropped => End::Dropped.as_str(),
            Self::Interrupted => End::Interrupted.as_str(),
            Self::Failed => End::Failed.as_str(),
            Self::Purging => "purging",
            Self::Purged => "purged",
        }
    }
}

impl From<&SessionState> for StateName {
    fn from(state: &SessionState) -> Self {
        match state {
            SessionState::Live => Self::Live,
            SessionState::Ended { end: End::Finished, .. } => Self::Finished,
            SessionState::Ended { end: End::Dropped, .. } => Self::Dropped,
            SessionState::Ended { end: End::Interrupted, .. } => Self::Interrupted,
            SessionState::Ended { end: End::Failed, .. } => Self::Failed,
            SessionState::Purging(_) => Self::Purging,
            SessionState::Purged { .. } => Self::Purged,
        }
    }
}

/// All of a session by which it is filtered or sorted, but for the start, which ends the key of each index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IndexRow<'a> {
    user_name: &'a str,
    device_address: &'a str,
    credential_user: &'a str,
    user_address: &'a str,
    protocol: Protocol,
    format: Format,
    state: StateName,
    end_ms: Option<u64>,
    duration_ms: Option<u64>,
    /// Of the recording, once it is sealed.
    size_bytes: Option<u64>,
}

impl<'a> IndexRow<'a> {
    pub(super) fn of(row: &'a SessionRow, size_bytes: Option<u64>) -> Self {
        let info = &row.info;
        Self {
            user_name: &info.user_name,
            device_address: &info.device_address,
            credential_user: &info.credential_user,
            user_address: &info.user_address,
            protocol: info.protocol,
            format: info.format,
            state: StateName::from(&row.state),
            end_ms: row.state.end_ms(),
            duration_ms: row.duration_ms(),
            size_bytes,
        }
    }

    pub(super) fn encode(&self, tree: Tree, key: &[u8]) -> Result<Vec<u8>, RowError> {
        row::encode_in(tree, VERSION, key, self)
    }

    /// None where an older Custody has stored none.
    pub(super) fn decode(tree: Tree, key: &[u8], bytes: &'a [u8]) -> Result<Option<Self>, RowError> {
        match bytes.is_empty() {
            true => Ok(None),
            false => row::decode_in(tree, VERSION, key, bytes).map(Some),
        }
    }

    /// Where a session stands in the index of a column.
    pub(super) fn key(&self, column: SessionColumn, start_ms: u64, recording: RecordingId) -> Vec<u8> {
        let by = |value: &str| key(value, start_ms, recording);
        let by_number = |number: Option<u64>| number_key(number, start_ms, recording);
        match column {
            SessionColumn::Start => [start_ms.to_be_bytes().as_slice(), &recording.0].concat(),
            SessionColumn::User => by(self.user_name),
            SessionColumn::Device => by(self.device_address),
            SessionColumn::Protocol => by(self.protocol.as_str()),
            SessionColumn::State => by(self.state.as_str()),
            SessionColumn::End => by_number(self.end_ms),
            SessionColumn::Duration => by_number(self.duration_ms),
            SessionColumn::Credential => by(self.credential_user),
            SessionColumn::UserAddress => by(self.user_address),
            SessionColumn::Format => by(self.format.as_str()),
            SessionColumn::Size => by_number(self.size_bytes),
        }
    }
}

impl SessionFilter {
    /// Whether it wants a session, whoever its auditors are.
    pub(super) fn admits(&self, start_ms: u64, row: &IndexRow<'_>) -> bool {
        let is =
            |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|wanted| wanted == value);
        self.start_from_ms.is_none_or(|from_ms| start_ms >= from_ms)
            && self.start_before_ms.is_none_or(|before_ms| start_ms < before_ms)
            && is(&self.user_name, row.user_name)
            && is(&self.device_address, row.device_address)
            && is(&self.credential_user, row.credential_user)
            && is(&self.user_address, row.user_address)
            && self.protocol.is_none_or(|protocol| protocol == row.protocol)
            && self.format.is_none_or(|format| format == row.format)
            && is(&self.state, row.state.as_str())
            && self.end_ms.admits(row.end_ms)
            && self.duration_ms.admits(row.duration_ms)
            && self.size_bytes.admits(row.size_bytes)
    }
}

/// The start and the recording with which the key of an index ends.
pub(super) fn start_and_recording(key: &[u8]) -> Option<(u64, RecordingId)> {
    let (key, recording) = key.split_last_chunk()?;
    let start: &[u8; START_BYTES] = key.last_chunk()?;
    Some((u64::from_be_bytes(*start), RecordingId(*recording)))
}
