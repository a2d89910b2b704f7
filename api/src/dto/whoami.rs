//! The caller, as this service sees it.

use std::collections::BTreeSet;

use policy::Action;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{Caller, Credential};

/// The caller.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Whoami {
    /// `recorder` or `user`.
    pub(crate) kind: &'static str,
    /// Who it is that asks, or is asked for.
    pub(crate) name: String,
    /// The service that acts for the user, if one does.
    pub(crate) service: Option<String>,
    /// `token` for one of this service's own, `login` for the cookie of a local user, `jwt` for one of the identity
    /// provider's.
    pub(crate) credential: &'static str,
    /// The token, without its text, if it is one of this service's own.
    pub(crate) token: Option<String>,
    /// Until when the credential is valid; without, until it is revoked.
    pub(crate) expires_ms: Option<u64>,
    /// The roles that decide: those of the service, where one acts.
    pub(crate) roles: Vec<String>,
    /// What the roles permit, whatever single sessions add.
    pub(crate) permissions: Vec<&'static str>,
}

impl Whoami {
    /// A caller with these permissions.
    pub(crate) fn new(caller: Caller, permissions: BTreeSet<Action>) -> Self {
        let (credential, token) = match caller.credential {
            Credential::Token(token) => ("token", Some(token.to_string())),
            Credential::Login(token) => ("login", Some(token.to_string())),
            Credential::Jwt => ("jwt", None),
        };
        Self {
            kind: if caller.is_recorder() { "recorder" } else { "user" },
            service: caller.subject.service().map(|service| service.name.0.clone()),
            credential,
            token,
            expires_ms: caller.expires_ms,
            permissions: permissions.into_iter().map(Action::name).collect(),
            name: caller.name,
            roles: caller.roles,
        }
    }
}
