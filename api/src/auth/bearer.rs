//! Bearer tokens: 256 random bits, of which only the hash is kept.

use std::borrow::Cow;
use std::fmt;

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use cluster::catalog::{Catalog, TokenId, TokenKind, TokenRow};
use cluster::chunk::key::{NoRandomness, Random};

use crate::problem::{Kind, Problem};

/// How every token begins, so that one that lies about can be recognised.
pub const TOKEN_PREFIX: &str = "custody_";
/// Digits behind it.
const TOKEN_DIGITS: usize = 64;
/// The most bytes of such a token.
const TOKEN_BYTES_MAX: usize = 128;

/// A token as its holder has it. Shown once, never stored.
pub struct TokenSecret(String);

impl TokenSecret {
    /// A new token.
    pub fn generate(random: &dyn Random) -> Result<Self, NoRandomness> {
        let mut bytes = [0; 32];
        random.fill(&mut bytes)?;
        Ok(Self::from_bytes(&bytes))
    }

    /// The token of bytes that nobody can guess.
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Self {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("{TOKEN_PREFIX}{digits}"))
    }

    /// The token of a text, which may be none.
    pub fn from_text(text: String) -> Self {
        Self(text)
    }

    /// What is kept of it: SHA-256 of its text. A lookup by hash tells nothing about the text by its timing.
    pub fn hash(&self) -> [u8; 32] {
        let digest = ring::digest::digest(&ring::digest::SHA256, self.0.as_bytes());
        digest.as_ref().try_into().unwrap_or([0; 32])
    }

    /// The text, for its holder.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecret")
    }
}

/// The text that a request brings as its token.
pub(super) fn bearer(request: &HttpRequest) -> Result<Cow<'_, str>, Problem> {
    let mut values = request.headers().get_all(AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Problem::new(Kind::Unauthenticated, "expected one header Authorization: Bearer <token>"));
    };
    let text = value.to_str().map_err(|_| invalid())?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Cow::Borrowed(token)),
        Some((scheme, pair)) if scheme.eq_ignore_ascii_case("basic") && is_asciinema(request) => {
            password(pair).map(Cow::Owned).ok_or_else(invalid)
        }
        Some(_) | None => Err(invalid()),
    }
}

/// Whether asciinema's client asks, which knows Basic alone. Elsewhere browsers would add it to what other pages send.
fn is_asciinema(request: &HttpRequest) -> bool {
    request.path().starts_with("/api/")
}

/// The password of a pair of Basic (RFC 7617): the client's install id, which is a token here. Its name says nothing.
fn password(pair: &str) -> Option<String> {
    let pair = base64_simd::STANDARD.decode_to_vec(pair.trim()).ok()?;
    Some(String::from_utf8(pair).ok()?.split_once(':')?.1.to_owned())
}

/// The token of a text that is still valid at the cluster's time. A login's opens nothing but as a cookie, and no other
/// does as one.
pub(super) fn known(text: &str, is_cookie: bool, catalog: &Catalog) -> Result<(TokenId, TokenRow), Problem> {
    if text.len() > TOKEN_BYTES_MAX {
        return Err(invalid());
    }
    let now_ms = catalog.clock()?.now_ms;
    let found = catalog.token_by_hash(TokenSecret(text.to_owned()).hash())?;
    let is_at_its_place = |row: &TokenRow| (row.kind == TokenKind::Login) == is_cookie;
    found.filter(|(_, row)| row.is_valid(now_ms) && is_at_its_place(row)).ok_or_else(invalid)
}

/// Whether a text may be a token that was made a moment ago elsewhere: it looks like one, and nothing is known of it here.
pub(super) fn may_be_new(text: &str, catalog: &Catalog) -> Result<bool, Problem> {
    let digits = text.strip_prefix(TOKEN_PREFIX).unwrap_or_default();
    let is_token = digits.len() == TOKEN_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(is_token && catalog.token_by_hash(TokenSecret(text.to_owned()).hash())?.is_none())
}

/// Unknown, revoked, expired and wrongly signed tokens are answered alike.
pub(super) fn invalid() -> Problem {
    Problem::new(Kind::Unauthenticated, "the token is not valid")
}
