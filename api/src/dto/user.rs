//! Local users and their logins.

use cluster::catalog::UserRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::password::Password;

/// Who logs in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    pub(crate) name: String,
    pub(crate) password: Password,
}

/// A user to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    /// 1 to 64 of `a`-`z`, `0`-`9`, `.`, `_`, `-`, `@` and `+`.
    pub(crate) name: String,
    /// At least 12 characters.
    pub(crate) password: Password,
    #[serde(default)]
    pub(crate) roles: Vec<String>,
}

/// What a user is from here on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedUser {
    pub(crate) roles: Vec<String>,
    /// Whether they may not log in; ends their logins.
    #[serde(default)]
    pub(crate) disabled: bool,
}

/// A new password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    /// At least 12 characters.
    pub(crate) password: Password,
    /// Needed of who changes their own.
    pub(crate) old_password: Option<Password>,
}

/// A local user.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) roles: Vec<String>,
    /// Whether they may not log in.
    pub(crate) disabled: bool,
    pub(crate) version: u64,
    pub(crate) changed_by: String,
    pub(crate) changed_ms: u64,
}

impl User {
    /// The user of a row.
    pub(crate) fn new(name: String, row: UserRow) -> Self {
        let UserRow { roles, is_disabled: disabled, version, changed_by, changed_ms, .. } = row;
        Self { name, roles, disabled, version, changed_by, changed_ms }
    }
}
