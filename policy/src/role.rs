//! Roles: named sets of permissions.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::action::{Action, UnknownPermission};

/// Longest name of a role, in Unicode code points.
pub const MAX_NAME_CHARS: usize = 64;

/// A role's name: 1 to [`MAX_NAME_CHARS`] printable characters, neither the first nor the last a space.
// INVARIANT: never empty; without rules, casbin compares a request with empty strings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleName(Arc<str>);

impl RoleName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a text cannot name a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RoleNameError {
    /// There is no character.
    #[error("a role's name is empty, expected 1 to {MAX_NAME_CHARS} characters")]
    Empty,
    /// There are too many characters.
    #[error("a role's name is longer than {MAX_NAME_CHARS} characters")]
    TooLong,
    /// A character cannot be shown.
    #[error("a role's name holds the control character {character:?}, expected printable ones")]
    Control {
        /// The first one.
        character: char,
    },
    /// Names that look alike would differ.
    #[error("a role's name begins or ends with white space, expected none")]
    Padded,
}

impl FromStr for RoleName {
    type Err = RoleNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name.is_empty() {
            return Err(RoleNameError::Empty);
        }
        if name.chars().nth(MAX_NAME_CHARS).is_some() {
            return Err(RoleNameError::TooLong);
        }
        if let Some(character) = name.chars().find(|character| character.is_control()) {
            return Err(RoleNameError::Control { character });
        }
        if name.trim() != name {
            return Err(RoleNameError::Padded);
        }
        Ok(Self(name.into()))
    }
}

/// A role and the permissions that it gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The name, by which subjects hold the role.
    pub name: RoleName,
    /// What it permits.
    pub permissions: BTreeSet<Action>,
}

/// Why names do not make a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleError {
    /// The role's own name.
    #[error(transparent)]
    Name(#[from] RoleNameError),
    /// The name of a permission.
    #[error("role {role:?}: {unknown}")]
    Permission {
        /// The role.
        role: String,
        /// The name that is none.
        unknown: UnknownPermission,
    },
}

impl Role {
    /// The role of this name with the permissions of these names; one unknown name refuses them all.
    pub fn from_names<'a>(
        name: &str,
        permissions: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, RoleError> {
        let name: RoleName = name.parse()?;
        let permissions: Result<_, _> = permissions.into_iter().map(str::parse).collect();
        match permissions {
            Ok(permissions) => Ok(Self { name, permissions }),
            Err(unknown) => Err(RoleError::Permission { role: name.to_string(), unknown }),
        }
    }

    /// The roles that a new cluster has.
    pub fn seeded() -> Vec<Self> {
        SEEDED.iter().map(Seed::role).collect()
    }
}

/// A role as data.
struct Seed {
    name: &'static str,
    permissions: &'static [Action],
}

impl Seed {
    fn role(&self) -> Role {
        Role { name: RoleName(self.name.into()), permissions: self.permissions.iter().copied().collect() }
    }
}

// Permissions are listed one by one: a new one belongs to no role until someone says so.
const SEEDED: &[Seed] = &[
    Seed {
        name: "PAM Administrator",
        permissions: &[
            Action::Record,
            Action::Read,
            Action::Recording,
            Action::Livestream,
            Action::Logs,
            Action::Keystrokes,
            Action::Convert,
            Action::Download,
            Action::Block,
            Action::Drop,
            Action::PreventPurge,
            Action::ReleaseHold,
            Action::Auditors,
            Action::Approve,
            Action::Review,
            Action::Evidence,
            Action::Purge,
            Action::AuditRead,
        ],
    },
    Seed {
        name: "PAM Auditor",
        permissions: &[
            Action::Read,
            Action::Recording,
            Action::Livestream,
            Action::Logs,
            Action::Keystrokes,
            Action::Convert,
            Action::Download,
            Action::Review,
            Action::Evidence,
            Action::AuditRead,
        ],
    },
    Seed {
        name: "System Administrator",
        permissions: &[
            Action::Read,
            Action::Recording,
            Action::Livestream,
            Action::ClusterRead,
            Action::ClusterManage,
            Action::ParametersRead,
            Action::ParametersManage,
            Action::UsersRead,
            Action::UsersManage,
            Action::UsersActFor,
            Action::RolesRead,
            Action::RolesManage,
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_names_are_names() {
        for role in Role::seeded() {
            assert_eq!(role.name.as_str().parse(), Ok(role.name.clone()));
        }
    }

    #[test]
    fn names_that_cannot_be_told_apart_or_shown_are_refused() {
        let longest = "ä".repeat(MAX_NAME_CHARS);
        assert_eq!(longest.parse::<RoleName>().map(|name| name.to_string()), Ok(longest.clone()));
        let cases = [
            (String::new(), RoleNameError::Empty),
            (format!("{longest}ä"), RoleNameError::TooLong),
            ("a\u{7}b".to_owned(), RoleNameError::Control { character: '\u{7}' }),
            (" PAM Auditor".to_owned(), RoleNameError::Padded),
            ("PAM Auditor\u{a0}".to_owned(), RoleNameError::Padded),
        ];
        for (name, error) in cases {
            assert_eq!(name.parse::<RoleName>(), Err(error));
        }
    }

    #[test]
    fn a_role_with_an_unknown_permission_is_refused_whole() {
        let error = Role::from_names("Clerk", ["PAM.SessionManagement.Read", "PAM.*"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "role \"Clerk\": \"PAM.*\" is no permission; expected a full name such as \
             PAM.SessionManagement.Read"
        );
        assert_eq!(Role::from_names("", []), Err(RoleError::Name(RoleNameError::Empty)));
    }

    #[test]
    fn a_role_is_made_from_names() {
        let role = Role::from_names("Clerk", ["System.Users.ActFor", "PAM.SessionManagement.Read"]);
        let permissions = BTreeSet::from([Action::Read, Action::UsersActFor]);
        assert_eq!(role, Ok(Role { name: RoleName("Clerk".into()), permissions }));
    }
}
