//! Whether a session may start.

use cluster::catalog::{SessionInfo, TokenId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::named::{Format, Protocol};
use super::session::NewSession;
use crate::problem::Problem;

/// A session that somebody wants to begin.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAdmission {
    pub(crate) protocol: Protocol,
    pub(crate) format: Format,
    /// The device.
    pub(crate) device_address: String,
    /// The name of the credential on the device.
    #[serde(default)]
    pub(crate) credential_user: String,
    /// The user.
    #[serde(default)]
    pub(crate) user_name: String,
    /// From where the user came.
    #[serde(default)]
    pub(crate) user_address: String,
}

impl NewAdmission {
    /// What opening it would say of it.
    pub(crate) fn into_info(self, recorder_token: Option<TokenId>) -> SessionInfo {
        let Self { protocol, format, device_address, credential_user, user_name, user_address } = self;
        let session = NewSession {
            protocol,
            format,
            device_address,
            credential_user,
            user_name,
            user_address,
            start_ms: 0,
        };
        session.into_info(recorder_token)
    }
}

/// Whether a session may start.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Admission {
    pub(crate) allowed: bool,
    /// Everything that is in the way; empty when it may.
    pub(crate) reasons: Vec<AdmissionReason>,
}

/// What keeps a session from being opened: the problem that opening it would be answered with.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AdmissionReason {
    /// The last part of the problem's type: `storage-full`, `not-ready` (no quorum), `database-format`, `invalid-field`.
    pub(crate) code: &'static str,
    /// The problem's status.
    pub(crate) status: u16,
    /// What happened, for a person.
    pub(crate) detail: String,
}

impl From<&Problem> for AdmissionReason {
    fn from(problem: &Problem) -> Self {
        let (code, status) = (problem.name(), problem.status());
        Self { code, status, detail: problem.detail().to_owned() }
    }
}
