//! Who asks.

use std::collections::BTreeSet;

use crate::action::Action;
use crate::role::RoleName;

/// A user's name, as the one who vouches for their identity gives it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(pub String);

/// A service's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName(pub String);

/// A recorder's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecorderName(pub String);

/// A user and the roles that they hold. Roles that the authorizer does not know permit nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user.
    pub name: UserName,
    /// The roles.
    pub roles: BTreeSet<RoleName>,
}

/// A service and the roles that its token holds. Roles that the authorizer does not know permit nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The service.
    pub name: ServiceName,
    /// The roles.
    pub roles: BTreeSet<RoleName>,
}

/// Who asks. Whether they are who they say is established before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A user.
    User(User),
    /// A service, for itself.
    Service(Service),
    /// A user for whom a service asks. What objects grant the user counts, and what the service's own roles permit, but
    /// for System.Users.ActFor: who is acted for acts for no one. Unless the service holds that permission, nothing is
    /// permitted.
    ActFor {
        /// Who sent the request.
        service: Service,
        /// Who it is made for. Which roles they hold elsewhere is the service's to know: whatever it said about them, a
        /// user could do no more than the service.
        user: UserName,
    },
    /// A recorder, by its token: it holds no roles and can only record its own sessions.
    Recorder(RecorderName),
}

impl Subject {
    /// The user who is decided about, if it is one.
    pub fn user(&self) -> Option<&UserName> {
        match self {
            Self::User(user) => Some(&user.name),
            Self::ActFor { user, .. } => Some(user),
            Self::Service(_) | Self::Recorder(_) => None,
        }
    }

    /// The service that sent the request, if one did.
    pub fn service(&self) -> Option<&Service> {
        match self {
            Self::Service(service) | Self::ActFor { service, .. } => Some(service),
            Self::User(_) | Self::Recorder(_) => None,
        }
    }

    /// The roles that decide.
    pub(crate) fn roles(&self) -> Option<&BTreeSet<RoleName>> {
        match self {
            Self::User(user) => Some(&user.roles),
            Self::Service(service) | Self::ActFor { service, .. } => Some(&service.roles),
            Self::Recorder(_) => None,
        }
    }

    /// Whether a role gives this subject the action, if the role permits it.
    pub(crate) fn takes_from_roles(&self, action: Action) -> bool {
        match self {
            Self::ActFor { .. } => action != Action::UsersActFor,
            Self::User(_) | Self::Service(_) | Self::Recorder(_) => true,
        }
    }
}
