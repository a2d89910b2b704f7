//! The caller, as this service sees it.

use std::collections::BTreeSet;

use policy::{Action, Decision, Ground};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::{Caller, Credential};

/// What is to be explained beside.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhoamiQuery {
    /// A session: what the caller may do to it, and why.
    pub(crate) session: Option<String>,
}

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
    /// What they may do to the session that was asked about: its own grants and approvals count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<Vec<Verdict>>,
}

/// Whether something may be done to a session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Verdict {
    permission: &'static str,
    verdict: VerdictKind,
    /// What allows it: `auditor` when the session names the caller, `recorder` of the session, or `role` and the role's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum VerdictKind {
    Allowed,
    /// Neither the session nor a role permits it.
    Forbidden,
    /// It is permitted once another person approves.
    ApprovalNeeded,
}

impl Verdict {
    fn new((action, decision): (Action, Decision)) -> Self {
        let (verdict, by) = match decision {
            Decision::Allowed { by } => (VerdictKind::Allowed, Some(by)),
            Decision::Forbidden | Decision::Hidden => (VerdictKind::Forbidden, None),
            Decision::Unapproved => (VerdictKind::ApprovalNeeded, None),
        };
        let by = by.map(|by| match by {
            Ground::Auditor => "auditor".to_owned(),
            Ground::Recorder => "recorder".to_owned(),
            Ground::Role(role) => format!("role {role}"),
        });
        Self { permission: action.name(), verdict, by }
    }
}

impl Whoami {
    /// A caller with these permissions, and what was decided about a session.
    pub(crate) fn new(
        caller: Caller,
        permissions: BTreeSet<Action>,
        verdicts: Option<Vec<(Action, Decision)>>,
    ) -> Self {
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
            session: verdicts.map(|verdicts| verdicts.into_iter().map(Verdict::new).collect()),
            name: caller.name,
            roles: caller.roles,
        }
    }
}
