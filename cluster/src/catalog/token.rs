//! Tokens of recorders and users. Only the hash of a token's text is ever here.

use super::engine::Tree;
use super::outcome::{Outcome, Refusal};
use super::row::Row;
use super::step::{Effect, Step};
use super::text;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most roles of a token.
const ROLES_MAX: usize = 8;

/// Names a token without being one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TokenId(pub [u8; 16]);

impl fmt::Display for TokenId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "TokenId({self})")
    }
}

/// Whose token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenKind {
    /// A recorder's: it may record its own sessions.
    Recorder,
    /// A user's or a service's: it has roles.
    User,
}

/// Makes a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateToken {
    /// Its name.
    pub token: TokenId,
    /// SHA-256 of its text.
    pub hash: [u8; 32],
    /// Whose it is.
    pub kind: TokenKind,
    /// Who it speaks for.
    pub subject: String,
    /// With which roles.
    pub roles: Vec<String>,
    /// Until when, in the cluster's time.
    pub expires_ms: Option<u64>,
    /// Who made it.
    pub by: String,
}

/// A token in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRow {
    /// SHA-256 of its text.
    pub hash: [u8; 32],
    /// Whose it is.
    pub kind: TokenKind,
    /// Who it speaks for.
    pub subject: String,
    /// With which roles.
    pub roles: Vec<String>,
    /// Until when, in the cluster's time.
    pub expires_ms: Option<u64>,
    /// Who made it.
    pub created_by: String,
    /// When, in the cluster's time.
    pub created_ms: u64,
    /// Since when it is no more, in the cluster's time.
    pub revoked_ms: Option<u64>,
}

impl TokenRow {
    /// Whether it opens anything at a time of the cluster.
    pub fn is_valid(&self, now_ms: u64) -> bool {
        self.revoked_ms.is_none() && self.expires_ms.is_none_or(|expires_ms| now_ms < expires_ms)
    }
}

impl Row for TokenRow {
    const TREE: Tree = Tree::Tokens;
}

/// From the hash to the name.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HashRow {
    pub(crate) token: TokenId,
}

impl Row for HashRow {
    const TREE: Tree = Tree::TokensByHash;
}

pub(crate) fn create(step: &mut Step<'_, '_>, command: CreateToken) -> Effect {
    let CreateToken { token, hash, kind, subject, roles, expires_ms, by } = command;
    text::needed("subject", &subject)?;
    text::needed("by", &by)?;
    if roles.len() > ROLES_MAX {
        return Err(Refusal::TooManyRoles { limit: u64::try_from(ROLES_MAX).unwrap_or(u64::MAX) }.into());
    }
    if kind == TokenKind::Recorder && !roles.is_empty() {
        return Err(Refusal::RecorderRoles.into());
    }
    for role in &roles {
        text::needed("role", role)?;
        if !step.rows.has_key(Tree::Roles, role.as_bytes())? {
            return Err(Refusal::RoleUnknown { role: role.clone() }.into());
        }
    }
    let now_ms = step.now_ms;
    if let Some(expires_ms) = expires_ms.filter(|expires_ms| *expires_ms <= now_ms) {
        return Err(Refusal::TokenExpired { expires_ms, now_ms }.into());
    }
    if step.rows.has_key(Tree::Tokens, &token.0)? || step.rows.has_key(Tree::TokensByHash, &hash)? {
        return Err(Refusal::TokenExists.into());
    }
    let (created_by, created_ms, revoked_ms) = (by, now_ms, None);
    let row = TokenRow { hash, kind, subject, roles, expires_ms, created_by, created_ms, revoked_ms };
    step.rows.put(&token.0, &row)?;
    step.rows.put(&hash, &HashRow { token })?;
    Ok(Outcome::Done)
}

/// Ends a token; one that has ended stays so.
pub(crate) fn revoke(step: &mut Step<'_, '_>, token: TokenId, by: &str) -> Effect {
    text::needed("by", by)?;
    let mut row: TokenRow = step.need(&token.0, || Refusal::TokenUnknown { token })?;
    row.revoked_ms = row.revoked_ms.or(Some(step.now_ms));
    step.rows.put(&token.0, &row)?;
    step.rows.remove(Tree::TokensByHash, &row.hash);
    Ok(Outcome::Done)
}
