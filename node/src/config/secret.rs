//! Secrets: read from files, kept out of logs and errors.

use super::error::ConfigError;
use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use zeroize::Zeroizing;

/// Longer secrets are a wrong file.
const SECRET_BYTES_MAX: usize = 4096;

/// A secret. It has no `Display`, and its `Debug` says nothing of it.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps a secret.
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The secret, to be handed to whom it is for.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

/// Where a secret stands: a path with a slash is a file, a bare name a credential of systemd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecretFile(PathBuf);

impl fmt::Display for SecretFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(formatter)
    }
}

impl FromStr for SecretFile {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(PathBuf::from(text)))
    }
}

impl SecretFile {
    /// A file, also when its name has no slash.
    pub(crate) fn at(path: &Path) -> Self {
        if path.is_relative() { Self(Path::new(".").join(path)) } else { Self(path.to_owned()) }
    }

    /// Whether systemd hands it over.
    pub(crate) fn is_credential(&self) -> bool {
        self.0.is_relative() && !self.0.starts_with(".") && self.0.components().count() == 1
    }

    /// Reads the secret: one line. `credentials` is the folder that systemd made for this process.
    pub(crate) fn read(&self, key: &'static str, credentials: Option<&Path>) -> Result<Secret, ConfigError> {
        let path = match (self.is_credential(), credentials) {
            (false, _) => self.0.clone(),
            (true, Some(folder)) => folder.join(&self.0),
            (true, None) => {
                return Err(ConfigError::NoCredentials { key, name: self.0.display().to_string() });
            }
        };
        let text = std::fs::read_to_string(&path).map(Zeroizing::new);
        let text = text.map_err(|source| ConfigError::File { key, path: path.clone(), source })?;
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() || secret.len() > SECRET_BYTES_MAX || secret.contains('\n') {
            return Err(ConfigError::Secret { key, path });
        }
        Ok(Secret::new(secret.to_owned()))
    }
}
