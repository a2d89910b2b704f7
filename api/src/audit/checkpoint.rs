//! Signed checkpoints of the audit log: C2SP tlog-checkpoint, which is a C2SP signed note.

use base64_simd::STANDARD;
use cluster::catalog::{AuditHead, AuditKey, Catalog, CatalogError};
use ring::digest::{SHA256, digest};
use ring::error::KeyRejected;
use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::dto::hex;

/// The type of an Ed25519 key in a signed note.
const ED25519: u8 = 1;
/// How the name of every log begins.
const ORIGIN: &str = "custody-audit/";
/// Bytes of the first leaf's hash that name a log.
const NAME_BYTES: usize = 16;

/// The key with which a member signs checkpoints.
pub struct CheckpointKey(Ed25519KeyPair);

/// Why a seed makes no key.
#[derive(Debug, thiserror::Error)]
#[error("the seed makes no Ed25519 key: {reason}")]
pub struct CheckpointKeyError {
    reason: KeyRejected,
}

impl CheckpointKey {
    /// The key of a seed, as RFC 8032 makes it.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, CheckpointKeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed);
        pair.map(Self).map_err(|reason| CheckpointKeyError { reason })
    }

    /// The half that everybody may know.
    pub fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap_or([0; 32])
    }
}

/// The audit log as checkpoints tell of it.
#[derive(Debug)]
pub(crate) struct Log {
    /// Names the log in every checkpoint: made of its first leaf, whose key no other log has.
    pub(crate) origin: String,
    pub(crate) head: AuditHead,
}

impl Log {
    /// As it is on this member; none before it has begun.
    pub(crate) fn of(catalog: &Catalog) -> Result<Option<Self>, CatalogError> {
        let (Some(first), Some(head)) = (catalog.audit_leaf(0)?, catalog.audit_head()?) else {
            return Ok(None);
        };
        let hash = first.hash().0;
        let origin = format!("{ORIGIN}{}", hex(hash.get(..NAME_BYTES).unwrap_or_default()));
        Ok(Some(Self { origin, head }))
    }

    /// Origin, size and root, signed.
    pub(crate) fn checkpoint(&self, key: &CheckpointKey) -> String {
        let Self { origin, head } = self;
        let text = format!("{origin}\n{}\n{}\n", head.size, STANDARD.encode_to_string(head.root().0));
        let mut signature = key_id(origin, &key.public_key()).to_vec();
        signature.extend_from_slice(key.0.sign(text.as_bytes()).as_ref());
        format!("{text}\n\u{2014} {origin} {}\n", STANDARD.encode_to_string(signature))
    }
}

/// A key in the text form that verifiers of signed notes take.
pub(crate) fn verifier_key(origin: &str, key: &AuditKey) -> String {
    let public_key = &key.public_key;
    let typed = [&[ED25519][..], &public_key[..]].concat();
    format!("{origin}+{}+{}", hex(&key_id(origin, public_key)), STANDARD.encode_to_string(typed))
}

/// The first four bytes of SHA-256 over the key's name, a line feed, its type and itself.
fn key_id(name: &str, public_key: &[u8; 32]) -> [u8; 4] {
    let named = [name.as_bytes(), b"\n", &[ED25519], public_key].concat();
    digest(&SHA256, &named).as_ref().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_as_signed_notes_say() {
        // The key of the example in the documentation of golang.org/x/mod/sumdb/note.
        let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let typed = STANDARD.decode_to_vec(text.rsplit('+').next().unwrap()).unwrap();
        let key = AuditKey { member: cluster::id::MemberId(1), public_key: typed[1..].try_into().unwrap() };
        assert_eq!(verifier_key("PeterNeumann", &key), text);
    }
}
