//! Changes that are asked for under a key, and made once however often they are asked for.
//!
//! The key is kept in the batch of the change, so that it holds on every member, and two requests that race are one
//! change. A change that was refused leaves no key.

use super::command::Command;
use super::engine::Tree;
use super::outcome::{Outcome, Refusal};
use super::row::Row;
use super::step::{Counter, Halt, Step};
use serde::{Deserialize, Serialize};

/// For how long a key is kept, in the cluster's time.
pub const KEY_KEPT_MS: u64 = 24 * 60 * 60 * 1000;
/// The most keys; a further one ends the oldest.
const KEYS_MAX: u64 = 100_000;
/// Old keys that go when a new one comes.
const FORGOTTEN_AT_ONCE: usize = 4;
/// The most bytes of a note.
const NOTE_BYTES_MAX: usize = 64;

/// A change that is made once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Once {
    /// Under which key.
    pub key: OnceKey,
    /// What who asks again is told, at most 64 bytes.
    pub note: Vec<u8>,
    /// The change, which has no key of its own.
    pub command: Box<Command>,
}

/// A key, and what was asked for under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnceKey {
    /// SHA-256 of the key, of who asks, and of where they ask.
    pub key: [u8; 32],
    /// A fingerprint of all that was asked for.
    pub request: [u8; 32],
}

#[derive(Debug, Serialize, Deserialize)]
struct OnceRow {
    request: [u8; 32],
    note: Vec<u8>,
    outcome: Outcome,
    expires_ms: u64,
}

impl Row for OnceRow {
    const TREE: Tree = Tree::Once;
}

/// From the end of a key to the key.
#[derive(Debug, Serialize, Deserialize)]
struct ExpiryRow {
    key: [u8; 32],
}

impl Row for ExpiryRow {
    const TREE: Tree = Tree::OnceByExpiry;
}

/// What became of an earlier request under the same key.
pub(crate) fn earlier(step: &Step<'_, '_>, key: &OnceKey) -> Result<Option<Outcome>, Halt> {
    let row = step.rows.get::<OnceRow>(&key.key)?.filter(|row| step.now_ms < row.expires_ms);
    let Some(OnceRow { request, note, outcome, .. }) = row else { return Ok(None) };
    match request == key.request {
        true => Ok(Some(Outcome::Again { note, outcome: Box::new(outcome) })),
        false => Err(Refusal::KeyReused.into()),
    }
}

/// Keeps the key of a change that was made.
pub(crate) fn keep(
    step: &mut Step<'_, '_>,
    key: OnceKey,
    note: Vec<u8>,
    outcome: &Outcome,
) -> Result<(), Halt> {
    let OnceKey { key, request } = key;
    if note.len() > NOTE_BYTES_MAX {
        let limit_bytes = u64::try_from(NOTE_BYTES_MAX).unwrap_or(u64::MAX);
        return Err(Refusal::TextTooLong { field: "note".to_owned(), limit_bytes }.into());
    }
    forget(step, &key)?;
    let oldest = step.rows.list::<ExpiryRow>(&[], FORGOTTEN_AT_ONCE)?;
    let mut kept = step.counted(Counter::Once)?;
    for (expiry, ExpiryRow { key: older }) in oldest {
        let has_expired = expiry.first_chunk().is_some_and(|ms| u64::from_be_bytes(*ms) <= step.now_ms);
        if has_expired || kept >= KEYS_MAX {
            forget(step, &older)?;
            kept = step.counted(Counter::Once)?;
        }
    }
    let expires_ms = step.now_ms.saturating_add(KEY_KEPT_MS);
    step.count(Counter::Once)?;
    step.rows.put(&key, &OnceRow { request, note, outcome: outcome.clone(), expires_ms })?;
    step.rows.put(&expiry_key(expires_ms, &key), &ExpiryRow { key })?;
    Ok(())
}

fn forget(step: &mut Step<'_, '_>, key: &[u8; 32]) -> Result<(), Halt> {
    if let Some(row) = step.rows.get::<OnceRow>(key)? {
        step.rows.remove(Tree::Once, key);
        step.rows.remove(Tree::OnceByExpiry, &expiry_key(row.expires_ms, key));
        step.uncount(Counter::Once)?;
    }
    Ok(())
}

fn expiry_key(expires_ms: u64, key: &[u8; 32]) -> Vec<u8> {
    [&expires_ms.to_be_bytes()[..], &key[..]].concat()
}
