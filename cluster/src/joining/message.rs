//! The one request that a caller without a certificate may make, and its answer.

use super::sealed_kek::SealedKek;
use super::token::SECRET_BYTES;
use crate::catalog::TokenId;
use crate::id::MemberId;
use crate::rpc;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Somebody wants to be a member.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRequest {
    /// The token.
    pub token: TokenId,
    /// Its secret. It goes to a member that has proved to be one, as a password would.
    pub secret: [u8; SECRET_BYTES],
    /// The key that is to be certified: a SubjectPublicKeyInfo, DER.
    pub public_key: Vec<u8>,
    /// The half of an X25519 agreement, for the KEK.
    pub agreement: [u8; 32],
    /// What people call the member; may be empty.
    pub name: String,
    /// Host and port on which other members reach it.
    pub address: String,
    /// The zone that it asks for.
    pub zone: String,
    /// The weight that it asks for.
    pub weight: u16,
}

impl fmt::Debug for JoinRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinRequest")
            .field("token", &self.token)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// What a member is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Its number.
    pub member: MemberId,
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// The cluster's KEK, for it alone.
    pub kek: SealedKek,
    /// Where all members are, itself among them.
    pub members: Vec<(MemberId, String)>,
}

/// Why somebody is no member. Variants are only ever added at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum JoinRefused {
    /// No such token, or another secret.
    #[error("the cluster does not know the join token")]
    TokenUnknown,
    /// Another member was made with it.
    #[error("the join token was used already: each is for one member")]
    TokenUsed,
    /// It is too old.
    #[error("the join token has expired")]
    TokenExpired,
    /// A rule of the cluster.
    #[error("the cluster refuses: {reason}")]
    Rule {
        /// In its words.
        reason: String,
    },
    /// The request cannot be understood.
    #[error("the member that was asked does not understand the request")]
    Malformed,
    /// Too many ask. Again in a moment.
    #[error("the member that was asked has too much to do with others that want to join")]
    Busy,
    /// That member cannot answer at present. Another one may.
    #[error("the member that was asked cannot answer: {reason}")]
    NotReady {
        /// Why.
        reason: String,
    },
}

impl JoinRefused {
    /// Whether the same request may be answered otherwise in a moment, or by another member.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Busy | Self::NotReady { .. } => true,
            Self::TokenUnknown
            | Self::TokenUsed
            | Self::TokenExpired
            | Self::Rule { .. }
            | Self::Malformed => false,
        }
    }
}

/// What becomes of a request.
pub type JoinAnswer = Result<Box<Joined>, JoinRefused>;

impl JoinRequest {
    /// As it goes over the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        rpc::encode(self)
    }

    /// As it came.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        rpc::decode(bytes)
    }
}

/// An answer as it goes over the wire.
pub fn answer_to_bytes(answer: &JoinAnswer) -> Vec<u8> {
    rpc::encode(answer)
}

/// An answer as it came.
pub fn answer_from_bytes(bytes: &[u8]) -> Option<JoinAnswer> {
    rpc::decode(bytes)
}
