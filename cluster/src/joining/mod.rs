//! What a cluster and somebody who wants to join it say to one another.
//!
//! Who joins has a [`JoinToken`]: it names members, and holds the cluster's CA, so that the one who answers is known by
//! its certificate before anything is said. The CA's key, and the KEK on its way to a new member, are sealed here.

mod ca_key;
mod message;
mod sealed_kek;
mod token;

pub use ca_key::{CaKeyError, ca_key_kek, open_ca_key, seal_ca_key};
pub use message::{JoinAnswer, JoinRefused, JoinRequest, Joined, answer_from_bytes, answer_to_bytes};
pub use sealed_kek::{KekReceiver, SealedKek, SealedKekError};
pub use token::{JoinToken, JoinTokenError, SECRET_BYTES};
