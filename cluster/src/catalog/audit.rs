//! The audit log: a Merkle log (RFC 6962) in the order of the Raft log. A leaf is appended in the batch of the change
//! that it tells of, so that there is no change without its leaf.
//!
//! It begins with the first key of a member. Older logs have no such command: applied again, they make no leaves, and
//! all members have the same ones, whether they kept their rows or rebuilt them.

mod change;
mod leaf;
mod query;
mod tree;

pub use change::As;
pub use leaf::{AuditKind, AuditLeaf, LEAF_BYTES_MAX};
pub use query::{AuditPage, AuditQuery};
pub use tree::AuditHead;

pub(crate) use change::{Change, of};

use super::engine::Tree;
use super::outcome::{Outcome, Refusal};
use super::recording::SealFacts;
use super::row::Row;
use super::step::{Effect, Halt, Step};
use crate::id::{MemberId, RecordingId};
use leaf::LeafRow;
use serde::{Deserialize, Serialize};

/// The leader says at least this often that the log goes on: a tail that was cut off is noticed by its absence.
pub const HEARTBEAT_MS: u64 = 3_600_000;
/// The most keys of a member. Each start without the one before takes a new one.
const KEYS_MAX: usize = 64;

/// Something that is audited and changes nothing: a view, or refusals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// What sort of thing.
    pub kind: AuditKind,
    /// Who; empty when nobody knows.
    pub user: String,
    /// The service that acted for them; empty when none did.
    pub service: String,
    /// The permission's name, or a fixed word.
    pub action: String,
    /// What it was done to, as `session/…`.
    pub object: String,
    /// From where; empty when it is not known.
    pub address: String,
    /// A few words.
    pub detail: String,
}

impl AuditEvent {
    /// That a recording is final, and its root: from its leaf on, nobody can tell of another one.
    pub fn sealed(recording: RecordingId, facts: &SealFacts) -> Self {
        let SealFacts { root, length, .. } = facts;
        Self {
            kind: AuditKind::Change,
            user: String::new(),
            service: String::new(),
            action: "recording-sealed".to_owned(),
            object: format!("session/{recording}"),
            address: String::new(),
            detail: format!("root={root} length={length}"),
        }
    }

    /// Whether a leaf tells of this very thing.
    pub fn is_told_by(&self, leaf: &AuditLeaf) -> bool {
        (self.kind, &self.action, &self.object, &self.detail)
            == (leaf.kind, &leaf.action, &leaf.object, &leaf.detail)
    }
}

/// The key with which a member signs checkpoints of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditKey {
    /// Whose.
    pub member: MemberId,
    /// The public half (Ed25519).
    pub public_key: [u8; 32],
}

/// A key that a member has, or had: what it signed stays true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditKeyRow {
    /// Since when, in the cluster's time.
    pub since_ms: u64,
}

impl Row for AuditKeyRow {
    const TREE: Tree = Tree::AuditKeys;
}

/// Takes a member's key; the first one begins the log. A key that is there already changes nothing.
pub(crate) fn keep_key(step: &mut Step<'_, '_>, command: &AuditKey) -> Effect {
    let AuditKey { member, public_key } = command;
    let prefix = member.0.to_be_bytes();
    let key = [&prefix[..], &public_key[..]].concat();
    if step.rows.has_key(Tree::AuditKeys, &key)? {
        return Ok(Outcome::Done);
    }
    if step.rows.list::<AuditKeyRow>(&prefix, KEYS_MAX)?.len() >= KEYS_MAX {
        return Err(Refusal::TooManyKeys { limit: u64::try_from(KEYS_MAX).unwrap_or(u64::MAX) }.into());
    }
    step.rows.put(&key, &AuditKeyRow { since_ms: step.now_ms })?;
    let mut head = tree::head(step.rows)?.unwrap_or_default();
    let digits: String = public_key.iter().map(|byte| format!("{byte:02x}")).collect();
    let event = AuditEvent {
        kind: AuditKind::Change,
        user: String::new(),
        service: String::new(),
        action: "audit-key".to_owned(),
        object: format!("member/{member}"),
        address: String::new(),
        detail: digits,
    };
    append(step, &mut head, event)?;
    Ok(Outcome::Done)
}

/// Appends what was audited by itself.
pub(crate) fn event(step: &mut Step<'_, '_>, event: AuditEvent) -> Effect {
    let mut head = tree::head(step.rows)?.ok_or(Refusal::AuditNotBegun)?;
    let leaf = append(step, &mut head, event)?;
    Ok(Outcome::Audited { leaf })
}

/// The leader says that the log goes on, unless it has just said so.
pub(crate) fn heartbeat(step: &mut Step<'_, '_>, member: MemberId) -> Effect {
    let mut head = tree::head(step.rows)?.ok_or(Refusal::AuditNotBegun)?;
    if !head.is_heartbeat_due(step.now_ms) {
        return Ok(Outcome::Done);
    }
    head.heartbeat_ms = Some(step.now_ms);
    let event = AuditEvent {
        kind: AuditKind::Heartbeat,
        user: String::new(),
        service: String::new(),
        action: "heartbeat".to_owned(),
        object: format!("member/{member}"),
        address: String::new(),
        detail: String::new(),
    };
    let leaf = append(step, &mut head, event)?;
    Ok(Outcome::Audited { leaf })
}

/// Appends the leaf of a change that was just made, if the log has begun.
pub(crate) fn changed(step: &mut Step<'_, '_>, change: Change) -> Result<(), Halt> {
    if let Some(mut head) = tree::head(step.rows)? {
        append(step, &mut head, change.into_event())?;
    }
    Ok(())
}

fn append(step: &mut Step<'_, '_>, head: &mut AuditHead, event: AuditEvent) -> Result<u64, Halt> {
    let leaf = AuditLeaf::new(head.size, step.now_ms, event);
    let (number, hash) = (leaf.number, leaf.hash());
    step.rows.put(&number.to_be_bytes(), &LeafRow(leaf))?;
    tree::push(step.rows, head, hash)?;
    Ok(number)
}
