//! Roles.

use cluster::catalog::RoleRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a role permits from here on.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRole {
    /// Full names such as `PAM.SessionManagement.Read`.
    pub(crate) permissions: Vec<String>,
}

/// A role and what it permits.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) permissions: Vec<String>,
    pub(crate) version: u64,
    /// Empty for a role that every cluster begins with.
    pub(crate) changed_by: String,
    pub(crate) changed_ms: u64,
}

impl Role {
    /// The role of a row.
    pub(crate) fn new(name: String, row: RoleRow) -> Self {
        let RoleRow { permissions, version, changed_by, changed_ms } = row;
        Self { name, permissions, version, changed_by, changed_ms }
    }
}
