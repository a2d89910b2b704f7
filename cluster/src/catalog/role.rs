//! Roles: names for sets of permissions. What a permission allows is decided elsewhere.

use super::catalog::Catalog;
use super::engine::{KeyRange, Tree};
use super::outcome::{Outcome, Refusal};
use super::parameter::check_version;
use super::row::Row;
use super::step::{Effect, Halt, Step};
use super::text;
use super::transaction::CatalogError;
use serde::{Deserialize, Serialize};

/// The most roles of a cluster: as many as are judged by.
const ROLES_MAX: usize = 64;
/// The most roles of a user or a token.
const ROLES_OF_ONE_MAX: usize = 8;
/// What the role holds that can give any other permission.
const MANAGER: [&str; 2] = ["System.Roles.Manage", "System.Users.Manage"];
/// The most permissions of a role.
const PERMISSIONS_MAX: usize = 64;
/// The most bytes of a permission.
const PERMISSION_BYTES_MAX: usize = 56;

/// The roles that a new cluster has.
const SEEDED: &[(&str, &[&str])] = &[
    (
        "PAM Administrator",
        &[
            "PAM.SessionManagement.Record",
            "PAM.SessionManagement.Read",
            "PAM.SessionManagement.Recording",
            "PAM.SessionManagement.Livestream",
            "PAM.SessionManagement.Logs",
            "PAM.SessionManagement.Keystrokes",
            "PAM.SessionManagement.Convert",
            "PAM.SessionManagement.Download",
            "PAM.SessionManagement.Block",
            "PAM.SessionManagement.Drop",
            "PAM.SessionManagement.PreventPurge",
            "PAM.SessionManagement.ReleaseHold",
            "PAM.SessionManagement.Auditors",
            "PAM.SessionManagement.Approve",
            "PAM.SessionManagement.Review",
            "PAM.SessionManagement.Evidence",
            "PAM.SessionManagement.Purge",
            "PAM.Audit.Read",
        ],
    ),
    (
        "PAM Auditor",
        &[
            "PAM.SessionManagement.Read",
            "PAM.SessionManagement.Recording",
            "PAM.SessionManagement.Livestream",
            "PAM.SessionManagement.Logs",
            "PAM.SessionManagement.Keystrokes",
            "PAM.SessionManagement.Convert",
            "PAM.SessionManagement.Download",
            "PAM.SessionManagement.Review",
            "PAM.SessionManagement.Evidence",
            "PAM.Audit.Read",
        ],
    ),
    (
        "System Administrator",
        &[
            "PAM.SessionManagement.Read",
            "PAM.SessionManagement.Recording",
            "PAM.SessionManagement.Livestream",
            "System.Cluster.Read",
            "System.Cluster.Manage",
            "System.Parameters.Read",
            "System.Parameters.Manage",
            "System.Users.Read",
            "System.Users.Manage",
            "System.Roles.Read",
            "System.Roles.Manage",
            "System.Users.ActFor",
        ],
    ),
];

/// Sets a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutRole {
    /// Which.
    pub name: String,
    /// What it allows.
    pub permissions: Vec<String>,
    /// Only if this is its version; 0 if there is none.
    pub expected_version: Option<u64>,
    /// Who.
    pub by: String,
}

/// A role in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRow {
    /// What it allows.
    pub permissions: Vec<String>,
    /// Counted from 1.
    pub version: u64,
    /// Who set it; empty for a seeded role.
    pub changed_by: String,
    /// When, in the cluster's time.
    pub changed_ms: u64,
}

impl Row for RoleRow {
    const TREE: Tree = Tree::Roles;
}

impl RoleRow {
    /// Whether who holds it can change roles and give them.
    fn is_manager(&self) -> bool {
        MANAGER.iter().all(|needed| self.permissions.iter().any(|held| held == needed))
    }
}

impl Catalog {
    /// All roles, by name.
    pub fn roles(&self) -> Result<Vec<(String, RoleRow)>, CatalogError> {
        self.list(KeyRange::all(), usize::MAX, |key| String::from_utf8(key.to_vec()).ok())
    }

    /// A role.
    pub fn role(&self, name: &str) -> Result<Option<RoleRow>, CatalogError> {
        self.get(name.as_bytes())
    }
}

/// Whether these are few enough roles, and there is each of them.
pub(crate) fn need_all(step: &Step<'_, '_>, roles: &[String]) -> Result<(), Halt> {
    if roles.len() > ROLES_OF_ONE_MAX {
        let limit = u64::try_from(ROLES_OF_ONE_MAX).unwrap_or(u64::MAX);
        return Err(Refusal::TooManyRoles { limit }.into());
    }
    for role in roles {
        text::needed("role", role)?;
        if !step.rows.has_key(Tree::Roles, role.as_bytes())? {
            return Err(Refusal::RoleUnknown { role: role.clone() }.into());
        }
    }
    Ok(())
}

pub(crate) fn seed(step: &mut Step<'_, '_>) -> Effect {
    for (name, permissions) in SEEDED {
        if !step.rows.has_key(Tree::Roles, name.as_bytes())? {
            let permissions = permissions.iter().copied().map(str::to_owned).collect();
            let changed_ms = step.now_ms;
            let row = RoleRow { permissions, version: 1, changed_by: String::new(), changed_ms };
            step.rows.put(name.as_bytes(), &row)?;
        }
    }
    Ok(Outcome::Done)
}

pub(crate) fn put(step: &mut Step<'_, '_>, command: PutRole) -> Effect {
    let PutRole { name, permissions, expected_version, by } = command;
    text::needed("role", &name)?;
    text::needed("by", &by)?;
    if permissions.len() > PERMISSIONS_MAX {
        let limit = u64::try_from(PERMISSIONS_MAX).unwrap_or(u64::MAX);
        return Err(Refusal::TooManyPermissions { role: name, limit }.into());
    }
    permissions.iter().try_for_each(|permission| check_form(permission))?;
    let older = step.rows.get::<RoleRow>(name.as_bytes())?;
    let actual = older.as_ref().map_or(0, |row| row.version);
    check_version(expected_version, actual)?;
    let version = actual + 1;
    let row = RoleRow { permissions, version, changed_by: by, changed_ms: step.now_ms };
    step.rows.put(name.as_bytes(), &row)?;
    let roles = step.rows.list::<RoleRow>(b"", ROLES_MAX + 1)?;
    if roles.len() > ROLES_MAX {
        return Err(Refusal::RolesFull { limit: u64::try_from(ROLES_MAX).unwrap_or(u64::MAX) }.into());
    }
    if older.is_some_and(|older| older.is_manager()) && !roles.iter().any(|(_, role)| role.is_manager()) {
        return Err(Refusal::LastManager.into());
    }
    Ok(Outcome::Version(version))
}

fn check_form(permission: &str) -> Result<(), Refusal> {
    let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphabetic());
    let parts = permission.split('.').count();
    match permission.len() <= PERMISSION_BYTES_MAX && parts >= 2 && permission.split('.').all(word) {
        true => Ok(()),
        false => {
            let permission = permission.chars().take(PERMISSION_BYTES_MAX).collect();
            Err(Refusal::PermissionForm { permission })
        }
    }
}
