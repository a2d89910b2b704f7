//! The caller, as this service sees it.

use serde::Serialize;
use utoipa::ToSchema;

/// The caller.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Whoami {
    /// `recorder` or `user`.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    /// The token, without its text.
    pub(crate) token: String,
    pub(crate) roles: Vec<String>,
    /// What the roles permit, whatever single sessions add.
    pub(crate) permissions: Vec<&'static str>,
}
