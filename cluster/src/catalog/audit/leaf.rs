//! A leaf of the audit log, and the bytes that its hash is over.

use super::AuditEvent;
use crate::catalog::engine::Tree;
use crate::catalog::row::Row;
use crate::catalog::session::named;
use crate::chunk::Hash;
use crate::chunk::merkle::leaf_hash;
use serde::{Deserialize, Serialize};
use std::fmt;

const VERSION: u8 = 1;
/// The most bytes of a leaf in its canonical form.
pub const LEAF_BYTES_MAX: usize = 1024;
/// The most bytes of its texts; what is longer is cut, so that no change is refused for the length of its leaf.
const NAME_BYTES_MAX: usize = 256;
const ACTION_BYTES_MAX: usize = 64;
const OBJECT_BYTES_MAX: usize = 128;
const ADDRESS_BYTES_MAX: usize = 46;
const DETAIL_BYTES_MAX: usize = 240;

named!(
    /// What a leaf tells of. Variants are only ever added at the end.
    AuditKind {
        /// A change of the facts.
        Change = "change",
        /// Bytes of a session, or the audit log, were shown.
        View = "view",
        /// Somebody was refused.
        Refusal = "refusal",
        /// The log goes on.
        Heartbeat = "heartbeat",
    }
);

/// A leaf of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLeaf {
    /// Its place in the log, from 0.
    pub number: u64,
    /// When, in the cluster's time.
    pub at_ms: u64,
    /// What sort of thing it tells of.
    pub kind: AuditKind,
    /// Who; empty for the cluster itself, and when nobody knows.
    pub user: String,
    /// The service that acted for them; empty when none did.
    pub service: String,
    /// The permission's name, or a fixed word.
    pub action: String,
    /// What it was done to, as `session/…`; may be empty.
    pub object: String,
    /// From where; empty when it is not known.
    pub address: String,
    /// A few words; may be empty.
    pub detail: String,
}

/// A leaf as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LeafRow(pub(super) AuditLeaf);

impl Row for LeafRow {
    const TREE: Tree = Tree::AuditLeaves;
}

impl AuditLeaf {
    pub(super) fn new(number: u64, at_ms: u64, event: AuditEvent) -> Self {
        let AuditEvent { kind, user, service, action, object, address, detail } = event;
        Self {
            number,
            at_ms,
            kind,
            user: cut(user, NAME_BYTES_MAX),
            service: cut(service, NAME_BYTES_MAX),
            action: cut(action, ACTION_BYTES_MAX),
            object: cut(object, OBJECT_BYTES_MAX),
            address: cut(address, ADDRESS_BYTES_MAX),
            detail: cut(detail, DETAIL_BYTES_MAX),
        }
    }

    /// The only form of the leaf that is hashed: version 1 (1 byte) | kind 1 | number 8 | time in ms 8 | user | service |
    /// action | object | address | detail, each text as its length in bytes 2 and UTF-8. Numbers are big-endian.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION, self.kind.number()];
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(&self.at_ms.to_be_bytes());
        let Self { user, service, action, object, address, detail, .. } = self;
        for text in [user, service, action, object, address, detail] {
            // No text has more bytes than its limit, which two bytes hold.
            let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }

    /// SHA-256 of 00 and the canonical bytes (RFC 6962, 2.1).
    pub fn hash(&self) -> Hash {
        leaf_hash(&self.canonical_bytes())
    }
}

impl AuditKind {
    fn number(self) -> u8 {
        match self {
            Self::Change => 0,
            Self::View => 1,
            Self::Refusal => 2,
            Self::Heartbeat => 3,
        }
    }
}

/// The longest beginning of a text that has no more than so many bytes.
fn cut(mut text: String, bytes_max: usize) -> String {
    let end = (0..=bytes_max).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.truncate(end);
    text
}
