//! The compact form of a signed token (RFC 7515, 7.1): three parts with full stops between them.

use base64_simd::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::algorithm::Algorithm;
use super::refusal::TokenRefusal;

/// The most bytes of a token.
const TOKEN_BYTES_MAX: usize = 8 << 10;
/// What a token for access may call itself, in lower case (RFC 9068, 2.1). Tokens for logging out or with proofs of
/// other kinds call themselves something else (RFC 8725, 3.11).
const TYPES: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];

/// A token as it came. Nothing of it is to be believed before its signature is verified.
#[derive(Debug)]
pub(crate) struct Jws<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: String,
    /// What is signed.
    pub(crate) signed: &'a [u8],
    pub(crate) signature: Vec<u8>,
    pub(super) payload: &'a [u8],
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<IgnoredAny>,
}

/// Whether a text has the form of such a token, and not of one of this service's own.
pub(crate) fn is_jws(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b'.').count() == 2
}

impl<'a> Jws<'a> {
    /// The token of a text.
    pub(crate) fn parse(text: &'a str) -> Result<Self, TokenRefusal> {
        if text.len() > TOKEN_BYTES_MAX {
            return Err(TokenRefusal::TooLong);
        }
        if !is_jws(text) {
            return Err(TokenRefusal::Form);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenRefusal::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenRefusal::Form)?;
        let header: Header =
            serde_json::from_slice(&decoded(header.as_bytes())?).map_err(|_| TokenRefusal::Header)?;
        let algorithm = header.alg.parse().map_err(|_| TokenRefusal::Algorithm)?;
        if header.crit.is_some() {
            return Err(TokenRefusal::Critical);
        }
        if header.typ.is_some_and(|name| !TYPES.contains(&name.to_ascii_lowercase().as_str())) {
            return Err(TokenRefusal::Type);
        }
        Ok(Self {
            algorithm,
            key_id: header.kid.ok_or(TokenRefusal::NoKeyId)?,
            signed: signed.as_bytes(),
            signature: decoded(signature.as_bytes())?,
            payload: payload.as_bytes(),
        })
    }

    /// What the token says, still to be parsed.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, TokenRefusal> {
        decoded(self.payload)
    }
}

fn decoded(part: &[u8]) -> Result<Vec<u8>, TokenRefusal> {
    URL_SAFE_NO_PAD.decode_to_vec(part).map_err(|_| TokenRefusal::Form)
}
