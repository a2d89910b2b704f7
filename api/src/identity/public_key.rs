use base64_simd::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

use super::algorithm::Algorithm;

/// The bytes of a coordinate on P-256.
const P256_BYTES: usize = 32;
/// The bytes of an Ed25519 key.
const ED25519_BYTES: usize = 32;
/// Stands before the coordinates of an uncompressed point (SEC 1, 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// A key that verifies one algorithm and no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PublicKey {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256 { point: Vec<u8> },
    Ed25519 { point: Vec<u8> },
}

/// A key as it is published (RFC 7517).
#[derive(Deserialize)]
pub(crate) struct Jwk {
    pub(crate) kid: String,
    kty: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl PublicKey {
    /// The key of a published one, unless it is for something else than to verify what we know.
    pub(crate) fn of(jwk: &Jwk) -> Option<Self> {
        let is_for_signatures = jwk.usage.as_deref().is_none_or(|usage| usage == "sig");
        let verifies = jwk.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        let key = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", None) => Self::Rsa { modulus: number(&jwk.n)?, exponent: number(&jwk.e)? },
            ("EC", Some("P-256")) => Self::P256 { point: point(&bytes(&jwk.x)?, &bytes(&jwk.y)?)? },
            ("OKP", Some("Ed25519")) => {
                Self::Ed25519 { point: bytes(&jwk.x).filter(|point| point.len() == ED25519_BYTES)? }
            }
            _ => return None,
        };
        let is_of_algorithm = jwk.alg.as_deref().is_none_or(|name| name.parse() == Ok(key.algorithm()));
        (is_for_signatures && verifies && is_of_algorithm).then_some(key)
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa { .. } => Algorithm::Rs256,
            Self::P256 { .. } => Algorithm::Es256,
            Self::Ed25519 { .. } => Algorithm::EdDsa,
        }
    }

    /// Whether the key's owner has signed this. RSA keys below 2048 bits verify nothing.
    pub(crate) fn has_signed(&self, signed: &[u8], signature: &[u8]) -> bool {
        let verified = match self {
            Self::Rsa { modulus, exponent } => RsaPublicKeyComponents { n: modulus, e: exponent }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                signed,
                signature,
            ),
            Self::P256 { point } => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature)
            }
            Self::Ed25519 { point } => UnparsedPublicKey::new(&ED25519, point).verify(signed, signature),
        };
        verified.is_ok()
    }
}

fn bytes(text: &Option<String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode_to_vec(text.as_ref()?.as_bytes()).ok()
}

/// A number without the zeros that some write before it, which ring refuses.
fn number(text: &Option<String>) -> Option<Vec<u8>> {
    let bytes = bytes(text)?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    bytes.get(first..).map(<[u8]>::to_vec)
}

fn point(x: &[u8], y: &[u8]) -> Option<Vec<u8>> {
    let is_whole = x.len() == P256_BYTES && y.len() == P256_BYTES;
    is_whole.then(|| [&[UNCOMPRESSED], x, y].concat())
}
