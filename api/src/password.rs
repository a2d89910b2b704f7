//! Passwords of local users: hashed with Argon2id and the parameters that the OWASP Password Storage Cheat Sheet
//! recommends (19 MiB, two passes, one lane).

use std::fmt;

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::{Algorithm, Argon2, Params, PasswordVerifier, Version};
use cluster::catalog::PasswordHash;
use cluster::chunk::key::Random;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::problem::{Kind, Problem};
use crate::threads::Threads;

/// The fewest characters of a new password.
const CHARS_MIN: usize = 12;
/// The most bytes of a new password.
const BYTES_MAX: usize = 1024;
const SALT_BYTES: usize = 16;
/// The hash of no one's password. It is verified for who is unknown, so that both take the same time.
const OF_NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Y3VzdG9keS1ub2JvZHkh$RERERERERERERERERERERERERERERERERERERERERERE";

/// A password as somebody types it. Never shown.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = Password)]
pub(crate) struct Password(String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// Why a password has no hash.
#[derive(Debug, thiserror::Error)]
#[error("a password cannot be hashed: {0}")]
struct HashError(argon2::password_hash::Error);

impl Password {
    /// What is kept of a new password.
    pub(crate) async fn hash(self, threads: &Threads, random: &dyn Random) -> Result<PasswordHash, Problem> {
        let Self(text) = self;
        if text.chars().nth(CHARS_MIN - 1).is_none() || text.len() > BYTES_MAX {
            let expected = format_args!(
                "expected a password of at least {CHARS_MIN} characters and at most {BYTES_MAX} bytes"
            );
            return Err(Problem::new(Kind::InvalidField, expected));
        }
        let mut salt = [0; SALT_BYTES];
        random.fill(&mut salt)?;
        let hashed = threads.run(move || argon2().hash_password_with_salt(text.as_bytes(), &salt)).await?;
        let hash: Phc = hashed.map_err(|error| Problem::internal(&HashError(error)))?;
        Ok(PasswordHash::from_text(hash.to_string()))
    }

    /// Whether this is the password of a hash. Without one the same work is done for nothing.
    pub(crate) async fn verify(
        self,
        stored: Option<PasswordHash>,
        threads: &Threads,
    ) -> Result<bool, Problem> {
        let Self(text) = self;
        let work = move || {
            let phc = stored.as_ref().map_or(OF_NOBODY, PasswordHash::expose);
            let is_right =
                Phc::new(phc).is_ok_and(|hash| argon2().verify_password(text.as_bytes(), &hash).is_ok());
            is_right && stored.is_some()
        };
        Ok(threads.run(work).await?)
    }
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;

    use super::*;

    fn typed(text: &str) -> Password {
        Password(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_its_own_and_no_other() {
        let threads = Threads::default();
        let random = SystemRandom::new();
        let hash = typed("correct horse").hash(&threads, &random).await.unwrap();
        let again = typed("correct horse").hash(&threads, &random).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.expose());
        assert_ne!(hash, again);
        for (text, is_right) in [("correct horse", true), ("correct horse ", false), ("", false)] {
            assert_eq!(typed(text).verify(Some(hash.clone()), &threads).await.unwrap(), is_right, "{text}");
        }
        assert!(!typed("correct horse").verify(None, &threads).await.unwrap());
        assert!(!typed("x").verify(Some(PasswordHash::from_text("x".to_owned())), &threads).await.unwrap());
    }

    #[test]
    fn the_hash_of_nobody_costs_what_others_cost() {
        let params = Params::try_from(&Phc::new(OF_NOBODY).unwrap()).unwrap();
        let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        assert_eq!(costs(&params), costs(&Params::DEFAULT));
        assert_eq!(costs(&params), (19 * 1024, 2, 1));
        let verified = argon2().verify_password(b"x", &Phc::new(OF_NOBODY).unwrap());
        assert_eq!(verified, Err(argon2::password_hash::Error::PasswordInvalid));
    }

    #[tokio::test]
    async fn new_passwords_are_long_and_not_too_long() {
        let (threads, random) = (Threads::default(), SystemRandom::new());
        for text in ["", "elf letters", &"x".repeat(1025)] {
            assert!(typed(text).hash(&threads, &random).await.is_err(), "{text}");
        }
        assert!(typed("zwölf äöüß..").hash(&threads, &random).await.is_ok());
        assert_eq!(format!("{:?}", typed("secret")), "Password");
    }
}
