//! All settings by name, and the values that file, environment and flags give them.

use super::error::ConfigError;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// All settings. In the file a full stop makes a table; in the environment `smtp.host` is `CUSTODY_SMTP_HOST`.
const KEYS: [&str; 42] = [
    "ballast_mib",
    "cluster.address",
    "cluster.ca",
    "cluster.certificate",
    "cluster.key",
    "cluster.listen",
    "cluster.members",
    "cors.origins",
    "data_dir",
    "identity.algorithms",
    "identity.audience",
    "identity.issuer",
    "identity.roles",
    "identity.roles_claim",
    "identity.user_claim",
    "kek_file",
    "limits.address_logins_per_min",
    "limits.logins_per_min",
    "limits.recorder_requests_per_s",
    "limits.requests_per_s",
    "listen.api",
    "listen.health",
    "log",
    "mail.language",
    "mail.templates",
    "member",
    "public_url",
    "smtp.encryption",
    "smtp.from",
    "smtp.host",
    "smtp.password_file",
    "smtp.port",
    "smtp.timeout_s",
    "smtp.username",
    "tls.certificate",
    "tls.key",
    "webhook.allow_addresses",
    "webhook.allow_loopback_http",
    "webhook.secret_file",
    "webhook.url",
    "work_dir",
    "workers",
];
/// What names of settings in the environment begin with.
const PREFIX: &str = "CUSTODY_";
/// Variables with that beginning that are no settings: which file to read.
const NO_SETTINGS: [&str; 1] = ["CUSTODY_CONFIG"];

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The file.
    File(PathBuf),
    /// The environment.
    Environment,
    /// The command line.
    Flag,
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(formatter),
            Self::Environment => formatter.write_str("the environment"),
            Self::Flag => formatter.write_str("the command line"),
        }
    }
}

/// The values of settings as text, each with where it comes from. What is set later wins.
#[derive(Debug, Default)]
pub(crate) struct Values(BTreeMap<&'static str, (Source, String)>);

impl Values {
    /// All that a file sets.
    pub(crate) fn read_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let unreadable = |source| ConfigError::Read { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let table: toml::Table = toml::from_str(&text).map_err(|error| ConfigError::Syntax {
            path: path.to_owned(),
            line: line_of(&text, error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        self.set_table("", &table, &Source::File(path.to_owned()))
    }

    /// All that the environment sets. A name that only looks like a setting is an error: a misspelt one would
    /// otherwise be passed over.
    pub(crate) fn read_environment(
        &mut self,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        for (name, value) in variables {
            let is_ours = name.starts_with(PREFIX) && !NO_SETTINGS.contains(&name.as_str());
            if is_ours {
                let key = KEYS.into_iter().find(|key| variable(key) == name);
                self.set_known(key, &name, value, Source::Environment)?;
            }
        }
        Ok(())
    }

    /// What a flag sets, if it was given.
    pub(crate) fn set_flag(&mut self, key: &str, value: Option<String>) -> Result<(), ConfigError> {
        value.map_or(Ok(()), |value| self.set(key, value, Source::Flag))
    }

    /// The value of a setting, if it is set.
    pub(crate) fn get<T: FromStr>(
        &self,
        key: &'static str,
        expected: &'static str,
    ) -> Result<Option<T>, ConfigError> {
        debug_assert!(KEYS.contains(&key), "{key} is listed");
        let Some((source, text)) = self.0.get(key) else { return Ok(None) };
        let wrong = || ConfigError::Value { source_of: source.clone(), key, expected };
        if text.is_empty() { Err(wrong()) } else { text.parse().map(Some).map_err(|_| wrong()) }
    }

    /// The value of a setting that must be set.
    pub(crate) fn need<T: FromStr>(
        &self,
        key: &'static str,
        expected: &'static str,
    ) -> Result<T, ConfigError> {
        self.get(key, expected)?.ok_or(ConfigError::Missing { key, expected })
    }

    /// Whether a setting is set.
    pub(crate) fn is_set(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Where a setting comes from, for an error.
    pub(crate) fn refused(&self, key: &'static str, expected: &'static str) -> ConfigError {
        let source_of = self.0.get(key).map_or(Source::Flag, |(source, _)| source.clone());
        ConfigError::Value { source_of, key, expected }
    }

    fn set_table(&mut self, prefix: &str, table: &toml::Table, source: &Source) -> Result<(), ConfigError> {
        for (name, value) in table {
            let key = format!("{prefix}{name}");
            match value {
                toml::Value::Table(inner) => self.set_table(&format!("{key}."), inner, source)?,
                toml::Value::String(text) => self.set(&key, text.clone(), source.clone())?,
                toml::Value::Integer(_) | toml::Value::Boolean(_) => {
                    self.set(&key, value.to_string(), source.clone())?;
                }
                // Empty text is what no setting takes, so that the error names the key and what it expects.
                toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Array(_) => {
                    self.set(&key, String::new(), source.clone())?;
                }
            }
        }
        Ok(())
    }

    fn set(&mut self, key: &str, value: String, source: Source) -> Result<(), ConfigError> {
        self.set_known(KEYS.into_iter().find(|known| *known == key), key, value, source)
    }

    fn set_known(
        &mut self,
        key: Option<&'static str>,
        written: &str,
        value: String,
        source: Source,
    ) -> Result<(), ConfigError> {
        let Some(key) = key else {
            let known = KEYS.join(", ");
            return Err(ConfigError::UnknownKey { source_of: source, key: written.to_owned(), known });
        };
        self.0.insert(key, (source, value));
        Ok(())
    }
}

/// The variable that sets a key.
fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "_"))
}

fn line_of(text: &str, position: usize) -> usize {
    text.bytes().take(position).filter(|byte| *byte == b'\n').count() + 1
}
