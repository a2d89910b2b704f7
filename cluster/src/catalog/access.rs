//! Who may see one session, or may not, whatever their roles say.

use super::catalog::Catalog;
use super::engine::Tree;
use super::index;
use super::outcome::{Outcome, Refusal};
use super::parameter::check_version;
use super::row::Row;
use super::session;
use super::step::{Effect, Step};
use super::text;
use super::transaction::CatalogError;
use crate::id::RecordingId;
use serde::{Deserialize, Serialize};

/// The most users that a session names in each list.
const USERS_MAX: usize = 32;

/// Names the auditors of a session, and who may not see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutAccess {
    /// Which session.
    pub recording: RecordingId,
    /// Users who may see it.
    pub auditors: Vec<String>,
    /// Users who may not, whatever else holds.
    pub denied: Vec<String>,
    /// Only if this is its version; 0 if it was never set.
    pub expected_version: Option<u64>,
    /// Who.
    pub by: String,
}

/// Who may see a session, and who may not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRow {
    /// Users who may see it, in order.
    pub auditors: Vec<String>,
    /// Users who may not, in order.
    pub denied: Vec<String>,
    /// Counted from 1; 0 if it was never set.
    pub version: u64,
    /// Who set it.
    pub changed_by: String,
    /// When, in the cluster's time.
    pub changed_ms: u64,
}

impl Row for AccessRow {
    const TREE: Tree = Tree::Access;
}

impl Catalog {
    /// Who may see a session, and who may not.
    pub fn access(&self, recording: RecordingId) -> Result<AccessRow, CatalogError> {
        Ok(self.get(&recording.0)?.unwrap_or_default())
    }
}

pub(crate) fn put(step: &mut Step<'_, '_>, command: PutAccess) -> Effect {
    let PutAccess { recording, auditors, denied, expected_version, by } = command;
    text::needed("by", &by)?;
    let (auditors, denied) = (users(auditors)?, users(denied)?);
    let session = session::kept(step, recording)?;
    let older: AccessRow = step.rows.get(&recording.0)?.unwrap_or_default();
    check_version(expected_version, older.version)?;
    let start_ms = session.info.start_ms;
    for auditor in &older.auditors {
        step.rows.remove(Tree::SessionsByAuditor, &index::key(auditor, start_ms, recording));
    }
    // Who is denied finds nothing, as if they were not named.
    for auditor in auditors.iter().filter(|auditor| !denied.contains(auditor)) {
        step.rows.put_key(Tree::SessionsByAuditor, index::key(auditor, start_ms, recording));
    }
    let version = older.version + 1;
    let row = AccessRow { auditors, denied, version, changed_by: by, changed_ms: step.now_ms };
    step.rows.put(&recording.0, &row)?;
    Ok(Outcome::Version(version))
}

/// Names in order, each once.
fn users(mut names: Vec<String>) -> Result<Vec<String>, Refusal> {
    if names.len() > USERS_MAX {
        return Err(Refusal::TooManyUsers { limit: u64::try_from(USERS_MAX).unwrap_or(u64::MAX) });
    }
    names.iter().try_for_each(|name| text::needed("user name", name))?;
    names.sort_unstable();
    names.dedup();
    Ok(names)
}
