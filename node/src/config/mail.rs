//! What mails say, and in which language.

use super::error::ConfigError;
use super::keys::Values;
use std::path::PathBuf;
use std::str::FromStr;

/// A language in which mails are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Language {
    /// English.
    #[default]
    English,
    /// Portuguese as it is written in Brazil.
    BrazilianPortuguese,
}

impl Language {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::BrazilianPortuguese];

    /// Its tag (RFC 5646).
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::BrazilianPortuguese => "pt-BR",
        }
    }
}

impl FromStr for Language {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|language| language.as_str() == text).ok_or(())
    }
}

/// The texts of mails.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    /// In which language.
    pub(crate) language: Language,
    /// Templates that take the place of those that are compiled in.
    pub(crate) folder: Option<PathBuf>,
}

/// The texts that are set.
pub(super) fn texts(values: &Values) -> Result<Texts, ConfigError> {
    Ok(Texts {
        language: values.get("mail.language", "en or pt-BR")?.unwrap_or_default(),
        folder: values.get("mail.templates", "a path of a folder")?,
    })
}
