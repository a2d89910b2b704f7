//! Who may see one session, or may not.

use cluster::catalog::AccessRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who may see a session, and who may not, from here on.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAccess {
    /// Users who may see its report, watch it, live too, and read its logs.
    #[serde(default)]
    pub(crate) auditors: Vec<String>,
    /// Users to whom it is not there, whatever their roles say.
    #[serde(default)]
    pub(crate) denied: Vec<String>,
}

/// Who may see a session, and who may not, beside what roles say.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Access {
    pub(crate) auditors: Vec<String>,
    pub(crate) denied: Vec<String>,
    /// 0 until somebody sets it.
    pub(crate) version: u64,
    pub(crate) changed_by: Option<String>,
    pub(crate) changed_ms: Option<u64>,
}

impl From<AccessRow> for Access {
    fn from(row: AccessRow) -> Self {
        let AccessRow { auditors, denied, version, changed_by, changed_ms } = row;
        let is_set = version > 0;
        let (changed_by, changed_ms) = (is_set.then_some(changed_by), is_set.then_some(changed_ms));
        Self { auditors, denied, version, changed_by, changed_ms }
    }
}
