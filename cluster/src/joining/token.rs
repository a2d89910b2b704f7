//! A join token as it is handed to a person: one word.

use crate::catalog::TokenId;
use crate::id::MemberId;
use base64_simd::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// Bytes of a token's secret.
pub const SECRET_BYTES: usize = 32;
/// What a token begins with; the last figure is its version.
const HEAD: &str = "custody-join-1.";
/// The longest token.
const TEXT_BYTES_MAX: usize = 16 << 10;
const CRC_BYTES: usize = 4;

/// Whom to ask, what to believe, and what to show.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinToken {
    /// Its name.
    pub id: TokenId,
    /// What opens the door.
    pub secret: [u8; SECRET_BYTES],
    /// The members that can be asked, with host and port.
    pub members: Vec<(MemberId, String)>,
    /// The certificate of the cluster's CA, DER. Who is asked proves to be certified by it.
    pub ca: Vec<u8>,
}

impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinToken").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a text is no join token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinTokenError {
    /// It begins otherwise.
    #[error("a join token begins with {HEAD}")]
    Head,
    /// A part of it is missing or was changed.
    #[error("the join token is not whole: copy it from its beginning to its end")]
    Damaged,
}

impl JoinToken {
    /// The token as text. It is a secret.
    pub fn to_text(&self) -> Zeroizing<String> {
        let bytes = postcard::to_stdvec(self).expect("a token is plain data");
        let mut bytes = Zeroizing::new(bytes);
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_be_bytes());
        Zeroizing::new(format!("{HEAD}{}", URL_SAFE_NO_PAD.encode_to_string(&*bytes)))
    }

    /// SHA-256 of the secret: what the cluster knows of it.
    pub fn hash(secret: &[u8; SECRET_BYTES]) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, secret).as_ref());
        hash
    }
}

impl FromStr for JoinToken {
    type Err = JoinTokenError;

    fn from_str(text: &str) -> Result<Self, JoinTokenError> {
        let text = text.trim().strip_prefix(HEAD).ok_or(JoinTokenError::Head)?;
        if text.len() > TEXT_BYTES_MAX {
            return Err(JoinTokenError::Damaged);
        }
        let bytes = URL_SAFE_NO_PAD.decode_to_vec(text).map_err(|_| JoinTokenError::Damaged)?;
        let bytes = Zeroizing::new(bytes);
        let (body, crc) = bytes.split_last_chunk::<CRC_BYTES>().ok_or(JoinTokenError::Damaged)?;
        if crc32c::crc32c(body).to_be_bytes() != *crc {
            return Err(JoinTokenError::Damaged);
        }
        postcard::from_bytes(body).map_err(|_| JoinTokenError::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> JoinToken {
        let members =
            vec![(MemberId(1), "one.example:8444".to_owned()), (MemberId(7), "[::1]:8444".to_owned())];
        JoinToken { id: TokenId([1; 16]), secret: [2; SECRET_BYTES], members, ca: vec![3; 400] }
    }

    #[test]
    fn a_token_is_one_word_that_is_read_back() {
        let text = token().to_text();
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)), "{}", *text);
        assert_eq!(format!(" {}\n", *text).parse(), Ok(token()));
        assert_eq!(format!("{:?}", token()), format!("JoinToken {{ id: {:?}, .. }}", token().id));
    }

    #[test]
    fn a_part_of_a_token_is_none() {
        let text = token().to_text();
        for length in HEAD.len()..text.len() {
            let part: String = text.chars().take(length).collect();
            assert_eq!(part.parse::<JoinToken>(), Err(JoinTokenError::Damaged), "{length}");
        }
        assert_eq!("custody-join-2.AAAA".parse::<JoinToken>(), Err(JoinTokenError::Head));
    }
}
