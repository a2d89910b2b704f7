use super::keys::Source;
use super::secret::SecretFile;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a configuration is refused. No message holds a value: a value may be a secret in the wrong place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no TOML.
    #[error("{}, line {line}: {message}", path.display())]
    Syntax {
        /// Which.
        path: PathBuf,
        /// Where, counted from 1.
        line: usize,
        /// What the parser says, without the text of the line.
        message: String,
    },
    /// A key that there is not.
    #[error("{source_of} sets {key}, which is no setting; the settings are {known}")]
    UnknownKey {
        /// Where.
        source_of: Source,
        /// As it was written.
        key: String,
        /// All that there are.
        known: String,
    },
    /// A value that the key does not take.
    #[error("{source_of} sets {key} to something else than {expected}")]
    Value {
        /// Where.
        source_of: Source,
        /// Which key.
        key: &'static str,
        /// What it takes.
        expected: &'static str,
    },
    /// A setting without which nothing works.
    #[error("{key} is not set, expected {expected}")]
    Missing {
        /// Which key.
        key: &'static str,
        /// What it takes.
        expected: &'static str,
    },
    /// Two settings that only make sense together.
    #[error("{key} is set without {other}")]
    Without {
        /// Which is there.
        key: &'static str,
        /// Which is not.
        other: &'static str,
    },
    /// An address that others can reach, without TLS.
    #[error(
        "listen.api is {address}, which others can reach: expected tls.certificate and tls.key, or a loopback address"
    )]
    PlainHttp {
        /// The address.
        address: SocketAddr,
    },
    /// Metrics that others can read.
    #[error("listen.health is {address}, expected a loopback address: it answers without a token")]
    HealthNotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// A password that would go over the network in clear.
    #[error("smtp.username is set and smtp.encryption is none: a password is sent over TLS only")]
    PasswordInClear,
    /// A file that a setting names.
    #[error("{key} names {}: {source}", path.display())]
    File {
        /// Which key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A credential, and nobody who hands it over.
    #[error("{key} names the systemd credential {name}, and CREDENTIALS_DIRECTORY is not set")]
    NoCredentials {
        /// Which key.
        key: &'static str,
        /// The credential.
        name: String,
    },
    /// A file in the folder for templates that takes no template's place.
    #[error("{} takes no template's place; the templates are {known}", path.display())]
    UnknownTemplate {
        /// Which file.
        path: PathBuf,
        /// All that there are.
        known: String,
    },
    /// A template that cannot be filled in.
    #[error("{}, line {line}: {message}", path.display())]
    Template {
        /// Which file.
        path: PathBuf,
        /// Where, counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A file for secrets of the webhook that holds something else.
    #[error("webhook.secret_file names {file}, expected whsec_ and 24 to 64 bytes as base64, twice at most")]
    WebhookSecret {
        /// The file.
        file: SecretFile,
    },
    /// A file for a secret that holds none.
    #[error("{key} names {}, expected one line with the secret", path.display())]
    Secret {
        /// Which key.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
}
