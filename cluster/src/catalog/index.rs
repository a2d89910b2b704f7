//! Finding sessions: one ordered index per column, and pages that stay stable while rows come and go.

mod page;
mod row;
mod span;

use super::catalog::{Catalog, ROWS_AT_ONCE};
use super::engine::{KeyAndRow, KeyRange, Tree};
use super::row::RowError;
use super::session::{Format, Protocol, SessionRow};
use super::transaction::CatalogError;
use crate::id::RecordingId;
#[cfg(test)]
pub(crate) use page::PageBounds;
use page::Plan;
use row::IndexRow;
pub(super) use row::StateName;
pub use span::Span;
use std::ops::Bound;

/// Columns by whose values sessions are found: those with most values first.
const BY_CHOICE: [SessionColumn; 7] = [
    SessionColumn::User,
    SessionColumn::UserAddress,
    SessionColumn::Device,
    SessionColumn::Credential,
    SessionColumn::State,
    SessionColumn::Protocol,
    SessionColumn::Format,
];
/// Columns of numbers that some sessions do not have yet.
const NUMBERS: [SessionColumn; 3] = [SessionColumn::End, SessionColumn::Duration, SessionColumn::Size];

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
    Credential,
    UserAddress,
    Format,
    Size,
}

impl SessionColumn {
    const ALL: [Self; 11] = [
        Self::Start,
        Self::User,
        Self::Device,
        Self::Protocol,
        Self::State,
        Self::End,
        Self::Duration,
        Self::Credential,
        Self::UserAddress,
        Self::Format,
        Self::Size,
    ];

    fn tree(self) -> Tree {
        match self {
            Self::Start => Tree::SessionsByStart,
            Self::User => Tree::SessionsByUser,
            Self::Device => Tree::SessionsByDevice,
            Self::Protocol => Tree::SessionsByProtocol,
            Self::State => Tree::SessionsByState,
            Self::End => Tree::SessionsByFinish,
            Self::Duration => Tree::SessionsByDuration,
            Self::Credential => Tree::SessionsByCredential,
            Self::UserAddress => Tree::SessionsByUserAddress,
            Self::Format => Tree::SessionsByFormat,
            Self::Size => Tree::SessionsBySize,
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
    /// That ended then, as their recorders say, in milliseconds since 1970.
    pub end_ms: Span,
    /// That play so long, in milliseconds.
    pub duration_ms: Span,
    /// Whose recording is sealed and has so many bytes.
    pub size_bytes: Span,
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
    /// That are not denied to this user. They do not count in a page, and no cursor is the place of one unless the page's
    /// cost was spent on them.
    pub not_denied_to: Option<String>,
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
                | Tree::SessionsByCredential
                | Tree::SessionsByUserAddress
                | Tree::SessionsByFormat
                | Tree::SessionsBySize
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

/// The rows of a session in the indexes. The keys are value, start, recording.
pub(crate) fn rows(
    recording: RecordingId,
    session: &SessionRow,
    size_bytes: Option<u64>,
) -> Result<Vec<(Tree, KeyAndRow)>, RowError> {
    let row = IndexRow::of(session, size_bytes);
    let indexed = keys(recording, session, size_bytes).into_iter().map(|(tree, key)| {
        let bytes = row.encode(tree, &key)?;
        Ok((tree, (key, bytes)))
    });
    indexed.collect()
}

/// The keys under which a session stands in the indexes.
pub(crate) fn keys(
    recording: RecordingId,
    session: &SessionRow,
    size_bytes: Option<u64>,
) -> [(Tree, Vec<u8>); SessionColumn::ALL.len()] {
    let row = IndexRow::of(session, size_bytes);
    SessionColumn::ALL.map(|column| (column.tree(), row.key(column, session.info.start_ms, recording)))
}

impl Catalog {
    /// The bytes of a session's recording, once they are final.
    pub fn size_bytes(&self, recording: RecordingId) -> Result<Option<u64>, CatalogError> {
        Ok(self.object(recording.into())?.and_then(|object| object.final_length()))
    }

    /// Whether the first and the last session stand in every index with all that this version says of them. What an older
    /// Custody has stored lacks some of that, or whole indexes.
    pub(crate) fn has_index_rows(&self) -> Result<bool, CatalogError> {
        for descending in [false, true] {
            let range = KeyRange { descending, ..KeyRange::all() };
            let sessions = self.engine().scan(Tree::SessionsByStart, range, 1)?;
            let recording = sessions.first().and_then(|(key, _)| row::start_and_recording(key));
            let Some((_, recording)) = recording else { continue };
            let Some(session) = self.session(recording)? else { continue };
            for (tree, key) in keys(recording, &session, self.size_bytes(recording)?) {
                let indexed = self.engine().get(tree, &key)?;
                if indexed.is_none_or(|indexed| indexed.first() != Some(&row::VERSION)) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Makes the rows of the indexes of all sessions.
    pub(crate) fn index_again(&self) -> Result<(), CatalogError> {
        let mut range = KeyRange::all();
        loop {
            let sessions = self.list(range, ROWS_AT_ONCE, |key| key.try_into().ok().map(RecordingId))?;
            let Some((last, _)) = sessions.last() else { return Ok(()) };
            range = KeyRange::all().after(last.0.to_vec());
            let mut indexed = Vec::new();
            for (recording, session) in &sessions {
                indexed.extend(rows(*recording, session, self.size_bytes(*recording)?)?);
            }
            self.engine().load(indexed)?;
        }
    }
}

/// The key of a session under one value.
pub(crate) fn key(value: &str, start_ms: u64, recording: RecordingId) -> Vec<u8> {
    let mut key = value_prefix(value);
    key.extend_from_slice(&start_ms.to_be_bytes());
    key.extend_from_slice(&recording.0);
    key
}

/// The same under a number. What has none yet stands behind all that have one.
fn number_key(number: Option<u64>, start_ms: u64, recording: RecordingId) -> Vec<u8> {
    let number = number.unwrap_or(u64::MAX).to_be_bytes();
    [&number, &start_ms.to_be_bytes(), recording.0.as_slice()].concat()
}

/// A value ends with a byte that no value contains, so that no value's keys stand among another's.
fn value_prefix(value: &str) -> Vec<u8> {
    let mut prefix = value.as_bytes().to_vec();
    prefix.push(0);
    prefix
}

impl SessionFilter {
    /// Whether the range of a column's index is all that is filtered.
    fn is_only(&self, column: SessionColumn) -> bool {
        let mut rest = self.clone();
        let mut has_starts = self.start_from_ms.is_some() || self.start_before_ms.is_some();
        match column {
            SessionColumn::Start => has_starts = false,
            SessionColumn::User => has_starts &= rest.user_name.take().is_none(),
            SessionColumn::Device => has_starts &= rest.device_address.take().is_none(),
            SessionColumn::Protocol => has_starts &= rest.protocol.take().is_none(),
            SessionColumn::State => has_starts &= rest.state.take().is_none(),
            SessionColumn::Credential => has_starts &= rest.credential_user.take().is_none(),
            SessionColumn::UserAddress => has_starts &= rest.user_address.take().is_none(),
            SessionColumn::Format => has_starts &= rest.format.take().is_none(),
            SessionColumn::End => rest.end_ms = Span::default(),
            SessionColumn::Duration => rest.duration_ms = Span::default(),
            SessionColumn::Size => rest.size_bytes = Span::default(),
        }
        (rest.start_from_ms, rest.start_before_ms, rest.not_denied_to) = (None, None, None);
        !has_starts && rest == Self::default()
    }

    /// The value that a column must have.
    fn value(&self, column: SessionColumn) -> Option<&str> {
        match column {
            SessionColumn::Start | SessionColumn::End | SessionColumn::Duration | SessionColumn::Size => None,
            SessionColumn::User => self.user_name.as_deref(),
            SessionColumn::Device => self.device_address.as_deref(),
            SessionColumn::Protocol => self.protocol.map(Protocol::as_str),
            SessionColumn::State => self.state.as_deref(),
            SessionColumn::Credential => self.credential_user.as_deref(),
            SessionColumn::UserAddress => self.user_address.as_deref(),
            SessionColumn::Format => self.format.map(Format::as_str),
        }
    }

    /// The numbers that a column must have.
    fn span(&self, column: SessionColumn) -> Span {
        match column {
            SessionColumn::End => self.end_ms,
            SessionColumn::Duration => self.duration_ms,
            SessionColumn::Size => self.size_bytes,
            SessionColumn::Start
            | SessionColumn::User
            | SessionColumn::Device
            | SessionColumn::Protocol
            | SessionColumn::State
            | SessionColumn::Credential
            | SessionColumn::UserAddress
            | SessionColumn::Format => Span::default(),
        }
    }
}

impl SessionQuery {
    /// The index to read, and its part. The sessions of an auditor are few, and always sorted by start. Sorted by start,
    /// the index of a filtered column does as well, since equal values stand in the order of their starts.
    fn plan(&self) -> Plan {
        if let Some(auditor) = &self.filter.auditor {
            let range = self.starts(&value_prefix(auditor));
            return Plan { tree: Tree::SessionsByAuditor, column: None, range, is_exact: false };
        }
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
            | SessionColumn::Duration
            | SessionColumn::Credential
            | SessionColumn::UserAddress
            | SessionColumn::Format
            | SessionColumn::Size => self.sort,
        };
        let range = match (column, self.filter.value(column)) {
            (SessionColumn::Start, _) => self.starts(&[]),
            (_, Some(value)) => self.starts(&value_prefix(value)),
            (_, None) => self.filter.span(column).keys(self.descending),
        };
        let is_exact = self.filter.is_only(column);
        Plan { tree: column.tree(), column: Some(column), range, is_exact }
    }

    /// Other indexes, and the parts of them that hold all that is filtered.
    fn others(&self, than: Tree) -> Vec<(Tree, KeyRange)> {
        let by_value = BY_CHOICE.into_iter().filter_map(|column| {
            let value = self.filter.value(column)?;
            Some((column.tree(), self.starts(&value_prefix(value))))
        });
        let has_starts = self.filter.start_from_ms.is_some() || self.filter.start_before_ms.is_some();
        let by_start = has_starts.then(|| (Tree::SessionsByStart, self.starts(&[])));
        let spans = NUMBERS.map(|column| (column, self.filter.span(column)));
        let by_number = spans.into_iter().filter(|(_, span)| !span.is_whole());
        let by_number = by_number.map(|(column, span)| (column.tree(), span.keys(self.descending)));
        by_value.chain(by_start).chain(by_number).filter(|(tree, _)| *tree != than).collect()
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
