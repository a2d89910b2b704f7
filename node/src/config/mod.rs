//! What the operator decides: a file, the environment and flags, in rising order of precedence.
//!
//! Nothing else in the product reads configuration. Secrets never stand in it: it names the files that hold them.

mod error;
mod identity;
mod keys;
mod mail;
mod members;
mod secret;
mod settings;
mod webhook;

#[cfg(test)]
mod tests;

pub(crate) use error::ConfigError;
pub(crate) use identity::ProviderUrl;
pub(crate) use keys::Values;
pub(crate) use mail::{Language, Texts};
pub(crate) use members::HostPort;
pub(crate) use secret::{Secret, SecretFile};
pub(crate) use settings::{Encryption, LogFormat, Settings, Smtp};
pub(crate) use webhook::{Network, WebhookSettings};
