//! Users whom an identity provider vouches for: its signed tokens (JWT, RFC 7519), verified with the keys that it
//! publishes.
//!
//! Nothing here reads a clock or a network: whoever holds the [`KeySetCell`] brings the keys, and hears from it when
//! they no longer do.

mod algorithm;
mod claims;
mod jws;
mod key_set;
mod key_set_cell;
mod provider;
mod public_key;
mod refusal;

#[cfg(test)]
mod tests;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use key_set::{KeySet, KeySetError};
pub use key_set_cell::KeySetCell;
pub use provider::{IdentityProvider, IdentityRules};

pub(crate) use claims::Vouched;
pub(crate) use jws::is_jws;
