//! Bearer tokens: 256 random bits, of which only the hash is kept.

use std::collections::BTreeSet;
use std::fmt;

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use cluster::catalog::{Catalog, TokenId, TokenKind, TokenRow};
use cluster::chunk::key::{NoRandomness, Random};
use policy::{RecorderName, RoleName, Subject, User, UserName};

use crate::problem::{Kind, Problem};

/// How every token begins, so that one that lies about can be recognised.
pub const TOKEN_PREFIX: &str = "custody_";
/// The most bytes of a token.
const TOKEN_BYTES_MAX: usize = 128;

/// A token as its holder has it. Shown once, never stored.
pub struct TokenSecret(String);

impl TokenSecret {
    /// A new token.
    pub fn generate(random: &dyn Random) -> Result<Self, NoRandomness> {
        let mut bytes = [0; 32];
        random.fill(&mut bytes)?;
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self(format!("{TOKEN_PREFIX}{digits}")))
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

/// Who asks: somebody with a valid token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) token: TokenId,
    pub(crate) name: String,
    pub(crate) roles: Vec<String>,
    pub(crate) subject: Subject,
}

impl Caller {
    /// Who sent a request, if its token is valid at the cluster's time.
    pub(crate) fn of(request: &HttpRequest, catalog: &Catalog) -> Result<Self, Problem> {
        let secret = secret(request)?;
        let now_ms = catalog.clock()?.now_ms;
        let found = catalog.token_by_hash(secret.hash())?;
        let valid = found.filter(|(_, row)| row.is_valid(now_ms));
        valid.map(|(token, row)| Self::new(token, row)).ok_or_else(invalid)
    }

    fn new(token: TokenId, row: TokenRow) -> Self {
        // A role that no longer parses permits nothing.
        let roles: BTreeSet<RoleName> = row.roles.iter().filter_map(|role| role.parse().ok()).collect();
        let subject = match row.kind {
            TokenKind::Recorder => Subject::Recorder(RecorderName(row.subject.clone())),
            TokenKind::User => Subject::User(User { name: UserName(row.subject.clone()), roles }),
        };
        Self { token, name: row.subject, roles: row.roles, subject }
    }

    pub(crate) fn is_recorder(&self) -> bool {
        matches!(self.subject, Subject::Recorder(_))
    }
}

fn secret(request: &HttpRequest) -> Result<TokenSecret, Problem> {
    let mut values = request.headers().get_all(AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Problem::new(Kind::Unauthenticated, "expected one header Authorization: Bearer <token>"));
    };
    let text = value.to_str().map_err(|_| invalid())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(invalid)?;
    match scheme.eq_ignore_ascii_case("bearer") && token.len() <= TOKEN_BYTES_MAX {
        true => Ok(TokenSecret(token.to_owned())),
        false => Err(invalid()),
    }
}

/// Unknown, revoked and expired tokens are answered alike.
fn invalid() -> Problem {
    Problem::new(Kind::Unauthenticated, "the token is not valid")
}
