//! One command at work.

use super::outcome::{Outcome, Refusal};
use super::row::{Row, RowError};
use super::transaction::{CatalogError, Transaction};
use serde::{Deserialize, Serialize};

/// Where a command stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogPosition {
    /// The term of the leader that proposed it.
    pub term: u64,
    /// That leader.
    pub leader: crate::id::MemberId,
    /// Its index.
    pub index: u64,
}

/// Why a command has no outcome.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The command breaks a rule; every member says so.
    Refused(Refusal),
    /// This member's store failed; it stops.
    Failed(CatalogError),
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<CatalogError> for Halt {
    fn from(error: CatalogError) -> Self {
        Self::Failed(error)
    }
}

impl From<RowError> for Halt {
    fn from(error: RowError) -> Self {
        match error {
            RowError::TooLong { tree, bytes } => {
                let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
                Self::Refused(Refusal::RowTooLong { tree: format!("{tree:?}"), bytes })
            }
            RowError::Encode { .. }
            | RowError::Checksum { .. }
            | RowError::Version { .. }
            | RowError::Missing { .. }
            | RowError::Decode { .. } => Self::Failed(CatalogError::Row(error)),
        }
    }
}

/// What a command may see: rows, the cluster's time, its own place in the log.
#[derive(Debug)]
pub(crate) struct Step<'t, 'e> {
    pub(crate) rows: &'t mut Transaction<'e>,
    pub(crate) now_ms: u64,
    pub(crate) index: u64,
}

pub(crate) type Effect = Result<Outcome, Halt>;

impl Step<'_, '_> {
    /// A row that must be there.
    pub(crate) fn need<R: Row>(&self, key: &[u8], refusal: impl FnOnce() -> Refusal) -> Result<R, Halt> {
        self.rows.get(key)?.ok_or_else(|| Halt::Refused(refusal()))
    }

    /// Counts up; the first number is 1.
    pub(crate) fn count(&mut self, counter: Counter) -> Result<u64, Halt> {
        let key = counter.key();
        let CounterRow { newest } = self.rows.get(key)?.unwrap_or(CounterRow { newest: 0 });
        let next = newest + 1;
        self.rows.put(key, &CounterRow { newest: next })?;
        Ok(next)
    }

    /// Counts down.
    pub(crate) fn uncount(&mut self, counter: Counter) -> Result<(), Halt> {
        let newest = self.counted(counter)?.saturating_sub(1);
        Ok(self.rows.put(counter.key(), &CounterRow { newest })?)
    }

    /// What was counted.
    pub(crate) fn counted(&self, counter: Counter) -> Result<u64, Halt> {
        Ok(self.rows.get::<CounterRow>(counter.key())?.map_or(0, |row| row.newest))
    }
}

/// What the catalog counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    Job,
    Mail,
    Session,
    RetentionRule,
    User,
    Once,
    Layout,
    Member,
}

impl Counter {
    fn key(self) -> &'static [u8] {
        match self {
            Self::Job => b"count.job",
            Self::Mail => b"count.mail",
            Self::Session => b"count.session",
            Self::RetentionRule => b"count.retention-rule",
            Self::User => b"count.user",
            Self::Once => b"count.once",
            Self::Layout => b"count.layout",
            Self::Member => b"count.member",
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct CounterRow {
    newest: u64,
}

impl Row for CounterRow {
    const TREE: super::engine::Tree = super::engine::Tree::Meta;
}
