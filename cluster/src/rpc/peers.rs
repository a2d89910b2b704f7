//! The seam between what members say and how it gets there.

use crate::id::MemberId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// The versions of what members say to one another that are understood here; the first byte of every message. The newest
/// one is spoken, unless the other side speaks the one before: so members are brought to a new program one by one.
pub(super) const NEWEST: u8 = 2;
/// See above. Version 1 lacks the requests from `Hello` on, and the messages of the tail from `AskKept` on.
pub(super) const OLDEST: u8 = 1;

/// What comes with each answer: the newest version that is understood there. Version 1 says nothing of the kind.
pub(super) const VERSION_KEY: &str = "custody-wire";

/// The bytes of an answer.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, CallError>> + Send + 'a>>;

/// The other members.
pub trait Peers: Send + Sync + 'static {
    /// Sends a request to a member and waits for its answer, no longer than `deadline`. A request that was not
    /// answered may have been carried out.
    fn call(&self, target: MemberId, request: Vec<u8>, deadline: Duration) -> Answer<'_>;

    /// Whether a member is known to understand all that is said here. One that has not answered yet is not.
    fn is_newest(&self, _target: MemberId) -> bool {
        true
    }
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Nobody knows where it is.
    #[error("the address of member {target} is not known")]
    Unknown {
        /// Which member.
        target: MemberId,
    },
    /// It cannot be reached, or is not ready to answer.
    #[error("member {target} cannot be reached: {reason}")]
    Unreachable {
        /// Which member.
        target: MemberId,
        /// Why, as the network says.
        reason: String,
    },
    /// It does not answer this member: it takes it for none.
    #[error("member {target} refuses to answer: {reason}")]
    Denied {
        /// Which member.
        target: MemberId,
        /// Why, in its words.
        reason: String,
    },
    /// It did not answer in time.
    #[error("member {target} did not answer within {deadline:?}")]
    Deadline {
        /// Which member.
        target: MemberId,
        /// How long was waited.
        deadline: Duration,
    },
    /// Its answer or its version cannot be understood.
    #[error("the answer of member {target} cannot be understood")]
    Answer {
        /// Which member.
        target: MemberId,
    },
}

/// A cluster of one member.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPeers;

impl Peers for NoPeers {
    fn call(&self, target: MemberId, _request: Vec<u8>, _deadline: Duration) -> Answer<'_> {
        Box::pin(std::future::ready(Err(CallError::Unknown { target })))
    }
}

/// A message as it goes over the wire.
pub(crate) fn encode(message: &impl Serialize) -> Vec<u8> {
    postcard::to_extend(message, vec![NEWEST]).expect("messages are plain data")
}

/// Whether a message is one of Raft's own, which are the first variant of [`super::Request`].
pub(super) fn is_raft(message: &[u8]) -> bool {
    message.starts_with(&[NEWEST, 0])
}

/// A message that came over the wire; none if it is of another version or damaged.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    match bytes.split_first() {
        Some((OLDEST..=NEWEST, message)) => postcard::from_bytes(message).ok(),
        Some(_) | None => None,
    }
}

/// The same message in another version; all that both can say is written in the same way.
pub(super) fn in_version(mut message: Vec<u8>, version: u8) -> Vec<u8> {
    if let Some(first) = message.first_mut().filter(|first| **first == NEWEST) {
        *first = version;
    }
    message
}
