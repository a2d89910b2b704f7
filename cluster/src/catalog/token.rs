//! Tokens of recorders and users. Only the hash of a token's text is ever here.

use super::catalog::Catalog;
use super::engine::{KeyRange, Tree};
use super::outcome::{Outcome, Refusal};
use super::role;
use super::row::Row;
use super::step::{Effect, Halt, Step};
use super::text;
use super::transaction::CatalogError;
use serde::{Deserialize, Serialize};
use std::fmt;

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
    /// A local user's, who has shown their password: it has the roles of the user.
    Login,
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

impl Catalog {
    /// A token.
    pub fn token(&self, token: TokenId) -> Result<Option<TokenRow>, CatalogError> {
        self.get(&token.0)
    }

    /// The token whose text has this SHA-256, if it was not revoked; whether it has expired is asked of the row.
    pub fn token_by_hash(&self, hash: [u8; 32]) -> Result<Option<(TokenId, TokenRow)>, CatalogError> {
        let Some(HashRow { token }) = self.get(&hash)? else { return Ok(None) };
        Ok(self.token(token)?.map(|row| (token, row)))
    }

    /// All tokens.
    pub fn tokens(&self) -> Result<Vec<(TokenId, TokenRow)>, CatalogError> {
        self.list(KeyRange::all(), usize::MAX, |key| key.try_into().ok().map(TokenId))
    }
}

pub(crate) fn create(step: &mut Step<'_, '_>, command: CreateToken) -> Effect {
    let CreateToken { token, hash, kind, subject, roles, expires_ms, by } = command;
    text::needed("subject", &subject)?;
    text::needed("by", &by)?;
    if kind == TokenKind::Recorder && !roles.is_empty() {
        return Err(Refusal::RecorderRoles.into());
    }
    if kind == TokenKind::Login {
        return Err(Refusal::LoginKind.into());
    }
    role::need_all(step, &roles)?;
    let (created_by, created_ms, revoked_ms) = (by, step.now_ms, None);
    let row = TokenRow { hash, kind, subject, roles, expires_ms, created_by, created_ms, revoked_ms };
    insert(step, token, &row)
}

/// Stores a new token.
pub(crate) fn insert(step: &mut Step<'_, '_>, token: TokenId, row: &TokenRow) -> Effect {
    let now_ms = step.now_ms;
    if let Some(expires_ms) = row.expires_ms.filter(|expires_ms| *expires_ms <= now_ms) {
        return Err(Refusal::TokenExpired { expires_ms, now_ms }.into());
    }
    if step.rows.has_key(Tree::Tokens, &token.0)? || step.rows.has_key(Tree::TokensByHash, &row.hash)? {
        return Err(Refusal::TokenExists.into());
    }
    step.rows.put(&token.0, row)?;
    step.rows.put(&row.hash, &HashRow { token })?;
    Ok(Outcome::Done)
}

/// Removes a token without a trace.
pub(crate) fn forget(step: &mut Step<'_, '_>, token: TokenId) -> Result<(), Halt> {
    if let Some(row) = step.rows.get::<TokenRow>(&token.0)? {
        step.rows.remove(Tree::TokensByHash, &row.hash);
        step.rows.remove(Tree::Tokens, &token.0);
    }
    Ok(())
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
