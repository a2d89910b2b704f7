//! Pages of sessions, each for a bounded cost.

use super::row::{IndexRow, start_and_recording};
use super::{Cursor, SessionColumn, SessionFilter, SessionPage, SessionQuery};
use crate::catalog::catalog::Catalog;
use crate::catalog::engine::{KeyAndRow, KeyRange, Tree};
use crate::catalog::session::SessionRow;
use crate::catalog::transaction::CatalogError;
use crate::id::RecordingId;

/// The most rows of a page.
const PAGE_ROWS_MAX: usize = 1000;

/// What a page may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageBounds {
    /// Rows of the index in order that are looked at before another index is tried, or more where they fill the page.
    pub(crate) tried: usize,
    /// Rows of the index in order that are looked at.
    pub(crate) looked_at: usize,
    /// Rows of all other indexes together.
    pub(crate) gathered: usize,
    /// Rows of sessions that are read in vain, where an index does not say enough.
    pub(crate) in_vain: usize,
    /// Rows read from the engine at once.
    pub(crate) at_once: usize,
}

impl PageBounds {
    /// What a page of the API may cost.
    const USUAL: Self = Self { tried: 1024, looked_at: 8192, gathered: 4096, in_vain: 512, at_once: 512 };
}

/// The part of an index that holds all that a page may show, in its order.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) tree: Tree,
    /// Whose order it is; none for that of an auditor's sessions, which no other index holds.
    pub(super) column: Option<SessionColumn>,
    pub(super) range: KeyRange,
    /// Whether all in the range is admitted.
    pub(super) is_exact: bool,
}

/// A page in the making.
struct Walk<'a> {
    catalog: &'a Catalog,
    filter: &'a SessionFilter,
    plan: Plan,
    bounds: PageBounds,
    limit: usize,
    sessions: Vec<(RecordingId, SessionRow)>,
    /// How far the index was read.
    last: Option<Vec<u8>>,
    looked_at: usize,
    in_vain: usize,
}

impl Catalog {
    /// A page of sessions. A page may be shorter than asked for, even empty, and not be the last: what it costs is
    /// bounded, and the next one goes on there.
    pub fn sessions(&self, query: &SessionQuery) -> Result<SessionPage, CatalogError> {
        self.sessions_within(query, PageBounds::USUAL)
    }

    pub(crate) fn sessions_within(
        &self,
        query: &SessionQuery,
        bounds: PageBounds,
    ) -> Result<SessionPage, CatalogError> {
        let mut plan = query.plan();
        if let Some(after) = query.after.as_ref().and_then(|cursor| cursor.key(plan.tree)) {
            plan.range = plan.range.after(after);
        }
        let limit = query.limit.clamp(1, PAGE_ROWS_MAX);
        let mut walk = Walk {
            catalog: self,
            filter: &query.filter,
            plan,
            bounds,
            limit,
            sessions: Vec::new(),
            last: None,
            looked_at: 0,
            in_vain: 0,
        };
        let hoped_for = bounds.looked_at.min(bounds.tried.saturating_add(bounds.gathered));
        let is_over = walk.go_on(bounds.tried)?
            || walk.is_filling() && walk.go_on(hoped_for)?
            || walk.gather(query)?
            || walk.go_on(bounds.looked_at)?;
        let next = walk.last.filter(|_| !is_over || walk.sessions.len() == limit);
        let next = next.map(|key| Cursor::new(walk.plan.tree, &key));
        Ok(SessionPage { sessions: walk.sessions, next })
    }
}

impl Walk<'_> {
    /// Looks at the index until the page is full or so many rows were looked at in all; whether the page is done.
    fn go_on(&mut self, looked_at_max: usize) -> Result<bool, CatalogError> {
        while self.looked_at < looked_at_max && self.in_vain < self.bounds.in_vain {
            let some = match self.plan.is_exact {
                true => self.limit - self.sessions.len(),
                false => self.bounds.at_once.min(looked_at_max - self.looked_at),
            };
            let rows = self.catalog.engine().scan(self.plan.tree, self.plan.range.clone(), some)?;
            let is_last = rows.len() < some;
            for (key, row) in rows {
                self.looked_at += 1;
                self.look_at(&key, &row)?;
                self.last = Some(key);
                if self.sessions.len() == self.limit {
                    return Ok(true);
                }
                if self.in_vain == self.bounds.in_vain {
                    break;
                }
            }
            if let Some(last) = &self.last {
                self.plan.range = self.plan.range.clone().after(last.clone());
            }
            if is_last && self.in_vain < self.bounds.in_vain {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the page will be full, at the rate so far, after fewer rows than gathering reads, perhaps in vain.
    fn is_filling(&self) -> bool {
        let missing = self.limit - self.sessions.len();
        missing.saturating_mul(self.looked_at) < self.sessions.len().saturating_mul(self.bounds.gathered)
    }

    fn look_at(&mut self, key: &[u8], row: &[u8]) -> Result<(), CatalogError> {
        let Some((start_ms, recording)) = start_and_recording(key) else { return Ok(()) };
        let row = IndexRow::decode(self.plan.tree, key, row)?;
        match row.is_none_or(|row| self.filter.admits(start_ms, &row)) {
            true => self.take(recording),
            false => Ok(()),
        }
    }

    /// Takes a session, unless it is gone or another one since its index was read, or is denied to who asks.
    fn take(&mut self, recording: RecordingId) -> Result<(), CatalogError> {
        let row = self.catalog.session(recording)?;
        let is_denied = match &self.filter.not_denied_to {
            Some(user) => self.catalog.access(recording)?.denied.contains(user),
            None => false,
        };
        let size_bytes = self.catalog.size_bytes(recording)?;
        let is_admitted =
            |row: &SessionRow| self.filter.admits(row.info.start_ms, &IndexRow::of(row, size_bytes));
        match row.filter(|row| !is_denied && is_admitted(row)) {
            Some(row) => self.sessions.push((recording, row)),
            None => self.in_vain += 1,
        }
        Ok(())
    }

    /// Takes what is left from an index in another order that has few rows of what is filtered, if there is one; whether
    /// the page is done.
    fn gather(&mut self, query: &SessionQuery) -> Result<bool, CatalogError> {
        let Some(column) = self.plan.column else { return Ok(false) };
        let others = query.others(self.plan.tree);
        for (tree, range) in &others {
            let limit = self.bounds.gathered / others.len();
            let rows = self.catalog.engine().scan(*tree, range.clone(), limit)?;
            if rows.len() < limit {
                let found = self.in_order(column, *tree, &rows)?;
                return self.take_all(found).map(|()| true);
            }
        }
        Ok(false)
    }

    /// Where the rows of another index stand in the order of the page, as far as they are admitted and not behind it.
    fn in_order(
        &self,
        column: SessionColumn,
        tree: Tree,
        rows: &[KeyAndRow],
    ) -> Result<Vec<(Vec<u8>, RecordingId)>, CatalogError> {
        let mut found = Vec::new();
        for (key, row) in rows {
            let Some((start_ms, recording)) = start_and_recording(key) else { continue };
            let place = match IndexRow::decode(tree, key, row)? {
                Some(row) => self.filter.admits(start_ms, &row).then(|| row.key(column, start_ms, recording)),
                None => {
                    let row = self.catalog.session(recording)?;
                    let size_bytes = self.catalog.size_bytes(recording)?;
                    row.map(|row| IndexRow::of(&row, size_bytes).key(column, start_ms, recording))
                }
            };
            found.extend(
                place.filter(|place| self.plan.range.contains(place)).map(|place| (place, recording)),
            );
        }
        found.sort_unstable();
        if self.plan.range.descending {
            found.reverse();
        }
        Ok(found)
    }

    fn take_all(&mut self, found: Vec<(Vec<u8>, RecordingId)>) -> Result<(), CatalogError> {
        for (place, recording) in found {
            self.take(recording)?;
            self.last = Some(place);
            if self.sessions.len() == self.limit {
                break;
            }
        }
        Ok(())
    }
}
