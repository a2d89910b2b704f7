//! Tokens with which new members join. Only the hash of a token's secret is ever here.

use super::ca::{self, CaRow};
use super::catalog::Catalog;
use super::engine::{KeyRange, Tree};
use super::member::Fingerprint;
use super::outcome::{Outcome, Refusal};
use super::row::Row;
use super::step::{Effect, Step};
use super::text;
use super::token::TokenId;
use super::transaction::CatalogError;
use crate::id::MemberId;
use serde::{Deserialize, Serialize};

/// For how long a token can be used.
pub const JOIN_TOKEN_MS: u64 = 15 * 60 * 1000;
/// For how long after that it is still told what became of it.
const KEPT_MS: u64 = 24 * 60 * 60 * 1000;
/// The most tokens that are kept.
const TOKENS_MAX: usize = 64;

/// Makes a token for one new member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateJoinToken {
    /// Its name.
    pub token: TokenId,
    /// SHA-256 of its secret.
    pub hash: [u8; 32],
    /// Who made it.
    pub by: String,
}

/// A token in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinTokenRow {
    /// SHA-256 of its secret.
    pub hash: [u8; 32],
    /// Until when it can be used, in the cluster's time.
    pub expires_ms: u64,
    /// Who made it.
    pub by: String,
    /// Who has used it.
    pub used: Option<Used>,
}

/// Who has used a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// The key that was certified.
    pub fingerprint: Fingerprint,
    /// The member.
    pub member: MemberId,
}

impl Row for JoinTokenRow {
    const TREE: Tree = Tree::JoinTokens;
}

impl Catalog {
    /// A token.
    pub fn join_token(&self, token: TokenId) -> Result<Option<JoinTokenRow>, CatalogError> {
        self.get(&token.0)
    }

    /// All tokens that are kept.
    pub fn join_tokens(&self) -> Result<Vec<(TokenId, JoinTokenRow)>, CatalogError> {
        self.list(KeyRange::all(), usize::MAX, |key| key.try_into().ok().map(TokenId))
    }
}

pub(crate) fn create(step: &mut Step<'_, '_>, command: CreateJoinToken) -> Effect {
    let CreateJoinToken { token, hash, by } = command;
    text::needed("by", &by)?;
    if step.rows.get::<CaRow>(ca::KEY)?.is_none() {
        return Err(Refusal::CaMissing.into());
    }
    let mut kept = 0;
    for (key, row) in step.rows.list::<JoinTokenRow>(&[], TOKENS_MAX)? {
        match row.expires_ms.saturating_add(KEPT_MS) <= step.now_ms {
            true => step.rows.remove(Tree::JoinTokens, &key),
            false => kept += 1,
        }
    }
    if kept >= TOKENS_MAX {
        let limit = u64::try_from(TOKENS_MAX).unwrap_or(u64::MAX);
        return Err(Refusal::TooManyJoinTokens { limit }.into());
    }
    if step.rows.has_key(Tree::JoinTokens, &token.0)? {
        return Err(Refusal::TokenExists.into());
    }
    let expires_ms = step.now_ms.saturating_add(JOIN_TOKEN_MS);
    step.rows.put(&token.0, &JoinTokenRow { hash, expires_ms, by, used: None })?;
    Ok(Outcome::Done)
}

pub(crate) fn delete(step: &mut Step<'_, '_>, token: TokenId, by: &str) -> Effect {
    text::needed("by", by)?;
    let _: JoinTokenRow = step.need(&token.0, || Refusal::JoinTokenUnknown { token })?;
    step.rows.remove(Tree::JoinTokens, &token.0);
    Ok(Outcome::Done)
}
