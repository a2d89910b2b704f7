use serde::Deserialize;
use serde_json::Value;

use super::jws::Jws;
use super::public_key::{Jwk, PublicKey};
use super::refusal::TokenRefusal;

/// The most keys that a provider may publish.
const KEYS_MAX: usize = 64;

/// The keys that a provider has published at one time. The default is none at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeySet(Vec<NamedKey>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct NamedKey {
    id: String,
    key: PublicKey,
}

/// A document with keys (RFC 7517, 5).
#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// Why a document holds no set of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// It is something else.
    #[error("the document is no set of keys (RFC 7517)")]
    Form,
    /// There are more keys than anybody needs.
    #[error("the document has more than {KEYS_MAX} keys")]
    TooMany,
    /// No key serves.
    #[error(
        "no key of the document serves, expected one with kid, for RSA, P-256 or Ed25519, and for signatures"
    )]
    NoKeys,
}

impl KeySet {
    /// The keys of a document that serve. What is for other purposes is passed over.
    pub fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        let document: Document = serde_json::from_slice(json).map_err(|_| KeySetError::Form)?;
        if document.keys.len() > KEYS_MAX {
            return Err(KeySetError::TooMany);
        }
        let parsed = document.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let keys: Vec<_> =
            parsed.filter_map(|jwk| Some(NamedKey { key: PublicKey::of(&jwk)?, id: jwk.kid })).collect();
        if keys.is_empty() { Err(KeySetError::NoKeys) } else { Ok(Self(keys)) }
    }

    /// Whether the key that a token names is here, is one for its algorithm, and has signed it.
    pub(crate) fn verify(&self, token: &Jws<'_>) -> Result<(), TokenRefusal> {
        let named: Vec<_> = self.0.iter().filter(|named| named.id == token.key_id).collect();
        let mut fitting = named.iter().filter(|named| named.key.algorithm() == token.algorithm).peekable();
        if named.is_empty() {
            return Err(TokenRefusal::UnknownKey);
        }
        if fitting.peek().is_none() {
            return Err(TokenRefusal::OtherAlgorithm);
        }
        match fitting.any(|named| named.key.has_signed(token.signed, &token.signature)) {
            true => Ok(()),
            false => Err(TokenRefusal::Signature),
        }
    }
}
