//! Finding sessions: one ordered index per column, and pages that stay stable while rows come and go.

use super::catalog::Catalog;
use super::engine::{KeyRange, Tree};
use super::session::{Format, Protocol, SessionRow};
use super::transaction::CatalogError;
use crate::id::RecordingId;
use std::ops::Bound;

/// The most rows of a page.
const PAGE_ROWS_MAX: usize = 1000;
/// The most rows looked at for a page; a page may end there before it is full, with a cursor to go on.
const LOOKED_AT_MAX: usize = 20_000;
/// Keys read from the engine at once.
const KEYS_AT_ONCE: usize = 256;

/// A column by which sessions can be sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the column it is named after")]
pub enum SessionColumn {
    Start,
    User,
    Device,
    Protocol,
    State,
    End,
    Duration,
}

impl SessionColumn {
    fn tree(self) -> Tree {
        match self {
            Self::Start => Tree::SessionsByStart,
            Self::User => Tree::SessionsByUser,
            Self::Device => Tree::SessionsByDevice,
            Self::Protocol => Tree::SessionsByProtocol,
            Self::State => Tree::SessionsByState,
            Self::End => Tree::SessionsByFinish,
            Self::Duration => Tree::SessionsByDuration,
        }
    }
}

/// Which sessions; what is not set does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// Started then or later, in milliseconds since 1970.
    pub start_from_ms: Option<u64>,
    /// Started before then.
    pub start_before_ms: Option<u64>,
    /// Of this user.
    pub user_name: Option<String>,
    /// On this device.
    pub device_address: Option<String>,
    /// With this credential on the device.
    pub credential_user: Option<String>,
    /// Of a user who came from there.
    pub user_address: Option<String>,
    /// Over this protocol.
    pub protocol: Option<Protocol>,
    /// Recorded in this format.
    pub format: Option<Format>,
    /// In this state: `live`, or how it ended.
    pub state: Option<String>,
    /// That name this user as an auditor.
    pub auditor: Option<String>,
}

/// Where a page ended. Its bytes mean nothing outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(Vec<u8>);

/// Bytes that are no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a cursor of an earlier page of the same query")]
pub struct CursorError;

/// A page of sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionQuery {
    /// Which sessions.
    pub filter: SessionFilter,
    /// In the order of which column; within equal values by start.
    pub sort: SessionColumn,
    /// Whether the greatest comes first.
    pub descending: bool,
    /// At most this many, and at most 1,000.
    pub limit: usize,
    /// After the page that ended there.
    pub after: Option<Cursor>,
}

/// Sessions in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPage {
    /// The rows.
    pub sessions: Vec<(RecordingId, SessionRow)>,
    /// Where to go on; none after the last page.
    pub next: Option<Cursor>,
}

impl Cursor {
    /// For the way through a client.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// From the way through a client. A foreign cursor finds no or other rows, never rows that the filter
    /// excludes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CursorError> {
        match Tree::from_number(bytes.first().copied().unwrap_or_default()) {
            Some(
                Tree::SessionsByStart
                | Tree::SessionsByUser
                | Tree::SessionsByDevice
                | Tree::SessionsByProtocol
                | Tree::SessionsByState
                | Tree::SessionsByFinish
                | Tree::SessionsByDuration
                | Tree::SessionsByAuditor,
            ) => Ok(Self(bytes.to_vec())),
            Some(_) | None => Err(CursorError),
        }
    }

    fn new(tree: Tree, key: &[u8]) -> Self {
        let mut bytes = vec![tree.number()];
        bytes.extend_from_slice(key);
        Self(bytes)
    }

    fn key(&self, tree: Tree) -> Option<Vec<u8>> {
        let (number, key) = self.0.split_first()?;
        (*number == tree.number()).then(|| key.to_vec())
    }
}

/// The keys under which a session stands in the indexes: value, start, identifier.
pub(crate) fn keys(recording: RecordingId, row: &SessionRow) -> [(Tree, Vec<u8>); 7] {
    let start_ms = row.info.start_ms;
    let by = |value: &str| key(value, start_ms, recording);
    // What has none yet stands behind all that have one.
    let by_number = |number: Option<u64>| {
        let number = number.unwrap_or(u64::MAX).to_be_bytes();
        [&number, &start_ms.to_be_bytes(), recording.0.as_slice()].concat()
    };
    let mut start = start_ms.to_be_bytes().to_vec();
    start.extend_from_slice(&recording.0);
    [
        (Tree::SessionsByStart, start),
        (Tree::SessionsByUser, by(&row.info.user_name)),
        (Tree::SessionsByDevice, by(&row.info.device_address)),
        (Tree::SessionsByProtocol, by(row.info.protocol.as_str())),
        (Tree::SessionsByState, by(row.state.name())),
        (Tree::SessionsByFinish, by_number(row.state.end_ms())),
        (Tree::SessionsByDuration, by_number(row.duration_ms())),
    ]
}

/// The key of a session under one value.
pub(crate) fn key(value: &str, start_ms: u64, recording: RecordingId) -> Vec<u8> {
    let mut key = value_prefix(value);
    key.extend_from_slice(&start_ms.to_be_bytes());
    key.extend_from_slice(&recording.0);
    key
}

/// A value ends with a byte that no value contains, so that no value's keys stand among another's.
fn value_prefix(value: &str) -> Vec<u8> {
    let mut prefix = value.as_bytes().to_vec();
    prefix.push(0);
    prefix
}

impl SessionFilter {
    fn admits(&self, row: &SessionRow) -> bool {
        let info = &row.info;
        self.start_from_ms.is_none_or(|from_ms| info.start_ms >= from_ms)
            && self.start_before_ms.is_none_or(|before_ms| info.start_ms < before_ms)
            && self.user_name.as_ref().is_none_or(|user| info.user_name == *user)
            && self.device_address.as_ref().is_none_or(|device| info.device_address == *device)
            && self.credential_user.as_ref().is_none_or(|credential| info.credential_user == *credential)
            && self.user_address.as_ref().is_none_or(|address| info.user_address == *address)
            && self.protocol.is_none_or(|protocol| info.protocol == protocol)
            && self.format.is_none_or(|format| info.format == format)
            && self.state.as_ref().is_none_or(|state| row.state.name() == state)
    }

    /// The value that a column must have.
    fn value(&self, column: SessionColumn) -> Option<&str> {
        match column {
            SessionColumn::Start | SessionColumn::End | SessionColumn::Duration => None,
            SessionColumn::User => self.user_name.as_deref(),
            SessionColumn::Device => self.device_address.as_deref(),
            SessionColumn::Protocol => self.protocol.map(Protocol::as_str),
            SessionColumn::State => self.state.as_deref(),
        }
    }
}

impl SessionQuery {
    /// The index to read, and its part. The sessions of an auditor are few, and always sorted by start. Sorted by start,
    /// the index of a filtered column does as well, since equal values stand in the order of their starts; the columns
    /// with most values come first.
    fn plan(&self) -> (Tree, KeyRange) {
        if let Some(auditor) = &self.filter.auditor {
            return (Tree::SessionsByAuditor, self.starts(&value_prefix(auditor)));
        }
        const BY_CHOICE: [SessionColumn; 4] =
            [SessionColumn::User, SessionColumn::Device, SessionColumn::Protocol, SessionColumn::State];
        let column = match self.sort {
            SessionColumn::Start => {
                let filtered = BY_CHOICE.into_iter().find(|column| self.filter.value(*column).is_some());
                filtered.unwrap_or(SessionColumn::Start)
            }
            SessionColumn::User
            | SessionColumn::Device
            | SessionColumn::Protocol
            | SessionColumn::State
            | SessionColumn::End
            | SessionColumn::Duration => self.sort,
        };
        let range = match (column, self.filter.value(column)) {
            (SessionColumn::Start, _) => self.starts(&[]),
            (_, Some(value)) => self.starts(&value_prefix(value)),
            (_, None) => KeyRange { descending: self.descending, ..KeyRange::all() },
        };
        (column.tree(), range)
    }

    /// The keys of one value within the filter's starts.
    fn starts(&self, prefix: &[u8]) -> KeyRange {
        let at = |start_ms: u64| [prefix, start_ms.to_be_bytes().as_slice()].concat();
        let whole = KeyRange::prefix(prefix);
        KeyRange {
            from: self.filter.start_from_ms.map_or(whole.from, |from_ms| Bound::Included(at(from_ms))),
            to: self.filter.start_before_ms.map_or(whole.to, |before_ms| Bound::Excluded(at(before_ms))),
            descending: self.descending,
        }
    }
}

impl Catalog {
    /// A page of sessions.
    pub fn sessions(&self, query: &SessionQuery) -> Result<SessionPage, CatalogError> {
        let (tree, mut range) = query.plan();
        if let Some(after) = query.after.as_ref().and_then(|cursor| cursor.key(tree)) {
            range = range.after(after);
        }
        let limit = query.limit.clamp(1, PAGE_ROWS_MAX);
        let (mut sessions, mut looked_at) = (Vec::new(), 0);
        loop {
            let keys = self.engine().scan(tree, range.clone(), KEYS_AT_ONCE)?;
            let is_last = keys.len() < KEYS_AT_ONCE;
            for (key, _) in keys {
                looked_at += 1;
                let Some(recording) = key.last_chunk().copied().map(RecordingId) else { continue };
                // A row may be gone since its key was read.
                if let Some(row) = self.session(recording)?.filter(|row| query.filter.admits(row)) {
                    sessions.push((recording, row));
                }
                if sessions.len() == limit || looked_at == LOOKED_AT_MAX {
                    return Ok(SessionPage { sessions, next: Some(Cursor::new(tree, &key)) });
                }
                range = range.after(key);
            }
            if is_last {
                return Ok(SessionPage { sessions, next: None });
            }
        }
    }
}
