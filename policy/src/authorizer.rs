//! The table of what roles permit, and the order in which a question is decided.

use std::collections::{BTreeMap, BTreeSet};

use crate::action::Action;
use crate::decision::{Decision, Ground};
use crate::resource::Resource;
use crate::role::{Role, RoleName};
use crate::rule::{RuleError, Rules};
use crate::subject::Subject;

#[cfg(test)]
mod tests;

/// Most roles of an authorizer. Building asks casbin about every role and action, and each check reads all rules, so
/// that the cost grows with the square of the roles.
pub const MAX_ROLES: usize = 64;

/// Which state of the roles an authorizer was built from: the greater, the later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// Why an authorizer could not be built. The one that is in force stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// There are too many roles.
    #[error("there are {roles} roles, expected at most {MAX_ROLES}")]
    TooManyRoles {
        /// How many.
        roles: usize,
    },
    /// Which of them would hold?
    #[error("two roles are named {name}, expected one")]
    Duplicate {
        /// The name.
        name: RoleName,
    },
    /// The rules could not be made or judged.
    #[error(transparent)]
    Rule(#[from] RuleError),
}

/// What roles permit, immutable once built.
///
/// Casbin is asked once about every role and action, and only its answers are kept. A check is then a lookup that can
/// neither fail nor become slower with more rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorizer {
    revision: Revision,
    permissions: BTreeMap<RoleName, BTreeSet<Action>>,
}

impl Authorizer {
    /// The authorizer of these roles, which are all there are at this revision.
    pub fn build(revision: Revision, roles: &[Role]) -> Result<Self, BuildError> {
        if roles.len() > MAX_ROLES {
            return Err(BuildError::TooManyRoles { roles: roles.len() });
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = roles.iter().find(|role| !names.insert(&role.name)) {
            return Err(BuildError::Duplicate { name: twice.name.clone() });
        }
        let rules = Rules::new(roles)?;
        let permitted = |role: &Role| Ok((role.name.clone(), permitted(&rules, &role.name)?));
        let permissions = roles.iter().map(permitted).collect::<Result<_, RuleError>>()?;
        Ok(Self { revision, permissions })
    }

    /// Which state of the roles this was built from.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Whether the subject may do this to that. A denial of the object comes first, then what the object grants, then
    /// roles; then whether another person has approved, where that is needed. Who may not read the object may do nothing to it, but for actions that need no sight of it; an action
    /// that cannot be done to the resource at all is hidden.
    pub fn decide(&self, subject: &Subject, action: Action, resource: &Resource) -> Decision {
        if resource.is_denied() || !resource.admits(action) || !self.vouches_for(subject) {
            return Decision::Hidden;
        }
        let is_readable = self.ground(subject, action.read(), resource).is_some();
        match self.ground(subject, action, resource) {
            Some(_) if is_readable && resource.needs_approval(action) => Decision::Unapproved,
            Some(by) if is_readable || action.needs_no_read() => Decision::Allowed { by },
            Some(_) => Decision::Hidden,
            None if is_readable => Decision::Forbidden,
            None => Decision::Hidden,
        }
    }

    /// What the subject's roles permit, without regard to any one session.
    pub fn permissions(&self, subject: &Subject) -> BTreeSet<Action> {
        if !self.vouches_for(subject) {
            return BTreeSet::new();
        }
        let roles = subject.roles().into_iter().flatten();
        let permitted = roles.filter_map(|role| self.permissions.get(role)).flatten().copied();
        permitted.filter(|action| subject.takes_from_roles(*action)).collect()
    }

    /// Whether there is such a role.
    pub fn knows(&self, role: &RoleName) -> bool {
        self.permissions.contains_key(role)
    }

    /// Whether the service may act for the user, where one does.
    fn vouches_for(&self, subject: &Subject) -> bool {
        match subject {
            Subject::ActFor { service, .. } => self.role_with(Action::UsersActFor, &service.roles).is_some(),
            Subject::User(_) | Subject::Service(_) | Subject::Recorder(_) => true,
        }
    }

    fn ground(&self, subject: &Subject, action: Action, resource: &Resource) -> Option<Ground> {
        let role = || self.role_with(action, subject.roles()?).filter(|_| subject.takes_from_roles(action));
        resource.grant(subject, action).or_else(|| role().cloned().map(Ground::Role))
    }

    fn role_with<'a>(&self, action: Action, roles: &'a BTreeSet<RoleName>) -> Option<&'a RoleName> {
        roles.iter().find(|role| self.permissions.get(*role).is_some_and(|held| held.contains(&action)))
    }
}

fn permitted(rules: &Rules, role: &RoleName) -> Result<BTreeSet<Action>, RuleError> {
    let mut permitted = BTreeSet::new();
    for &action in Action::ALL {
        if rules.permit(role, action)? {
            permitted.insert(action);
        }
    }
    Ok(permitted)
}
