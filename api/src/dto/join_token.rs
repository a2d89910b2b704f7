//! Tokens with which members join.

use cluster::catalog::{JoinTokenRow, TokenId};
use serde::Serialize;
use utoipa::ToSchema;

/// A token for one new member, without its text.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct JoinToken {
    id: String,
    /// Until when it can be used.
    expires_ms: u64,
    created_by: String,
    /// The member that was made with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    used_by: Option<u64>,
}

impl JoinToken {
    pub(crate) fn new(id: TokenId, row: JoinTokenRow) -> Self {
        let JoinTokenRow { hash: _, expires_ms, by, used } = row;
        Self { id: id.to_string(), expires_ms, created_by: by, used_by: used.map(|used| used.member.0) }
    }
}

/// A new token and its text, which is shown once.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct MadeJoinToken {
    pub(crate) id: String,
    /// What the new member is given. A secret.
    pub(crate) token: String,
    /// Until when it can be used.
    pub(crate) expires_ms: u64,
}
