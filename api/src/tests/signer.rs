//! A provider's key, and the tokens that it signs.

use base64_simd::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::{Algorithm, IdentityRules};

pub(crate) const ISSUER: &str = "https://portal.example.org";
pub(crate) const AUDIENCE: &str = "custody";

enum Pair {
    EdDsa(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
}

pub(crate) struct Signer {
    id: String,
    pair: Pair,
}

impl Signer {
    pub(crate) fn ed25519(id: &str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Pair::EdDsa(Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap());
        Self { id: id.to_owned(), pair }
    }

    pub(crate) fn p256(id: &str) -> Self {
        let (random, curve) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(curve, &random).unwrap();
        let pair = Pair::Es256(EcdsaKeyPair::from_pkcs8(curve, pkcs8.as_ref(), &random).unwrap());
        Self { id: id.to_owned(), pair }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match &self.pair {
            Pair::EdDsa(_) => Algorithm::EdDsa,
            Pair::Es256(_) => Algorithm::Es256,
        }
    }

    /// The key as it is published.
    pub(crate) fn jwk(&self) -> Value {
        match &self.pair {
            Pair::EdDsa(pair) => json!({
                "kid": self.id, "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
                "x": text(pair.public_key().as_ref()),
            }),
            Pair::Es256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (text(&point[1..33]), text(&point[33..]));
                json!({ "kid": self.id, "kty": "EC", "crv": "P-256", "use": "sig", "x": x, "y": y })
            }
        }
    }

    /// The header that tells the truth.
    pub(crate) fn header(&self) -> Value {
        json!({ "alg": self.algorithm().name(), "kid": self.id, "typ": "at+jwt" })
    }

    /// A token that says this.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_with(&self.header(), claims.to_string().as_bytes())
    }

    /// A token of any header and payload, signed all the same.
    pub(crate) fn token_with(&self, header: &Value, payload: &[u8]) -> String {
        let signed = format!("{}.{}", text(header.to_string().as_bytes()), text(payload));
        let signature = match &self.pair {
            Pair::EdDsa(pair) => pair.sign(signed.as_bytes()).as_ref().to_vec(),
            Pair::Es256(pair) => {
                pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().to_vec()
            }
        };
        format!("{signed}.{}", text(&signature))
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// The document of these keys.
pub(crate) fn published(keys: &[Value]) -> Vec<u8> {
    json!({ "keys": keys }).to_string().into_bytes()
}

/// Rules that take every algorithm.
pub(crate) fn rules() -> IdentityRules {
    IdentityRules {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        algorithms: Algorithm::ALL.iter().copied().collect(),
        user_claim: "sub".to_owned(),
        roles_claim: "roles".to_owned(),
        roles: None,
    }
}

/// Claims that are right until a second.
pub(crate) fn claims(user: &str, roles: &[&str], expires_s: u64) -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": user, "roles": roles, "exp": expires_s })
}
