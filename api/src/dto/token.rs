//! Tokens of recorders and users.

use cluster::catalog::{self, TokenId, TokenRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A token to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    pub(crate) kind: TokenKind,
    /// Who it speaks for.
    pub(crate) subject: String,
    /// With which roles; none for a recorder.
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    /// Until when, in the cluster's time; without, until it is revoked.
    pub(crate) expires_ms: Option<u64>,
}

/// Whose token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TokenKind {
    /// It may record its own sessions.
    Recorder,
    /// It has roles.
    User,
    /// A local user's cookie: made by a login, with the roles of the user.
    Login,
}

/// A token that was made. Its text is not shown again.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct MadeToken {
    pub(crate) id: String,
    /// The text, for the header `Authorization: Bearer`.
    pub(crate) token: String,
}

/// A token without its text.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Token {
    pub(crate) id: String,
    pub(crate) kind: TokenKind,
    pub(crate) subject: String,
    pub(crate) roles: Vec<String>,
    pub(crate) expires_ms: Option<u64>,
    pub(crate) created_by: String,
    pub(crate) created_ms: u64,
    pub(crate) revoked_ms: Option<u64>,
}

impl Token {
    /// The token of a row.
    pub(crate) fn new(id: TokenId, row: TokenRow) -> Self {
        Self {
            id: id.to_string(),
            kind: row.kind.into(),
            subject: row.subject,
            roles: row.roles,
            expires_ms: row.expires_ms,
            created_by: row.created_by,
            created_ms: row.created_ms,
            revoked_ms: row.revoked_ms,
        }
    }
}

impl From<catalog::TokenKind> for TokenKind {
    fn from(kind: catalog::TokenKind) -> Self {
        match kind {
            catalog::TokenKind::Recorder => Self::Recorder,
            catalog::TokenKind::User => Self::User,
            catalog::TokenKind::Login => Self::Login,
        }
    }
}

impl From<TokenKind> for catalog::TokenKind {
    fn from(kind: TokenKind) -> Self {
        match kind {
            TokenKind::Recorder => Self::Recorder,
            TokenKind::User => Self::User,
            TokenKind::Login => Self::Login,
        }
    }
}
